"""Odoo killed in the middle of billing runs and started again: nothing is lost or billed twice."""

import json
import unittest
from datetime import date
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from .workers import Database, process_test

# Where Odoo is killed, one month's run each, in the order in which a run comes by. Rendering takes
# most of a run's time: only the runs that are killed in it go that far.
POINTS = (
    "run_advance:task.before_commit",
    "run_advance:task.committed",
    "run_rate:task.claimed",
    "rating.before_insert",
    "run_rate:task.before_commit",
    "run.batch_committed",
    "run_invoice:task.before_commit",
    "run_invoice:task.committed",
)
# While documents are written, which one task does: each has a run of its own, so that no task dies
# more often than it is tried.
WRITING_POINTS = (
    "sets:writer.before_moves",
    "sets:writer.numbered",
    "sets:writer.items",
    "sets:writer.relations",
    "sets:writer.checked",
    "sets:writer.written",
    "proof:writer.written",
    "writer.undone",
    "writer.linked",
    "writer.balanced",
)
FORMATTING_POINTS = (
    "formatting.before_pdf",
    "run_format:task.worked",
    "run_format:task.recorded",
    "run_format:task.before_commit",
)
# Where single workers die besides.
MORE_POINTS = (
    "run_advance:task.claimed",
    "run.identified",
    "run_rate:task.committed",
    "invoicing.before_insert",
    "run_format:task.committed",
)
START = date(2026, 1, 1)
BATCH = 5
TAX_FACTOR = Decimal("1.15")
# What each customer pays a month, service by service.
PRICES = {
    f"Customer {number:02}": [10 + number + 20 * service for service in range(1 + number % 2)]
    for number in range(14)
}
CHARGES = sum(map(len, PRICES.values()))

PREPARE = """
import json
from datetime import date, datetime
from dateutil.relativedelta import relativedelta
from odoo.addons.billing_operations.tests.common import BillingCase


class Data(BillingCase):
    env = env


Data.make_provider()
# Nothing listens there: bills are rendered without style sheets.
env["ir.config_parameter"].set_param("report.url", "http://127.0.0.1:1")
scheme = Data.make_scheme()
tariff = Data.make_tariff(scheme)
for name, customer_prices in prices.items():
    customer = Data.make_customer(name)
    for price in customer_prices:
        Data.make_service(customer, tariff, date(*start), price=price)
cycle = Data.make_cycle(scheme)
run_ids = []
for month, stage in runs:
    run = Data.make_run(cycle, date(*start) + relativedelta(months=month))
    run.action_request(target_stage=stage, scheduled_date=datetime(2100, 1, 1))
    run_ids.append(run.id)
env.cr.commit()
print()
print(json.dumps({"company": Data.company.id, "runs": run_ids}))
"""


