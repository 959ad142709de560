"""Workers that are killed around charges, and several at once: no card is charged twice, nothing is
lost, and what nobody knows is shown as such."""

import unittest

from .workers import Database, process_test

COMMON = """
import json
from datetime import date, timedelta
from odoo.addons.billing_operations.tests.card_common import CardCase


class Data(CardCase):
    env = env


Data.make_provider()
Data.make_collector()
Data.env["account.payment.method"].sudo().create(
    {"name": "Test", "code": "billing_test", "payment_type": "inbound"}
)
Data.provider.write({"state": "disabled"})
provider = Data.env["payment.provider"].create(
    {
        "name": "Test", "code": "billing_test", "state": "test", "allow_tokenization": True,
        "company_id": Data.company.id, "payment_method_ids": [(6, 0, Data.method.ids)],
        "billing_test_file": file,
    }
)
provider.journal_id = Data.journal
# It went with its other provider.
Data.method.active = True
Data.provider = provider
today = Data.company._billing_today()
for number in range(count):
    payer = Data.make_payer(f"Payer {number}")
    # One in so many cards goes wrong in a way of its own.
    digits = f"{number:03}" + (str(number // every % 5) if every and number % every == 0 else "0")
    Data.make_card(payer, digits=digits)
    Data.make_invoice(payer, amount=10 + number, due=today, invoice_date=today)
run = Data.make_payment_run()
run.action_confirm()
run.action_submit()
Data.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "book_card_payments")])
env["billing.task.type"].search([]).write({"retry_delay": 0, "max_retries": 50})
if twice:
    # The same charges in tasks beside each other, in another order.
    charges = run.sudo().line_ids.charge_ids
    for ids in (charges.ids[::-1], charges.ids[len(charges) // 2 :], charges.ids[::2]):
        env["billing.task"].enqueue("collect_card", run.sudo(), {"charge_ids": ids})
env.cr.commit()
"""
#: no task of these charges will run any more
AT_REST = """
    SELECT count(*) = 0 FROM billing_task AS task JOIN billing_task_type AS kind ON kind.id = type_id
     WHERE kind.code IN ('collect_card', 'book_card_payments')
       AND task.state IN ('pending', 'running', 'error')
"""


