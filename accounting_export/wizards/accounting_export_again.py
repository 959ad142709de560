from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.texts import plural


class AccountingExportAgain(models.TransientModel):
    """The dialog before records are written into a file once more: it wants the reason."""

    _name = "accounting.export.again"
    _description = "Export Again"

    item_ids = fields.Many2many(
        "accounting.export.item", string="Records", required=True, readonly=True
    )
    reason = fields.Char(required=True)
    text = fields.Char(compute="_compute_text")

    @api.depends("item_ids")
    def _compute_text(self):
        for dialog in self:
            count = len(dialog.item_ids)
            dialog.text = plural(
                count,
                self.env._(
                    "1 record was exported before. Your accounting software may then have it twice."
                ),
                self.env._(
                    "%s records were exported before. Your accounting software may then have them"
                    " twice.",
                    count,
                ),
            )

    @api.model
    def default_get(self, fields):
        """Take the records that were selected in the list."""
        values = super().default_get(fields)
        if self.env.context.get("active_model") == "accounting.export.item":
            values["item_ids"] = [(6, 0, self.env.context.get("active_ids", []))]
        return values

    def action_apply(self):
        """Have the records exported again."""
        self.ensure_one()
        self.item_ids.check_access("read")
        if not self.item_ids:
            raise UserError(self.env._("Choose the records in the list first."))
        for connection, items in self.item_ids.grouped("connection_id").items():
            connection._export_again(items, self.reason)
        return {"type": "ir.actions.act_window_close"}
