import hashlib
import json

from odoo import api, fields, models


class BillingRunStep(models.Model):
    """A step of a run that somebody confirmed or skipped: who, when, and about which numbers.

    Written by the run's own methods only; billing users read it.
    """

    _name = "billing.run.step"
    _description = "Billing Run Step"
    _order = "run_id, id"

    run_id = fields.Many2one("billing.run", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, precompute=True, required=True
    )
    code = fields.Char(required=True)
    confirmed_by_id = fields.Many2one("res.users", required=True, ondelete="restrict")
    confirmed_date = fields.Datetime(required=True)
    skipped = fields.Boolean(help="Skipped in expert mode instead of confirmed.")
    numbers = fields.Json(help="What was confirmed.")
    fingerprint = fields.Char(required=True, help="Of the numbers.")

    _one_confirmation = models.UniqueIndex(
        "(run_id, code)", "This step of the run is confirmed already."
    )

    @api.model
    def _get_fingerprint(self, numbers):
        """Return a fingerprint that changes with the numbers."""
        text = json.dumps(numbers, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()
