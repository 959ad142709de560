from odoo import fields, models

from ...billing_tasks.texts import labels
from .bridge import PARTS

_PARTS_SUM = " + ".join(f"bridge_{part}" for part in PARTS)


class BillingRunReportCustomer(models.Model):
    """One customer in a report on a run, in one currency: what is billed, or why nothing is,
    and how that compares with the cycle's last runs.

    Rows come and go with their report. Billing users read them, nobody writes them.
    """

    _name = "billing.run.report.customer"
    _description = "Billing Run Report Customer"
    _order = "is_anomaly desc, amount desc, id"
    _rec_name = "partner_id"
    _log_access = False

    report_id = fields.Many2one(
        "billing.run.report", required=True, readonly=True, ondelete="cascade"
    )
    run_id = fields.Many2one(
        "billing.run", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    phase = fields.Selection(
        selection=lambda self: self.env["billing.run.report"]._fields["phase"].selection,
        required=True,
        readonly=True,
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary("Before Tax", readonly=True)
    previous = fields.Monetary(
        "Previous Run", readonly=True, help="Before tax, billed by the cycle's previous run."
    )
    difference = fields.Monetary(readonly=True, help="Against the previous run.")
    mean = fields.Monetary(
        readonly=True,
        help="Of the customer's last bills, up to three, before tax: what they held of the services"
        " that are billed now or fell due, and what belonged to no service.",
    )
    deviation = fields.Monetary(
        "Standard Deviation", readonly=True, aggregator=None, help="Of the same bills."
    )
    history_count = fields.Integer("Bills Compared", readonly=True, aggregator=None)
    is_anomaly = fields.Boolean(
        "Anomaly",
        readonly=True,
        help="Differs from the mean by more than the standard deviation, and by at least the"
        " amount and the percentage in Settings.",
    )
    is_new = fields.Boolean(
        "New", readonly=True, help="Billed now, without a bill to compare with."
    )
    is_lost = fields.Boolean(
        "Lost", readonly=True, help="Fell due with this run and is not billed."
    )
    reason = fields.Selection(
        selection="_selection_reason",
        string="Not Billed Because",
        readonly=True,
    )
    reason_text = fields.Text("Why", readonly=True)
    bridge_new = fields.Monetary("New Services", readonly=True)
    bridge_lost = fields.Monetary("Lost Services", readonly=True)
    bridge_price = fields.Monetary("Price", readonly=True)
    bridge_quantity = fields.Monetary("Quantity", readonly=True)
    bridge_usage = fields.Monetary("Usage", readonly=True)
    bridge_credits = fields.Monetary("Credits and Adjustments", readonly=True)
    bridge_one_off = fields.Monetary("One-Off", readonly=True)

    _customer_once = models.UniqueIndex(
        "(report_id, partner_id, currency_id)",
        "A customer stands once in a report, in each currency.",
    )
    _difference_is_one = models.Constraint(
        "CHECK (difference = amount - previous)",
        "The difference is the amount less the previous one.",
    )
    _bridge_adds_up = models.Constraint(
        f"CHECK (difference = {_PARTS_SUM})",
        "The reasons for a difference must add up to it.",
    )

    def _selection_reason(self):
        """Return the codes of skipped bills and bills in error, and customers not selected."""
        bill = self.env["billing.bill"]
        reasons = labels(bill, "skip_reason") | labels(bill, "error_code")
        return [
            *reasons.items(),
            ("not_selected", self.env._("Not selected any more")),
            ("undone", self.env._("Taken back")),
        ]

    def action_view_lines(self):
        """Open the lines of these customers in the same reports."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Report Lines"),
            "res_model": "billing.run.report.line",
            "view_mode": "list,pivot,graph",
            "domain": [
                ("report_id", "in", self.report_id.ids),
                ("partner_id", "in", self.partner_id.ids),
            ],
        }
