from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ...billing_tasks.exceptions import FatalTaskError
from ..netting import net

#: runs with more open invoices than this are selected and confirmed in the background
LARGE = 2000
#: how many customers one task selects
CUSTOMERS = 500
#: how many lines one task confirms
LINES = 2000


class BillingPaymentRun(models.Model):
    """Large runs: what can be collected is looked for some customers a task, confirmed some lines a
    task, and nobody waits for it with the page open.

    The tasks of a run follow one another, each in its own transaction, and the last one that
    confirms lines confirms the run. Where one has failed for good the lines are taken back, so that
    a draft has no confirmed ones.
    """

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

    def _is_large(self, step):
        """Return whether it would take too long to have somebody wait for a step of the run."""
        self.ensure_one()
        if step == "confirm":
            return len(self._drafts(LARGE + 1)) > LARGE
        lines = self.env["account.move.line"].with_company(self.company_id).sudo()
        domain = self._receivable_domain(self._customers()) & self._item_domain()
        return lines.search_count(domain, limit=LARGE + 1) > LARGE

    def _drafts(self, limit=None):
        """Return the lines that would be collected."""
        return self.env["billing.payment.line"].search(
            Domain("run_id", "in", self.ids) & Domain("state", "=", "draft"),
            order="id",
            limit=limit,
        )

    def _prepare(self, step, **parameters):
        """Do a step here and now, or have it done by tasks where the run is large.

        :param str step: ``select`` or ``confirm``
        :param parameters: what the tasks are told besides
        """
        self.ensure_one()
        if step == "confirm":
            # Left by tasks that somebody has skipped.
            self._release_lines("draft")
        if not self._is_large(step):
            return self._select() if step == "select" else self._confirm()
        self.invalidate_recordset(["preparing_count"])
        specs = self._selecting_tasks() if step == "select" else self._confirming_tasks()
        return (
            self.env["billing.task"]
            .sudo()
            .enqueue_many(
                [
                    {
                        "type_code": "payment_run_prepare",
                        "record": self,
                        "parameters": {**spec, **parameters},
                        "exclusive_key": f"payment_run:{self.id}",
                    }
                    for spec in specs
                ]
            )
        )

    def _selecting_tasks(self):
        """Take all lines away, and return what the tasks are told that select anew."""
        by_hand = defaultdict(list)
        lines = self.env["billing.payment.line"]
        mine = Domain("run_id", "=", self.id)
        for line in lines.search(mine & Domain("error_code", "=", "by_hand")):
            by_hand[line.partner_id.id].append(line.move_line_id.id)
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM billing_payment_line WHERE run_id = %s", self.id))
        lines.invalidate_model()
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

    def _confirming_tasks(self):
        """Return what the tasks are told that confirm the lines."""
        self._check_ready()
        self._own().write({"problem": False})
        return [
            {"step": "confirm", "line_ids": some}
            for some in split_every(LINES, self._drafts().ids, list)
        ]

    @api.model
    def _task_prepare(self, task):
        """Select what some customers owe, or confirm some lines, the last ones with the run."""
        run = task.env["billing.payment.run"].browse(task.res_id).exists()
        parameters = task.parameters or {}
        if run.state != "draft":
            return {"message": self.env._("%s is no draft any more.", run.number)}
        try:
            if parameters.get("step") == "confirm":
                lines = run._confirm_lines(run._lock_lines("draft", parameters["line_ids"]))
                run._conclude_confirm(task)
                return {"lines": len(lines)}
            customers = self.env["res.partner"].browse(parameters["partner_ids"])
            rows = run._select_some(customers, set(parameters["by_hand"]))
            if parameters.get("confirm") and not run._is_prepared_by_others(task):
                run._confirm_selected()
            return {"lines": len(rows)}
        except UserError as error:
            raise FatalTaskError(str(error)) from error

    @api.model
    def _task_prepare_failed(self, task):
        """Leave the reason on the run; the last of its tasks takes the lines back."""
        self._task_collect_failed(task)
        if (task.parameters or {}).get("step") == "confirm":
            run = task.env["billing.payment.run"].browse(task.res_id).exists()
            run._conclude_confirm(task, complete=False)

    def _is_prepared_by_others(self, task):
        """Return whether other tasks than the one at work still have to prepare the run."""
        live = task._live_domain(self, "payment_run_prepare") & Domain("id", "!=", task.id)
        return bool(task.sudo().search_count(live, limit=1))

    def _conclude_confirm(self, task, complete=True):
        """After the last task: confirm the run, or take its lines back where some are missing.

        :param task: the one at work
        """
        self.ensure_one()
        if self.state != "draft" or self._is_prepared_by_others(task):
            return
        if not complete or self._drafts(limit=1):
            self._release_lines("draft")
            return
        self._check_ready()
        self.env.cr.execute(
            # The day may be another one than when the first lines were confirmed.
            "UPDATE billing_payment_line SET collection_date = %s WHERE run_id = %s"
            " AND state = 'confirmed' AND collection_date <> %s",
            [self.collection_date, self.id, self.collection_date],
        )
        self.env["billing.payment.line"].invalidate_model(["collection_date"])
        self._finish_confirm()

    def _select_some(self, customers, by_hand):
        """Add the lines of some customers, in the place of those that are there already.

        :param set by_hand: receivable lines that a person has left out
        """
        self.ensure_one()
        self.env["billing.payment.line"].search(
            Domain("run_id", "=", self.id) & Domain("partner_id", "in", customers.ids)
        ).unlink()
        items, credits = self._open_items(customers=customers)
        left, _pairs = net(items, credits)
        rows = self._with_means(self._rows(items, left, by_hand))
        self._insert_lines(rows)
        return rows
