from odoo import api, fields, models

from .account_move_line import BILLING_GROUP


class ResPartner(models.Model):
    """Whether a customer gets the calls of a bill, one by one."""

    _inherit = "res.partner"

    billing_call_annex = fields.Selection(
        [("pdf", "PDF"), ("csv", "CSV"), ("both", "PDF and CSV")],
        string="Itemised Calls",
        company_dependent=True,
        groups=BILLING_GROUP,
        help="Lists every call of a bill, in a file that goes to the customer with it. Empty: none. "
        "Of very many calls there is a CSV file only.",
    )

    @api.model
    def _commercial_fields(self):
        """Contacts of a customer get what the customer does."""
        return [*super()._commercial_fields(), "billing_call_annex"]
