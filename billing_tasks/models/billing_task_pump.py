from contextlib import closing

from odoo import SUPERUSER_ID, api, models

from .. import server_limits
from ..worker import TaskWorker

ENGINE_PARAMETER = "billing_operations.task_engine"


class BillingTask(models.Model):
    """Workers carried by the addon Queue Job, where it is installed and chosen in the settings.

    Its jobs are pumps, not tasks: one job per worker, which works through this very queue until its
    slice ends. So states, log and retries are the same whatever carries the workers. Nothing here needs
    that addon; without it the scheduled actions work.
    """

    _inherit = "billing.task"

    @api.model
    def _uses_queue_job(self):
        """Tell whether Queue Job carries the workers."""
        engine = self.env["ir.config_parameter"].sudo().get_param(ENGINE_PARAMETER)
        return engine == "queue_job" and "queue.job" in self.env

    @api.model
    def _start_pumps(self, slots):
        """Create the pump jobs that do not wait already."""
        tasks = self.with_user(SUPERUSER_ID).browse()
        for slot in slots:
            tasks.with_delay(
                identity_key=f"billing_operations.pump.{slot}",
                description=self.env._("Billing task worker %s", slot),
            )._pump(slot)

    @api.model
    def _pump(self, slot):
        """Work through the queue for one slice, as a job; another one follows where tasks are left."""
        if slot > self._worker_count() or not self._uses_queue_job():
            return
        with closing(self.env.registry.cursor()) as guard:
            holder = self.with_env(self.env(cr=guard))
            holder._read_committed()
            if not holder._try_lock(f"billing.task/pump/{slot}"):
                return

            def wanted():
                return slot <= holder._worker_count() and holder._uses_queue_job()

            deadline = server_limits.slice_deadline(in_cron=False)
            if TaskWorker(self.env.registry, deadline, wanted).run() and self._due_exists():
                self._wake_workers()
