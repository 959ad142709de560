import psycopg2
from psycopg2.extras import Json

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ..journal import InlineJournal
from ..listener import announce

WORKER_CRONS = 8
DEFAULT_WORKERS = 2
WORKERS_PARAMETER = "billing_operations.task_workers"
_WAKE_KEY = "billing_operations.wake_workers"
_COLUMNS = (
    "type_id", "state", "company_id", "partner_id", "res_model", "res_id", "parameters", "priority",
    "retry_count", "max_retries", "postpone_count", "added_date", "delay_date",
    "test_mode", "identity_key", "exclusive_key", "requested_by_id",
    "create_uid", "create_date", "write_uid", "write_date",
)  # fmt: skip
_SPEC_KEYS = {
    "type_code", "record", "parameters", "partner", "priority", "delay_until", "identity_key",
    "exclusive_key", "test_mode",
}  # fmt: skip


class BillingTask(models.Model):
    """How tasks come into the queue and how the workers hear of them."""

    _inherit = "billing.task"

    @api.private
    def enqueue(
        self,
        type_code,
        record=None,
        parameters=None,
        *,
        partner=None,
        priority=None,
        delay_until=None,
        identity_key=None,
        exclusive_key=None,
        test_mode=False,
    ):
        """Put one task in the queue and return it.

        :param str type_code: code of the task type.
        :param record: the record that the task is for; its company is the task's.
        :param dict parameters: a JSON object without secrets.
        :param partner: the customer; by default the record's own ``partner_id``.
        :param int priority: the lowest runs first; by default the type's.
        :param datetime delay_until: UTC; the task does not run before.
        :param str identity_key: where a task with this key is waiting already, that one is
            returned. It cannot start before this transaction ends, so it will see what this
            transaction did.
        :param str exclusive_key: tasks with the same key never run at the same time.
        :param bool test_mode: run, then undo everything, and keep only the result.
        """
        new_ids, existing_ids = self.enqueue_many(
            [
                {
                    "type_code": type_code,
                    "record": record,
                    "parameters": parameters,
                    "partner": partner,
                    "priority": priority,
                    "delay_until": delay_until,
                    "identity_key": identity_key,
                    "exclusive_key": exclusive_key,
                    "test_mode": test_mode,
                }
            ]
        )
        return self.browse(new_ids or existing_ids)

    @api.private
    def enqueue_many(self, specs):
        """Put many tasks in the queue with one INSERT and one wake-up of the workers after the
        commit.

        :param specs: dicts with the keyword names of ``enqueue``; only ``type_code`` is required.
        :return: ``(new_ids, existing_ids)``: ids of the tasks inserted, in the order of ``specs``,
            and of the waiting ones that stood in for a spec by their identity key.
        """
        if not specs:
            return [], []
        now = fields.Datetime.now()
        requester = self._requester_id()
        rows = [self._prepare_task_row(spec, now, requester) for spec in specs]
        self.flush_model(["state", "identity_key"])
        inserted = self._insert_tasks(rows)
        existing_ids = []
        if len(inserted) < len(rows):
            more, existing_ids = self._hold_existing(rows, {task_id for task_id, _key in inserted})
            inserted += more
        new_ids = [task_id for task_id, _key in inserted]
        inline = isinstance(self.env.context.get("billing_task_journal"), InlineJournal)
        if not inline and (existing_ids or any(row["delay_date"] <= now for row in rows)):
            self._wake_workers()
        return new_ids, existing_ids

    @api.model
    def _task_columns(self):
        """Return the columns that a new task is inserted with; ``_prepare_task_row`` has a value
        for each. A floor above adds what it keeps of its records."""
        return _COLUMNS

    def _prepare_task_row(self, spec, now, requester):
        """Return the column values of one new task."""
        unknown = spec.keys() - _SPEC_KEYS
        if unknown:
            raise ValueError(f"Unknown keys for a billing task: {', '.join(sorted(unknown))}")
        task_type = self.env["billing.task.type"].sudo()._by_code(spec["type_code"])
        record = spec.get("record")
        company, partner = self.env.company, spec.get("partner")
        if record is not None:
            record.ensure_one()
            if "company_id" in record._fields and record.company_id:
                company = record.company_id
            if not partner:
                partner = record if record._name == "res.partner" else self._partner_of(record)
        parameters = spec.get("parameters")
        self._validate_parameters(parameters)
        priority = spec.get("priority")
        return {
            "type_id": task_type.id,
            "state": "pending",
            "company_id": company.id,
            "partner_id": (partner and partner.id) or None,
            "res_model": record._name if record is not None else None,
            "res_id": record.id if record is not None else None,
            "parameters": Json(parameters) if parameters else None,
            "priority": task_type.priority if priority is None else priority,
            "retry_count": 0,
            "max_retries": task_type.max_retries,
            "postpone_count": 0,
            "added_date": now,
            "delay_date": max(fields.Datetime.to_datetime(spec.get("delay_until")) or now, now),
            "test_mode": bool(spec.get("test_mode")),
            "identity_key": spec.get("identity_key") or None,
            "exclusive_key": spec.get("exclusive_key") or None,
            "requested_by_id": requester,
            "create_uid": self.env.uid,
            "create_date": now,
            "write_uid": self.env.uid,
            "write_date": now,
        }

    def _partner_of(self, record):
        field = record._fields.get("partner_id")
        if field is not None and field.comodel_name == "res.partner":
            return record.sudo().partner_id
        return None

    def _requester_id(self):
        """Return the person behind the new tasks: inside a handler the one who asked for its
        task."""
        if self.env.uid == SUPERUSER_ID:
            return self.env.context.get("billing_task_requester_id") or None
        return self.env.uid

    def _insert_tasks(self, rows):
        """INSERT the rows that no waiting task stands in for; return ``[(id, identity_key)]`` of
        them."""
        names = self._task_columns()
        columns = SQL(", ").join(map(SQL.identifier, names))
        inserted = []
        for start in range(0, len(rows), 1000):
            values = SQL(", ").join(
                SQL("%s", tuple(row[name] for name in names)) for row in rows[start : start + 1000]
            )
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO billing_task (%s) VALUES %s
                    ON CONFLICT (identity_key)
                          WHERE state IN ('pending', 'error') AND identity_key IS NOT NULL
                     DO NOTHING
                    RETURNING id, identity_key
                    """,
                    columns,
                    values,
                ),
                # Tasks with this key that came since our snapshot are a conflict, no mistake: who
                # called tries again.
                log_exceptions=False,
            )
            inserted += self.env.cr.fetchall()
        return inserted

    def _hold_existing(self, rows, new_ids):
        """Lock the waiting tasks that stand in for rows, so that none starts before this
        transaction ends.

        Otherwise such a task could start now, not see what this transaction did, and end: the wish
        behind the row would be lost. Where one was claimed meanwhile, its row is inserted after
        all.

        :return: ``([(id, key)] inserted after all, ids of the waiting tasks)``
        """
        more, held = [], set()
        keys = {row["identity_key"] for row in rows if row["identity_key"]}
        while keys:
            try:
                with self.env.cr.savepoint(flush=False):
                    self.env.cr.execute(
                        SQL(
                            """
                            SELECT id FROM billing_task
                             WHERE state IN ('pending', 'error') AND identity_key IN %s
                               FOR SHARE
                            """,
                            tuple(keys),
                        ),
                        log_exceptions=False,
                    )
                    held.update(row[0] for row in self.env.cr.fetchall())
                break
            except psycopg2.errors.SerializationFailure:
                # Claimed since our snapshot: it no longer waits, so its key is free again.
                claimed = self._insert_tasks([row for row in rows if row["identity_key"] in keys])
                if not claimed:
                    raise
                more += claimed
                keys -= {key for _task_id, key in claimed}
        return more, sorted(held - new_ids)

    # === WAKE-UP === #

    @api.model
    def _worker_count(self):
        """Return how many of the worker crons may work: a setting, 0 pauses the queue."""
        # Without a default the answer to "not set" would be False, which is the number 0.
        value = self.env["ir.config_parameter"].sudo().get_param(WORKERS_PARAMETER, None)
        try:
            return min(max(int(value), 0), WORKER_CRONS)
        except (TypeError, ValueError):
            return DEFAULT_WORKERS

    @api.model
    def _worker_cron(self, slot):
        """Return the cron record of worker ``slot`` (1 to 8)."""
        return self.env.ref(f"billing_operations.cron_billing_task_worker_{slot}").sudo()

    @api.model
    def _wake_workers(self):
        """Have all workers look at the queue once this transaction is committed.

        However often it is asked for in one transaction, the workers are woken once.
        """
        precommit = self.env.cr.precommit
        if not precommit.data.get(_WAKE_KEY):
            precommit.data[_WAKE_KEY] = True
            precommit.add(self.sudo().browse()._trigger_workers)

    def _trigger_workers(self, first=1):
        """Make the workers from ``first`` on look at the queue after the commit: those at work hear
        of it; the crons of all become ready and the servers are notified, or jobs are created where
        Queue Job carries them."""
        announce(self.env.cr)
        slots = range(first, self._worker_count() + 1)
        if self._uses_queue_job():
            self._start_pumps(slots)
            return
        crons = self.env["ir.cron"].sudo().union(*map(self._worker_cron, slots)).filtered("active")
        if not crons:
            return
        now = fields.Datetime.now()
        self.env["ir.cron.trigger"].sudo().create(
            [{"cron_id": cron.id, "call_at": now} for cron in crons]
        )
        # Not ``_trigger`` on each: that opens a connection per cron to say the same thing.
        self.env.cr.postcommit.add(crons._notifydb)
