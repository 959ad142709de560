from odoo import fields, models

from ...services.loose_many2one import LooseMany2one


class CdrRecord(models.Model):
    """What became of a rated call when a run charged it."""

    _inherit = "cdr.record"

    partner_id = LooseMany2one(help="Whose the service was on the day of the call.")
    charged_amount = fields.Float(
        string="Charged",
        digits=(20, 10),
        readonly=True,
        help="What the customer owes for it, after included minutes and tiers, before the sum is"
        " rounded.",
    )
    counted_before = fields.Integer(
        string="Counted Before (s)",
        readonly=True,
        aggregator=None,
        help="Seconds of the month that counted for the plan's tiers before this call, when it was"
        " charged.",
    )

    # Finds what waits for a run, with the days of ``cdr.open.day``, and what a charge was made of.
    _partner_idx = models.Index("(partner_id, call_day) WHERE partner_id IS NOT NULL")