@process_test
class TestRunCrashes(unittest.TestCase):
    """A company with requested runs, each made due when its turn comes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.enterClassContext(Database())
        start = (START.year, START.month, START.day)
        stages = ["posting"] * len(POINTS + WRITING_POINTS) + [None] * len(FORMATTING_POINTS)
        runs = [(0, None), *enumerate(stages)]
        output = cls.base.script(PREPARE, prices=PRICES, runs=runs, start=start)
        made = json.loads(output.strip().splitlines()[-1])
        cls.company_id, [cls.whole_run_id, *cls.run_ids] = made["company"], made["runs"]

    def setUp(self):
        super().setUp()
        self.database = self.enterContext(Database(template=self.base.name))
        self.orders = self.database.folder / "crash"
        self.orders.mkdir()

    def test_odoo_killed_at_each_point_and_started_again_bills_every_period_once(self):
        with self.odoo() as workers:
            points = POINTS + WRITING_POINTS + FORMATTING_POINTS
            for month, (run_id, point) in enumerate(zip(self.run_ids, points, strict=True)):
                stage = "formatting" if point in FORMATTING_POINTS else "posting"
                # After the only batch of a stage nobody but the cron can move the run on.
                self.set_batch_size(500 if point == "run.batch_committed" else BATCH)
                self.order_crashes(point)
                self.make_due(run_id)
                workers.wake()
                self.wait_for_crashes(workers)
                workers.kill()
                self.let_grace_pass()
                workers.wait_for(self.finished(run_id, stage), 90, each=workers.tend)
                with self.subTest(point=point):
                    self.check_run(run_id, month, stage)
                    if "committed" not in point:
                        self.check_interruption(run_id)
                    self.check_books(month + 1)

    def test_workers_that_die_at_every_point_of_one_run_bill_every_period_once(self):
        run_id = self.whole_run_id
        self.set_batch_size(BATCH)
        self.order_crashes(*POINTS, *FORMATTING_POINTS, *MORE_POINTS)
        with self.odoo() as workers:
            self.make_due(run_id)

            def tend():
                workers.tend()
                self.let_grace_pass()

            workers.wait_for(self.finished(run_id, "formatting"), 120, each=tend)
        self.assertEqual(self.crashes_to_come(), [])
        self.check_run(run_id, 0, "formatting")
        self.check_interruption(run_id)
        self.check_books(1)

    # === ODOO === #

    def odoo(self):
        return self.database.workers(
            2,
            environment={"BILLING_OPERATIONS_CRASH_FOLDER": self.orders},
            crons=["cron_billing_wake_runs"],
        )

    def order_crashes(self, *points):
        for point in points:
            (self.orders / point).touch()

    def crashes_to_come(self):
        return sorted(file.name for file in self.orders.iterdir())

    def wait_for_crashes(self, workers):
        def crashed():
            workers.tend()
            return not self.crashes_to_come()

        workers.until(crashed, 60, f"crash at {self.crashes_to_come()}")

    def set_batch_size(self, size):
        self.database.execute(
            f"UPDATE res_company SET billing_batch_size = {size} WHERE id = {self.company_id}"
        )

    def make_due(self, run_id):
        self.database.execute(
            f"""
            UPDATE billing_run SET scheduled_date = NULL WHERE id = {run_id};
            UPDATE billing_task SET delay_date = now() AT TIME ZONE 'UTC'
             WHERE res_model = 'billing.run' AND res_id = {run_id} AND state = 'pending'
            """
        )

    def let_grace_pass(self):
        """Make attempts whose worker is dead old enough to be taken back at once."""
        self.database.execute(
            """
            UPDATE billing_task SET attempt_date = attempt_date - interval '10 seconds'
             WHERE id IN (
                SELECT id FROM billing_task WHERE state = 'running' FOR NO KEY UPDATE SKIP LOCKED
             )
            """
        )

    @staticmethod
    def finished(run_id, stage):
        """Return the condition that the run has ended its stage and its tasks are over."""
        return f"""
            SELECT stage = '{stage}' AND state <> 'running' AND NOT EXISTS (
                SELECT 1 FROM billing_task
                 WHERE res_model = 'billing.run' AND res_id = {run_id}
                   AND state IN ('pending', 'running', 'error')
            ) FROM billing_run WHERE id = {run_id}
        """

    # === CHECKS, BY PLAIN ARITHMETIC === #

    def check_run(self, run_id, month, stage):
        """Check that the run billed its month, and that alone, to every customer once."""
        state = "completed" if stage == "formatting" else "requested"
        self.assertRows(
            f"SELECT state, stage FROM billing_run WHERE id = {run_id}", [(state, stage)]
        )
        results = [
            ("rating", len(PRICES), CHARGES),
            ("invoicing", len(PRICES), len(PRICES)),
            ("posting", len(PRICES), len(PRICES)),
            ("formatting", len(PRICES), len(PRICES)),
        ]
        self.assertRows(
            f"""
            SELECT stage, entities, documents FROM billing_run_result
             WHERE run_id = {run_id} ORDER BY id
            """,
            results if stage == "formatting" else results[:-1],
        )
        self.check_charges(run_id, month)
        self.check_documents(run_id, month)
        self.check_files(run_id, len(PRICES) if stage == "formatting" else 0)
        self.assertRows(
            f"""
            SELECT id, state, error_message FROM billing_task
             WHERE res_model = 'billing.run' AND res_id = {run_id}
               AND state NOT IN ('completed', 'skipped')
            """,
            [],
        )

    def check_charges(self, run_id, month):
        begin, end = START + relativedelta(months=month), START + relativedelta(months=month + 1)
        self.assertRows(
            f"""
            SELECT p.name, c.state, c.period_start, c.period_end, s.rated_up_to, c.amount,
                   l.price_subtotal, count(*) OVER (PARTITION BY l.id)
              FROM billing_charge c
              JOIN billing_service s ON s.id = c.service_id
              JOIN billing_bill b ON b.id = c.bill_id
              JOIN res_partner p ON p.id = b.partner_id
              JOIN account_move_line l ON l.id = c.move_line_id
              JOIN account_move m ON m.id = l.move_id AND m.billing_bill_id = b.id
             WHERE b.run_id = {run_id} ORDER BY p.name, c.amount
            """,
            [
                (name, "invoiced", begin, end, end, price, price, 1)
                for name, prices in PRICES.items()
                for price in prices
            ],
        )

    def check_documents(self, run_id, month):
        invoice_date = START + relativedelta(months=month)
        self.assertRows(
            f"""
            SELECT p.name, m.state, m.move_type, m.invoice_date, m.amount_untaxed, m.amount_total,
                   (SELECT count(*) FROM account_move_line l
                     WHERE l.move_id = m.id AND l.display_type = 'product')
              FROM account_move m
              JOIN billing_bill b ON b.id = m.billing_bill_id
              JOIN res_partner p ON p.id = m.partner_id
             WHERE b.run_id = {run_id} ORDER BY p.name
            """,
            [
                (name, "posted", "out_invoice", invoice_date, sum(prices), total, len(prices))
                for name, prices in PRICES.items()
                for total in [float(sum(prices) * TAX_FACTOR)]
            ],
        )

    def check_files(self, run_id, count):
        """Check that the run's documents have one PDF each, `count` in all."""
        files = self.database.execute(
            f"""
            SELECT a.res_id, a.store_fname FROM ir_attachment a
              JOIN account_move m ON m.id = a.res_id AND a.res_model = 'account.move'
              JOIN billing_bill b ON b.id = m.billing_bill_id
             WHERE b.run_id = {run_id}
            """
        )
        self.assertEqual((len(files), len(dict(files))), (count, count))
        store = self.database.folder / "data" / "filestore" / self.database.name
        for _move, file in files:
            self.assertTrue((store / file).read_bytes().startswith(b"%PDF"))

    def check_interruption(self, run_id):
        """Check that the log of one of the run's tasks tells of the process that ended."""
        self.assertTrue(
            self.database.value(
                f"""
                SELECT count(*) FROM billing_task_log l JOIN billing_task t ON t.id = l.task_id
                 WHERE t.res_model = 'billing.run' AND t.res_id = {run_id}
                   AND l.level = 'warning' AND l.message LIKE '%was interrupted%'
                """
            )
        )

    def check_books(self, months):
        """Check that the company has nothing else, and its invoices numbers without a gap."""
        self.assertRows(
            f"SELECT count(*) FROM billing_charge WHERE company_id = {self.company_id}",
            [(months * CHARGES,)],
        )
        journals = self.database.execute(
            f"""
            SELECT sequence_prefix, array_agg(sequence_number ORDER BY sequence_number)
              FROM account_move WHERE company_id = {self.company_id}
             GROUP BY journal_id, sequence_prefix
            """
        )
        self.assertEqual(sum(len(numbers) for _prefix, numbers in journals), months * len(PRICES))
        for prefix, numbers in journals:
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)), prefix)

    def assertRows(self, statement, expected):
        self.assertEqual(self.database.execute(statement), expected)
