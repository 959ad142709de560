from odoo import api, fields, models


class CdrFileIgnore(models.TransientModel):
    """Leaves files out for good, for a reason: what they hold is not billed. For billing managers."""

    _name = "cdr.file.ignore"
    _description = "Ignore CDR Files"

    file_ids = fields.Many2many(
        "cdr.file",
        "cdr_file_ignore_file_rel",
        string="CDR Files",
        required=True,
        readonly=True,
        default=lambda self: self._default_file_ids(),
    )
    reason = fields.Char(required=True)

    @api.model
    def _default_file_ids(self):
        """Return the files that are selected in the list."""
        if self.env.context.get("active_model") != "cdr.file":
            return False
        return self.env["cdr.file"].browse(self.env.context.get("active_ids"))

    def action_apply(self):
        """Ignore the files."""
        self.ensure_one()
        self.file_ids.action_ignore(self.reason)
        return {"type": "ir.actions.act_window_close"}
