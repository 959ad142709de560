"""A month-end in a real browser: made, looked at down to its calls, and posted after a question."""

from datetime import datetime, time, timedelta

from odoo.tests import HttpCase, tagged

from .closing_common import ClosingMixin
from .usage_common import UsageCase


@tagged("post_install", "-at_install")
class TestClosingTours(ClosingMixin, UsageCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.set_up_closing(self.company)
        # Nothing but calls: three of last month, one of this month.
        self.service._own().write({"rated_up_to": "2999-01-01"})
        today = self.company._billing_today()
        last = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        for day in (last, last, last.replace(day=9), today.replace(day=1)):
            moment = datetime.combine(day, time(12))
            self.load(self.call("442079461111", 3000, call_time=moment))
        self.last = last

    def test_an_accountant_makes_a_month_end_and_posts_it_after_a_question(self):
        self.make_user("tour_closing", "billing_operations.group_billing_manager")
        self.start_tour("/odoo", "billing_closing", login="tour_closing", timeout=180)
        self.env.invalidate_all()
        closing = self.env["billing.closing"].search([("company_id", "=", self.company.id)])
        self.assertEqual((closing.state, closing.month), ("posted", self.last))
        self.assertEqual((closing.accrued_amount, closing.move_count), (9.0, 2))
        self.assertEqual(closing.line_ids.call_count, 3)
