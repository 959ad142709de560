"""Two runs that charge the same customers' calls at the same moment, while more calls come in."""

import json
import unittest

from .workers import Database, process_test

CUSTOMERS, DAYS = 20, 8

# Two of each customer's services: the calls of one have their price, of the other included minutes.
PREPARE = """
import json
from datetime import date
from odoo.addons.billing_operations.tests.usage_common import UsageCase


class Data(UsageCase):
    env = env


Data.make_provider()
Data.company.country_id = env.ref("base.uk")
Data.company.resource_calendar_id.tz = "Europe/London"
Data.scheme = Data.make_scheme()
Data.national, Data.mobile = Data.make_class("National"), Data.make_class("Mobile")
tariffs = []
for name in ("Plain", "Included"):
    Data.plan = Data.make_plan(name)
    tariffs.append(Data.make_tariff(Data.scheme, name=name, rate_plan_id=Data.plan.id))
    Data.make_rate("44", 0.07)
    Data.make_rate("447", 0.13, class_id=Data.mobile.id)
env["cdr.rate.allowance"].create({"plan_id": Data.plan.id, "name": "Some", "minutes": minutes})
Data.cycle = Data.make_cycle(Data.scheme)
Data.records = env["cdr.record"]
Data.carrier = env["cdr.carrier"].create({"name": "Trunk", "company_id": Data.company.id})
Data.file = env["cdr.file"].create(
    {"name": "calls.csv", "carrier_id": Data.carrier.id, "company_id": Data.company.id}
)
Data.placed = 0
data, calls, partners = Data(), [], []
for number in range(customers):
    partners.append(Data.make_customer(f"Customer {number}").id)
    for place, tariff in enumerate(tariffs):
        service = Data.make_service(env["res.partner"].browse(partners[-1]), tariff)
        Data.make_number(f"+44 20 7{place}00 {number:04}", service)
        for day in range(1, days + 1):
            for destination in ("442079461111", "447700900123"):
                # No two calls of a place take as long: one that is charged with another's shows.
                seconds = 37 + days * (2 * number + place) + day
                values = {"identifier": f"44207{place}00{number:04}"}
                calls.append(data.january(day, destination, seconds, **values))
data.load(*calls)
runs = [Data.make_run(Data.cycle, date(2026, 1, 28)).id for _n in range(2)]
env.cr.commit()
print()
print(json.dumps({"runs": runs, "company": Data.company.id, "partners": partners}))
"""

# Each thread is a worker: it has a cursor of its own, and tries again when it is told to.
RACE = """
import json
import threading
from datetime import date
from psycopg2.errors import DeadlockDetected, SerializationFailure
from odoo import SUPERUSER_ID, api
from odoo.fields import Domain

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


def charge(env, run_id, cutoff):
    run = env["billing.run"].browse(run_id)
    run.cutoff_date = cutoff
    run._charge_usage(Domain("partner_id", "in", partners))


def bill(run_id, ahead):
    for number in range(1, days + 1):
        # One run's calls are part of the other's, or the same.
        cutoff = date(2026, 1, min(number + ahead * (number % 2), days))
        start.wait()
        in_transaction(lambda env: charge(env, run_id, cutoff))


def bring():
    for number in range(1, days + 1):
        start.wait()
        in_transaction(lambda env: env.cr.execute(MORE, [f"late {number} ", company, number]))


# A call again, as if it came late: whether or not the first was charged meanwhile.
own = {
    "record_key": "%s || record_key",
    "state": "'rated'",
    **dict.fromkeys(
        ("charge_id", "included_seconds", "counted_before", "charged_amount"), "NULL"
    ),
}
names = [
    field.name
    for field in env["cdr.record"]._fields.values()
    if field.store and field.column_type and field.name != "id"
]
names.sort(key=lambda name: name != "record_key")
MORE = (
    f"INSERT INTO cdr_record ({', '.join(names)})"
    f" SELECT {', '.join(own.get(name, name) for name in names)} FROM cdr_record"
    " WHERE company_id = %s AND extract(day FROM call_day) = %s AND record_key NOT LIKE 'late%%'"
    " ORDER BY id LIMIT 9"
)


def guarded(work, *arguments):
    try:
        work(*arguments)
    except BaseException as error:
        failed.append(repr(error))
        start.abort()


threads = [
    threading.Thread(target=guarded, args=(bill, run_id, ahead))
    for ahead, run_id in enumerate(runs)
]
threads.append(threading.Thread(target=guarded, args=(bring,)))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# What came in since then is charged as well.
in_transaction(lambda env: charge(env, runs[0], date(2026, 1, days)))
print()
print(json.dumps({"again": again, "failed": failed}))
"""

