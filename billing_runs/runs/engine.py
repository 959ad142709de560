import logging
from itertools import chain, groupby, repeat
from math import ceil
from operator import itemgetter

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ...billing_tasks.journal import InlineJournal
from ...billing_tasks.log_lines import log_line

_logger = logging.getLogger(__name__)

#: fewer customers than these are not worth a task of their own
MIN_BATCH = 50


class BillingRun(models.Model):
    """How a run moves: its customers are identified, then stage by stage, batch by batch.

    A batch never writes the run. When it has committed it asks for a
    ``run_advance`` task, which locks the run, looks whether the stage is through
    and moves on. Nothing here commits.
    """

    _inherit = "billing.run"

    # === THE BARRIER === #

    def _enqueue_advance_after_commit(self, task):
        """Ask for ``run_advance`` once the current batch is committed, if it was the stage's last.

        A batch is completed by the commit of its work. Whoever commits last of two therefore sees
        in a snapshot taken afterwards that the other is completed, and asks; when both do, one
        request stands for both. Asked for inside the batch, another batch's request made since
        this one began would be a conflict, and the whole batch would be done again. If the worker
        dies in between, or the last batch fails or is taken out of the queue, ``_cron_wake_runs``
        asks instead.

        :param task: the batch's
        """
        self._after_commit("_enqueue_advance_after_last", task.type_id.code, task.id)

    def _enqueue_advance_after_last(self, task_type, task_id):
        """Ask for ``run_advance`` unless other batches of the stage are alive.

        :param int task_id: the batch that asks. Run inline it is not marked completed yet.
        """
        tasks = self.env["billing.task"]
        others = tasks._live_domain(self, task_type) & Domain("id", "!=", task_id)
        if not tasks.search_count(others, limit=1):
            self._enqueue_advance()

    def _after_commit(self, method, *args):
        """Call a method of the run once the current batch is committed, in a transaction of its
        own; within the inline runner at once."""
        self.ensure_one()
        run_id, env = self.id, self.env

        def call():
            crash_point("run.batch_committed")
            try:
                with env.registry.cursor() as cr:
                    getattr(env(cr=cr)["billing.run"].browse(run_id), method)(*args)
            except OperationalError:
                # The batch is committed and must not look failed; the cron asks again.
                _logger.info("%s of billing run %s is left to the cron", method, run_id)
            except Exception:
                # Nor may it keep from what else is to follow the commit.
                _logger.exception("%s of billing run %s is left to the cron", method, run_id)

        if isinstance(self.env.context.get("billing_task_journal"), InlineJournal):
            getattr(self, method)(*args)
        else:
            self.env.cr.postcommit.add(call)

    def _enqueue_advance(self, delay_until=None):
        """Ask the queue to move the run when it next can. One request is enough."""
        self.ensure_one()
        return self.env["billing.task"].enqueue(
            "run_advance",
            self,
            delay_until=delay_until,
            identity_key=f"run_advance:{self.id}",
            exclusive_key=f"run:{self.id}",
        )

    def _move_advance(self, delay_until=None):
        """Ask the queue to move the run at another time than it was asked to before."""
        now = fields.Datetime.now()
        # A task that waits already keeps its own time.
        task = self._enqueue_advance(delay_until)
        task.delay_date = max(fields.Datetime.to_datetime(delay_until) or now, now)

    def _advance(self):
        """Move the run as far as its finished batches allow.

        Called by the ``run_advance`` task. Locks the run first, so that two of
        them cannot both start a stage.

        :return: plain words on what was done, for the task's log
        """
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset()
        now = fields.Datetime.now()
        if self.state == "requested" and (self.scheduled_date or now) > now:
            # Its time was changed after this task was claimed.
            self._enqueue_advance(self.scheduled_date)
            return self.env._("Nothing to do before %s UTC.", self.scheduled_date)
        first = self.state == "requested" and not self.started_date
        self._start()
        if self.state != "running":
            return self._state_text()
        if first and self._stages().by_bills:
            self._begin_canary()
        stages = self._stages()
        for stage in stages[stages.place(self.stage) + 1 : self._target_place() + 1]:
            if self._open_result(stage):
                if self._has_live_batches(stage):
                    return self.env._("%(stage)s goes on.", stage=self.env._(stage.label))
                self._close_stage(stage)
            elif self._begin_stage(stage):
                if stage.has_batches(self):
                    self._enqueue_batches(stage)
                    return self.env._("Started %(stage)s.", stage=self.env._(stage.label))
                self._close_stage(stage)
            self.stage = stage.name
            posted = stages.by_bills and stage is stages[stages.posted_place]
            if posted:
                self._check_written()
            if posted and not self.canary_running:
                self._request_report("post")
            check = stage.checks_limits and not self.limits_passed
            problem = self._limit_problem() if check else None
            if problem:
                self._stop(problem)
                return problem
        if self.canary_running:
            return self._advance() if self._end_canary() else self.stop_reason
        self._finish()
        return self._state_text()

    def _start(self):
        """Take a requested run to running; identify its customers the first time."""
        if self.state != "requested" or self._stages().place(self.stage) >= self._target_place():
            return
        if not self.started_date:
            if self._stages().by_bills:
                self._identify()
            else:
                self._take_own_day()
            self._note_lost_limits()
            crash_point("run.identified")
        self._set_state("running")
        if not self.started_date:
            self.started_date = fields.Datetime.now()

    def _open_result(self, stage):
        return self.env["billing.run.result"].search(
            [
                ("run_id", "=", self.id),
                ("stage", "=", stage.name),
                ("ended_date", "=", False),
            ]
        )

    def _begin_stage(self, stage):
        """Open a stage's result; return False when nothing is there for it."""
        if not stage.has_work(self):
            return False
        self.env["billing.run.result"].create(
            {"run_id": self.id, "stage": stage.name, "started_date": fields.Datetime.now()}
        )
        return True

    def _batches(self, stage):
        """Return the stage's bill ids in lists of the batch size, or of fewer where workers would have
        nothing to do else.

        A customer with bills in several currencies is never split: two batches
        would write the same customer's services.
        """
        bills = self.env["billing.bill"]
        query = bills._search(self._bill_domain(stage.before), order="partner_id, id")
        columns = (SQL.identifier(bills._table, name) for name in ("partner_id", "id"))
        found = self.env.execute_query(query.select(*columns))
        sizes = self._batch_sizes(stage, len(found))
        batches, size = [[]], next(sizes)
        by_partner = groupby(found, itemgetter(0))  # pylint: disable=bad-builtin-groupby
        for _partner, rows in by_partner:
            if len(batches[-1]) >= size:
                batches.append([])
                size = next(sizes)
            batches[-1].extend(bill_id for _partner_id, bill_id in rows)
        return batches

    def _batch_sizes(self, stage, count):
        """Return, one after the other, how many of ``count`` bills each task of a stage takes on at most.

        Tasks that take turns begin small, as nobody numbers documents before the first has prepared
        its own; that worker takes on the last ones, while the others number theirs. More and smaller
        tasks would wait less, and read the same things anew each time.
        """
        most = max(int(self.company_id.billing_batch_size * stage.batch), 1)
        workers = self.env["billing.task"]._worker_count()
        # Tasks that exclude each other give the others nothing to do.
        if workers == 1 or stage.exclusive_key(self):
            return repeat(most)
        shares = [1, *[4] * (workers - 1), 3] if stage.takes_turns else [1] * workers
        sizes = [min(max(ceil(count * n / sum(shares)), MIN_BATCH), most) for n in shares]
        return chain(sizes, repeat(most))

    def _enqueue_batches(self, stage):
        self.env["billing.task"].enqueue_many(
            [
                {
                    "type_code": stage.task_type,
                    "record": self,
                    "parameters": parameters,
                    "identity_key": f"run:{self.id}:{stage.name}:{key}",
                    "exclusive_key": stage.exclusive_key(self),
                    "delay_until": stage.wait(self, number),
                }
                for number, (key, parameters) in enumerate(stage.batches(self))
            ]
        )

    def _has_live_batches(self, stage):
        tasks = self.env["billing.task"]
        return bool(tasks.search_count(tasks._live_domain(self, stage.task_type), limit=1))

    def _close_stage(self, stage):
        """End a stage none of whose tasks is alive.

        A bill that is still where the stage found it lost its task (failed or
        deleted): it becomes an error of its own, never a silent gap.
        """
        message = self.env._(
            "The background task for this bill failed or was deleted during %(stage)s."
            " See Billing Tasks, then run the bill again.",
            stage=self.env._(stage.label),
        )
        if stage.by_bills:
            left = self.env["billing.bill"].browse(self._bill_ids(stage.before))
            left._set_error("task_failed", message)
        else:
            self._note_lost_tasks(stage, message)
        result = self._open_result(stage)
        result.write({"ended_date": fields.Datetime.now(), **stage.totals(self)})
        self._log_line(
            "stage_ended",
            stage=stage.name,
            seconds=round((result.ended_date - result.started_date).total_seconds()),
            entities=result.entities,
            documents=result.documents,
        )

    def _log_line(self, event, **figures):
        """Leave a line for programs that read the server's log, once it is committed."""
        known = {"run": self.id, "number": self.number, "company": self.company_id.id}
        self.env.cr.postcommit.add(lambda: log_line(event, **known, **figures))

    @api.model
    def _cron_wake_runs(self):
        """Advance runs under way that no live task would move any more.

        The safety net under the barrier: a worker killed between a batch's commit
        and its request to advance leaves exactly this behind.
        """
        runs = self.search([("state", "in", ("requested", "running"))])
        tasks = self.env["billing.task"]
        groups = tasks._read_group(tasks._live_domain(runs), ["res_id"])
        alive = {run_id for (run_id,) in groups}
        for run in runs:
            if run.id not in alive and not run._waits():
                run._enqueue_advance(delay_until=run.scheduled_date or None)
        self._wake_reports()

    # === COUNTS === #

    def _bill_ids(self, state):
        """Return the ids of the run's bills in a state, by customer."""
        bills = self.env["billing.bill"]
        return bills.search(self._bill_domain(state), order="partner_id, id").ids

    def _has_bills(self, state):
        """Return whether any of the run's bills is in a state."""
        bills = self.env["billing.bill"]
        return bool(bills.search_count(self._bill_domain(state), limit=1))

    def _bill_domain(self, state):
        """Return the domain of the run's bills in a state: of the canary alone while it is under
        way."""
        domain = [("run_id", "=", self.id), ("state", "=", state)]
        if self.canary_running:
            domain.append(("canary", "=", True))
        return domain

    def _bill_counts(self):
        """Return ``{state: number of bills}``."""
        return dict(
            self.env["billing.bill"]._read_group([("run_id", "=", self.id)], ["state"], ["__count"])
        )
