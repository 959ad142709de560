"""Workers that are killed while they confirm a large run: each line is confirmed once, and customers
are told once."""

import unittest

from .workers import Database, process_test

COMMON = """
from datetime import timedelta
from odoo.addons.billing_operations.tests.payment_common import IBANS, PaymentCase


class Data(PaymentCase):
    env = env


Data.make_provider()
Data.make_collector()
today = Data.company._billing_today()
for number, iban in enumerate(IBANS[:6]):
    payer = Data.make_payer(f"Payer {number}")
    Data.make_mandate(payer, iban, signed_date=today)
    Data.make_invoice(payer, amount=10 + number, due=today, invoice_date=today)
run = Data.make_payment_run(wanted_date=today + timedelta(days=60)).sudo()
env["billing.task"].search([]).unlink()
env["billing.task.type"].search([]).write({"retry_delay": 0, "max_retries": 50})
ids = run._drafts().ids
assert len(ids) == 6
env["billing.task"].enqueue_many(
    [
        {
            "type_code": "payment_run_prepare",
            "record": run,
            "parameters": {"step": "confirm", "line_ids": ids[place : place + 2]},
            "exclusive_key": f"payment_run:{run.id}",
        }
        for place in (0, 2, 4)
    ]
)
env.cr.commit()
"""
AT_REST = """
    SELECT count(*) = 0 FROM billing_task AS task JOIN billing_task_type AS kind ON kind.id = type_id
     WHERE kind.code = 'payment_run_prepare' AND task.state IN ('pending', 'running', 'error')
"""


@process_test
class TestConfirmingCrashes(unittest.TestCase):
    def test_a_worker_that_dies_before_each_commit_confirms_nothing_twice(self):
        with Database(test_addon=True) as database:
            database.script(COMMON)
            crashes = database.folder / "crash"
            crashes.mkdir()
            (crashes / "payment_run_prepare:task.before_commit").touch()
            environment = {"BILLING_OPERATIONS_CRASH_FOLDER": crashes}
            with database.workers(2, environment) as workers:
                workers.wait_for(AT_REST, 120, each=workers.tend)
            self.assertFalse(list(crashes.iterdir()), "it was killed")
            self.assertEqual(
                database.execute("SELECT state, problem FROM billing_payment_run"),
                [("confirmed", None)],
            )
            lines = database.execute(
                """
                SELECT line.state, count(*), count(DISTINCT line.reference),
                       bool_and(line.collection_date = run.collection_date)
                  FROM billing_payment_line AS line
                  JOIN billing_payment_run AS run ON run.id = line.run_id
                 GROUP BY line.state
                """
            )
            self.assertEqual(lines, [("confirmed", 6, 6, True)])
            told = """
                SELECT jsonb_array_length(task.parameters -> 'partner_ids')
                  FROM billing_task AS task JOIN billing_task_type AS kind ON kind.id = type_id
                 WHERE kind.code = 'payment_notices'
            """
            self.assertEqual(database.execute(told), [(6,)])
