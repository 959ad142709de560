from odoo import fields, models


class AccountingExportTenant(models.TransientModel):
    """The dialog in which an administrator chooses the organisation that a connection is for."""

    _name = "accounting.export.tenant"
    _description = "Choose an Organisation"

    connection_id = fields.Many2one("accounting.export.connection", required=True, readonly=True)
    choice_id = fields.Many2one(
        "accounting.export.choice",
        string="Organisation",
        required=True,
        domain="[('connection_id', '=', connection_id), ('kind', '=', 'tenant')]",
    )

    def action_apply(self):
        """Work with the chosen organisation, and read what can be mapped there."""
        self.ensure_one()
        self.connection_id.check_access("write")
        result = self.connection_id._choose_tenant(self.choice_id)
        if isinstance(result, dict):
            return result
        return {"type": "ir.actions.client", "tag": "soft_reload"}
