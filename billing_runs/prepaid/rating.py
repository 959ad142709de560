from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ...billing_tasks.crash_points import crash_point
from ...services.periods import Schedule
from .arithmetic import boundaries
from .gross import GrossPrices

ONE_DAY = timedelta(days=1)

# What the services of the batch that are rated by sets are charged for: a row a service, with the
# days [rated_up_to, stop) to charge.
DUE = """
    CREATE TEMPORARY TABLE prepaid_due ON COMMIT DROP AS
    SELECT service.id, service.partner_id, service.currency_id, service.rated_up_to,
           service.date_end, service.anchor_date, service.terms_count, service.number,
           service.name, tariff.product_id, scheme.id AS scheme_id,
           scheme.proration = 'none' AS whole,
           CASE WHEN scheme.alignment = 'anniversary' THEN service.anchor_date END AS anchor,
           COALESCE(NULLIF(service.price, 0), tariff.price) AS price,
           service.quantity, COALESCE(service.discount, 0) AS discount,
           LEAST(%(after)s::date, service.date_end,
                 CASE WHEN scheme.bill_suspended IS NOT TRUE
                      THEN service.date_suspended END) AS stop
      FROM billing_service AS service
      JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
      JOIN billing_term_scheme AS scheme ON scheme.id = tariff.term_scheme_id
     WHERE service.id = ANY(%(services)s)
"""
LINES = """
    CREATE TEMPORARY TABLE prepaid_line ON COMMIT DROP AS
    SELECT due.id AS service_id, 'recurring' AS kind, due.product_id, NULL::int AS addon_line_id,
           due.price, due.quantity, due.discount
      FROM prepaid_due AS due
     WHERE due.price <> 0
     UNION ALL
    SELECT due.id, 'addon', addon.product_id, line.id,
           addon.price, line.quantity - COALESCE(addon.included, 0), 0
      FROM prepaid_due AS due
      JOIN billing_service_addon AS line ON line.service_id = due.id AND line.active
      JOIN billing_tariff_addon AS addon ON addon.id = line.addon_id
     WHERE addon.price <> 0
       AND line.quantity > COALESCE(addon.included, 0)
"""
# Services of one price, for customers of one fiscal position, cost the same.
PRICES = """
    CREATE TEMPORARY TABLE prepaid_price ON COMMIT DROP AS
    SELECT row_number() OVER () AS id, prices.*, NULL::numeric AS gross
      FROM (SELECT DISTINCT line.product_id, place.position_id, due.currency_id,
                   line.price, line.quantity, line.discount
              FROM prepaid_line AS line
              JOIN prepaid_due AS due ON due.id = line.service_id
              JOIN prepaid_position AS place USING (partner_id)) AS prices
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
    WITH priced AS (
        SELECT part.service_id, line.kind, line.product_id, line.addon_line_id, line.quantity,
               line.discount, part.first, part.after,
               CASE WHEN part.whole THEN part.first ELSE part.full_start END AS full_start,
               part.full_end, price.gross, currency.rounding AS coin,
               line.quantity * (1 - line.discount / 100) AS factor,
               CASE WHEN part.whole THEN price.gross
                    ELSE round(price.gross * (part.after - part.full_start)
                               / ((part.full_end - part.full_start) * currency.rounding))
                         * currency.rounding
                       - round(price.gross * (part.first - part.full_start)
                               / ((part.full_end - part.full_start) * currency.rounding))
                         * currency.rounding
                END AS amount
          FROM prepaid_part AS part
          JOIN prepaid_due AS due ON due.id = part.service_id
          JOIN prepaid_line AS line ON line.service_id = part.service_id
          JOIN prepaid_position AS place ON place.partner_id = due.partner_id
          JOIN prepaid_price AS price
            ON price.product_id = line.product_id
           AND price.position_id = place.position_id
           AND price.currency_id = due.currency_id
           AND price.price = line.price
           AND price.quantity = line.quantity
           AND price.discount = line.discount
          JOIN res_currency AS currency ON currency.id = due.currency_id
    ), made AS (
    INSERT INTO billing_charge
           (name, partner_id, company_id, currency_id, service_id, addon_line_id, kind, product_id,
            period_start, period_end, full_start, full_end, full_price, quantity, price_unit,
            discount, amount, price_includes_tax, state, source_key,
            create_uid, create_date, write_uid, write_date)
    SELECT format(text.pattern, text.product, concat_ws(' ', due.number, NULLIF(due.name, '')),
                  first_day.text, last_day.text),
           due.partner_id, %(company)s, due.currency_id, priced.service_id, priced.addon_line_id,
           priced.kind, priced.product_id, priced.first, priced.after, priced.full_start,
           priced.full_end,
           COALESCE(round(priced.gross / NULLIF(priced.factor, 0), 10), 0), priced.quantity,
           COALESCE(round(priced.amount / NULLIF(priced.factor, 0), 10), 0), priced.discount,
           priced.amount, TRUE, 'rated',
           'service:' || priced.service_id || ':'
                || CASE WHEN priced.kind = 'addon' THEN 'addon:' || priced.addon_line_id
                        ELSE 'recurring' END
                || ':' || priced.first
                || CASE WHEN due.terms_count > 0 THEN ':' || due.terms_count ELSE '' END,
           %(uid)s, %(now)s, %(uid)s, %(now)s
      FROM priced
      JOIN prepaid_due AS due ON due.id = priced.service_id
      JOIN prepaid_position AS place ON place.partner_id = due.partner_id
      JOIN prepaid_text AS text ON text.lang = place.lang AND text.product_id = priced.product_id
      JOIN prepaid_day AS first_day
        ON first_day.lang = place.lang AND first_day.day = priced.first
      JOIN prepaid_day AS last_day
        ON last_day.lang = place.lang AND last_day.day = priced.after - 1
        ON CONFLICT (company_id, source_key) WHERE state <> 'void' DO NOTHING
 RETURNING currency_id, amount
    )
    SELECT currency.name, count(*), sum(made.amount)::text
      FROM made JOIN res_currency AS currency ON currency.id = made.currency_id
  GROUP BY currency.name
"""
MOVE_ON = """
    UPDATE billing_service AS service
       SET rated_up_to = rated.after,
           next_billing_date = CASE WHEN rated.after < LEAST(
               service.date_end,
               CASE WHEN rated.whole_paused THEN service.date_suspended END,
               'infinity'::date) THEN rated.after END,
           write_uid = %(uid)s,
           write_date = %(now)s
      FROM (SELECT part.service_id, max(part.after) AS after,
                   bool_or(scheme.bill_suspended IS NOT TRUE) AS whole_paused
              FROM prepaid_part AS part
              JOIN prepaid_due AS due ON due.id = part.service_id
              JOIN billing_term_scheme AS scheme ON scheme.id = due.scheme_id
          GROUP BY part.service_id) AS rated
     WHERE service.id = rated.service_id
"""
TABLES = SQL(
    "DROP TABLE IF EXISTS prepaid_due, prepaid_line, prepaid_position, prepaid_price,"
    " prepaid_period, prepaid_part, prepaid_text, prepaid_day"
)


