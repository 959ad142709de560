"""The statements by which prepaid services are rated. ``prepaid_…`` are temporary tables of a batch.

``service.py`` charges single services in Python: the plain reference, to which these come to the cent.
"""

from odoo.tools import SQL

TABLES = (
    *("prepaid_due", "prepaid_line", "prepaid_price", "prepaid_period", "prepaid_part"),
    *("prepaid_text", "prepaid_day", "prepaid_charge", "prepaid_burn", "wallet_debit"),
)
DROP = SQL("DROP TABLE IF EXISTS %s", SQL(", ").join(map(SQL.identifier, TABLES)))

# A batch is a small part of its tables: it is found by indexes, not by reading all of them. Compiling
# these statements never pays.
SETTINGS = "SELECT set_config('random_page_cost', '1.1', TRUE), set_config('jit', 'off', TRUE)"
# What is read of services.
OF_SERVICE = (
    *("id", "partner_id", "currency_id", "tariff_id", "number", "name", "price", "quantity"),
    *("discount", "rated_up_to", "date_start", "date_end", "date_suspended", "anchor_date"),
    *("terms_from", "terms_count", "setup_due", "ctid"),
)
# The services of the batch: a row a service, with the days [rated_up_to, stop) to charge and what
# its customer's place says.
DUE = """
    CREATE TEMPORARY TABLE prepaid_due ON COMMIT DROP AS
    WITH service AS MATERIALIZED (%(services)s)
    SELECT service.id, service.partner_id, partner.commercial_partner_id AS customer_id,
           service.currency_id, service.rated_up_to, service.date_start, service.date_end,
           CASE WHEN scheme.bill_suspended IS NOT TRUE THEN service.date_suspended END AS paused,
           service.terms_count, concat_ws(' ', service.number, NULLIF(service.name, '')) AS name,
           tariff.product_id, scheme.id AS scheme_id, scheme.proration = 'none' AS whole,
           CASE WHEN scheme.alignment = 'anniversary' THEN service.anchor_date END AS anchor,
           COALESCE(NULLIF(service.price, 0), tariff.price) AS price,
           service.quantity, COALESCE(service.discount, 0) AS discount, service.ctid AS place,
           LEAST(%(after)s::date, service.date_end,
                 CASE WHEN scheme.bill_suspended IS NOT TRUE
                      THEN service.date_suspended END) AS stop,
           0 AS position_id, COALESCE(partner.lang, %(lang)s) AS lang,
           service.setup_due OR service.rated_up_to < service.terms_from
           OR EXISTS (SELECT 1 FROM billing_price_change_line AS coming
                       WHERE coming.service_id = service.id
                         AND coming.state = 'scheduled'
                         AND coming.date < %(after)s)
           OR NOT (product.active AND partner.active AND currency.active)
           OR EXISTS (SELECT 1 FROM billing_service_addon AS line
                        JOIN billing_tariff_addon AS addon ON addon.id = line.addon_id
                        JOIN product_product AS part ON part.id = addon.product_id
                       WHERE line.service_id = service.id AND NOT part.active) AS unusual
      FROM service
      JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
      JOIN billing_term_scheme AS scheme ON scheme.id = tariff.term_scheme_id
      JOIN product_product AS product ON product.id = tariff.product_id
      JOIN res_currency AS currency ON currency.id = service.currency_id
      JOIN res_partner AS partner
        ON partner.id = service.partner_id
       AND partner.commercial_partner_id BETWEEN %(first)s AND %(last)s
"""
# What each service is charged for. Lines of one price, for customers of one fiscal position, cost
# the same, so that they are priced once.
LINES = """
    CREATE TEMPORARY TABLE prepaid_line ON COMMIT DROP AS
    SELECT lines.*,
           dense_rank() OVER (ORDER BY product_id, position_id, currency_id, price, quantity,
                                       discount) AS price_id
      FROM (SELECT due.id AS service_id, 'recurring' AS kind, due.product_id,
                   NULL::int AS addon_line_id, due.position_id, due.currency_id, due.price,
                   due.quantity, due.discount
              FROM prepaid_due AS due
             WHERE due.price <> 0
             UNION ALL
            SELECT due.id, 'addon', addon.product_id, line.id, due.position_id, due.currency_id,
                   COALESCE(NULLIF(line.own_price, 0), addon.price),
                   line.quantity - COALESCE(addon.included, 0), 0
              FROM prepaid_due AS due
              JOIN billing_service_addon AS line ON line.service_id = due.id AND line.active
              JOIN billing_tariff_addon AS addon ON addon.id = line.addon_id
             WHERE COALESCE(NULLIF(line.own_price, 0), addon.price) <> 0
               AND line.quantity > COALESCE(addon.included, 0)) AS lines
"""
PRICES = """
    SELECT DISTINCT ON (price_id)
           price_id, product_id, position_id, currency_id, price, quantity, discount
      FROM prepaid_line
  ORDER BY price_id
"""
# The days of each service, cut where its periods begin.
PARTS = """
    CREATE TEMPORARY TABLE prepaid_part ON COMMIT DROP AS
    SELECT due.id AS service_id, period.full_start, period.full_end,
           GREATEST(period.full_start, due.rated_up_to) AS first,
           CASE WHEN due.whole THEN period.full_end
                ELSE LEAST(period.full_end, due.stop) END AS after,
           due.whole
      FROM prepaid_due AS due
      JOIN prepaid_period AS period
        ON period.scheme_id = due.scheme_id
       AND period.anchor IS NOT DISTINCT FROM due.anchor
       AND period.full_start < due.stop
       AND period.full_end > due.rated_up_to
"""
CHARGES = """
    CREATE TEMPORARY TABLE prepaid_charge ON COMMIT DROP AS
    SELECT nextval('billing_charge_id_seq')::int AS id, priced.*
      FROM (SELECT due.id AS service_id, due.partner_id, due.customer_id, due.currency_id,
                   due.lang, due.name, line.kind, line.product_id, line.addon_line_id,
                   line.quantity, line.discount, part.first, part.after,
                   CASE WHEN part.whole THEN part.first ELSE part.full_start END AS full_start,
                   part.full_end, price.gross,
                   NULLIF(line.quantity * (1 - line.discount / 100), 0) AS factor,
                   CASE WHEN part.whole THEN price.gross
                        ELSE round(price.gross * (part.after - part.full_start)
                                   / ((part.full_end - part.full_start) * currency.rounding))
                             * currency.rounding
                           - round(price.gross * (part.first - part.full_start)
                                   / ((part.full_end - part.full_start) * currency.rounding))
                             * currency.rounding
                    END AS amount,
                   'service:' || due.id || ':'
                        || CASE WHEN line.kind = 'addon' THEN 'addon:' || line.addon_line_id
                                ELSE 'recurring' END
                        || ':' || part.first
                        || CASE WHEN due.terms_count > 0 THEN ':' || due.terms_count ELSE '' END
                   AS source_key
              FROM prepaid_part AS part
              JOIN prepaid_due AS due ON due.id = part.service_id
              JOIN prepaid_line AS line ON line.service_id = part.service_id
              JOIN prepaid_price AS price ON price.id = line.price_id
              JOIN res_currency AS currency ON currency.id = due.currency_id
          ORDER BY due.id, part.first, line.kind DESC, line.addon_line_id) AS priced
"""
# The services are locked: nobody else charges them meanwhile.
DROP_CHARGED = """
    DELETE FROM prepaid_charge AS made
     WHERE EXISTS (SELECT 1 FROM billing_charge AS charge
                    WHERE charge.company_id = %(company)s
                      AND charge.source_key = made.source_key
                      AND charge.state <> 'void'
                   OFFSET 0)
"""
# Wallets that pay everything at once: of whose customers nothing else is open. A row a service.
PAID_AT_ONCE = """
    CREATE TEMPORARY TABLE wallet_debit ON COMMIT DROP AS
    WITH waiting AS MATERIALIZED (
        SELECT DISTINCT partner.commercial_partner_id AS customer_id
          FROM billing_charge AS charge
          JOIN res_partner AS partner ON partner.id = charge.partner_id
         WHERE charge.company_id = %(company)s
           AND charge.state = 'rated'
           AND charge.service_id IS NOT NULL
           AND partner.commercial_partner_id BETWEEN %(first)s AND %(last)s
    ), asked AS (
        SELECT owed.*, wallet.id AS wallet_id, wallet.balance, wallet.granted_balance,
               wallet.balance + COALESCE(wallet.credit_limit, 0) AS available,
               min(owed.amount) OVER (PARTITION BY wallet.id) AS least,
               sum(owed.amount) OVER (PARTITION BY wallet.id) AS total,
               sum(owed.amount) OVER (PARTITION BY wallet.id ORDER BY owed.service_id) AS spent
          FROM (SELECT service_id, currency_id, customer_id, min(id) AS charge_id,
                       sum(amount) AS amount
                  FROM prepaid_charge
              GROUP BY service_id, currency_id, customer_id) AS owed
          JOIN billing_wallet AS wallet
            ON wallet.partner_id = owed.customer_id
           AND wallet.partner_id BETWEEN %(first)s AND %(last)s
           AND wallet.company_id = %(company)s
           AND wallet.currency_id = owed.currency_id
           AND wallet.state = 'open'
         WHERE owed.customer_id NOT IN (SELECT customer_id FROM waiting)
    )
    SELECT charge_id, service_id, currency_id, customer_id, amount, wallet_id, balance,
           granted_balance, spent,
           CASE WHEN amount > 0 THEN nextval('billing_wallet_transaction_id_seq')::int
            END AS transaction_id
      FROM (SELECT * FROM asked WHERE least >= 0 AND total <= available
          ORDER BY wallet_id, service_id) AS paid
"""
NOTHING_AT_ONCE = """
    CREATE TEMPORARY TABLE wallet_debit (service_id int, transaction_id int) ON COMMIT DROP
"""
# Who made them is nobody but the run: no user is looked up for every row.
INSERT = """
    INSERT INTO billing_charge
           (id, name, partner_id, company_id, currency_id, service_id, addon_line_id, kind,
            product_id, period_start, period_end, full_start, full_end, full_price, quantity,
            price_unit, discount, amount, price_includes_tax, state, wallet_transaction_id,
            source_key, create_date, write_date)
    SELECT made.id, format(text.pattern, text.product, made.name, first_day.text, last_day.text),
           made.partner_id, %(company)s, made.currency_id, made.service_id, made.addon_line_id,
           made.kind, made.product_id, made.first, made.after, made.full_start, made.full_end,
           COALESCE(round(made.gross / made.factor, 10), 0), made.quantity,
           COALESCE(round(made.amount / made.factor, 10), 0), made.discount, made.amount, TRUE,
           CASE WHEN debit.service_id IS NULL THEN 'rated' ELSE 'settled' END,
           debit.transaction_id, made.source_key, %(now)s, %(now)s
      FROM prepaid_charge AS made
      JOIN prepaid_text AS text ON text.lang = made.lang AND text.product_id = made.product_id
      JOIN prepaid_day AS first_day ON first_day.lang = made.lang AND first_day.day = made.first
      JOIN prepaid_day AS last_day ON last_day.lang = made.lang AND last_day.day = made.after - 1
 LEFT JOIN wallet_debit AS debit ON debit.service_id = made.service_id
  ORDER BY made.id
"""
TOTALS = """
    SELECT currency.name, count(*), sum(made.amount)::text
      FROM prepaid_charge AS made
      JOIN res_currency AS currency ON currency.id = made.currency_id
  GROUP BY currency.name
"""
# Where a locked row lies finds it fastest: it stays there while only this transaction may write it.
MOVE_ON = """
    UPDATE billing_service AS service
       SET rated_up_to = rated.after,
           next_billing_date = CASE WHEN rated.after < LEAST(rated.date_end, rated.paused,
                                                             'infinity'::date)
                                    THEN rated.after END,
           write_uid = %(uid)s,
           write_date = %(now)s
      FROM (SELECT due.id, due.place, due.date_end, due.paused, max(part.after) AS after
              FROM prepaid_part AS part
              JOIN prepaid_due AS due ON due.id = part.service_id
          GROUP BY due.id, due.place, due.date_end, due.paused) AS rated
     WHERE service.ctid = rated.place
       AND service.id = rated.id
"""
