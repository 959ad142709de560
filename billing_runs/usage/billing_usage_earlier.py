from odoo import api, fields, models

from ...services.loose_many2one import LooseMany2one

#: what a call was rated and charged with, kept when it is charged anew
PRICED_COLUMNS = (
    "service_id",
    "identifier_id",
    "partner_id",
    "plan_id",
    "rate_id",
    "class_id",
    "band",
    "billed_seconds",
    "amount",
    "currency_id",
    "included_seconds",
    "charged_amount",
    "counted_before",
)


class BillingUsageEarlier(models.Model):
    """A call as it was charged before its charge was corrected.

    The call itself belongs to the new charge. What explains the old one, and the one that takes it
    back, stands here. When a correction is taken back, its rows are, too: the calls return to
    the charge that they came from. Written in sets by the methods that correct; billing users
    read them.
    """

    _name = "billing.usage.earlier"
    _description = "Call as Charged Before"
    _order = "id"
    _log_access = False

    company_id = LooseMany2one("res.company", required=True, readonly=True)
    record_id = LooseMany2one("cdr.record", string="Call", required=True, readonly=True)
    charge_id = LooseMany2one("billing.charge", string="Charge", required=True, readonly=True)
    back_id = LooseMany2one("billing.charge", string="Taken Back By", required=True, readonly=True)
    service_id = LooseMany2one("billing.service", readonly=True)
    identifier_id = LooseMany2one("billing.service.identifier", readonly=True)
    partner_id = LooseMany2one("res.partner", string="Customer", readonly=True)
    plan_id = LooseMany2one("cdr.rate.plan", readonly=True, ondelete="restrict")
    rate_id = LooseMany2one("cdr.rate", readonly=True, ondelete="restrict")
    class_id = LooseMany2one("cdr.rate.class", readonly=True, ondelete="restrict")
    band = fields.Char(string="Time Band", readonly=True)
    billed_seconds = fields.Integer(string="Billed (s)", readonly=True)
    amount = fields.Float(digits=(20, 10), readonly=True, help="Before included minutes and tiers.")
    currency_id = LooseMany2one("res.currency", readonly=True)
    included_seconds = fields.Integer(string="Included (s)", readonly=True)
    charged_amount = fields.Float(string="Charged", digits=(20, 10), readonly=True)
    counted_before = fields.Integer(string="Counted Before (s)", readonly=True, aggregator=None)
    call_time = fields.Datetime(related="record_id.call_time")
    caller = fields.Char(related="record_id.caller")
    callee = fields.Char(related="record_id.callee")
    seconds = fields.Integer(related="record_id.seconds")

    _once_a_charge = models.UniqueIndex(
        "(record_id, charge_id)", "The call was taken off this charge already."
    )
    _charge_idx = models.Index("(charge_id)")
    _back_idx = models.Index("(back_id)")

    @api.depends("record_id")
    def _compute_display_name(self):
        for row in self:
            row.display_name = row.record_id.display_name
