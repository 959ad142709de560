from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

from ...billing_tasks.exceptions import FatalTaskError
from ..netting import net

#: runs with more open invoices than this are selected and confirmed in the background
LARGE = 2000
#: how many customers one task selects
CUSTOMERS = 500


class BillingPaymentRun(models.Model):
    """Large runs: what can be collected is looked for some customers a task, and nobody waits for
    it with the page open."""

    _inherit = "billing.payment.run"

    preparing_count = fields.Integer(compute="_compute_preparing_count")

    @api.depends("state")
    def _compute_preparing_count(self):
        """Count the tasks that still have to be done before the lines are complete."""
        tasks = self.env["billing.task"].sudo()
        counts = dict(
            tasks._read_group(
                tasks._live_domain(self, "payment_run_prepare"), ["res_id"], ["__count"]
            )
        )
        for run in self:
            run.preparing_count = counts.get(run._origin.id, 0)

    def _is_large(self):
        """Return whether it would take too long to have somebody wait for the run."""
        self.ensure_one()
        lines = self.env["account.move.line"].with_company(self.company_id).sudo()
        domain = self._receivable_domain(self._customers()) & self._item_domain()
        return lines.search_count(domain, limit=LARGE + 1) > LARGE

    def _prepare(self, step):
        """Do a step here and now, or have it done by tasks where the run is large.

        :param str step: ``select`` or ``confirm``
        """
        self.ensure_one()
        if not self._is_large():
            return self._select() if step == "select" else self._confirm()
        self.invalidate_recordset(["preparing_count"])
        specs = self._selecting_tasks() if step == "select" else [{"step": "confirm"}]
        return (
            self.env["billing.task"]
            .sudo()
            .enqueue_many(
                [
                    {
                        "type_code": "payment_run_prepare",
                        "record": self,
                        "parameters": parameters,
                        "exclusive_key": f"payment_run:{self.id}",
                    }
                    for parameters in specs
                ]
            )
        )

    def _selecting_tasks(self):
        """Take all lines away, and return what the tasks are told that select anew."""
        by_hand = defaultdict(list)
        for line in self.line_ids.filtered(lambda line: line.error_code == "by_hand"):
            by_hand[line.partner_id.id].append(line.move_line_id.id)
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM billing_payment_line WHERE run_id = %s", self.id))
        self.env["billing.payment.line"].invalidate_model()
        self.invalidate_recordset(["line_ids"])
        self._own().write({"problem": False})
        lines = self.env["account.move.line"].with_company(self.company_id).sudo()
        domain = self._receivable_domain(self._customers()) & self._item_domain()
        partners = [partner.id for [partner] in lines._read_group(domain, ["partner_id"])]
        return [
            {
                "step": "select",
                "partner_ids": some,
                "by_hand": [item for partner in some for item in by_hand.get(partner, ())],
            }
            for some in split_every(CUSTOMERS, sorted(partners), list)
        ]

    @api.model
    def _task_prepare(self, task):
        """Select what some customers owe, or confirm a run."""
        run = task.env["billing.payment.run"].browse(task.res_id).exists()
        parameters = task.parameters or {}
        if run.state != "draft":
            return {"message": self.env._("%s is no draft any more.", run.number)}
        try:
            if parameters.get("step") == "confirm":
                run._confirm()
                return {"lines": run.line_count}
            customers = self.env["res.partner"].browse(parameters["partner_ids"])
            return {"lines": len(run._select_some(customers, set(parameters["by_hand"])))}
        except UserError as error:
            raise FatalTaskError(str(error)) from error

    def _select_some(self, customers, by_hand):
        """Add the lines of some customers, in the place of those that are there already.

        :param set by_hand: receivable lines that a person has left out
        """
        self.ensure_one()
        self.line_ids.filtered(lambda line: line.partner_id in customers).unlink()
        items, credits = self._open_items(customers=customers)
        left, _pairs = net(items, credits)
        rows = self._with_means(self._rows(items, left, by_hand))
        self._insert_lines(rows)
        return rows
