"""Requests of customers that come at the same moment, in transactions of their own."""

from odoo.tests import BaseCase, tagged

from .test_service_processes import SETTING
from .workers import Database, process_test

ASKING = """
from contextlib import closing
from datetime import timedelta
from odoo.addons.billing_operations.service_tasks.request import Wish
from odoo.exceptions import UserError
from psycopg2.errors import SerializationFailure, UniqueViolation

company.write({"billing_portal_suspend": True, "billing_portal_end": True})
tariff.portal_public = True
today = company._billing_today()
service._activate(today)
env.cr.commit()
"""


@process_test
@tagged("post_install", "-at_install")
class TestAtOnce(BaseCase):
    def test_of_two_requests_at_once_the_second_one_is_told_of_the_first(self):
        with Database() as database:
            out = database.script(
                SETTING
                + ASKING
                + """
def ask(cr, kind):
    here = env(cr=cr)["billing.service"].browse(service.id)
    here._lock_for_request()
    return here._ask_for(Wish(kind, today + timedelta(days=3), {}), kind)

with closing(env.registry.cursor()) as one, closing(env.registry.cursor()) as two:
    env(cr=two)["billing.service"].browse(service.id).state  # its view is from before the first
    ask(one, "suspend")
    one.commit()
    try:
        ask(two, "end")
    except SerializationFailure:
        # The server runs such a request again by itself.
        two.rollback()
        env(cr=two).clear()
        try:
            ask(two, "end")
        except UserError as error:
            print("SECOND:", error)
env.invalidate_all()
print("OPERATIONS:", service.operation_ids.mapped("type"))
"""
            )
        self.assertIn("SECOND: Another request for this service is open: Suspension", out)
        self.assertIn("OPERATIONS: ['suspend']", out)

    def test_of_one_order_sent_twice_at_once_one_is_kept(self):
        with Database() as database:
            out = database.script(
                SETTING
                + ASKING
                + """
def order(cr):
    here = env(cr=cr)["billing.tariff"].browse(tariff.id)
    wish = Wish("order", today, {}, "twice", {})
    here._place_order(env(cr=cr)["res.partner"].browse(partner.id), wish, "the same form")
    env(cr=cr).flush_all()

with closing(env.registry.cursor()) as one, closing(env.registry.cursor()) as two:
    env(cr=two)["billing.service"].browse(service.id).state
    order(one)
    one.commit()
    try:
        order(two)
    except UniqueViolation as error:
        print("SECOND:", error.diag.constraint_name)
    two.rollback()
env.invalidate_all()
print("ORDERS:", env["billing.service"].search_count([("name", "=", "twice")]))
"""
            )
        self.assertIn("SECOND: service_operation_key_unique", out)
        self.assertIn("ORDERS: 1", out)
