"""The statements by which many prices change at once. ``price_…`` are temporary tables.

``models/billing_service_prices.py`` changes the prices of a single service in Python: the plain
reference, to which these come.
"""

DROP = "DROP TABLE IF EXISTS price_item, price_rule, price_line, price_slow"

#: the services of a change, by what it was given
SCOPES = {
    "tariff": "service.tariff_id = ANY(%(ids)s)",
    "tag": """EXISTS (SELECT 1 FROM res_partner_res_partner_category_rel AS tagged
                       WHERE tagged.category_id = ANY(%(ids)s)
                         AND tagged.partner_id IN (partner.id, partner.commercial_partner_id))""",
    "service": "service.id = ANY(%(ids)s)",
}

# What is priced of them: a row for each service and one for each of its add-ons in the change.
ITEMS = """
    CREATE TEMPORARY TABLE price_item ON COMMIT DROP AS
    WITH service AS MATERIALIZED (
        SELECT service.*, partner.commercial_partner_id AS customer_id, tariff.product_id,
               tariff.price AS tariff_price,
               CASE scheme.interval_unit
                    WHEN 'day' THEN scheme.interval_number * 12 / 365.2425
                    WHEN 'week' THEN scheme.interval_number * 7 * 12 / 365.2425
                    WHEN 'year' THEN scheme.interval_number * 12.0
                    ELSE scheme.interval_number::numeric END AS months
          FROM billing_service AS service
          JOIN res_partner AS partner ON partner.id = service.partner_id
          JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
          JOIN billing_term_scheme AS scheme ON scheme.id = tariff.term_scheme_id
         WHERE service.company_id = %(company)s
           AND service.state <> 'cancelled'
           AND (%(scope)s)
    )
    SELECT item.*, currency.rounding AS coin,
           CASE WHEN item.state = 'terminated' OR item.date_end <= %(date)s THEN 'ended'
                WHEN item.state = 'ordered' THEN 'not_active'
                WHEN item.old_price = 0 THEN 'free'
                WHEN item.own_price AND %(keep_own)s THEN 'own_price'
                WHEN item.currency_id <> COALESCE(%(currency)s, item.currency_id)
                THEN 'currency'
                WHEN item.terms_count > 0 AND item.terms_from > %(date)s THEN 'later_terms'
                WHEN EXISTS (SELECT 1 FROM billing_price_change_line AS line
                              WHERE line.service_id = item.service_id
                                AND line.addon_line_id IS NOT DISTINCT FROM item.addon_line_id
                                AND line.change_id <> %(change)s
                                AND line.state = 'scheduled')
                THEN 'waiting' END AS reason
      FROM (SELECT service.id AS service_id, NULL::int AS addon_line_id, NULL::int AS addon_id,
                   service.tariff_id, service.product_id, service.partner_id,
                   service.customer_id, service.currency_id, service.state, service.date_end,
                   service.terms_from, service.terms_count, service.months, service.quantity,
                   COALESCE(service.discount, 0) AS discount,
                   COALESCE(service.price, 0) <> 0 AS own_price,
                   COALESCE(NULLIF(service.price, 0), service.tariff_price, 0) AS old_price
              FROM service
             UNION ALL
            SELECT service.id, line.id, addon.id, service.tariff_id, addon.product_id,
                   service.partner_id, service.customer_id, service.currency_id, service.state,
                   service.date_end, service.terms_from, service.terms_count, service.months,
                   GREATEST(line.quantity - COALESCE(addon.included, 0), 0), 0,
                   COALESCE(line.own_price, 0) <> 0,
                   COALESCE(NULLIF(line.own_price, 0), addon.price, 0)
              FROM service
              JOIN billing_service_addon AS line ON line.service_id = service.id AND line.active
              JOIN billing_tariff_addon AS addon ON addon.id = line.addon_id
             WHERE %(all_addons)s OR addon.id = ANY(%(addons)s)) AS item
      JOIN res_currency AS currency ON currency.id = item.currency_id
"""
# Those that came to a tariff since its change was worked out, and pay what the tariff costs.
NEWCOMERS = """
    DELETE FROM price_item AS item
     WHERE item.reason IS NOT NULL
        OR item.own_price
        OR EXISTS (SELECT 1 FROM billing_price_change_line AS line
                    WHERE line.change_id = %(change)s
                      AND line.service_id = item.service_id
                      AND line.addon_line_id IS NOT DISTINCT FROM item.addon_line_id)
"""
LINES = """
    INSERT INTO billing_price_change_line
           (change_id, company_id, date, state, reason, service_id, partner_id, customer_id,
            tariff_id, addon_line_id, addon_id, product_id, currency_id, quantity, own_price,
            tariff_wide, old_price, new_price, old_monthly, new_monthly, difference_monthly,
            create_uid, create_date, write_uid, write_date)
    SELECT %(change)s, %(company)s, %(date)s,
           CASE WHEN priced.reason IS NULL THEN %(state)s ELSE 'left_out' END, priced.reason,
           priced.service_id, priced.partner_id, priced.customer_id, priced.tariff_id,
           priced.addon_line_id, priced.addon_id, priced.product_id, priced.currency_id,
           priced.quantity, priced.own_price, %(by_tariff)s AND NOT priced.own_price,
           priced.old_price, priced.new_price, priced.old_monthly, priced.new_monthly,
           priced.new_monthly - priced.old_monthly,
           %(uid)s, %(now)s, %(uid)s, %(now)s
      FROM (SELECT item.*, made.new_price,
                   round(item.old_price * item.quantity * (1 - item.discount / 100)
                         / item.months / item.coin) * item.coin AS old_monthly,
                   round(made.new_price * item.quantity * (1 - item.discount / 100)
                         / item.months / item.coin) * item.coin AS new_monthly
              FROM (SELECT item.service_id, item.addon_line_id, item.addon_id, item.tariff_id,
                           item.product_id, item.partner_id, item.customer_id, item.currency_id,
                           item.months, item.quantity, item.discount, item.own_price,
                           item.old_price, item.coin,
                           CASE WHEN item.reason IS NOT NULL THEN item.reason
                                WHEN rule.new_price <= 0 THEN 'zero'
                                WHEN rule.new_price = item.old_price THEN 'same'
                            END AS reason,
                           rule.new_price AS by_rule
                      FROM price_item AS item
                      JOIN price_rule AS rule
                        ON rule.currency_id = item.currency_id
                       AND rule.old_price = item.old_price
                     WHERE item.reason IS DISTINCT FROM 'ended' OR %(list_ended)s) AS item
        CROSS JOIN LATERAL (SELECT CASE WHEN item.reason IS NULL THEN item.by_rule
                                        ELSE item.old_price END AS new_price) AS made) AS priced
  ORDER BY priced.customer_id, priced.service_id, priced.addon_line_id NULLS FIRST
"""
CUSTOMERS = """
    INSERT INTO billing_price_change_customer AS known
           (change_id, company_id, partner_id, currency_id, state, service_count, old_monthly,
            new_monthly, difference_monthly, create_uid, create_date, write_uid, write_date)
    SELECT %(change)s, %(company)s, line.customer_id, line.currency_id,
           CASE WHEN %(notice)s THEN 'waiting' ELSE 'not_told' END,
           count(DISTINCT line.service_id) FILTER (WHERE line.live),
           COALESCE(sum(line.old_monthly) FILTER (WHERE line.live), 0),
           COALESCE(sum(line.new_monthly) FILTER (WHERE line.live), 0),
           COALESCE(sum(line.difference_monthly) FILTER (WHERE line.live), 0),
           %(uid)s, %(now)s, %(uid)s, %(now)s
      FROM (SELECT *, state IN ('draft', 'scheduled', 'applied') AS live
              FROM billing_price_change_line
             WHERE change_id = %(change)s AND state <> 'left_out') AS line
  GROUP BY line.customer_id, line.currency_id
        ON CONFLICT (change_id, partner_id, currency_id) DO UPDATE
       SET service_count = excluded.service_count,
           old_monthly = excluded.old_monthly,
           new_monthly = excluded.new_monthly,
           difference_monthly = excluded.difference_monthly,
           write_uid = excluded.write_uid,
           write_date = excluded.write_date
"""
# Part periods in arrears are due on the day before the new price.
DUE_SOONER = """
    UPDATE billing_service AS service
       SET next_billing_date = %(date)s::date - 1
      FROM billing_tariff AS tariff
      JOIN billing_term_scheme AS scheme ON scheme.id = tariff.term_scheme_id
     WHERE tariff.id = service.tariff_id
       AND scheme.timing = 'arrears'
       AND scheme.proration = 'daily'
       AND scheme.classification = 'postpaid'
       AND service.rated_up_to < %(date)s
       AND service.next_billing_date >= %(date)s
       AND EXISTS (SELECT 1 FROM billing_price_change_line AS line
                    WHERE line.change_id = %(change)s
                      AND line.service_id = service.id
                      AND line.state = 'scheduled')
"""

