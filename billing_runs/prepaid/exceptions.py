from odoo import models

from ...billing_tasks.texts import label


class BillingRun(models.Model):
    """The exceptions of a prepaid run: bills that say who was not billed, and why."""

    _inherit = "billing.run"

    def _refuse_prepaid(self, services):
        """Make exceptions of the services that cannot be rated as they are; return these."""
        problems = services._check_ratable() if services else {}
        for service, (code, message) in problems.items():
            self._except(service.partner_id, service.currency_id, code, message)
        return services.browse([service.id for service in problems])

    def _except(self, partner, currency, code: str, message: str):
        """Make the exception of a customer: one bill with the code and what to do."""
        self.ensure_one()
        bills = self.env["billing.bill"].sudo()
        partner = partner.commercial_partner_id
        values = {"error_code": code, "error_message": message}
        bill = bills.search(
            [
                ("run_id", "=", self.id),
                ("partner_id", "=", partner.id),
                ("currency_id", "=", currency.id),
            ]
        )
        if bill:
            bill._own().write(values)
            return bill
        return bills.create(
            {
                **values,
                "run_id": self.id,
                "company_id": self.company_id.id,
                "partner_id": partner.id,
                "currency_id": currency.id,
                "state": "error",
            }
        )

    def _note_lost_tasks(self, stage, message: str):
        """Make exceptions of the customers whose batches failed or were deleted, by name of the
        first of each batch."""
        for task in self._stage_tasks(stage, ["failed", "skipped"]):
            parameters = task.parameters or {}
            partner = self.env["res.partner"].browse(parameters.get("first", ())).exists()
            if partner:
                text = f"{message} {label(task, 'state')}: {task.error_message or ''}".strip()
                self._except(partner, self.company_id.currency_id, "task_failed", text)
