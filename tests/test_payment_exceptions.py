"""One list of what went wrong with collections, with its codes."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .card_common import CardCase
from .payment_common import PaymentCase


@tagged("post_install", "-at_install")
@freeze_time("2026-02-02 08:00:00")
class TestExceptionsOfDebits(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_mandate()
        for amount in (10, 20):
            cls.make_invoice(amount=amount, due=date(2026, 2, 10))
        cls.payments = cls.submit(cls.make_payment_run())

    def found(self, user=None):
        exceptions = self.env["billing.payment.exception"].with_user(user or self.user)
        return exceptions.search([("company_id", "=", self.company.id)])

    def come_back(self):
        line = self.payments.sudo().line_ids[0]
        facts = {"code": "AM04", "day": date(2026, 2, 12), "text": "", "fee": 0.0}
        line._come_back("returned", {line.id: facts})
        return line

    def test_what_goes_well_does_not_stand_there(self):
        self.assertFalse(self.found())
        self.payments.action_complete()
        self.assertFalse(self.found())

    def test_what_came_back_stands_there_with_its_code(self):
        line = self.come_back()
        [exception] = self.found()
        self.assertEqual(
            (exception.state, exception.code, exception.date, exception.amount),
            ("returned", "AM04", date(2026, 2, 12), line.amount),
        )
        self.assertIn("did not hold enough", exception.message)
        self.assertEqual(exception.move_id, line.move_id)
        action = exception.action_open_source()
        self.assertEqual((action["res_model"], action["res_id"]), (line._name, line.id))

    def test_only_billing_users_of_the_company_read_it(self):
        self.come_back()
        stranger = self.make_user("exception_stranger", None)
        with self.assertRaises(AccessError):
            self.found(stranger)
        other = self.make_user(
            "exception_other",
            "billing_operations.group_billing_user",
            company=self.env["res.company"].create({"name": "Other"}),
        )
        self.assertFalse(
            self.env["billing.payment.exception"]
            .with_user(other)
            .with_context(allowed_company_ids=other.company_ids.ids)
            .search([])
        )
        with self.assertRaises(AccessError):
            self.found().write({"message": "x"})


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestExceptionsOfCards(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_card()
        cls.make_invoice(amount=30, due=date(2026, 3, 2))

    def collect(self, answer):
        """Charge the card; return ``{state: exception}``."""
        run = self.make_payment_run()
        run.action_confirm()
        run.action_submit()
        with self.card_provider(answer):
            self.work()
        exceptions = self.env["billing.payment.exception"].with_user(self.user)
        return {exception.state: exception for exception in exceptions.search([])}

    def test_a_charge_that_went_well_does_not_stand_there(self):
        self.assertEqual(self.collect("done"), {})

    def test_a_declined_card_that_is_tried_again_says_why_and_when(self):
        found = self.collect("declined")
        self.assertEqual(list(found), ["retry"])
        exception = found["retry"]
        self.assertEqual(exception.code, "The card was declined")
        self.assertIn("Do not honour", exception.message)
        self.assertEqual(exception.date, exception.charge_id.planned_date)
        self.assertEqual(exception.action_open_source()["res_id"], exception.charge_id.id)

    def test_after_the_last_try_the_collection_stands_there(self):
        self.company.billing_card_retry_days = ""
        found = self.collect("declined")
        self.assertEqual(list(found), ["rejected"])
        self.assertTrue(found["rejected"].code)
        self.assertIn("Do not honour", found["rejected"].message)

    def test_an_unknown_charge_stands_there_once(self):
        found = self.collect("silent")
        self.assertEqual(list(found), ["unknown"])
        mine = [("company_id", "=", self.company.id)]
        self.assertEqual(self.env["billing.payment.exception"].search_count(mine), 1)
