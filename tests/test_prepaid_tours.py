"""A prepaid mobile in a real browser: topped up, run, stopped for want of funds, and started again.

While the panel shows that work is under way it asks the server what has become of it: here a worker
does what the queue holds whenever it asks.
"""

from datetime import timedelta

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .prepaid_common import PrepaidCase


@tagged("post_install", "-at_install")
class TestPrepaidTours(PrepaidCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.today = self.company._billing_today()
        self.cycle.write(
            {
                "name": "Tour prepaid cycle",
                "enable_stop": True,
                "enable_start": True,
                "start_date": self.today - timedelta(days=1),
            }
        )
        self.company.billing_wallet_account_id = self.env["account.account"].create(
            {
                "name": "Customers' deposits",
                "code": "211999",
                "account_type": "liability_current",
                "company_ids": [Command.set(self.company.ids)],
            }
        )
        partner = self.make_prepaid_customer("Tour prepaid")
        self.tour_wallet = self.wallet_of(partner)
        # More than 1 a day, however long the month.
        tariff = self.make_tariff(self.prepaid, 60.0, name="Tour tariff")
        self.service = self.make_service(
            partner, tariff, self.today - timedelta(days=1), name="Tour phone"
        )
        read = self.registry["billing.run"].get_next_steps

        def get_next_steps(run):
            self.env(cr=run.env.cr)["billing.task"]._run_inline()
            run.env.invalidate_all()
            return read(run)

        get_next_steps._readonly = False
        self.patch(self.registry["billing.run"], "get_next_steps", get_next_steps)

    def test_a_service_is_stopped_for_want_of_funds_and_started_after_a_top_up(self):
        groups = ("billing_manager", "service_tasks")
        self.make_user(
            "tour_prepaid", ",".join(f"billing_operations.group_{name}" for name in groups)
        )
        self.start_tour("/odoo", "billing_prepaid", login="tour_prepaid", timeout=240)
        self.env.invalidate_all()
        self.assertEqual(self.service.state, "active")
        operations = self.service.operation_ids.sorted("id")
        self.assertEqual(operations.mapped("type"), ["suspend", "resume"])
        self.assertEqual(set(operations.mapped("state")), {"done"})
        self.assertEqual(set(self.service.charge_ids.mapped("state")), {"settled"})
        self.assertLess(self.tour_wallet.balance, 51.0)
        self.assertEqual(set(self.tour_wallet.payment_ids.mapped("amount")), {1.0, 50.0})
