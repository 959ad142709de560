"""Charges made by hand while somebody deletes what they name."""

import json
import unittest

from .workers import Database, process_test

# A case is what is deleted, and who sees an older state of it: who deletes it or who charges it. The
# other one is done before, though both began together.
RACE = """
import json
from contextlib import ExitStack
from odoo import SUPERUSER_ID, api
from odoo.addons.billing_operations.tests.common import BillingCase


class Data(BillingCase):
    env = env


Data.make_provider()
scheme = Data.make_scheme()
tariff = Data.make_tariff(scheme, 10.0)


def record(kind):
    product = Data.make_product("Sold by hand")
    if kind == "product.product":
        return product, {"partner_id": customer.id, "product_id": product.id}
    partner = Data.make_customer("Passing by")
    if kind == "res.partner":
        return partner, {"partner_id": partner.id, "product_id": product.id}
    service = Data.env["billing.service"].create({"partner_id": partner.id, "tariff_id": tariff.id})
    return service, {"partner_id": partner.id, "service_id": service.id}


customer = Data.make_customer("Stays")
kinds = ("product.product", "res.partner", "billing.service")
cases = []
for kind in kinds:
    for old in ("delete", "charge"):
        target, values = record(kind)
        values |= {"amount": 5, "name": "By hand", "reason": "Agreed"}
        # The dialog was opened before.
        cases.append((target, Data.env["billing.charge.adjust.wizard"].create(values), old))
company = Data.company.id
env.cr.commit()


def begin(stack):
    cr = stack.enter_context(env.registry.cursor())
    cr.execute("SELECT 1")
    return api.Environment(cr, SUPERUSER_ID, {"allowed_company_ids": [company]})


def delete(env, target):
    target.with_env(env).unlink()
    env.cr.commit()


def charge(env, wizard):
    wizard.with_env(env).action_apply()
    env.cr.commit()


def outcome(work, *arguments):
    try:
        work(*arguments)
        return "done"
    except Exception as error:
        return type(error).__name__


said = []
for target, wizard, old in cases:
    with ExitStack() as stack:
        late, early = begin(stack), begin(stack)
        turns = [(charge, wizard), (delete, target)]
        if old == "charge":
            turns.reverse()
        (soon, its), (then, others) = turns
        outcomes = [outcome(soon, early, its), outcome(then, late, others)]
        late.cr.rollback()
        # Who was told to begin anew does; a dialog whose service is gone charges its customer.
        fresh = begin(stack)
        outcomes.append(outcome(then, fresh, others))
    said.append([target._name, old, *outcomes])
print()
print(json.dumps(said))
"""
DANGLING = """
    SELECT count(*) FROM billing_charge AS charge
 LEFT JOIN product_product AS product ON product.id = charge.product_id
 LEFT JOIN res_partner AS partner ON partner.id = charge.partner_id
 LEFT JOIN billing_service AS service ON service.id = charge.service_id
     WHERE product.id IS NULL OR partner.id IS NULL
        OR charge.service_id IS NOT NULL AND service.id IS NULL
"""


@process_test
class TestHeldWhileCharged(unittest.TestCase):
    def test_nothing_is_named_that_is_deleted_at_the_same_moment(self):
        with Database() as database:
            output = database.script(RACE)
            said = json.loads(output.strip().splitlines()[-1])
            self.assertEqual(len(said), 6)
            for model, old, soon, then, again in said:
                with self.subTest(model=model, old=old):
                    self.assertEqual(soon, "done")
                    self.assertNotEqual(then, "done")
                    if old == "delete":
                        self.assertNotEqual(again, "done")
            self.assertEqual(database.value(DANGLING), 0)
