from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from .. import price_sql
from ..price_rules import PriceRule, new_price
from ..proration import smallest_coin, to_decimal


class BillingPriceChange(models.Model):
    """Working a price change out: what becomes of each price, by sets.

    The database finds the services and their prices; each different price is put through the
    rule once, in Python; then the lines are written by one statement.
    """

    _inherit = "billing.price.change"

    def _work_out(self):
        """Write the lines of a draft anew.

        :raise UserError: nothing was chosen, or the rule leaves nothing of a tariff's price
        """
        self.ensure_one()
        self._check_chosen()
        self._forget_lines()
        self._make_tariff_lines()
        self._lay_out_items(self._scope_ids())
        self._write_lines("draft")
        self._sum_customers()
        self.env.cr.execute(price_sql.DROP)

    def _scope_ids(self) -> list[int]:
        """Return the ids of the chosen tariffs, tags or services."""
        fields_by_scope = {
            "tariff": "tariff_ids",
            "tag": "category_ids",
            "service": "service_ids",
        }
        return self[fields_by_scope[self.scope]].ids

    def _check_chosen(self):
        self.ensure_one()
        missing = {
            "tariff": self.env._("Choose the tariffs whose prices change."),
            "tag": self.env._("Choose the tags of the customers whose prices change."),
            "service": self.env._("Choose the services whose prices change."),
        }
        if not self._scope_ids():
            raise UserError(missing[self.scope])
        if self.addons == "chosen" and not self.addon_ids:
            raise UserError(self.env._("Choose the add-ons whose prices change."))

    def _forget_lines(self):
        """Take away what was worked out before."""
        drafts = self.filtered(lambda change: change.state == "draft")
        self.env.flush_all()
        for name in ("line", "customer", "tariff"):
            model = self.env[f"billing.price.change.{name}"]
            self.env.cr.execute(
                SQL(
                    "DELETE FROM %s WHERE change_id = ANY(%s)",
                    SQL.identifier(model._table),
                    drafts.ids,
                )
            )
            model.invalidate_model()
        self.invalidate_recordset()

    def _rule(self) -> PriceRule:
        self.ensure_one()
        if self.kind == "index":
            return PriceRule("index", to_decimal(self.index_to), to_decimal(self.index_from))
        return PriceRule(self.kind, to_decimal(self[self.kind]))

    def _new_price(self, price, currency):
        """Return what becomes of a price by the rule of this change."""
        digits = self.env["decimal.precision"].precision_get("Product Price")
        return new_price(price, self._rule(), self.rounding, smallest_coin(currency), digits)

    # === TARIFFS === #

    def _make_tariff_lines(self):
        """Write what becomes of the prices of the chosen tariffs and their add-ons."""
        if self.scope != "tariff":
            return
        rows = []
        for tariff in self.tariff_ids:
            if self.kind == "amount" and tariff.currency_id != self.currency_id:
                continue
            priced = [(tariff, None)]
            priced += [(addon, addon) for addon in self._priced_addons(tariff)]
            for record, addon in priced:
                if not record.price:
                    continue
                new = self._new_price(to_decimal(record.price), tariff.currency_id)
                if new <= 0:
                    raise UserError(
                        self.env._(
                            "Nothing would be left of the price of %s. Lower it by less.",
                            record.display_name,
                        )
                    )
                if new != to_decimal(record.price):
                    rows.append(
                        {
                            "change_id": self.id,
                            "tariff_id": tariff.id,
                            "addon_id": addon and addon.id,
                            "old_price": record.price,
                            "new_price": float(new),
                        }
                    )
        # Their rights were checked on the change: nobody writes these rows by hand.
        self.env["billing.price.change.tariff"].sudo().create(rows)

    def _priced_addons(self, tariff):
        """Return the add-ons of a tariff in this change, those that are sold no more included."""
        addons = tariff.with_context(active_test=False).addon_ids
        return {
            "none": addons.browse(),
            "all": addons,
            "chosen": addons & self.addon_ids,
        }[self.addons]

    # === LINES === #

    def _values(self) -> dict:
        """Return what the statements are given."""
        self.ensure_one()
        return {
            "change": self.id,
            "company": self.company_id.id,
            "date": self.date,
            "uid": self.env.uid,
            "now": self.env.cr.now(),
        }

    def _lay_out_items(self, ids: list[int]):
        """Lay out the prices of the services of some tariffs, tags or services."""
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(price_sql.DROP)
        scope = SQL(price_sql.SCOPES[self.scope], ids=ids)  # pylint: disable=sql-injection
        cr.execute(
            SQL(
                price_sql.ITEMS,
                scope=scope,
                keep_own=self.own_prices == "leave",
                currency=self.currency_id.id if self.kind == "amount" else None,
                all_addons=self.addons == "all",
                addons=self.addon_ids.ids if self.addons == "chosen" else [],
                **self._values(),
            )
        )

    def _lay_out_rules(self):
        """Put each different price that was laid out through the rule."""
        cr = self.env.cr
        cr.execute("SELECT DISTINCT currency_id, old_price::text FROM price_item")
        found = cr.fetchall()
        currencies = {
            currency.id: currency
            for currency in self.env["res.currency"].browse({row[0] for row in found})
        }
        made = [self._new_price(to_decimal(old), currencies[key]) for key, old in found]
        cr.execute(
            SQL(
                "CREATE TEMPORARY TABLE price_rule ON COMMIT DROP AS"
                " SELECT * FROM unnest(%s::int[], %s::numeric[], %s::numeric[])"
                " AS rule (currency_id, old_price, new_price)",
                [key for key, _old in found],
                [old for _key, old in found],
                made,
            )
        )
        cr.execute("ANALYZE price_item; ANALYZE price_rule")

    def _write_lines(self, state: str):
        """Write a line for each price that was laid out."""
        self._lay_out_rules()
        self.env.cr.execute(
            SQL(
                price_sql.LINES,
                state=state,
                by_tariff=self.scope == "tariff",
                list_ended=self.ended == "list",
                **self._values(),
            )
        )
        self.env["billing.price.change.line"].invalidate_model()
        self.env["billing.service"].invalidate_model(["coming_price_ids", "price_line_ids"])

    def _sum_customers(self):
        """Sum the lines up by customer; known customers keep how they were told."""
        self.env.flush_all()
        self.env.cr.execute(SQL(price_sql.CUSTOMERS, notice=self.with_notice, **self._values()))
        self.env["billing.price.change.customer"].invalidate_model()
        self.invalidate_recordset()

    # === WORDS === #

    @api.model
    def _day_text(self, day, lang=None) -> str:
        return format_date(self.env, day, lang_code=lang)

    def _index_text(self, lang=None) -> str:
        """Return from what to what the index has gone, in words; nothing for other changes."""
        self.ensure_one()
        if self.kind != "index":
            return ""
        env = self.with_context(lang=lang or self.env.lang).env

        def month(day):
            return format_date(env, day, date_format="MMMM y", lang_code=lang) if day else ""

        return env._(
            "%(index)s: %(old)s (%(old_month)s) → %(new)s (%(new_month)s)",
            index=self.index_name,
            old=f"{self.index_from:g}",
            old_month=month(self.index_from_month),
            new=f"{self.index_to:g}",
            new_month=month(self.index_to_month),
        ).replace(" ()", "")
