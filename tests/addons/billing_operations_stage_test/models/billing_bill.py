import io

from reportlab.pdfgen import canvas

from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingBill(models.Model):
    """A stage's work on bills, and an annex to their documents."""

    _inherit = "billing.bill"

    state = fields.Selection(
        selection_add=[("audited", "Audited")], ondelete={"audited": "cascade"}
    )

    @api.model
    def _get_transitions(self):
        table = super()._get_transitions()
        for state in ("rated", "posted"):
            table[state] = {*table[state], "audited"}
        return {**table, "audited": {"done", "error", "undone"}}

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
