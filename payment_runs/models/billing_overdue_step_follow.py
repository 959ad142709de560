from odoo import api, models
from odoo.tools import split_every

#: how many customers one task follows up
CUSTOMERS = 200


class BillingOverdueStep(models.Model):
    """Taking the steps: each day, by tasks of some customers each."""

    _inherit = "billing.overdue.step"

    @api.model
    def _cron_follow(self):
        """Have what is overdue followed up in the companies that want it, and services brought back
        whose invoices are settled otherwise than by a payment. What waits for a person and is paid
        meanwhile waits no more."""
        for company in self.env["res.company"].search([("billing_follow_overdue", "=", True)]):
            self.with_company(company)._enqueue_follow(company)
        notices = self.env["billing.overdue.notice"]
        notices.search([("state", "in", ("no_address", "proposed"))])._dismiss_settled()
        for [company] in notices._read_group(notices._suspending_domain(), ["company_id"]):
            notices.with_company(company)._enqueue_resume(company)

    @api.model
    def _enqueue_follow(self, company):
        """Queue the steps of one company, some customers a task.

        :return: how many tasks wait for them now
        """
        groups = (
            self.env["account.move.line"]
            .with_company(company)
            .sudo()
            ._read_group(self._overdue_domain(company), ["partner_id"])
        )
        ids = sorted(partner.id for [partner] in groups)
        new, waiting = (
            self.env["billing.task"]
            .sudo()
            .with_company(company)
            .enqueue_many(
                [
                    {
                        "type_code": "overdue_follow",
                        "parameters": {"step": "follow", "partner_ids": some},
                        "identity_key": f"overdue:{company.id}:{some[0]}:{some[-1]}",
                        "exclusive_key": f"overdue:{company.id}",
                    }
                    for some in split_every(CUSTOMERS, ids, list)
                ]
            )
        )
        return len(new) + len(waiting)

    @api.model
    def _task_follow(self, task):
        """Follow up, or bring services back of, the customers that a task names."""
        company = task.company_id
        steps = task.env["billing.overdue.step"].with_company(company)
        parameters = task.parameters or {}
        partner_ids = parameters.get("partner_ids", [])
        if parameters.get("step") == "resume":
            return steps.env["billing.overdue.notice"]._resume(company, partner_ids)
        return steps._follow(company, partner_ids)

    @api.model
    def _follow(self, company, partner_ids):
        """Take the steps that it is time for with some customers.

        :return: what was done, in numbers
        """
        todo, left = self._plan(company, partner_ids)
        notices = self.env["billing.overdue.notice"]._record(company, todo)
        proposed = notices.filtered(lambda notice: notice.kind == "end")
        (notices - proposed)._tell()
        proposed._ask_person(self.env._("Confirm or dismiss that services are ended"))
        counts = notices.grouped("state")
        return {
            "sent": len(counts.get("sent", ())),
            "without_address": len(counts.get("no_address", ())),
            "proposed": len(counts.get("proposed", ())),
            "invoices_left_alone": len(left),
        }
