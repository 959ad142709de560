from odoo import models

from ..dry_run import is_dry_run


class IrSequence(models.Model):
    _inherit = "ir.sequence"

    def _next(self, sequence_date=None):
        """In a dry run draw no number: what a PostgreSQL sequence gives out is not rolled back."""
        if is_dry_run(self.env):
            drawn = self.env.cr.cache.setdefault("billing_operations.test_numbers", {})
            drawn[self.id] = drawn.get(self.id, 0) + 1
            return f"TEST/{self.get_next_char(drawn[self.id])}"
        return super()._next(sequence_date=sequence_date)
