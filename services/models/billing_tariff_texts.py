from odoo import models
from odoo.tools import formatLang


class BillingTariff(models.Model):
    """Tariffs in customers' words."""

    _inherit = "billing.tariff"

    def _tax_text(self) -> str:
        """Return how the prices are meant."""
        self.ensure_one()
        return self.env._("tax included") if self.price_includes_tax else self.env._("before tax")

    def _price_text(self, amount) -> str:
        """Return an amount a period, as people read it, with as many decimals as it has."""
        self.ensure_one()
        return self.env._(
            "%(amount)s %(interval)s, %(tax)s",
            amount=self._money_text(amount),
            interval=self.term_scheme_id._interval_text(),
            tax=self._tax_text(),
        )

    def _money_text(self, amount) -> str:
        self.ensure_one()
        currency, amount = self.currency_id, float(amount)
        whole = currency.is_zero(amount) or not round(amount - currency.round(amount), 9)
        dp = None if whole else "Product Price"
        return formatLang(self.env, amount, dp=dp, currency_obj=currency)
