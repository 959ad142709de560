"""Two runs that rate and debit the same customers at the same moment, while others top up."""

import json
import unittest

from .workers import Database, process_test

CUSTOMERS, DAYS = 24, 12

PREPARE = """
import json
from datetime import date
from odoo.fields import Command
from odoo.addons.billing_operations.tests.prepaid_common import PrepaidCase


class Data(PrepaidCase):
    env = env


Data.make_provider()
Data.category = env["res.partner.category"].create({"name": "Prepaid"})
Data.prepaid = Data.make_scheme("Prepaid", classification="prepaid")
mobile = Data.make_tariff(Data.prepaid, 30.0, name="Mobile")
Data.cycle = Data.make_prepaid_cycle()
services = env["billing.service"]
for number in range(customers):
    # Every third one cannot pay all of it.
    partner = Data.make_prepaid_customer(f"Customer {number}", 100 if number % 3 else 9)
    for _n in range(1 + number % 2):
        services += Data.make_service(partner, mobile, date(2026, 5, 1))
runs = [Data.make_run(Data.cycle, date(2026, 5, 1)).id for _n in range(2)]
env.cr.commit()
print()
print(json.dumps({"runs": runs, "services": len(services), "company": Data.company.id}))
"""

# Each thread is a worker: it has a cursor of its own, and tries again when it is told to.
RACE = """
import json
import random
import threading
from datetime import date, timedelta
from psycopg2.errors import DeadlockDetected, SerializationFailure
from odoo import SUPERUSER_ID, api

STAGES = ("_rate_prepaid", "_debit_wallets", "_estimate_wallets")
start = threading.Barrier(3, timeout=60)
again, failed = [], []


def in_transaction(work):
    while True:
        with env.registry.cursor() as cr:
            context = {"allowed_company_ids": [company], "tracking_disable": True}
            try:
                work(api.Environment(cr, SUPERUSER_ID, context))
                cr.commit()
                return
            except (SerializationFailure, DeadlockDetected) as error:
                again.append(type(error).__name__)
                cr.rollback()


def bill(run_id):
    for number in range(days):
        day = date(2026, 5, 1) + timedelta(days=number)
        values = {"cutoff_date": day, "transaction_date": day}
        in_transaction(lambda env: env["billing.run"].browse(run_id).write(values))
        for stage in STAGES:
            start.wait()
            in_transaction(
                lambda env, stage=stage: getattr(env["billing.run"].browse(run_id), stage)(
                    1, 2**31 - 1
                )
            )


def top_up():
    chance = random.Random(14)
    for _turn in range(days * len(STAGES)):
        start.wait()
        in_transaction(
            lambda env: env["billing.wallet"]
            .browse(chance.choice(env["billing.wallet"].search([]).ids))
            ._credit(1, "Top-up")
        )


def guarded(work, *arguments):
    try:
        work(*arguments)
    except BaseException as error:
        failed.append(repr(error))
        start.abort()


threads = [threading.Thread(target=guarded, args=(bill, run_id)) for run_id in runs]
threads.append(threading.Thread(target=guarded, args=(top_up,)))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# What came in since the last debit may pay for something.
in_transaction(lambda env: env["billing.run"].browse(runs[0])._debit_wallets(1, 2**31 - 1))
print()
print(json.dumps({"again": again, "failed": failed}))
"""

#: services of which a day is missing or was charged twice
WRONG_DAYS = """
    SELECT count(*)
      FROM (SELECT service_id, array_agg(day ORDER BY day) AS days
              FROM billing_charge,
                   generate_series(period_start, period_end - 1, interval '1 day') AS day
             WHERE company_id = {company} AND kind = 'recurring' AND state <> 'void'
          GROUP BY service_id) AS charged
     WHERE days <> (SELECT array_agg(day ORDER BY day)
                      FROM generate_series(date '2026-05-01', date '2026-05-01' + {days} - 1,
                                           interval '1 day') AS day)
"""
WRONG_BALANCES = """
    SELECT count(*) FROM billing_wallet AS wallet
     WHERE balance <> (SELECT sum(amount) FROM billing_wallet_transaction
                        WHERE wallet_id = wallet.id)
        OR balance < 0
"""
#: debits that are not what their charges come to
WRONG_DEBITS = """
    SELECT count(*) FROM billing_wallet_transaction AS debit
     WHERE company_id = {company}
       AND kind = 'debit'
       AND -amount IS DISTINCT FROM (SELECT sum(amount) FROM billing_charge
                                      WHERE wallet_transaction_id = debit.id)
"""
UNPAID_THOUGH_THERE_IS_MONEY = """
    SELECT count(*)
      FROM (SELECT partner_id, sum(amount) AS amount FROM billing_charge
             WHERE company_id = {company} AND state = 'rated'
          GROUP BY partner_id, service_id) AS owed
      JOIN billing_wallet AS wallet ON wallet.partner_id = owed.partner_id
     WHERE wallet.balance >= owed.amount
"""
WRONG = (WRONG_DAYS, WRONG_BALANCES, WRONG_DEBITS, UNPAID_THOUGH_THERE_IS_MONEY)


@process_test
class TestTwoAtOnce(unittest.TestCase):
    def test_two_runs_at_the_same_moment_debit_each_day_once(self):
        with Database() as database:
            output = database.script(PREPARE, customers=CUSTOMERS)
            made = json.loads(output.strip().splitlines()[-1])
            output = database.script(RACE, runs=made["runs"], company=made["company"], days=DAYS)
            said = json.loads(output.strip().splitlines()[-1])
            self.assertEqual(said["failed"], [])
            self.assertIn("SerializationFailure", said["again"], "they never met")
            charged = database.value(
                "SELECT count(DISTINCT service_id) FROM billing_charge"
                f" WHERE company_id = {made['company']}"
            )
            self.assertEqual(charged, made["services"])
            for wrong in WRONG:
                with self.subTest(wrong=wrong):
                    found = database.value(wrong.format(company=made["company"], days=DAYS))
                    self.assertEqual(found, 0)
