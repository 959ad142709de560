from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.dry_run import dry_run
from ...billing_tasks.exceptions import SkipTask
from ..cycles.criteria import CRITERIA, FILTERS
from ..runs.billing_run import EDITABLE_STATES
from .lines import REASON_COLUMNS, REPORT_LINE_COLUMNS, insert_rows, rows_query

# A batch of the report is that much larger than one of the run: it writes little.
_BATCH_FACTOR = 10
_DATES = ("invoice_date", "cutoff_date", "transaction_date")


class BillingRun(models.Model):
    """How a run's reports are made.

    The pre-billing report is a dry run of the real code, batch by batch of customers; the
    post-billing report reads the ledger. Both end with the same comparison. Through the queue
    one task starts the report, one does each batch, and the last one compares.
    """

    _inherit = "billing.run"

    report_ids = fields.One2many("billing.run.report", "run_id", "Reports", readonly=True)

    has_pre_report = fields.Boolean(compute="_compute_has_reports")
    has_post_report = fields.Boolean(compute="_compute_has_reports")

    @api.depends("report_ids.phase")
    def _compute_has_reports(self):
        for run in self:
            phases = run.report_ids.mapped("phase")
            run.has_pre_report = "pre" in phases
            run.has_post_report = "post" in phases

    def _report(self, phase):
        """Return the run's report of a phase, or an empty recordset."""
        self.ensure_one()
        return self.env["billing.run.report"].search(
            [("run_id", "=", self.id), ("phase", "=", phase)]
        )

    # === REQUESTS === #

    def action_pre_billing_report(self):
        """Ask for the pre-billing report; it replaces an earlier one."""
        self._check_user()
        for run in self:
            if run.state not in EDITABLE_STATES:
                raise UserError(
                    self.env._(
                        "%(run)s has been requested: a report from before would no longer tell"
                        " what is billed. See its post-billing report.",
                        run=run.number,
                    )
                )
            run._check_complete()
            # Reports are read-only to people: the rights were checked above.
            run.sudo()._request_report("pre")
        return True

    def action_post_billing_report(self):
        """Ask for the post-billing report anew; it replaces the earlier one."""
        self._check_user()
        for run in self:
            if not run._is_posted():
                raise UserError(
                    self.env._("%(run)s has not posted its invoices yet.", run=run.number)
                )
            run.sudo()._request_report("post")
        return True

    def _request_report(self, phase):
        """Have the queue make a report."""
        report = self._new_report(phase)
        self._enqueue_report(report, "start")

    def _make_report(self, phase):
        """Make a report here and now, in this transaction, without the queue."""
        report = self._new_report(phase)
        for partner_ids in self._start_report(report):
            self._preview_customers(report, partner_ids)
        self._end_report(report)
        return report

    def _new_report(self, phase):
        self.ensure_one()
        self._report(phase).unlink()
        # What is posted stays so whatever the run is changed to.
        basis = self._report_basis() if phase == "pre" else False
        return self.env["billing.run.report"].create(
            {"run_id": self.id, "phase": phase, "basis": basis}
        )

    def _report_basis(self):
        """Return the run's dates and criteria as plain JSON."""
        self.ensure_one()
        dates = {name: fields.Date.to_string(self[name]) or None for name in _DATES}
        return dates | {name: sorted(self[name].ids) for name in CRITERIA + FILTERS}

    # === TASKS === #

    def _enqueue_report(self, report, step, partner_ids=None):
        self.env["billing.task"].enqueue_many(
            [self._report_task(report, step, partner_ids)],
        )

    def _report_task(self, report, step, partner_ids=None):
        name = f"{step}:{partner_ids[0]}" if partner_ids else step
        return {
            "type_code": "run_report",
            "record": self,
            "parameters": {"report_id": report.id, "step": step, "partner_ids": partner_ids or []},
            "identity_key": f"run_report:{report.id}:{name}",
            "exclusive_key": f"run_report:{report.id}" if step == "end" else None,
        }

    def _task_report(self, task):
        """Handle ``run_report``: one step of one report."""
        run = self._task_run(task)
        report = self._task_report_record(task)
        if not report or report.state != "computing":
            raise SkipTask(self.env._("A newer report has replaced this one, or it failed."))
        if report.phase == "pre" and run.state not in EDITABLE_STATES:
            raise SkipTask(run._state_text())
        step = task.parameters["step"]
        if step == "start":
            batches = run._start_report(report)
            self.env["billing.task"].enqueue_many(
                [run._report_task(report, "batch", partner_ids) for partner_ids in batches]
            )
            if not batches:
                run._end_report(report)
            return {"customers": report.customer_count}
        if step == "batch":
            run._preview_customers(report, task.parameters["partner_ids"])
            run._after_commit("_wake_report", report.id)
            return {"customers": len(task.parameters["partner_ids"])}
        report.lock_for_update(allow_referencing=True)
        if report._is_under_way("batch"):
            return {"state": report.state}
        run._end_report(report)
        return {"state": report.state}

    def _task_report_failed(self, task):
        """Say on the report that its task failed for good."""
        report = self._task_report_record(task)
        if report.state == "computing":
            report._set_failed(
                self.env._(
                    "A background task of this report failed: %(error)s",
                    error=task.error_message or task.display_name,
                )
            )

    def _task_report_record(self, task):
        return self.env["billing.run.report"].browse(task.parameters["report_id"]).exists()

    def _wake_report(self, report_id):
        """Ask for the last step of a report: it looks whether all batches are there."""
        self._enqueue_report(self.env["billing.run.report"].browse(report_id), "end")

    @api.model
    def _wake_reports(self):
        """Ask for the last step of reports that no live task would finish any more."""
        for report in self.env["billing.run.report"].search([("state", "=", "computing")]):
            if not report._is_under_way():
                report.run_id._wake_report(report.id)

    # === STEPS === #

    def _start_report(self, report):
        """Say whom the report is about.

        :return: lists of customer ids, one for each batch of a dry run
        """
        if report.phase == "post":
            self._report_bills(report)
            return []
        partner_ids = self._identified_partner_ids()
        report.customer_count = len(partner_ids)
        size = self.company_id.billing_batch_size * _BATCH_FACTOR
        return [partner_ids[at : at + size] for at in range(0, len(partner_ids), size)]

    def _preview_customers(self, report, partner_ids):
        """Do for real what the run would do for some customers, undo it, and keep plain rows."""
        run = self.with_company(self.company_id)
        with dry_run(self.env):
            run._identify(partner_ids)
            bills = run.env["billing.bill"].search(
                [("run_id", "=", run.id), ("partner_id", "in", partner_ids)]
            )
            lines = bills._preview()
            customers = [
                (
                    bill.partner_id.id,
                    bill.currency_id.id,
                    bill.skip_reason or bill.error_code,
                    bill.error_message or None,
                )
                for bill in bills
                if bill.state in ("skipped", "error")
            ]
        for name, columns, rows in (
            ("billing.run.report.line", REPORT_LINE_COLUMNS, lines),
            ("billing.run.report.customer", REASON_COLUMNS, customers),
        ):
            if rows:
                model = self.env[name]
                insert_rows(model, report, columns, rows_query(model, columns, rows))

    def _end_report(self, report):
        """Compare, and close the report; one that misses customers has failed."""
        found = report._customers_found()
        if report.phase == "pre" and found < report.customer_count:
            report._set_failed(
                self.env._(
                    "Background tasks of this report were deleted: %(missing)s customers are"
                    " missing. Request the report again.",
                    missing=report.customer_count - found,
                )
            )
            return
        self._compare_report(report)
        if report.phase == "pre":
            self._report_usage(report)
        report._set_done()
