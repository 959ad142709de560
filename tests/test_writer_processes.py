"""Two runs on one journal, written by two workers at once, while a person posts by hand."""

import json
import threading
import unittest
from decimal import Decimal

from .workers import Database, process_test

CUSTOMERS, BATCH, BY_HAND = 90, 5, 400
TAX_FACTOR = Decimal("1.15")

PREPARE = """
import json
from datetime import date, datetime
from odoo.addons.billing_operations.tests.common import BillingCase


class Data(BillingCase):
    env = env


Data.make_provider()
Data.company.billing_batch_size = batch
runs = []
for number in range(2):
    scheme = Data.make_scheme(name=f"Monthly {number}")
    tariff = Data.make_tariff(scheme)
    for place in range(customers):
        customer = Data.make_customer(f"Customer {number}/{place:03}")
        Data.make_service(customer, tariff, date(2026, 1, 1), price=10 + place)
    cycle = Data.make_cycle(scheme, name=f"Monthly {number}")
    run = Data.make_run(cycle, date(2026, 1, 1))
    run.action_request(target_stage="posting", scheduled_date=datetime(2100, 1, 1))
    runs.append(run.id)
customer = Data.make_customer("By hand")
env.cr.commit()
print()
print(json.dumps({"company": Data.company.id, "runs": runs, "customer": customer.id}))
"""

# A person posts invoices of the same journal from the moment the runs are due until they are posted.
BY_HAND_SCRIPT = """
import json
from odoo import SUPERUSER_ID, api
from odoo.fields import Command
from odoo.service.model import retrying

context = {"allowed_company_ids": [company]}


def post(number):
    with env.registry.cursor() as cr:
        mine = api.Environment(cr, SUPERUSER_ID, context)

        def work():
            move = mine["account.move"].create(
                {
                    "move_type": "out_invoice",
                    "partner_id": customer,
                    "invoice_date": "2026-01-01",
                    "invoice_line_ids": [
                        Command.create({"name": f"Hour {number}", "price_unit": 7, "tax_ids": []})
                    ],
                }
            )
            move.action_post()

        retrying(work, mine)


def are_posted():
    env.cr.rollback()
    env.cr.execute(
        "SELECT bool_and(stage = 'posting' AND state <> 'running') FROM billing_run WHERE id = ANY(%s)",
        [runs],
    )
    return env.cr.fetchone()[0]


post(0)
env.cr.execute("UPDATE billing_run SET scheduled_date = NULL WHERE id = ANY(%s)", [runs])
env.cr.execute(
    "UPDATE billing_task SET delay_date = now() AT TIME ZONE 'UTC'"
    " WHERE res_model = 'billing.run' AND res_id = ANY(%s) AND state = 'pending'",
    [runs],
)
env.cr.commit()
posted = 1
while posted < most and not are_posted():
    post(posted)
    posted += 1
print()
print(json.dumps(posted))
"""


@process_test
class TestTwoWorkersWrite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = cls.enterClassContext(Database())
        output = cls.database.script(PREPARE, customers=CUSTOMERS, batch=BATCH)
        made = json.loads(output.strip().splitlines()[-1])
        cls.company, cls.runs, cls.customer = made["company"], made["runs"], made["customer"]

    def test_two_runs_on_one_journal_are_written_by_two_workers_while_a_person_posts(self):
        said = []

        def post_by_hand():
            said.append(
                self.database.script(
                    BY_HAND_SCRIPT,
                    company=self.company,
                    runs=self.runs,
                    customer=self.customer,
                    most=BY_HAND,
                )
            )

        with self.database.workers(2) as workers:
            person = threading.Thread(target=post_by_hand)
            person.start()
            # Posted, and no longer taken up by anybody.
            workers.wait_for(
                f"""
                SELECT bool_and(stage = 'posting' AND state <> 'running') AND NOT EXISTS (
                    SELECT 1 FROM billing_task
                     WHERE res_model = 'billing.run' AND res_id = ANY(ARRAY{self.runs})
                       AND state IN ('pending', 'running', 'error')
                ) FROM billing_run WHERE id = ANY(ARRAY{self.runs})
                """,
                120,
                each=workers.tend,
            )
            person.join(120)
        self.assertTrue(said, "nobody posted by hand")
        by_hand = json.loads(said[0].strip().splitlines()[-1])
        self.assertGreater(by_hand, 3)
        self.check_numbers(by_hand)
        for run_id in self.runs:
            with self.subTest(run=run_id):
                self.check_run(run_id)
        # Each worker proves a shape for itself: where two did, both wrote the rest of their batches.
        self.assertIn(2, [len(self.proofs(run_id)) for run_id in self.runs])

    def proofs(self, run_id):
        return self.database.execute(
            f"SELECT equal, reason FROM billing_invoice_proof WHERE run_id = {run_id} AND NOT again"
        )

    def check_run(self, run_id):
        """Check that everybody has one invoice of the right amount, of which the proofs are Odoo's and
        all others written by sets."""
        self.assertEqual(set(self.proofs(run_id)), {(True, None)})
        rows = self.database.execute(
            f"""
            SELECT m.amount_total, m.state, m.billing_shape IS NULL, l.price_subtotal, c.amount, c.state
              FROM billing_bill b
              JOIN account_move m ON m.billing_bill_id = b.id
              JOIN billing_charge c ON c.bill_id = b.id
              JOIN account_move_line l ON l.id = c.move_line_id AND l.move_id = m.id
             WHERE b.run_id = {run_id} ORDER BY c.amount
            """
        )
        self.assertEqual(
            [
                (total, state, line, amount, charge)
                for total, state, _odoo, line, amount, charge in rows
            ],
            [
                (float(price * TAX_FACTOR), "posted", price, price, "invoiced")
                for price in range(10, 10 + CUSTOMERS)
            ],
        )
        proven = self.database.value(
            f"SELECT count(*) FROM billing_invoice_proof WHERE run_id = {run_id}"
        )
        # Where the person took the number of a proof, the next document proved the shape.
        by_odoo = sum(is_odoos for _t, _s, is_odoos, _l, _a, _c in rows)
        self.assertGreaterEqual(by_odoo, proven)
        self.assertLess(by_odoo, CUSTOMERS // 2)

    def check_numbers(self, by_hand):
        """Check that the journal's numbers have neither gaps nor doubles, and nobody saw a gap."""
        [(count, first, last, different)] = self.database.execute(
            f"""
            SELECT count(*), min(sequence_number), max(sequence_number),
                   count(DISTINCT (sequence_prefix, sequence_number))
              FROM account_move
             WHERE company_id = {self.company} AND move_type = 'out_invoice' AND state = 'posted'
            """
        )
        whole = 2 * CUSTOMERS + by_hand
        self.assertEqual((count, first, last, different), (whole, 1, whole, whole))
        gaps = self.database.value(
            f"""
            SELECT count(*) FROM account_move
             WHERE company_id = {self.company} AND billing_shape IS NOT NULL AND made_sequence_gap
            """
        )
        self.assertEqual(gaps, 0, "a gap was seen where there is none")
