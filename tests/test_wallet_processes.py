"""Four processes that top up and debit the same wallets, and are killed at any moment."""

import unittest

from .workers import Database, process_test

WALLETS, TASKS = 12, 500
SETTING = """
company = env["res.company"].create({"name": "Prepaid"})
env.user.company_ids += company
env = env(context={"allowed_company_ids": company.ids, "tracking_disable": True})
partners = env["res.partner"].create([{"name": f"Customer {n}"} for n in range(count)])
wallets = env["billing.wallet"].create(
    [
        {"partner_id": partner.id, "company_id": company.id, "credit_limit": 5}
        for partner in partners
    ]
)
for wallet in wallets:
    wallet._credit(500, "Start")
env["billing.task"].search([]).unlink()
env["billing.task"].enqueue_many(
    [{"type_code": "test_wallet", "parameters": {"wallets": wallets.ids}} for n in range(tasks)]
)
env.cr.commit()
"""
# A balance that is not the sum of its transactions, at any moment that others can see.
WRONG_BALANCE = """
    SELECT count(*) FROM billing_wallet wallet
     WHERE (balance, granted_balance) <> (
               SELECT COALESCE(sum(amount), 0), COALESCE(sum(granted_amount), 0)
                 FROM billing_wallet_transaction WHERE wallet_id = wallet.id)
        OR balance + credit_limit < 0
"""
# A balance after a transaction that does not follow from those before.
BROKEN_CHAIN = """
    SELECT count(*) FROM (
        SELECT balance_after, sum(amount) OVER (PARTITION BY wallet_id ORDER BY id) AS balance
          FROM billing_wallet_transaction) AS chain
     WHERE balance_after <> balance
"""
LEFT = "SELECT count(*) FROM billing_task WHERE state IN ('pending', 'running', 'error')"


@process_test
class TestWalletProcesses(unittest.TestCase):
    def test_balances_are_the_sums_of_their_transactions_whoever_is_killed(self):
        with Database(test_addon=True) as database:
            database.script(SETTING, count=WALLETS, tasks=TASKS)
            looks = []
            with database.workers(4) as workers:
                for left in range(TASKS - 60, 59, -80):

                    def look(left=left):
                        workers.tend()
                        looks.append(database.value(WRONG_BALANCE))
                        return database.value(LEFT) <= left

                    workers.until(look, 120, f"{left} tasks left")
                    workers.kill_one()
                workers.wait_for(f"SELECT ({LEFT}) = 0", 120, each=workers.tend)
            self.assertGreater(len(looks), 5)
            self.assertEqual(set(looks), {0}, "a balance was wrong in between")
            self.assertEqual(database.value(WRONG_BALANCE), 0)
            self.assertEqual(database.value(BROKEN_CHAIN), 0)
            # Every task was carried out once, whole.
            self.assertEqual(database.value("SELECT count(*) FROM billing_test_effect"), TASKS)
            booked = database.value("SELECT count(*) FROM billing_wallet_transaction")
            self.assertGreater(booked, TASKS)
