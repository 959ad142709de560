from odoo import api, models

from .. import server_limits
from ..worker import TaskWorker

#: seconds for which a worker that has done something waits for more
PATIENCE = 1.0


class BillingTask(models.Model):
    """The cron side of the workers: eight crons, of which a setting lets some work."""

    _inherit = "billing.task"

    @api.model
    def _cron_work(self, slot):
        """Work through the queue for one slice as worker ``slot`` (1 to 8).

        A slice ends well inside the server's limits. Where tasks are left all workers are woken
        again, after the server has had its turn with other crons.
        """
        if slot > self._worker_count():
            return
        if self._uses_queue_job():
            if slot == 1 and (self._due_exists() or self._dead_ids()):
                # Whatever happened to the jobs, work that is due has one within a minute.
                self._wake_workers()
            return
        crons = self.env["ir.cron"]
        # No transaction, and so no old snapshot, stays open on the cron's own cursor meanwhile.
        crons._commit_progress()
        polled = slot == 1

        def beat():
            nonlocal polled
            if polled and self._due_exists():
                # Worker 1 polls every minute: tasks whose time has come are work for its
                # colleagues too.
                self._trigger_workers(first=2)
            polled = False
            wanted = slot <= self._worker_count() and not self._uses_queue_job()
            crons._commit_progress(1)
            return wanted

        deadline = server_limits.slice_deadline()
        worker = TaskWorker(self.env.registry, deadline, beat, patience=PATIENCE)
        if worker.run() and self._due_exists():
            self._wake_workers()
