from odoo import fields, models
from odoo.fields import Domain

FAILED_STATES = ("rejected", "returned")
#: what is, or would be, collected
COUNTED_STATES = ("draft", "confirmed", "submitted", "done", "unknown", *FAILED_STATES)


class BillingPaymentRun(models.Model):
    """The numbers of a run, and the lists that they open."""

    _inherit = "billing.payment.run"

    file_ids = fields.One2many("billing.payment.file", "run_id", string="Files")
    line_count = fields.Integer(string="Collections", compute="_compute_counts")
    to_collect_count = fields.Integer(compute="_compute_counts")
    excluded_count = fields.Integer(
        string="Left Out",
        compute="_compute_counts",
        help="What is not collected for a reason, also where that came after the run was confirmed.",
    )
    failed_count = fields.Integer(string="Failed", compute="_compute_counts")
    payment_count = fields.Integer(string="Payments", compute="_compute_counts")
    total_amount = fields.Monetary(string="Total", compute="_compute_counts")
    collected_amount = fields.Monetary(
        compute="_compute_counts",
        help="What was submitted and did not come back; of cards what was charged.",
    )
    failed_amount = fields.Monetary(string="Came Back", compute="_compute_counts")

    def _compute_counts(self):
        numbers = {}
        for run, state, code, number, amount, payments in self.env[
            "billing.payment.line"
        ]._read_group(
            [("run_id", "in", self.ids)],
            ["run_id", "state", "error_code"],
            ["__count", "amount:sum", "payment_id:count_distinct"],
        ):
            mine = numbers.setdefault(run.id, {})
            key = "dropped" if state == "cancelled" and code else state
            values = (number, amount or 0.0, payments)
            mine[key] = tuple(map(sum, zip(mine.get(key, (0, 0.0, 0)), values, strict=True)))
        for run in self:
            mine = numbers.get(run.id, {})

            def of(place, *states, mine=mine):
                return sum(mine[state][place] for state in states if state in mine)

            run.line_count = of(0, *COUNTED_STATES)
            run.to_collect_count = of(0, "draft")
            run.excluded_count = of(0, "excluded", "dropped")
            run.failed_count = of(0, *FAILED_STATES)
            run.payment_count = of(2, *COUNTED_STATES)
            run.total_amount = of(1, *COUNTED_STATES)
            collected = ("done",) if run.method == "card" else ("submitted", "done")
            run.collected_amount = of(1, *collected)
            run.failed_amount = of(1, *FAILED_STATES)

    def action_open_lines(self):
        """Open what is collected."""
        return self._open_lines(COUNTED_STATES, self.env._("Collections"))

    def action_open_left_out(self):
        """Open what was left out, before or after the run was confirmed, by reason."""
        dropped = Domain("state", "=", "cancelled") & Domain("error_code", "!=", False)
        action = self._open_lines(("excluded",), self.env._("Left Out"), dropped)
        return action | {"context": {"search_default_group_reason": 1}}

    def action_open_failed(self):
        """Open what was rejected or returned."""
        return self._open_lines(FAILED_STATES, self.env._("Rejected or Returned"))

    def action_open_payments(self):
        """Open the payments that the run has posted."""
        self.check_access("read")
        payments = self.sudo().line_ids.payment_id
        action = self.env["ir.actions.act_window"]._for_xml_id("account.action_account_payments")
        return action | {"domain": [("id", "in", payments.ids)], "context": {"create": False}}

    def _open_lines(self, states, name, others=Domain.FALSE):
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_payment_line_action"
        )
        domain = Domain("run_id", "in", self.ids) & (Domain("state", "in", states) | others)
        return action | {"domain": list(domain), "context": {}, "display_name": name}
