"""Odoo killed while a file is imported: after the retry each line is there once."""

import json
import shutil
import unittest
from pathlib import Path

from .workers import Database, process_test

LINES = 60_000
POINTS = ("cdr_import:task.started", "import.before_insert", "cdr_import:task.before_commit")
PREPARE = """
import json
from odoo.addons.billing_operations.tests.cdr_common import HEAD, CdrCase, call_line


class Data(CdrCase):
    env = env


Data.make_provider()
Data.carrier = Data.make_carrier()
content = HEAD + "".join(map(call_line, range(lines)))
file = Data.env["cdr.file"]._receive(Data.carrier, [("calls.csv", content.encode())], "upload")
env.cr.commit()
print()
print(json.dumps({"file": file.id}))
"""


@process_test
class TestCdrCrashes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.enterClassContext(Database())
        output = cls.base.script(PREPARE, lines=LINES)
        cls.file_id = json.loads(output.strip().splitlines()[-1])["file"]

    def test_a_kill_during_the_import_leaves_each_line_once(self):
        for point in POINTS:
            with self.subTest(point=point):
                self.check(point)

    def check(self, point):
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
                done = f"""
                    SELECT state IN ('processed', 'error')
                        OR EXISTS (SELECT 1 FROM billing_task WHERE error_code = 'error')
                      FROM cdr_file WHERE id = {self.file_id}
                """
                workers.wait_for(done, 120, each=workers.tend)
            self.assertFalse(list(crashes.iterdir()), "it was killed")
            [counts] = database.execute(
                f"""
                SELECT state, record_count, error_count, line_count,
                       (SELECT count(*) FROM cdr_record WHERE file_id = {self.file_id}),
                       (SELECT count(DISTINCT line_number) FROM cdr_record)
                  FROM cdr_file WHERE id = {self.file_id}
                """
            )
            self.assertEqual(counts, ("processed", LINES, 0, LINES + 1, LINES, LINES))
            self.assertGreater(
                database.value("SELECT max(attempt_count) FROM billing_task"), 1, "tried again"
            )
