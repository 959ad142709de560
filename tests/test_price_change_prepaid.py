"""Prices of prepaid services: each day is debited at the price that counts on it."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .prepaid_common import PrepaidCase

JUNE = date(2026, 6, 1)


@tagged("post_install", "-at_install")
class TestPrepaidPrices(PrepaidCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(freeze_time("2026-05-20 12:00:00"))
        product = cls.make_product("Extra number")
        cls.extra = cls.env["billing.tariff.addon"].create(
            {"tariff_id": cls.mobile.id, "product_id": product.id, "price": 2.0}
        )
        cls.partner = cls.make_prepaid_customer("Prepaid", 100)
        cls.service = cls.make_service(
            cls.partner,
            cls.mobile,
            date(2026, 5, 30),
            addon_line_ids=[Command.create({"addon_id": cls.extra.id, "quantity": 1})],
        )
        cls.change = cls.env["billing.price.change"].create(
            {
                "name": "June",
                "company_id": cls.company.id,
                "date": JUNE,
                "percent": 10.0,
                "tariff_ids": [Command.set(cls.mobile.ids)],
                "addons": "all",
                "with_notice": False,
            }
        )
        cls.change._work_out()
        cls.change._schedule()

    def prices(self):
        """{first day: prices of a full period with tax} of the charges."""
        found = {}
        for charge in self.service.charge_ids:
            day = max(charge.period_start, JUNE) if charge.period_start >= JUNE else "May"
            found.setdefault(day, set()).add(round(charge.full_price, 2))
        return found

    def test_days_are_debited_at_the_new_price_before_and_after_it_is_applied(self):
        self.run_day(date(2026, 5, 31))
        with freeze_time("2026-06-01 01:00:00"):
            self.run_day(JUNE)
            self.change._apply()
        self.assertEqual((self.mobile.price, self.service.unit_price), (33.0, 33.0))
        with freeze_time("2026-06-02 01:00:00"):
            self.run_day(date(2026, 6, 2))
        self.assertEqual(
            self.prices(),
            {"May": {34.5, 2.3}, JUNE: {37.95, 2.53}, date(2026, 6, 2): {37.95, 2.53}},
        )
        self.assertEqual(self.service.rated_up_to, date(2026, 6, 3))

    def test_an_own_price_of_an_addon_is_debited_by_sets(self):
        self.change._undo_services(self.service)
        with freeze_time("2026-06-01 01:00:00"):
            self.change._apply()
            self.run_day(JUNE)
        with freeze_time("2026-06-02 01:00:00"):
            self.run_day(date(2026, 6, 2))
        self.assertEqual((self.service.price, self.service.addon_line_ids.own_price), (30.0, 2.0))
        self.assertEqual(self.prices()[date(2026, 6, 2)], {34.5, 2.3})

    def test_what_a_wallet_has_paid_at_the_new_price_is_not_taken_back(self):
        self.run_day(date(2026, 6, 3))
        with self.assertRaisesRegex(UserError, "at the new price already"):
            self.change._undo()
