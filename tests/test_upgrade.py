"""A database of the first build is updated to this one, and bills on."""

import tempfile
import unittest

from .package_common import BILL, BOOKS, PREPARE, CleanDatabase, last_line, unpack_first_build
from .workers import process_test

KEPT = {
    "runs": "SELECT number, state, stage FROM billing_run ORDER BY id",
    "bills": "SELECT partner_id, state, closing_balance FROM billing_bill ORDER BY id",
    "charges": "SELECT service_id, state, amount, period_start, period_end, move_line_id"
    " FROM billing_charge ORDER BY id",
    "tasks": "SELECT type_id, state, result FROM billing_task ORDER BY id",
    "services": "SELECT number, state, price, rated_up_to FROM billing_service ORDER BY id",
}
LOOK = """
import json
env.user.company_ids += env["res.company"].browse(company)
env = env(context={**env.context, "allowed_company_ids": [company]})
runs = env["billing.run"].search([("company_id", "=", company)], order="id")
steps = [[step["code"] for step in run._next_steps()["steps"]] for run in runs]
bills = env["billing.bill"].search([("run_id", "=", runs[-1].id)], order="id")
print()
print(json.dumps({
    "steps": steps,
    "opening": bills.mapped("opening_balance"),
    "closing": bills.mapped("closing_balance"),
    "periods": sorted({str(charge.period_start) for charge in bills.charge_ids}),
    "documents": len(bills.move_ids),
}))
"""


@process_test
class TestUpgrade(unittest.TestCase):
    def test_a_database_of_the_first_build_bills_on(self):
        with tempfile.TemporaryDirectory() as folder:
            with CleanDatabase(unpack_first_build(folder)) as database:
                made = last_line(database.script(PREPARE, count=4))
                database.script(BILL, month=1, **made)
                before = {name: database.execute(query) for name, query in KEPT.items()}
                books = database.execute(BOOKS.format(company=made["company"]))
                self.assertEqual(len(before["bills"]), 4)
                # From here on this build is at work.
                database.addons = ()
                options = ("-u", "billing_operations", "--stop-after-init", "--no-http")
                database.odoo(*options, timeout=600)
                for name, query in KEPT.items():
                    with self.subTest(kept=name):
                        self.assertEqual(database.execute(query), before[name])
                self.assertEqual(database.execute(BOOKS.format(company=made["company"])), books)
                database.script(BILL, month=2, **made)
                said = last_line(database.script(LOOK, **made))
        self.assertEqual(len(said["steps"]), 2)
        self.assertTrue(all(said["steps"]))
        self.assertEqual(said["periods"], ["2026-02-01"])
        self.assertEqual(said["documents"], 4)
        month = [round((10.0 + number) * 1.15, 2) for number in range(4)]
        self.assertEqual([round(amount, 2) for amount in said["opening"]], month)
        self.assertEqual(
            [round(amount, 2) for amount in said["closing"]],
            [round(2 * amount, 2) for amount in month],
        )
