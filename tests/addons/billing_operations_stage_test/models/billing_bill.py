import io

from reportlab.pdfgen import canvas

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.billing_operations.billing_runs.bills import billing_bill

# Whoever was billed can be audited; who has a bill that nobody pays, too.
for state in ("rated", "posted"):
    billing_bill.TRANSITIONS[state] = {*billing_bill.TRANSITIONS[state], "audited"}
billing_bill.TRANSITIONS["audited"] = {"done", "error", "undone"}


class BillingBill(models.Model):
    """A stage's work on bills, and an annex to their documents."""

    _inherit = "billing.bill"

    state = fields.Selection(
        selection_add=[("audited", "Audited")], ondelete={"audited": "cascade"}
    )

    def _audit(self):
        for bill in self:
            if bill.partner_id.name == "Suspicious":
                bill._set_error("task_failed", "Suspicious.")
            else:
                bill._set_state("audited")

    def _get_annexes(self, move):
        annexes = super()._get_annexes(move)
        of_move = [("res_model", "=", move._name), ("res_id", "=", move.id)]
        annex = annexes.search([*of_move, ("description", "=", "Audit")])
        if annex:
            return annexes + annex
        if self.partner_id.name == "Without paper":
            raise UserError("There is no paper left.")
        page = io.BytesIO()
        paper = canvas.Canvas(page, pagesize=(300, 100))
        paper.showPage()
        paper.save()
        return annexes + annexes.create(
            {
                "name": "audit.pdf",
                "description": "Audit",
                "raw": page.getvalue(),
                "mimetype": "application/pdf",
                "res_model": move._name,
                "res_id": move.id,
            }
        )
