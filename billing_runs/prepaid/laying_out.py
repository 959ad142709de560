from odoo import models
from odoo.tools import SQL, format_date

from ...services.periods import Schedule
from .arithmetic import boundaries
from .gross import GrossPrices
from .rating_sql import PRICES


class BillingRun(models.Model):
    """What many prepaid services share, asked once in Python and laid out beside them: fiscal
    positions, prices with tax, periods, texts."""

    _inherit = "billing.run"

    def _lay_out_positions(self):
        """Set the fiscal position of each customer in ``prepaid_due``.

        Customers of one place are alike; those with a tax number or addresses of their own are
        asked one by one where fiscal positions look at that.
        """
        cr = self.env.cr
        positions = self.env["account.fiscal.position"]
        if not positions.search_count(positions._check_company_domain(self.company_id), limit=1):
            return
        cr.execute(
            """
            WITH batch AS (
                SELECT min(partner_id) AS first, max(partner_id) AS last FROM prepaid_due
            )
            SELECT array_agg(partner.id ORDER BY partner.id)
              FROM res_partner AS partner
             WHERE partner.id IN (SELECT partner_id FROM prepaid_due)
               AND partner.id BETWEEN (SELECT first FROM batch) AND (SELECT last FROM batch)
          GROUP BY partner.country_id, partner.state_id, partner.zip,
                   NULLIF(partner.vat, ''), partner.property_account_position_id,
                   CASE WHEN partner.id IN (
                             SELECT address.parent_id FROM res_partner AS address
                              WHERE address.parent_id BETWEEN (SELECT first FROM batch)
                                                          AND (SELECT last FROM batch)
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
                    UPDATE prepaid_due AS due SET position_id = found.position_id
                      FROM unnest(%s::int[], %s::int[]) AS found (partner_id, position_id)
                     WHERE due.partner_id = found.partner_id
                    """,
                    *map(list, zip(*found, strict=True)),
                )
            )

    def _lay_out_prices(self):
        """Fill ``prepaid_price``: what each price of ``prepaid_line`` comes to with tax."""
        cr = self.env.cr
        cr.execute(PRICES)
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
        self._lay_out("prepaid_price", {"id": "bigint", "gross": "numeric"}, [ids, gross])

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
        columns = {"scheme_id": "int", "anchor": "date", "full_start": "date", "full_end": "date"}
        self._lay_out("prepaid_period", columns, zip(*rows, strict=True))

    def _lay_out_texts(self):
        """Fill ``prepaid_text`` and ``prepaid_day``: the words of charges in each language."""
        cr = self.env.cr
        cr.execute("SELECT DISTINCT lang FROM prepaid_due")
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
        columns = {"lang": "text", "product_id": "int", "pattern": "text", "product": "text"}
        self._lay_out("prepaid_text", columns, zip(*texts, strict=True))
        columns = {"lang": "text", "day": "date", "text": "text"}
        self._lay_out("prepaid_day", columns, zip(*names, strict=True))

    def _lay_out(self, table: str, columns: dict, values):
        """Make a temporary table of values, and have the database look how many there are.

        :param columns: ``{name: SQL type}``
        :param values: a list a column; none at all for no rows
        """
        values = [list(column) for column in values] or [[] for _name in columns]
        arrays = [
            SQL("%s::%s[]", column, SQL(kind))  # pylint: disable=sql-injection
            for column, kind in zip(values, columns.values(), strict=True)
        ]
        self.env.cr.execute(
            SQL(
                "CREATE TEMPORARY TABLE %s ON COMMIT DROP AS SELECT * FROM unnest(%s) AS laid (%s)",
                SQL.identifier(table),
                SQL(", ").join(arrays),
                SQL(", ").join(map(SQL.identifier, columns)),
            )
        )
        self.env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