# === ON THE DAY === #

# What is not any more as it was when the change was scheduled.
LEAVE_OUT = """
    UPDATE billing_price_change_line AS line
       SET state = 'left_out', reason = found.reason, write_uid = %(uid)s, write_date = %(now)s
      FROM (SELECT line.id,
                   CASE WHEN service.state NOT IN ('active', 'suspended')
                          OR service.date_end <= line.date THEN 'ended'
                        WHEN service.tariff_id <> line.tariff_id THEN 'other_tariff'
                        WHEN addon_line.active IS FALSE THEN 'addon_gone'
                        WHEN service.terms_count > 0 AND service.terms_from > line.date
                        THEN 'later_terms'
                        WHEN line.old_price <> CASE
                             WHEN line.addon_line_id IS NULL
                             THEN COALESCE(NULLIF(service.price, 0), tariff.price, 0)
                             ELSE COALESCE(NULLIF(addon_line.own_price, 0), addon.price, 0) END
                        THEN 'other_price' END AS reason
              FROM billing_price_change_line AS line
              JOIN billing_service AS service ON service.id = line.service_id
              JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
         LEFT JOIN billing_service_addon AS addon_line ON addon_line.id = line.addon_line_id
         LEFT JOIN billing_tariff_addon AS addon ON addon.id = addon_line.addon_id
             WHERE line.change_id = %(change)s
               AND line.state = 'scheduled') AS found
     WHERE found.id = line.id
       AND found.reason IS NOT NULL
 RETURNING line.service_id
"""
# The prices that change, with what the database knows of how many they are.
SCHEDULED_LINES = """
    CREATE TEMPORARY TABLE price_line ON COMMIT DROP AS
    SELECT id, service_id, addon_line_id, date, tariff_wide, new_price
      FROM billing_price_change_line
     WHERE change_id = %(change)s
       AND state = 'scheduled'
"""
# Services with charges of days from then on at another price, and those that bill whole periods,
# one of which may go on beyond the day: they are settled one by one.
SLOW = """
    CREATE TEMPORARY TABLE price_slow ON COMMIT DROP AS
    SELECT DISTINCT line.service_id
      FROM price_line AS line
      JOIN billing_service AS service ON service.id = line.service_id
      JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
      JOIN billing_term_scheme AS scheme ON scheme.id = tariff.term_scheme_id
     WHERE (scheme.proration = 'none' AND service.rated_up_to <> line.date
            OR service.rated_up_to > line.date
               AND (scheme.classification = 'prepaid'
                    OR EXISTS (SELECT 1 FROM billing_charge AS charge
                                WHERE charge.service_id = service.id
                                  AND charge.kind IN ('recurring', 'addon', 'adjustment')
                                  AND charge.full_start IS NOT NULL
                                  AND charge.credited_id IS NULL
                                  AND charge.state <> 'void'
                                  AND charge.period_end > line.date
                                  AND charge.addon_line_id
                                      IS NOT DISTINCT FROM line.addon_line_id
                                  AND charge.full_price <> line.new_price)))
"""
VERSIONS = """
    INSERT INTO billing_service_version
           (service_id, company_id, date_from, date_to, partner_id, tariff_id, term_scheme_id,
            quantity, price, discount, anchor_date, lines, create_uid, create_date, write_uid,
            write_date)
    SELECT service.id, service.company_id, past.start, %(date)s, service.partner_id,
           service.tariff_id, tariff.term_scheme_id, service.quantity,
           COALESCE(NULLIF(service.price, 0), tariff.price), service.discount,
           service.anchor_date, priced.lines, %(uid)s, %(now)s, %(uid)s, %(now)s
      FROM (SELECT DISTINCT line.service_id
              FROM price_line AS line
             WHERE line.service_id NOT IN (SELECT service_id FROM price_slow)) AS changed
      JOIN billing_service AS service ON service.id = changed.service_id
      JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
 LEFT JOIN (SELECT version.service_id, max(version.date_to) AS date_to
              FROM billing_service_version AS version
             WHERE version.service_id IN (SELECT service_id FROM price_line)
          GROUP BY version.service_id) AS known ON known.service_id = service.id
CROSS JOIN LATERAL (
        SELECT COALESCE(known.date_to, service.date_start) AS start) AS past
CROSS JOIN LATERAL (
        SELECT COALESCE(jsonb_agg(item.line ORDER BY item.place), '[]') AS lines
          FROM (SELECT 0 AS place,
                       jsonb_build_array('recurring', tariff.product_id, NULL,
                           COALESCE(NULLIF(service.price, 0), tariff.price)::text,
                           service.quantity::text, COALESCE(service.discount, 0)::text) AS line
                 WHERE COALESCE(NULLIF(service.price, 0), tariff.price, 0) <> 0
                 UNION ALL
                SELECT addon_line.id,
                       jsonb_build_array('addon', addon.product_id, addon_line.id,
                           COALESCE(NULLIF(addon_line.own_price, 0), addon.price)::text,
                           (addon_line.quantity - COALESCE(addon.included, 0))::text, '0')
                  FROM billing_service_addon AS addon_line
                  JOIN billing_tariff_addon AS addon ON addon.id = addon_line.addon_id
                 WHERE addon_line.service_id = service.id
                   AND addon_line.active
                   AND COALESCE(NULLIF(addon_line.own_price, 0), addon.price, 0) <> 0
                   AND addon_line.quantity > COALESCE(addon.included, 0)) AS item) AS priced
     WHERE past.start < %(date)s
"""
MOVE_TERMS = """
    UPDATE billing_service AS service
       SET terms_from = GREATEST(%(date)s, service.terms_from),
           terms_count = COALESCE(service.terms_count, 0) + 1,
           change_count = COALESCE(service.change_count, 0) + 1,
           write_uid = %(uid)s,
           write_date = %(now)s
     WHERE service.id IN (SELECT line.service_id
                            FROM price_line AS line)
       AND service.id NOT IN (SELECT service_id FROM price_slow)
"""
OWN_PRICES = """
    UPDATE billing_service AS service
       SET price = line.new_price, write_uid = %(uid)s, write_date = %(now)s
      FROM price_line AS line
     WHERE line.addon_line_id IS NULL
       AND NOT line.tariff_wide
       AND service.id = line.service_id
"""
OWN_ADDON_PRICES = """
    UPDATE billing_service_addon AS addon_line
       SET own_price = line.new_price, write_uid = %(uid)s, write_date = %(now)s
      FROM price_line AS line
     WHERE NOT line.tariff_wide
       AND addon_line.id = line.addon_line_id
"""
# Who paid what the tariff costs and does not take part keeps what it cost until now.
FREEZE = """
    UPDATE billing_service AS service
       SET price = rate.old_price, write_uid = %(uid)s, write_date = %(now)s
      FROM billing_price_change_tariff AS rate
     WHERE rate.change_id = %(change)s
       AND rate.addon_id IS NULL
       AND service.tariff_id = rate.tariff_id
       AND COALESCE(service.price, 0) = 0
       AND service.state IN ('active', 'suspended', 'terminated')
       AND NOT EXISTS (SELECT 1 FROM price_line AS line
                        WHERE line.service_id = service.id
                          AND line.addon_line_id IS NULL)
"""
FREEZE_ADDONS = """
    UPDATE billing_service_addon AS addon_line
       SET own_price = rate.old_price, write_uid = %(uid)s, write_date = %(now)s
      FROM billing_price_change_tariff AS rate, billing_service AS service
     WHERE rate.change_id = %(change)s
       AND addon_line.addon_id = rate.addon_id
       AND addon_line.active
       AND COALESCE(addon_line.own_price, 0) = 0
       AND service.id = addon_line.service_id
       AND service.state IN ('active', 'suspended', 'terminated')
       AND NOT EXISTS (SELECT 1 FROM price_line AS line
                        WHERE line.addon_line_id = addon_line.id)
"""
MOVE_LINES = """
    UPDATE billing_price_change_line
       SET state = %(to)s, write_uid = %(uid)s, write_date = %(now)s
     WHERE change_id = %(change)s
       AND state = %(from)s
"""