class CardProcessCase(unittest.TestCase):
    def prepare(self, database, count, every=0, twice=False):
        """A submitted run of so many charges, none of them sent."""
        self.file = database.folder / "charged"
        database.script(COMMON, count=count, every=every, twice=twice, file=str(self.file))

    def charged(self):
        """What the provider was asked for, line by line."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [tuple(line.split()) for line in lines]

    def check(self, database, count):
        """Nothing twice, nothing lost; return the number of charges by state."""
        charged = self.charged()
        references = [reference for reference, _amount in charged]
        self.assertEqual(len(references), len(set(references)), "charged twice")
        rows = database.execute(
            """
            SELECT charge.reference, charge.state, charge.amount, charge.line_id, line.state,
                   payment.amount, move.amount_residual
              FROM billing_card_charge AS charge
              JOIN billing_payment_line AS line ON line.id = charge.line_id
              JOIN account_move AS move ON move.id = line.move_id
         LEFT JOIN account_payment AS payment ON payment.id = charge.payment_id
            """
        )
        first = [row for row in rows if row[0].endswith("-1")]
        self.assertEqual(len(first), count)
        states = {}
        for reference, state, amount, _line, line_state, paid, residual in first:
            states[state] = states.get(state, 0) + 1
            if state == "done":
                self.assertIn((reference, f"{amount:.1f}"), charged)
                self.assertEqual((paid, line_state, residual), (amount, "done", 0), reference)
            elif state == "unknown":
                self.assertEqual((paid, line_state), (None, "unknown"), reference)
            else:
                self.assertEqual(state, "declined", reference)
                self.assertNotIn(reference, references)
                self.assertEqual((paid, line_state), (None, "submitted"), reference)
        unknown = {row[0] for row in first if row[1] == "unknown"}
        done = {row[0] for row in first if row[1] == "done"}
        self.assertEqual(set(references) - done - unknown, set(), "lost")
        # One payment for each charge that was made, and no other.
        payments = """
            SELECT count(*), count(DISTINCT payment_transaction_id) FROM account_payment
             WHERE payment_transaction_id IS NOT NULL
        """
        self.assertEqual(database.execute(payments), [(len(done), len(done))])
        return states


@process_test
class TestCardCrashes(CardProcessCase):
    COUNT = 5

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.enterClassContext(Database(test_addon=True))

    def kill_at(self, point, asked=False):
        with Database(test_addon="there", template=self.base.name) as database:
            self.prepare(database, self.COUNT)
            if asked:
                database.execute("UPDATE payment_provider SET billing_test_asked = true")
            crashes = database.folder / "crash"
            crashes.mkdir()
            (crashes / point).touch()
            environment = {"BILLING_OPERATIONS_CRASH_FOLDER": crashes}
            with database.workers(1, environment) as workers:
                workers.wait_for(AT_REST, 120, each=workers.tend)
            self.assertFalse(list(crashes.iterdir()), "it was killed")
            states = self.states(database) if asked else self.check(database, self.COUNT)
            return states, len(self.charged())

    def states(self, database):
        return dict(database.execute("SELECT state, count(*) FROM billing_card_charge GROUP BY 1"))

    def test_killed_between_intent_and_charge_it_is_unknown(self):
        states, charged = self.kill_at("collect_card:task.intent")
        self.assertEqual(states, {"done": self.COUNT - 1, "unknown": 1})
        self.assertEqual(charged, self.COUNT - 1)

    def test_killed_between_charge_and_result_it_is_unknown(self):
        states, charged = self.kill_at("collect_card:task.called")
        self.assertEqual(states, {"done": self.COUNT - 1, "unknown": 1})
        self.assertEqual(charged, self.COUNT)

    def test_killed_once_the_answer_is_kept_nothing_is_unknown(self):
        for point in ("collect_card:task.answered", "book_card_payments:task.before_commit"):
            with self.subTest(point=point):
                self.assertEqual(self.kill_at(point), ({"done": self.COUNT}, self.COUNT))

    def test_a_provider_that_can_say_is_asked_and_nothing_is_unknown(self):
        self.assertEqual(
            self.kill_at("collect_card:task.called", asked=True),
            ({"done": self.COUNT}, self.COUNT),
        )
        # It certainly knows nothing of it: the same charge waits some minutes for its turn.
        self.assertEqual(
            self.kill_at("collect_card:task.intent", asked=True),
            ({"done": self.COUNT - 1, "waiting": 1}, self.COUNT - 1),
        )


@process_test
class TestCardProcesses(CardProcessCase):
    COUNT = 60

    def test_four_workers_with_lost_answers_and_deaths_charge_nobody_twice(self):
        with Database(test_addon=True) as database:
            self.prepare(database, self.COUNT, every=4, twice=True)
            with database.workers(4) as workers:
                workers.until(lambda: len(self.charged()) > 10, 120, "some charges")
                workers.kill_one()
                workers.until(
                    lambda: len(self.charged()) > 25,
                    120,
                    "more charges",
                )
                workers.kill_one()
                workers.wait_for(AT_REST, 240, each=workers.tend)
            states = self.check(database, self.COUNT)
        self.assertEqual(sum(states.values()), self.COUNT)
        # Three cards each: lost answer, dead after the charge, dead before it; three are declined.
        self.assertEqual(states["declined"], 3)
        self.assertGreaterEqual(states["unknown"], 9)
        self.assertLessEqual(states["unknown"], 9 + 2 + 2)
        self.assertGreaterEqual(states["done"], self.COUNT - 3 - 13)
