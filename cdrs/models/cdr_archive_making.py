import gzip
import hashlib
import io
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ...billing_tasks.exceptions import FatalTaskError, RetryTask
from ..archive_rows import ArchiveReader
from ..archives import Content, Limits
from .cdr_archive import RESTORED_DAYS

#: so many calls make one file
MOST = 500_000
#: links that a file cannot keep: they are found again
NOT_KEPT = ("file_id", "error_id")
CHOSEN = SQL.identifier("cdr_archive_chosen")


class CdrArchive(models.Model):
    """Making archives: a file is written, read again and compared; only then its rows are dropped, and
    all of it in one transaction.

    Calls that are charged on something billed, or ignored, are taken once they are older than the
    company says. All others stay, unless it also says after how many months calls that were never
    billed are given up.
    """

    _inherit = "cdr.archive"

    # === WHAT IS OLD === #

    @api.model
    def _cron_archive(self):
        """Enqueue what is old enough, in the companies where an administrator has agreed."""
        companies = self.env["res.company"].sudo().search([("cdr_keep_months", ">", 0)])
        for company in companies:
            self._enqueue_old(company)

    @api.model
    def _enqueue_old(self, company):
        """Enqueue a task for each carrier and month of a company with calls to archive."""
        first_kept = company._cdr_first_kept()
        if not first_kept:
            return
        specs = []
        for carrier, month in self._old_months(company, first_kept):
            if self._is_restored(carrier, month):
                continue
            key = f"cdr_archive:{carrier.id}:{month}"
            specs.append(
                {
                    "type_code": "cdr_archive",
                    "record": carrier,
                    "parameters": {"month": fields.Date.to_string(month)},
                    "identity_key": key,
                    "exclusive_key": f"cdr_archive:{carrier.id}",
                }
            )
        self.env["billing.task"].sudo().with_company(company).enqueue_many(specs)

    @api.model
    def _old_months(self, company, first_kept):
        """Yield ``(carrier, first day)`` of the months before a day of which calls can be archived.

        Each carrier's calls lie in the order of their time: no others are looked at.
        """
        carriers = self.env["cdr.carrier"].sudo().with_context(active_test=False)
        for carrier in carriers.search([("company_id", "=", company.id)]):
            [[first]] = self.env.execute_query(
                SQL("SELECT min(call_day) FROM (%s) AS oldest", self._oldest(carrier))
            )
            month = first and first.replace(day=1)
            while month and month < first_kept:
                [[found]] = self.env.execute_query(
                    SQL("SELECT EXISTS (%s)", self._closed_sql(carrier, month))
                )
                if found:
                    yield carrier, month
                month += relativedelta(months=1)

    @api.model
    def _oldest(self, carrier):
        return SQL(
            "SELECT call_day FROM cdr_record WHERE carrier_id = %s ORDER BY call_time LIMIT 1000",
            carrier.id,
        )

    @api.model
    def _is_restored(self, carrier, month):
        today = carrier.company_id._billing_today()
        return bool(
            self.sudo().search_count(
                [
                    ("carrier_id", "=", carrier.id),
                    ("month", "=", month),
                    ("state", "=", "restored"),
                    ("restored_until", ">=", today),
                ],
                limit=1,
            )
        )

    @api.model
    def _month_sql(self, carrier, month):
        """Return the condition of the calls of a carrier's month; the days of the company's zone lie
        within a day of those of UTC."""
        after = month + relativedelta(months=1)
        return SQL(
            "record.carrier_id = %s AND record.call_time >= %s AND record.call_time < %s"
            " AND record.call_day >= %s AND record.call_day < %s",
            carrier.id,
            month - timedelta(days=1),
            after + timedelta(days=1),
            month,
            after,
        )

    @api.model
    def _is_closed_sql(self, company, month):
        """Return the condition of calls of a month that can be archived: nothing comes of them any
        more."""
        closed = SQL(
            """
            (record.state = 'ignored' OR record.state = 'charged' AND EXISTS (
                SELECT FROM billing_charge AS charge
                 WHERE charge.id = record.charge_id
                   AND charge.state IN ('invoiced', 'settled', 'waived')))
            """
        )
        if month < company._cdr_first_unbilled_kept():
            return SQL("(%s OR record.state IN ('unrated', 'rated', 'error'))", closed)
        return closed

    @api.model
    def _closed_sql(self, carrier, month):
        return SQL(
            "SELECT FROM cdr_record AS record WHERE %s AND %s",
            self._month_sql(carrier, month),
            self._is_closed_sql(carrier.company_id, month),
        )

    @api.model
    def _old_figures(self, company, first_kept):
        """Return what is there before a day, carrier by carrier and month by month.

        :return: list of dicts: ``carrier_id``, ``month``, ``calls`` to archive, ``given_up`` among
            them, ``cost``, and calls that ``stay``
        """
        rows = []
        for carrier, month in self._old_months(company, first_kept):
            is_closed = self._is_closed_sql(company, month)
            [row] = self.env.execute_query_dict(
                SQL(
                    """
                    SELECT count(*) FILTER (WHERE %(closed)s) AS calls,
                           count(*) FILTER (WHERE %(closed)s
                               AND record.state IN ('unrated', 'rated', 'error')) AS given_up,
                           COALESCE(sum(record.cost) FILTER (WHERE %(closed)s), 0)::float AS cost,
                           count(*) FILTER (WHERE NOT %(closed)s) AS stay
                      FROM cdr_record AS record WHERE %(month)s
                    """,
                    closed=is_closed,
                    month=self._month_sql(carrier, month),
                )
            )
            rows.append({"carrier_id": carrier.id, "month": month, **row})
        return rows

    # === THE TASK === #

    @api.model
    @api.private
    def _task_archive(self, task):
        """Handle ``cdr_archive``: archive a month of a carrier, file by file."""
        carrier = self.env["cdr.carrier"].browse(task.res_id).exists()
        month = fields.Date.to_date(task.parameters["month"])
        company = carrier.company_id
        if not carrier or not company._cdr_first_kept() or month >= company._cdr_first_kept():
            return {"calls": 0, "files": 0}
        made = self.sudo()._archive_month(carrier, month)
        return {"calls": sum(made.mapped("record_count")), "files": len(made)}

    @api.model
    def _archive_month(self, carrier, month):
        """Archive what can be of a carrier's month; return the archives."""
        self.env.flush_all()
        before = self.search(
            [("carrier_id", "=", carrier.id), ("month", "=", month), ("state", "=", "restored")]
        )
        made = self.browse()
        while archive := self._archive_part(carrier, month):
            made |= archive
        if made:
            before._set_state("replaced", {"restored_until": False})
        self.env["cdr.record"].invalidate_model()
        return made

    @api.model
    def _archive_part(self, carrier, month):
        """Write one file, and drop its rows; return its archive, none where nothing is left."""
        cr = self.env.cr
        cr.execute(SQL("DROP TABLE IF EXISTS %s", CHOSEN))
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE %s ON COMMIT DROP AS
                SELECT record.id, record.state IN ('unrated', 'rated', 'error') AS is_given_up
                  FROM cdr_record AS record WHERE %s AND %s
                 ORDER BY record.call_time, record.id LIMIT %s
                """,
                CHOSEN,
                self._month_sql(carrier, month),
                self._is_closed_sql(carrier.company_id, month),
                MOST,
            )
        )
        totals = self._give_up_and_count()
        if not totals["record_count"]:
            return None
        content, sha256 = self._write_file()
        self._compare(content, totals["record_count"])
        crash_point("archive.written")
        archive = self._keep(carrier, month, totals, content, sha256)
        self._drop(totals["record_count"])
        return archive

    @api.model
    def _give_up_and_count(self):
        """Ignore what was never billed among the chosen calls, and count all of them."""
        cr = self.env.cr
        cr.execute(
            SQL(
                """
                UPDATE cdr_record AS record SET state = 'ignored', error_code = NULL
                  FROM %s AS chosen WHERE chosen.id = record.id AND chosen.is_given_up
                """,
                CHOSEN,
            )
        )
        cr.execute(
            SQL(
                """
                SELECT count(*) AS record_count,
                       count(*) FILTER (WHERE chosen.is_given_up) AS given_up_count,
                       COALESCE(sum(record.seconds), 0)::float AS total_seconds,
                       COALESCE(sum(record.cost), 0)::float AS total_cost,
                       min(record.call_day) AS first_date, max(record.call_day) AS last_date
                  FROM %s AS chosen JOIN cdr_record AS record ON record.id = chosen.id
                """,
                CHOSEN,
            )
        )
        return cr.dictfetchone()

    @api.model
    def _archived_columns(self):
        """Return ``{column: type}`` of call records that a file keeps."""
        return {
            name: field.column_type[0]
            for name, field in self.env["cdr.record"]._fields.items()
            if field.store and field.column_type and name not in NOT_KEPT
        }

    @api.model
    def _write_file(self):
        """Return the chosen calls as a packed CSV file, and the fingerprint of its content."""
        names = sorted(self._archived_columns(), key=lambda name: (name != "id", name))
        statement = SQL(
            "COPY (SELECT %s FROM %s AS chosen JOIN cdr_record AS record ON record.id = chosen.id"
            " ORDER BY record.call_time, record.id) TO STDOUT WITH (FORMAT csv, HEADER)",
            SQL(", ").join(SQL.identifier("record", name) for name in names),
            CHOSEN,
        )
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
            writer = _Hashed(file)
            self.env.cr.copy_expert(statement.code, writer)
        return packed.getvalue(), writer.digest.hexdigest()

    @api.model
    def _compare(self, content, count):
        """Check that the file can be read back, and holds every call.

        :raise FatalTaskError: it does not; nothing is dropped
        """
        limits = Limits(packed=len(content) + 1, unpacked=1 << 40, ratio=1 << 30)
        reader = ArchiveReader(
            Content(io.BytesIO(content), "archive.csv.gz", limits), self._archived_columns(), ()
        )
        read, wrong = 0, []
        for rows, problems in reader.batches():
            read += len(rows)
            wrong += problems
        if read != count or wrong:
            raise FatalTaskError(
                self.env._(
                    "The archive holds %(read)s of %(count)s calls that can be read back. Nothing was"
                    " dropped.",
                    read=read,
                    count=count,
                )
            )

    @api.model
    def _keep(self, carrier, month, totals, content, sha256):
        """Create the archive with its file, and what it comes to by service."""
        part = 1 + self.search_count([("carrier_id", "=", carrier.id), ("month", "=", month)])
        archive = self._own().create(
            {
                "carrier_id": carrier.id,
                "month": month,
                "part": part,
                "sha256": sha256,
                "size": len(content),
                **totals,
            }
        )
        attachment = self.env["ir.attachment"].create(
            {
                "name": f"calls-{carrier.id}-{month:%Y-%m}-{part}.csv.gz",
                "raw": content,
                "res_model": self._name,
                "res_id": archive.id,
            }
        )
        archive._own().write({"attachment_id": attachment.id})
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO cdr_archive_service (archive_id, company_id, service_id, currency_id,
                                                 record_count, seconds, cost)
                SELECT %s, %s, service.id, record.cost_currency_id, count(*), sum(record.seconds),
                       COALESCE(sum(record.cost), 0)
                  FROM %s AS chosen
                  JOIN cdr_record AS record ON record.id = chosen.id
                  LEFT JOIN billing_service AS service ON service.id = record.service_id
                 GROUP BY service.id, record.cost_currency_id
                """,
                archive.id,
                carrier.company_id.id,
                CHOSEN,
            )
        )
        return self.browse(archive.id)

    @api.model
    def _drop(self, count):
        """Delete the chosen rows; all of them or none.

        :raise RetryTask: something moved one of them meanwhile
        """
        self.env.cr.execute(SQL("DELETE FROM cdr_record WHERE id IN (SELECT id FROM %s)", CHOSEN))
        if self.env.cr.rowcount != count:
            raise RetryTask(delay=timedelta(minutes=1))

    def _set_restored(self):
        """Note that the calls are there again, and for how long."""
        day = fields.Date.today() + timedelta(days=RESTORED_DAYS)
        self._set_state("restored", {"restored_until": day})


class _Hashed:
    """Writes to a file what PostgreSQL gives, and takes its fingerprint."""

    def __init__(self, file):
        self.file = file
        self.digest = hashlib.sha256()

    def write(self, data):  # pylint: disable=method-required-super
        self.digest.update(data)
        return self.file.write(data)