class BillingRun(models.Model):
    """Rating prepaid services by sets: each day once, at gross prices.

    Everything that many services share is asked once, in Python: prices with tax, periods,
    texts. The rest are a handful of statements. What is out of the ordinary, set-up and
    days of past terms, goes the way of single services (``billing.service._rate``).
    """

    _inherit = "billing.run"

    def _rate_prepaid(self, first: int, last: int) -> dict:
        """Rate what is due of the customers whose ids lie between two.

        Repeating it, also from two workers at once, charges no day twice.

        :return: number of charges and services, and what they come to by currency
        """
        self.ensure_one()
        self.env["billing.wallet"]._expire(self.company_id, self.cutoff_date)
        services = self._due_services(first, last)
        services._lock_rows()
        services.invalidate_recordset()
        unusual = self._unusual(services)
        refused = self._refuse_prepaid(unusual)
        charges = (unusual - refused)._rate(self.cutoff_date)
        amounts = {}
        for charge in charges:
            key = charge.currency_id.name
            amounts[key] = amounts.get(key, 0) + Decimal(str(charge.amount))
        usual = services - unusual
        count = self._rate_set(usual, amounts) if usual else 0
        crash_point("prepaid.rated")
        services.invalidate_recordset()
        return {
            "services": len(services) - len(refused),
            "documents": len(charges) + count,
            "amounts": {code: str(amount) for code, amount in amounts.items()},
        }

    def _due_services(self, first: int, last: int, active_only: bool = False):
        """Return the services of which days are due, of the customers in a range.

        :param active_only: those that go on being served instead, whether or not a day is due
        """
        domain = self._service_domain() & Domain("date_start", "<=", self.cutoff_date)
        domain &= Domain("partner_id.commercial_partner_id", ">=", first)
        domain &= Domain("partner_id.commercial_partner_id", "<=", last)
        if active_only:
            domain &= Domain("state", "=", "active")
        else:
            domain &= Domain("state", "in", ("active", "suspended", "terminated"))
            domain &= Domain("next_billing_date", "<=", self.cutoff_date)
        return self.env["billing.service"].search(domain, order="id")

    def _unusual(self, services):
        """Return the services that are not rated by sets: with set-up, with unrated days of past
        terms, or whose records would be refused."""
        self.env.cr.execute(
            SQL(
                """
                SELECT service.id
                  FROM billing_service AS service
                  JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
                  JOIN product_product AS product ON product.id = tariff.product_id
                  JOIN res_partner AS partner ON partner.id = service.partner_id
                  JOIN res_currency AS currency ON currency.id = service.currency_id
                 WHERE service.id = ANY(%s)
                   AND (service.setup_due OR service.rated_up_to < service.terms_from
                        OR NOT (product.active AND partner.active AND currency.active)
                        OR EXISTS (SELECT 1 FROM billing_service_addon AS line
                                     JOIN billing_tariff_addon AS addon ON addon.id = line.addon_id
                                     JOIN product_product AS part ON part.id = addon.product_id
                                    WHERE line.service_id = service.id AND NOT part.active))
                """,
                services.ids,
            )
        )
        return services.browse(sorted(row[0] for row in self.env.cr.fetchall()))

    def _rate_set(self, services, amounts: dict) -> int:
        """Charge services by sets; add what comes of it to ``amounts``. Return how many charges."""
        cr = self.env.cr
        values = {
            "services": services.ids,
            "after": self.cutoff_date + ONE_DAY,
            "company": self.company_id.id,
            "uid": self.env.uid,
            "now": cr.now(),
        }
        self.env.flush_all()
        cr.execute(TABLES)
        cr.execute(SQL(DUE, **values))
        cr.execute("DELETE FROM prepaid_due WHERE rated_up_to >= stop")
        cr.execute("ANALYZE prepaid_due")
        cr.execute(SQL(LINES))
        self._lay_out_positions()
        self._lay_out_prices()
        self._lay_out_periods()
        cr.execute(SQL(PARTS))
        self._lay_out_texts()
        cr.execute("ANALYZE prepaid_part, prepaid_line")
        cr.execute(SQL(CHARGES, **values))
        made = cr.fetchall()
        for code, _count, amount in made:
            amounts[code] = amounts.get(code, 0) + Decimal(amount)
        cr.execute(SQL(MOVE_ON, **values))
        cr.execute(TABLES)
        self.env["billing.charge"].invalidate_model()
        return sum(count for _code, count, _amount in made)

    # === WHAT MANY SERVICES SHARE === #

    def _lay_out_positions(self):
        """Fill ``prepaid_position``: each customer's fiscal position and language.

        Customers of one place are alike; those with a tax number or addresses of their own are
        asked one by one where fiscal positions look at that.
        """
        cr = self.env.cr
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE prepaid_position ON COMMIT DROP AS
                SELECT partner.id AS partner_id, 0 AS position_id,
                       COALESCE(partner.lang, %s) AS lang
                  FROM res_partner AS partner
                 WHERE partner.id IN (SELECT partner_id FROM prepaid_due)
                """,
                self.env.lang or "en_US",
            )
        )
        positions = self.env["account.fiscal.position"]
        if not positions.search_count(positions._check_company_domain(self.company_id), limit=1):
            return
        cr.execute(
            """
            SELECT array_agg(partner.id ORDER BY partner.id)
              FROM res_partner AS partner
             WHERE partner.id IN (SELECT partner_id FROM prepaid_due)
          GROUP BY partner.country_id, partner.state_id, partner.zip,
                   NULLIF(partner.vat, ''), partner.property_account_position_id,
                   CASE WHEN EXISTS (SELECT 1 FROM res_partner AS address
                                      WHERE address.parent_id = partner.id
                                        AND address.type = 'delivery') THEN partner.id END
            """
        )
        prices = GrossPrices(self.env, self.company_id)
        partners = self.env["res.partner"]
        found = []
        for (alike,) in cr.fetchall():
            if position := prices.position(partners.browse(alike[0])):
                found += ((partner_id, position.id) for partner_id in alike)
        if found:
            cr.execute(
                SQL(
                    """
                    UPDATE prepaid_position AS place SET position_id = found.position_id
                      FROM unnest(%s::int[], %s::int[]) AS found (partner_id, position_id)
                     WHERE place.partner_id = found.partner_id
                    """,
                    *map(list, zip(*found, strict=True)),
                )
            )

    def _lay_out_prices(self):
        """Fill ``prepaid_price``: what each price comes to with tax."""
        cr = self.env.cr
        cr.execute(PRICES)
        cr.execute(
            "SELECT id, product_id, position_id, currency_id, price, quantity, discount"
            "  FROM prepaid_price ORDER BY id"
        )
        prices = GrossPrices(self.env, self.company_id)
        ids, gross = [], []
        for number, product, position, currency, *price in cr.fetchall():
            ids.append(number)
            gross.append(
                prices.gross(
                    self.env["product.product"].browse(product),
                    self.env["account.fiscal.position"].browse(position or ()),
                    self.env["res.currency"].browse(currency),
                    *price,
                )
            )
        cr.execute(
            SQL(
                """
                UPDATE prepaid_price AS price SET gross = found.gross
                  FROM unnest(%s::bigint[], %s::numeric[]) AS found (id, gross)
                 WHERE price.id = found.id
                """,
                ids,
                gross,
            )
        )

    def _lay_out_periods(self):
        """Fill ``prepaid_period``: the periods of each schedule that the batch touches."""
        cr = self.env.cr
        cr.execute(
            "SELECT scheme_id, anchor, min(rated_up_to), max(stop)"
            "  FROM prepaid_due GROUP BY scheme_id, anchor"
        )
        rows = []
        for scheme_id, anchor, start, stop in cr.fetchall():
            scheme = self.env["billing.term.scheme"].browse(scheme_id)
            schedule: Schedule = scheme._get_schedule(anchor or start)
            days = boundaries(schedule, start, stop)
            rows += ((scheme_id, anchor, *days[n : n + 2]) for n in range(len(days) - 1))
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE prepaid_period ON COMMIT DROP AS
                SELECT * FROM unnest(%s::int[], %s::date[], %s::date[], %s::date[])
                         AS period (scheme_id, anchor, full_start, full_end)
                """,
                *(map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])),
            )
        )

    def _lay_out_texts(self):
        """Fill ``prepaid_text`` and ``prepaid_day``: the words of charges in each language."""
        cr = self.env.cr
        cr.execute("SELECT DISTINCT lang FROM prepaid_position")
        languages = [lang for (lang,) in cr.fetchall()]
        cr.execute("SELECT DISTINCT product_id FROM prepaid_line")
        products = self.env["product.product"].browse([row[0] for row in cr.fetchall()])
        cr.execute("SELECT first FROM prepaid_part UNION SELECT after - 1 FROM prepaid_part")
        days = [day for (day,) in cr.fetchall()]
        texts, names = [], []
        for lang in languages:
            env = self.env(context={**self.env.context, "lang": lang})
            pattern = env._(
                "%(product)s, %(service)s, %(first)s - %(last)s",
                product="%1$s",
                service="%2$s",
                first="%3$s",
                last="%4$s",
            )
            named = products.with_env(env).with_context(display_default_code=False)
            texts += ((lang, product.id, pattern, product.display_name) for product in named)
            names += ((lang, day, format_date(env, day, lang_code=lang)) for day in days)
        empty = ([], [], [], [])
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE prepaid_text ON COMMIT DROP AS
                SELECT * FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[])
                         AS text (lang, product_id, pattern, product)
                """,
                *(map(list, zip(*texts, strict=True)) if texts else empty),
            )
        )
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE prepaid_day ON COMMIT DROP AS
                SELECT * FROM unnest(%s::text[], %s::date[], %s::text[])
                         AS day (lang, day, text)
                """,
                *(map(list, zip(*names, strict=True)) if names else empty[:3]),
            )
        )
