from odoo import api, fields, models

from ..xero_client import PACKAGE, is_installed


class ResConfigSettings(models.TransientModel):
    """Settings about accounting software."""

    _inherit = "res.config.settings"

    billing_accounting_stale_days = fields.Integer(
        related="company_id.billing_accounting_stale_days", readonly=False
    )
    billing_accounting_connection_id = fields.Many2one(
        "accounting.export.connection",
        string="Accounting Connection",
        compute="_compute_billing_accounting",
    )
    billing_accounting_problem = fields.Char(compute="_compute_billing_accounting")

    @api.depends("company_id")
    def _compute_billing_accounting(self):
        for settings in self:
            connections = self.env["accounting.export.connection"]
            settings.billing_accounting_connection_id = connections._of_company(settings.company_id)
            settings.billing_accounting_problem = not is_installed() and self.env._(
                "Xero needs a Python package on the server: pip install %s. CSV files need nothing.",
                PACKAGE,
            )
