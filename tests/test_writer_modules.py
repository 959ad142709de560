"""What is said of the writer of documents, on a database as a trading company has it.

The tests of equality run once more in a process of their own, on a database without demo data that has
thirty ordinary modules beside, those that `make bench NAME=invoicing` measures with.
"""

import os
import subprocess
import sys
import unittest
from pathlib import Path

from odoo.tools import config

from .workers import Database, process_test

ADDON = Path(__file__).parents[1]
MODULES = [
    line
    for line in (ADDON / "bench" / "modules.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
EQUALITY = (
    "test_invoice_builder.py",
    "test_invoice_builder_plain.py",
    "test_invoice_posting.py",
    "test_invoice_proofs.py",
    "test_invoice_proofs_beside.py",
    "test_invoice_whole_bills.py",
    "test_payment_writer.py",
)
RULES = """
builder, found = env["billing.invoice.builder"], []
found.append(builder._automation())
for name, trigger in (("Rule", "on_create_or_write"), ("Webhook", "on_webhook")):
    rule = env["base.automation"].create(
        {
            "name": name,
            "model_id": env["ir.model"]._get_id("account.move"),
            "trigger": trigger,
            "action_server_ids": [
                (0, 0, {"name": name, "model_id": env["ir.model"]._get_id("account.move"), "state": "code"})
            ],
        }
    )
    found.append(builder._automation())
    rule.unlink()
print(*found)
"""


@process_test
class TestWriterBesideOtherModules(unittest.TestCase):
    def test_documents_are_written_as_odoo_makes_them_beside_thirty_modules(self):
        with Database(template=os.environ["BILLING_TEST_BASE"]) as database:
            modules = ",".join(["billing_operations", *MODULES])
            database.odoo("-i", modules, "--no-http", "--stop-after-init", timeout=1200)
            installed = database.value(
                "SELECT count(*) FROM ir_module_module WHERE state = 'installed'"
                f" AND name IN {tuple(MODULES)}"
            )
            self.assertEqual(installed, len(MODULES))
            done = self.run_tests(database)
            self.check_automation(database)
        self.assertEqual(done.returncode, 0, done.stdout[-20_000:] + done.stderr[-5_000:])
        summary = done.stdout.strip().splitlines()[-1]
        self.assertRegex(summary, r"\d{2,} passed")
        self.assertNotRegex(summary, "skipped|deselected|error|failed")

    def check_automation(self, database):
        """A rule or a webhook on journal entries leaves them all to Odoo."""
        database.odoo("-i", "base_automation", "--no-http", "--stop-after-init", timeout=600)
        self.assertEqual(database.script(RULES).split()[-3:], ["None", "Rule", "Webhook"])

    def run_tests(self, database):
        """Run the tests of equality on a database, as `make test` runs them on its own."""
        command = [sys.executable, "-m", "pytest", "-c", str(ADDON / "pyproject.toml")]
        command += ["-p", "no:cacheprovider", "-p", "test_rules", "-q", "--no-header"]
        command += ["--odoo-database", database.name, "--odoo-config", database.write_config()]
        command += ["--odoo-log-level", "error", "--rootdir", str(self.links())]
        command += [str(self.links() / "billing_operations" / "tests" / name) for name in EQUALITY]
        environment = database.environment()
        environment.pop("BILLING_TEST_LANE", None)
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=1500,
            env=environment,
            cwd=self.links(),
            check=False,
        )

    @staticmethod
    def links():
        """Return the addons folder in which this addon lies under its technical name."""
        return next(
            Path(path)
            for path in config["addons_path"]
            if Path(path, "billing_operations", "__manifest__.py").exists()
        )
