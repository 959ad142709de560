from odoo import models

from ...billing_tasks.texts import label


class BillingRun(models.Model):
    """The exceptions of a prepaid run: bills that say who was not billed, and why."""

    _inherit = "billing.run"

    def _refuse_prepaid(self, services):
        """Make exceptions of the services that cannot be rated as they are; return these."""
        problems = services._check_ratable() if services else {}
        self._except_all(
            (service.partner_id, service.currency_id, code, message)
            for service, (code, message) in problems.items()
        )
        return services.browse([service.id for service in problems])

    def _except(self, partner, currency, code: str, message: str):
        """Make the exception of a customer: one bill with the code and what to do."""
        return self._except_all([(partner, currency, code, message)])

    def _except_all(self, problems):
        """Make the exceptions of customers, one a customer and currency; the last one counts.

        :param problems: ``(customer, currency, code, what to do)``
        :return: the bills that say so
        """
        self.ensure_one()
        bills = self.env["billing.bill"].sudo()
        values = {
            (partner.commercial_partner_id.id, currency.id): {
                "error_code": code,
                "error_message": message,
            }
            for partner, currency, code, message in problems
        }
        if not values:
            return bills
        known = bills.search(
            [("run_id", "=", self.id), ("partner_id", "in", [key[0] for key in values])]
        )
        known = known.filtered(lambda bill: (bill.partner_id.id, bill.currency_id.id) in values)
        for bill in known:
            bill._own().write(values.pop((bill.partner_id.id, bill.currency_id.id)))
        return known + bills.create(
            [
                {
                    **said,
                    "run_id": self.id,
                    "company_id": self.company_id.id,
                    "partner_id": partner_id,
                    "currency_id": currency_id,
                    "state": "error",
                }
                for (partner_id, currency_id), said in values.items()
            ]
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
