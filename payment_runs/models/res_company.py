from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..accounts import compact_creditor_id, is_creditor_id


class ResCompany(models.Model):
    """What the company needs to collect by direct debit."""

    _inherit = "res.company"

    billing_creditor_id = fields.Char(
        string="Creditor Identifier",
        help="The SEPA creditor identifier that the company got from its bank or central bank.",
    )
    billing_creditor_name = fields.Char(
        string="Creditor Name", help="As mandates and files name the company. Empty: its name."
    )

    @api.constrains("billing_creditor_id")
    def _check_billing_creditor_id(self):
        for company in self:
            if company.billing_creditor_id and not is_creditor_id(company.billing_creditor_id):
                raise ValidationError(
                    self.env._(
                        "“%s” is no SEPA creditor identifier: country, two check digits, three "
                        "characters and a national number. Copy it from the bank's letter.",
                        company.billing_creditor_id,
                    )
                )

    def _creditor_id(self) -> str:
        """Return the creditor identifier as it stands in files, empty where there is none."""
        self.ensure_one()
        return compact_creditor_id(self.sudo().billing_creditor_id)

    def _creditor_name(self) -> str:
        """Return the name by which mandates and files know the company."""
        self.ensure_one()
        company = self.sudo()
        return company.billing_creditor_name or company.name
