"""The packages of the addon: a wheel that installs, bills, and leaves Odoo's books when it goes."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

from .package_common import (
    BILL,
    BOOKS,
    PREPARE,
    CleanDatabase,
    build_packages,
    last_line,
    names_in,
)
from .workers import process_test

UNINSTALL = """
env["ir.module.module"].search([("name", "=", "billing_operations")]).button_immediate_uninstall()
"""
#: what is left in the database that only the addon makes: tables, functions, triggers, scheduled actions
LEFT = """
    SELECT relname::text FROM pg_class
     WHERE relkind IN ('r', 'S') AND relname ~ '^(billing|cdr|service_(task|operation|processing))_'
     UNION ALL
    SELECT proname::text FROM pg_proc WHERE proname LIKE 'billing%'
     UNION ALL
    SELECT tgname::text FROM pg_trigger WHERE tgname ~ '^(billing|hold)_'
     UNION ALL
    SELECT name FROM ir_model_data WHERE module = 'billing_operations'
"""


@process_test
class TestPackages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.wheel, cls.archive = build_packages(folder)

    def test_the_wheel_holds_the_product_and_nothing_of_its_development(self):
        inside = {name.split("/")[3] for name in names_in(self.wheel) if name.startswith("odoo/")}
        for needed in ("__manifest__.py", "LICENSE", "README.md", "billing_runs", "i18n", "static"):
            self.assertIn(needed, inside)
        self.assertFalse(inside & {"tests", "tools", "bench", "findings", ".ci", "Makefile"})
        self.assertIn("-19.0.", self.wheel.name)

    def test_the_same_sources_give_the_same_archive(self):
        with tempfile.TemporaryDirectory() as folder:
            _wheel, again = build_packages(folder)
            digests = {
                hashlib.sha256(path.read_bytes()).hexdigest() for path in (again, self.archive)
            }
        self.assertEqual(len(digests), 1)
        with tarfile.open(self.archive) as archive:
            names = archive.getnames()
        top = self.archive.name.removesuffix(".tar.gz")
        self.assertTrue(all(name.startswith(f"{top}/") for name in names))
        self.assertIn(f"{top}/tests/test_packages.py", names)

    def test_a_clean_odoo_takes_the_wheel_bills_and_keeps_its_books_when_it_goes(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
            command += ["--disable-pip-version-check", "--target", folder, self.wheel]
            subprocess.run(command, check=True, capture_output=True)
            with CleanDatabase(str(Path(folder, "odoo", "addons"))) as database:
                made = last_line(database.script(PREPARE, count=4))
                database.script(BILL, month=1, **made)
                books = database.execute(BOOKS.format(company=made["company"]))
                self.assertEqual(len(books), 4 * 3, "an item each for service, tax and customer")
                database.script(UNINSTALL, timeout=600)
                self.assertEqual(database.execute(BOOKS.format(company=made["company"])), books)
                self.assertEqual(database.execute(LEFT), [])