NOT_CHARGED_ONCE = """
    SELECT count(*) FROM cdr_record AS record
 LEFT JOIN billing_charge AS charge ON charge.id = record.charge_id
     WHERE record.company_id = {company}
       AND (record.state <> 'charged' OR charge.id IS NULL
            OR (charge.service_id, charge.partner_id, charge.currency_id)
               IS DISTINCT FROM (record.service_id, record.partner_id, record.currency_id)
            OR charge.usage_class_id IS DISTINCT FROM record.class_id)
"""
#: charges that are not what their calls come to
WRONG_CHARGES = """
    SELECT count(*)
      FROM billing_charge AS charge
 LEFT JOIN (SELECT charge_id, count(*) AS calls, sum(billed_seconds) AS seconds,
                   round(sum(charged_amount), 2) AS amount
              FROM cdr_record GROUP BY charge_id) AS found ON found.charge_id = charge.id
     WHERE charge.company_id = {company} AND charge.kind = 'usage'
       AND (charge.usage_calls, charge.usage_seconds, charge.amount)
           IS DISTINCT FROM (found.calls, found.seconds, found.amount)
"""
WRONG_SUMS = """
    SELECT abs((SELECT sum(usage_calls) FROM billing_charge
                 WHERE company_id = {company} AND kind = 'usage')
               - (SELECT count(*) FROM cdr_record WHERE company_id = {company}))
"""
#: customers whose included minutes were not used up once: what all their calls took of them
WRONG_INCLUDED = """
    SELECT count(*)
      FROM (SELECT plan_id, sum(included_seconds) AS included, sum(billed_seconds) AS seconds
              FROM cdr_record WHERE company_id = {company}
          GROUP BY service_id, plan_id) AS used
     WHERE included <> CASE WHEN plan_id IN (SELECT plan_id FROM cdr_rate_allowance)
                            THEN LEAST(seconds, {minutes} * 60) ELSE 0 END
"""
WRONG_PRICES = """
    SELECT count(*) FROM cdr_record
     WHERE company_id = {company} AND included_seconds = 0 AND charged_amount <> amount
"""
WRONG = (NOT_CHARGED_ONCE, WRONG_CHARGES, WRONG_SUMS, WRONG_INCLUDED, WRONG_PRICES)
MINUTES = 5


@process_test
class TestTwoChargeTheSameCalls(unittest.TestCase):
    def test_two_runs_at_the_same_moment_charge_each_call_once(self):
        with Database() as database:
            sizes = {"days": DAYS, "minutes": MINUTES}
            output = database.script(PREPARE, customers=CUSTOMERS, **sizes)
            made = json.loads(output.strip().splitlines()[-1])
            output = database.script(RACE, days=DAYS, **made)
            said = json.loads(output.strip().splitlines()[-1])
            self.assertEqual(said["failed"], [])
            self.assertIn("SerializationFailure", said["again"], "they never met")
            calls = database.value(
                f"SELECT count(*) FROM cdr_record WHERE company_id = {made['company']}"
            )
            # Of each day nine came again.
            self.assertEqual(calls, CUSTOMERS * 2 * 2 * DAYS + 9 * DAYS)
            for wrong in WRONG:
                with self.subTest(wrong=wrong):
                    found = database.value(wrong.format(company=made["company"], minutes=MINUTES))
                    self.assertEqual(found, 0)
