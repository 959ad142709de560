"""What needs transactions of its own: two workers at one price change, and a run beside it."""

from odoo.tests import BaseCase, tagged

from .workers import Database, process_test

SETTING = """
from contextlib import closing
from datetime import date, timedelta
from odoo.exceptions import LockError
from psycopg2.errors import SerializationFailure

company = env["res.company"].create({"name": "Two workers"})
env.user.company_ids += company
env = env(context={"allowed_company_ids": company.ids})
product = env["product.product"].create({"name": "Box", "type": "service"})
scheme = env["billing.term.scheme"].create(
    {"name": "M", "company_id": company.id, "alignment": "calendar"}
)
tariff = env["billing.tariff"].create(
    {
        "name": "T",
        "company_id": company.id,
        "product_id": product.id,
        "term_scheme_id": scheme.id,
        "currency_id": company.currency_id.id,
        "price": 10,
    }
)
partner = env["res.partner"].create({"name": "C", "email": "c@example.com"})
today = company._billing_today()
first = today.replace(day=1)
services = env["billing.service"].create(
    [
        {"name": str(n), "partner_id": partner.id, "tariff_id": tariff.id, "company_id": company.id}
        for n in range(3)
    ]
)
services._activate(first)
services[0]._rate(today)
change = env["billing.price.change"].create(
    {
        "name": "New",
        "company_id": company.id,
        "date": today,
        "percent": 50.0,
        "tariff_ids": [(6, 0, tariff.ids)],
        "notice_days": 0,
    }
)
change._work_out()
change._schedule()
env.cr.commit()

def here(cr, record=None):
    record = change if record is None else record
    return env(cr=cr)[record._name].browse(record.ids)
"""


@process_test
@tagged("post_install", "-at_install")
class TestTwoWorkers(BaseCase):
    def test_a_change_is_applied_once_and_each_customer_told_once(self):
        with Database() as database:
            out = database.script(
                SETTING
                + """
with closing(env.registry.cursor()) as one, closing(env.registry.cursor()) as two:
    here(one)._apply()
    here(one)._send_notices(partner.ids)
    try:
        here(two)._apply()
    except LockError:
        print("APPLY: waits")
    two.rollback()
    print("TWO TELLS:", here(two)._send_notices(partner.ids))
    two.rollback()
    one.commit()
    print("AGAIN:", here(two)._apply(), here(two)._send_notices(partner.ids)["mails"])
    two.commit()
env.cr.rollback()
env.invalidate_all()
mails = env["mail.mail"].search_count([("model", "=", "billing.price.change.customer")])
print("STATE:", change.state, tariff.price, mails, services.mapped("change_count"))
"""
            )
        self.assertIn("APPLY: waits", out)
        self.assertIn("TWO TELLS: {'mails': 0, 'letters': 0}", out)
        self.assertIn("AGAIN: {} 0", out)
        self.assertIn("STATE: applied 15.0 1 [1, 1, 1]", out)

    def test_a_run_that_rates_at_the_same_moment_is_run_again_at_the_new_prices(self):
        with Database() as database:
            out = database.script(
                SETTING
                + """
later = today + timedelta(days=62)
with closing(env.registry.cursor()) as one, closing(env.registry.cursor()) as two:
    here(two, services[1]).state  # the run's transaction begins before the change is applied
    here(one)._apply()
    one.commit()
    try:
        here(two, services)._rate(later)
    except SerializationFailure:
        print("RUN: again")
    two.rollback()
    env(cr=two).clear()
    here(two, services)._rate(later)
    two.commit()
env.cr.rollback()
env.invalidate_all()
for service in services:
    late = service.charge_ids.filtered(lambda c: c.period_start > today)
    print("PRICES:", sorted(set(late.mapped("full_price"))))
"""
            )
        self.assertIn("RUN: again", out)
        self.assertEqual(out.count("PRICES: [15.0]"), 3)
