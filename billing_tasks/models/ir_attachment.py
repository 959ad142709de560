from odoo import api, models

from ..dry_run import is_dry_run


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    @api.model
    def _storage(self):
        """In a dry run keep contents in the database: files would outlive the rollback."""
        return "db" if is_dry_run(self.env) else super()._storage()
