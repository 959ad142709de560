from odoo import models

from odoo.addons.billing_operations.accounting_export.xero_client import Hosts


class AccountingExportConnection(models.Model):
    """Connections to the stand-in of Xero that a test names."""

    _inherit = "accounting.export.connection"

    def _xero_hosts(self):
        url = self.env["ir.config_parameter"].sudo().get_param("billing_operations_test.xero")
        if not url:
            return super()._xero_hosts()
        return Hosts(login=f"{url}/authorize", token=f"{url}/connect/token", api=url)
