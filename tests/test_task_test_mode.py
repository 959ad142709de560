"""Test mode leaves nothing behind: not a row, not a number, not a file, not a mail."""

from pathlib import Path

from odoo.tests import tagged
from odoo.tools import SQL, config

from .common import BillingCase

QUEUE_TABLES = ("billing_task", "billing_task_log")


@tagged("post_install", "-at_install")
class TestTestMode(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scheme = cls.make_scheme()
        tariff = cls.make_tariff(scheme, 10.0)
        for index in range(3):
            customer = cls.make_customer(f"Customer {index}", email=f"c{index}@example.com")
            cls.make_service(customer, tariff)
        cls.run_ = cls.make_run(cls.make_cycle(scheme))
        cls.run_.action_request(target_stage="posting")

    def table_sums(self):
        """Return `{table: (rows, sum of row hashes)}` of all tables but the queue's own."""
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(
            """
            SELECT c.relname FROM pg_class c
             WHERE c.relkind = 'r' AND c.relnamespace = current_schema::regnamespace
               AND c.relname <> ALL(%s)
            """,
            [list(QUEUE_TABLES)],
        )
        sums = {}
        for [table] in cr.fetchall():
            cr.execute(
                SQL(
                    "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM %s t",
                    SQL.identifier(table),
                )
            )
            sums[table] = cr.fetchone()
        return sums

    def numbers(self):
        """Return the last values of the sequences that give out numbers."""
        self.env.cr.execute(
            """
            SELECT sequencename, last_value FROM pg_sequences
             WHERE sequencename LIKE 'ir\\_sequence\\_%%' ORDER BY sequencename
            """
        )
        return self.env.cr.fetchall()

    def files(self):
        return set(Path(config.filestore(self.env.cr.dbname)).rglob("*"))

    def test_an_invoicing_task_in_test_mode_leaves_nothing_behind(self):
        tasks = self.env["billing.task"]
        mine = [("res_model", "=", "billing.run"), ("res_id", "=", self.run_.id)]
        tasks._run_inline(limit=1, domain=mine)
        batch = tasks.search([*mine, ("type_id.code", "=", "run_rate")])
        trial = tasks.enqueue("run_post", self.run_, batch.parameters, test_mode=True)
        self.env.cr.precommit.run()
        before = self.table_sums(), self.numbers(), self.files()
        callbacks = len(self.env.cr.postcommit._funcs)

        tasks._run_inline(limit=1, domain=[("id", "=", trial.id)])

        self.assertEqual(trial.state, "completed", trial.error_message)
        self.assertEqual(trial.result["bills"], {"posted": 3})
        self.assertEqual(trial.result["invoices"], 3)
        changed = {
            table: (was, now)
            for (table, was), now in zip(before[0].items(), self.table_sums().values(), strict=True)
            if was != now
        }
        self.assertEqual(changed, {})
        self.assertEqual(self.numbers(), before[1])
        self.assertEqual(self.files(), before[2])
        # The one is the line of the server's log that says how the task ended.
        self.assertEqual(len(self.env.cr.postcommit._funcs), callbacks + 1)

        # The same work for real changes what test mode did not.
        tasks._run_inline(domain=mine)
        changed = {
            table
            for (table, was), now in zip(before[0].items(), self.table_sums().values(), strict=True)
            if was != now
        }
        self.assertLessEqual(
            {"account_move", "account_move_line", "billing_charge", "billing_bill"}, changed
        )
