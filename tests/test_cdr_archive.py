"""Old calls go into compressed files and come back from them as they were. Nothing is dropped that was
not agreed to, is still to be billed, or could not be read back, and nothing is billed twice."""

import csv
import gzip
import io
import json
from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..billing_tasks.exceptions import FatalTaskError
from ..cdrs.archive_rows import ArchiveReader
from ..cdrs.archives import Content, Limits
from ..cdrs.layout import LayoutProblem
from ..cdrs.models import cdr_archive_making
from .test_run_usage_rerate import RerateCase

JANUARY = date(2026, 1, 1)
LATER = "2027-03-15 12:00:00"


class ArchiveCase(RerateCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chief = cls.make_user("archive_chief", "billing_operations.group_billing_administrator")
        cls.archives = cls.env["cdr.archive"]
        cls.startClassPatcher(freeze_time(LATER))

    def agree(self, months=12, unbilled=0):
        self.company.write(
            {
                "cdr_keep_months": months,
                "cdr_agreed_months": months,
                "cdr_keep_unbilled_months": unbilled,
                "cdr_agreed_unbilled_months": unbilled,
            }
        )

    def archive(self):
        """Do what the daily job and its tasks do; return the archives."""
        self.archives._cron_archive()
        self.work()
        return self.archives.search([("carrier_id", "=", self.carrier.id)])

    def work(self):
        self.env.flush_all()
        codes = ("cdr_archive", "cdr_import", "cdr_rate")
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "in", codes)])
        self.env.invalidate_all()

    def rows(self, *left_out):
        """All calls of the carrier, every stored value of each."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "SELECT to_jsonb(record)::text FROM cdr_record AS record"
                " WHERE carrier_id = %s ORDER BY id",
                self.carrier.id,
            )
        )
        found = [json.loads(text) for [text] in self.env.cr.fetchall()]
        for row in found:
            for name in left_out:
                row.pop(name)
        return found

    def content(self, archive):
        return gzip.decompress(archive.attachment_id.raw)


@tagged("post_install", "-at_install")
class TestCdrArchive(ArchiveCase):
    def test_billed_calls_are_archived_dropped_and_read_back_as_they_were(self):
        self.load(
            self.january(2),
            self.january(3, seconds=90, cost=0.125, caller="+44 20 7946 0000", callee='0"1,2\n3'),
            self.january(9, "447700900123", withheld=True),
        )
        self.billed(stage="posting")
        before = self.rows()
        self.assertEqual({row["state"] for row in before}, {"charged"})
        self.agree()
        archive = self.archive()
        self.assertEqual(self.rows(), [])
        self.assertRecordValues(
            archive,
            [
                {
                    "state": "archived",
                    "month": JANUARY,
                    "record_count": 3,
                    "given_up_count": 0,
                    "total_seconds": 210,
                    "total_cost": 0.125,
                    "first_date": date(2026, 1, 2),
                    "last_date": date(2026, 1, 9),
                }
            ],
        )
        lines = list(csv.DictReader(io.StringIO(self.content(archive).decode())))
        self.assertEqual([line["callee"] for line in lines], ["", '0"1,2\n3', ""])
        archive.with_user(self.manager).action_restore()
        self.work()
        file = archive.file_ids
        self.assertEqual((file.state, file.record_count, file.error_count), ("processed", 3, 0))
        self.assertEqual(self.rows("file_id"), self.without(before))
        self.assertEqual(archive.state, "restored")
        self.explained()
        self.assertFalse(self.usage(self.billed(2)), "nothing is billed again")

    def without(self, rows, name="file_id"):
        return [{key: value for key, value in row.items() if key != name} for row in rows]

    def test_restored_calls_stay_for_some_time_and_are_then_archived_again(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.agree()
        first = self.archive()
        first.action_restore()
        self.work()
        with self.assertRaises(UserError):
            first.action_restore()
        self.archive()
        self.assertEqual(len(self.rows()), 1)
        with freeze_time("2027-08-15"):
            archives = self.archive()
        self.assertEqual(self.rows(), [])
        self.assertEqual(sorted(archives.mapped("state")), ["archived", "replaced"])
        self.assertEqual((archives - first).file_ids, self.env["cdr.file"])
        (archives - first).action_restore()
        self.work()
        self.assertEqual(len(self.rows()), 1)

    def test_nothing_is_archived_before_an_administrator_has_seen_the_figures(self):
        self.load(self.january(2), self.january(3, "331234567"))
        self.billed(stage="posting")
        self.company.cdr_keep_months = 12
        self.assertFalse(self.archive())
        start = self.env["cdr.archive.start"]
        with self.assertRaises(AccessError):
            start.with_user(self.manager).create({})
        dialog = start.with_user(self.chief).create({"keep_months": 12})
        with self.assertRaises(UserError):
            dialog.action_apply()
        dialog.action_preview()
        self.assertRecordValues(
            dialog.line_ids,
            [
                {
                    "carrier_id": self.carrier.id,
                    "month": JANUARY,
                    "call_count": 1,
                    "given_up_count": 0,
                    "staying_count": 1,
                }
            ],
        )
        self.assertEqual((dialog.call_count, dialog.staying_count), (1, 1))
        self.assertFalse(self.company.cdr_agreed_months, "looking changes nothing")
        dialog.action_apply()
        self.work()
        self.assertEqual(
            self.archives.search([("carrier_id", "=", self.carrier.id)]).record_count, 1
        )
        self.assertEqual([row["state"] for row in self.rows()], ["error"])
        # Fewer months ask again, more do not.
        self.assertTrue(self.company._cdr_first_kept())
        self.company.cdr_keep_months = 7
        self.assertFalse(self.company._cdr_first_kept())
        self.company.cdr_keep_months = 24
        self.assertTrue(self.company._cdr_first_kept())

    def test_calls_that_are_not_billed_stay_unless_that_is_agreed_to(self):
        self.load(self.january(2), self.january(3, "331234567"))
        run = self.billed(stage="posting")
        self.undo(run, "reopen")
        self.agree()
        self.assertFalse(self.archive(), "a charge that no invoice has yet keeps its calls")
        self.assertEqual(sorted(row["state"] for row in self.rows()), ["charged", "error"])
        self.billed(2, "posting")
        self.assertEqual(self.archive().record_count, 1)
        self.assertEqual([row["state"] for row in self.rows()], ["error"])
        self.agree(unbilled=12)
        given_up = self.archive().filtered("given_up_count")
        self.assertEqual((given_up.record_count, given_up.given_up_count), (1, 1))
        self.assertEqual(self.rows(), [])
        given_up.action_restore()
        self.work()
        self.assertEqual([row["state"] for row in self.rows()], ["ignored"])
        self.assertFalse(self.usage(self.billed(3)))

    def test_younger_months_and_other_companies_stay(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.agree(months=14)
        self.assertFalse(self.archive())
        self.agree(months=13)
        self.assertTrue(self.archive())

    def test_a_call_of_an_archived_month_is_not_billed_a_second_time(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.carrier.format_id = self.env.ref("billing_operations.cdr_format_generic_csv")
        self.agree()
        self.archive()
        text = "date,caller,callee,seconds,cost,id\n2026-01-02 12:00:00,+442079460000,1,9,0.1,old\n"
        text += "2026-01-20 12:00:00,+442079460000,+442079461111,60,0.1,new\n"
        [file] = self.env["cdr.file"]._receive(self.carrier, [("old.csv", text.encode())], "upload")
        self.work()
        self.assertEqual((file.record_count, file.late_count), (2, 1))
        calls = self.records.search([("file_id", "=", file.id)], order="line_number")
        self.assertEqual(calls.mapped("error_code"), ["out_of_window", False])

    def test_nothing_is_dropped_that_cannot_be_read_back(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.agree()
        with (
            patch.object(
                type(self.archives), "_write_file", lambda archives: (gzip.compress(b"id\n"), "x")
            ),
            self.assertRaises(FatalTaskError),
        ):
            self.archives._archive_month(self.carrier, JANUARY)
        self.assertEqual(len(self.rows()), 1)

    def test_a_month_of_many_calls_makes_several_files(self):
        self.load(*(self.january(2 + n) for n in range(5)))
        self.billed(stage="posting")
        before = self.rows("file_id")
        self.agree()
        with patch.object(cdr_archive_making, "MOST", 2):
            archives = self.archive()
        self.assertEqual(sorted(archives.mapped("record_count")), [1, 2, 2])
        self.assertEqual(sorted(archives.mapped("part")), [1, 2, 3])
        archives.action_restore()
        self.work()
        self.assertEqual(self.rows("file_id"), before)

    def test_corrected_charges_find_their_calls_again(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        self.billed(2, "posting")
        self.agree()
        archive = self.archive()
        self.assertEqual(self.rows(), [])
        archive.action_restore()
        self.work()
        self.explained()

    def test_calls_of_a_customer_who_was_merged_since_find_their_charge_again(self):
        self.load(self.january(2), self.january(9, "447700900123"))
        usage = self.usage(self.billed(stage="posting"))
        self.agree()
        archive = self.archive()
        kept = self.make_customer("Kept")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.customer | kept).ids, kept, extra_checks=False)
        self.assertEqual(usage.partner_id, kept)
        archive.action_restore()
        self.work()
        for charge in usage:
            calls = self.records.search(charge.action_view_calls()["domain"])
            self.assertEqual(len(calls), charge.usage_calls)
            self.assertEqual(calls.partner_id, kept)
        self.explained()

    def test_the_margin_stays_what_it_was(self):
        self.load(self.january(2, cost=0.5), self.january(3, cost=0.25))
        self.billed(stage="posting")
        report = self.env["cdr.margin.report"]

        def figures():
            self.env.flush_all()
            rows = report.search([("carrier_id", "=", self.carrier.id)])
            return [(r.month, r.service_id, r.calls, r.cost, r.sale, r.margin) for r in rows]

        before = figures()
        self.assertEqual([row[3] for row in before], [0.75])
        self.agree()
        archive = self.archive()
        self.assertEqual(figures(), before)
        archive.action_restore()
        self.work()
        self.assertEqual(figures(), before)

    def test_an_archive_of_another_database_bills_nothing(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.agree()
        content = self.archive().attachment_id.raw
        stranger = self.make_company("Elsewhere")
        carrier = self.env["cdr.carrier"].create(
            {
                "name": "Old Books",
                "company_id": stranger.id,
                "format_id": self.env.ref("billing_operations.cdr_format_archive").id,
            }
        )
        [file] = self.env["cdr.file"]._receive(carrier, [("old.csv.gz", content)], "upload")
        self.work()
        self.assertEqual((file.state, file.record_count), ("processed", 1), file.message)
        [call] = self.records.search([("file_id", "=", file.id)])
        self.assertEqual((call.state, call.company_id, call.seconds), ("ignored", stranger, 60))
        self.assertFalse(call.service_id or call.charge_id or call.partner_id)

    def test_damaged_lines_of_an_archive_are_named_and_the_others_read(self):
        self.load(*(self.january(2 + n) for n in range(4)))
        self.billed(stage="posting")
        self.agree()
        archive = self.archive()
        head, *lines = self.content(archive).decode().splitlines()
        place = head.split(",").index("seconds")
        cells = lines[0].split(",")
        cells[place] = "many"
        lines[0] = ",".join(cells)
        lines[1] = lines[1].rpartition(",")[0]
        content = "\n".join([head, *lines]).encode()
        columns = self.archives._archived_columns()
        reader = ArchiveReader(Content(io.BytesIO(content), "a.csv", Limits()), columns, ("state",))
        rows, problems = [], []
        for some, wrong in reader.batches():
            rows += some
            problems += wrong
        self.assertEqual([row[0] for row in rows], [4, 5])
        self.assertEqual(
            [(p.line, p.code) for p in problems], [(2, "archived_value"), (3, "too_short")]
        )
        other = ArchiveReader(
            Content(io.BytesIO(b"a,b\n1,2\n"), "a.csv", Limits()), columns, ("state",)
        )
        with self.assertRaises(LayoutProblem):
            list(other.batches())

    def test_a_task_that_comes_too_late_archives_nothing(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.agree()
        self.archives._cron_archive()
        self.company.cdr_keep_months = 0
        self.work()
        self.assertEqual(len(self.rows()), 1)

    # === RIGHTS === #

    def test_who_may(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.agree()
        archive = self.archive()
        self.assertEqual(archive.with_user(self.user).record_count, 1)
        with self.assertRaises(AccessError):
            archive.with_user(self.user).action_restore()
        with self.assertRaises(AccessError):
            archive.with_user(self.chief).write({"record_count": 0})
        with self.assertRaises(UserError):
            archive.unlink()
        other = self.make_company("Elsewhere")
        stranger = self.make_user("archive_other", "billing_operations.group_billing_user", other)
        seen = self.archives.with_user(stranger).with_context(allowed_company_ids=other.ids)
        self.assertFalse(seen.search([]))

    def test_fewer_than_six_months_are_refused(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.company.cdr_keep_months = 3
            self.env.flush_all()

    def test_the_dialog_takes_no_fewer_months_either(self):
        dialog = self.env["cdr.archive.start"].with_user(self.chief).create({"keep_months": 1})
        with self.assertRaises(UserError):
            dialog.action_preview()

    def test_days_of_the_companys_zone_decide_the_month(self):
        self.company.resource_calendar_id.tz = "Pacific/Auckland"
        self.load(self.january(1))
        day = timedelta(days=1)
        self.env.cr.execute(
            "UPDATE cdr_record SET call_time = '2025-12-31 23:00:00', state = 'ignored',"
            " error_code = NULL WHERE carrier_id = %s",
            [self.carrier.id],
        )
        self.agree()
        archive = self.archive()
        self.assertEqual(
            (archive.month, archive.last_date - archive.first_date), (JANUARY, 0 * day)
        )
