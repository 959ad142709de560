"""Odoo killed while a file is imported, while calls are rated, or while they are archived: after the
retry each line is there once."""

import json
import shutil
import unittest
from pathlib import Path

from .workers import Database, process_test

LINES = 60_000
RATED = 20_000
COMMON = """
import json
from datetime import date
from odoo.addons.billing_operations.tests.cdr_common import HEAD, CdrCase, call_line


class Data(CdrCase):
    env = env


Data.make_provider()
Data.company.country_id = env.ref("base.uk")
Data.carrier = Data.make_carrier()
content = HEAD + "".join(map(call_line, range(lines)))
file = Data.env["cdr.file"]._receive(Data.carrier, [("calls.csv", content.encode())], "upload")
"""
IMPORT = """
env.cr.commit()
print()
print(json.dumps({"file": file.id}))
"""
#: every call waits for its number, which is there now
RATE = (
    """
file._import()
Data.env["billing.task"].search([]).sudo().unlink()
plan = Data.env["cdr.rate.plan"].create({"name": "Calls", "company_id": Data.company.id})
rate_class = Data.env["cdr.rate.class"].create({"name": "All", "company_id": Data.company.id})
Data.env["cdr.rate"].create(
    {
        "plan_id": plan.id, "prefix": "49", "name": "Germany", "class_id": rate_class.id,
        "price_minute": 0.06, "date_from": date(2026, 1, 1),
    }
)
tariff = Data.make_tariff(Data.make_scheme(), rate_plan_id=plan.id)
service = Data.make_service(Data.make_customer("Harbour Office"), tariff)
Data.env["billing.service.identifier"].create(
    {"service_id": service.id, "value": "+44 20 7946 0001", "date_from": date(2026, 1, 1)}
)
Data.env["billing.error"]._collect(Data.company)
Data.env["billing.error"].search([("company_id", "=", Data.company.id)])._reprocess_later()
"""
    + IMPORT
)
#: every call is ignored, and old enough
ARCHIVE = (
    """
file._import()
Data.env["billing.task"].search([]).sudo().unlink()
env.cr.execute(
    "UPDATE cdr_record SET state = 'ignored', error_code = NULL WHERE file_id = %s", [file.id]
)
names = ("cdr_keep_months", "cdr_agreed_months")
Data.company.write(dict.fromkeys(names, 6))
Data.env["cdr.archive"]._enqueue_old(Data.company)
"""
    + IMPORT
)


class CrashCase(unittest.TestCase):
    prepare = ""
    lines = RATED

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.enterClassContext(Database())
        output = cls.base.script(COMMON + cls.prepare, lines=cls.lines)
        cls.file_id = json.loads(output.strip().splitlines()[-1])["file"]

    def kill_at(self, point, done, check):
        """Have a worker killed at a point, wait for an end, and check what there is then."""
        with Database(template=self.base.name) as database:
            files = Path("data", "filestore")
            shutil.copytree(
                self.base.folder / files / self.base.name,
                database.folder / files / database.name,
                dirs_exist_ok=True,
            )
            crashes = database.folder / "crash"
            crashes.mkdir()
            (crashes / point).touch()
            environment = {"BILLING_OPERATIONS_CRASH_FOLDER": crashes}
            with database.workers(1, environment) as workers:
                workers.wait_for(done, 180, each=workers.tend)
            self.assertFalse(list(crashes.iterdir()), "it was killed")
            check(database)
            self.assertGreater(
                database.value("SELECT max(attempt_count) FROM billing_task"), 1, "tried again"
            )


@process_test
class TestCdrCrashes(CrashCase):
    prepare = IMPORT
    lines = LINES

    def test_a_kill_during_the_import_leaves_each_line_once(self):
        done = f"""
            SELECT state IN ('processed', 'error')
                OR EXISTS (SELECT 1 FROM billing_task WHERE error_code = 'error')
              FROM cdr_file WHERE id = {self.file_id}
        """
        for point in (
            "cdr_import:task.started",
            "import.before_insert",
            "cdr_import:task.before_commit",
        ):
            with self.subTest(point=point):
                self.kill_at(point, done, self.check)

    def check(self, database):
        [counts] = database.execute(
            f"""
            SELECT state, record_count, error_count, line_count,
                   (SELECT count(*) FROM cdr_record WHERE file_id = {self.file_id}),
                   (SELECT count(DISTINCT line_number) FROM cdr_record
                     WHERE file_id = {self.file_id})
              FROM cdr_file WHERE id = {self.file_id}
            """
        )
        self.assertEqual(counts, ("processed", LINES, 0, LINES + 1, LINES, LINES))


@process_test
class TestCdrRatingCrashes(CrashCase):
    prepare = RATE

    def test_a_kill_during_rating_leaves_each_call_rated_once(self):
        done = """
            SELECT count(*) > 0 AND bool_and(state IN ('completed', 'failed'))
              FROM billing_task JOIN billing_task_type AS kind ON kind.id = type_id
             WHERE kind.code = 'cdr_rate'
        """
        for point in ("cdr_rate:task.started", "rate.updated", "cdr_rate:task.before_commit"):
            with self.subTest(point=point):
                self.kill_at(point, done, self.check)

    def check(self, database):
        self.assertEqual(
            database.execute(
                "SELECT state, count(*), count(DISTINCT record_key), sum(amount)::float,"
                f" count(error_id) FROM cdr_record WHERE file_id = {self.file_id} GROUP BY state"
            ),
            [("rated", RATED, RATED, RATED * 0.06, 0)],
        )
        self.assertEqual(
            database.execute(
                "SELECT error.state, error.record_count FROM billing_error AS error"
                f" JOIN cdr_file AS file USING (company_id) WHERE file.id = {self.file_id}"
            ),
            [("resolved", 0)],
        )


@process_test
class TestCdrArchiveCrashes(CrashCase):
    prepare = ARCHIVE

    def test_a_kill_during_archiving_leaves_each_call_once(self):
        done = """
            SELECT count(*) > 0 AND bool_and(state IN ('completed', 'failed'))
              FROM billing_task JOIN billing_task_type AS kind ON kind.id = type_id
             WHERE kind.code = 'cdr_archive'
        """
        for point in ("archive.written", "cdr_archive:task.before_commit"):
            with self.subTest(point=point):
                self.kill_at(point, done, self.check)

    def check(self, database):
        self.assertEqual(
            database.execute(
                "SELECT state, record_count, (SELECT count(*) FROM cdr_record"
                f" WHERE file_id = {self.file_id}) FROM cdr_archive"
            ),
            [("archived", RATED, 0)],
        )
