from odoo import api, fields, models
from odoo.fields import Domain

# What has to be looked at for an error: the record itself, or the one on which it is chosen.
_PARTNER_CODES = {
    "on_hold",
    "partner_archived",
    "no_receivable_account",
    "bank_archived",
    "rating_failed",
    "invoicing_failed",
    "posting_failed",
}
_PRODUCT_CODES = {"product_archived", "no_income_account", "tax_archived", "tax_country"}


class BillingBill(models.Model):
    """From a bill in error to the record that has to be fixed."""

    _inherit = "billing.bill"

    cause_ref = fields.Reference(
        selection=[
            ("res.partner", "Customer"),
            ("product.product", "Product"),
            ("account.tax", "Tax"),
            ("account.account", "Account"),
            ("account.journal", "Journal"),
            ("res.currency", "Currency"),
            ("account.move", "Document"),
            ("billing.run", "Billing Run"),
        ],
        string="To Fix",
        compute="_compute_cause_ref",
        help="Where the error is fixed. Then run the bills in error again.",
    )

    @api.depends("state", "error_code", "error_message")
    def _compute_cause_ref(self):
        for bill in self:
            cause = bill._cause() if bill.state == "error" else None
            bill.cause_ref = f"{cause._name},{cause.id}" if cause else False

    def _cause(self):
        """Return the record to fix, empty or None where no single one is known."""
        self.ensure_one()
        code = self.error_code
        if code in _PARTNER_CODES:
            return self.partner_id
        if code in _PRODUCT_CODES:
            return self._named(self._billed_products())
        if code == "tax_account_archived":
            return self._named(self._billed_products().taxes_id)
        if code == "account_currency":
            accounts = self.env["account.account"].with_company(self.company_id)
            return self._named(accounts.search([("currency_id", "!=", False)]))
        if code in ("currency_archived", "no_currency_rate"):
            return self.currency_id
        if code == "journal_archived":
            return self.run_id.cycle_id.journal_id
        if code == "formatting_failed":
            return self.move_ids[:1]
        return self.run_id

    def _billed_products(self):
        """Return the products, archived ones too, of what is due from the customer."""
        mine = Domain("partner_id", "=", self.partner_id.id) & Domain(
            "company_id", "=", self.company_id.id
        )
        charges = self.env["billing.charge"].search(mine & Domain("state", "=", "rated"))
        services = self.env["billing.service"].search(mine)
        tariffs = services.with_context(active_test=False).tariff_id
        products = charges.product_id | tariffs.product_id | tariffs.addon_ids.product_id
        return products.with_context(active_test=False)

    def _named(self, records):
        """Return the one of some records that the error names."""
        text = self.error_message or ""
        named = records.filtered(lambda record: record.display_name in text or record.name in text)
        # The longest name: others may be part of it.
        return named.sorted(lambda record: -len(record.display_name))[:1]
