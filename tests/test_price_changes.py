"""Price changes: worked out, scheduled and undone."""

from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .price_common import JULY, JUNE, PriceCase

MAY = date(2026, 5, 1)


@tagged("post_install", "-at_install")
class TestPreview(PriceCase):
    def test_the_preview_says_what_becomes_of_each_price_and_customer(self):
        own = self.active(tariff=self.tariff, disk=3, price=20.0, quantity=2)
        service = self.active(tariff=self.tariff, disk=3, quantity=2, discount=50)
        change = self.make_change(addons="all", own_prices="change")
        action = change.with_user(self.manager).action_preview()
        self.assertEqual(
            self.prices(change),
            {
                (service, self.product): (30.0, 33.0),
                (service, self.disk): (2.0, 2.2),
                (own, self.product): (20.0, 22.0),
                (own, self.disk): (2.0, 2.2),
            },
        )
        row = self.env["billing.price.change.customer"].search(action["domain"])
        self.assertEqual(row.partner_id, self.customer)
        self.assertEqual(
            (row.service_count, row.old_monthly, row.new_monthly), (2, 30 + 40 + 8, 33 + 44 + 8.8)
        )
        self.assertEqual(row.difference_monthly, 7.8)
        self.assertEqual(row.line_ids, change.line_ids)
        self.assertEqual((self.tariff.price, change.state), (30.0, "draft"))
        self.assertEqual(
            [(r.addon_id.price, r.old_price, r.new_price) for r in change.tariff_line_ids],
            [(0.0, 30.0, 33.0), (2.0, 2.0, 2.2)],
        )

    def test_what_is_left_out_says_why(self):
        own = self.active(tariff=self.tariff, price=20.0)
        ended = self.active(tariff=self.tariff, date_end=JUNE)
        gone = self.active(tariff=self.tariff)
        gone._terminate(MAY)
        ordered = self.order(self.tariff)
        later = self.active(tariff=self.tariff)
        later._change(JULY, {"quantity": 2})
        change = self.make_change(ended="list")
        change._work_out()
        reasons = {
            own: "own_price",
            ended: "ended",
            gone: "ended",
            ordered: "not_active",
            later: "later_terms",
        }
        self.assertEqual(self.reasons(change), reasons)
        change.ended = "exclude"
        self.assertFalse(change.line_ids)
        change._work_out()
        self.assertNotIn(ended, self.reasons(change))

    def test_a_free_price_and_one_that_comes_to_itself_stay(self):
        free = self.active(tariff=self.make_tariff(self.scheme, 0.0))
        same = self.active(tariff=self.make_tariff(self.scheme, 0.01))
        change = self.make_change(scope="service", service_ids=free | same, percent=1.0)
        change._work_out()
        self.assertEqual(self.reasons(change), {free: "free", same: "same"})
        with self.assertRaisesRegex(UserError, "No price changes"):
            change._schedule()

    def test_an_amount_changes_prices_of_its_currency_only(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        other = self.make_tariff(self.scheme, 30.0, currency_id=euro.id)
        here, there = self.active(tariff=self.tariff), self.active(tariff=other)
        change = self.make_change(kind="amount", amount=2.5, tariff_ids=self.tariff | other)
        change._work_out()
        self.assertEqual(self.prices(change), {(here, self.product): (30.0, 32.5)})
        self.assertEqual(self.reasons(change), {there: "currency"})
        self.assertEqual(change.tariff_line_ids.tariff_id, self.tariff)

    def test_totals_of_currencies_stay_apart(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        other = self.make_tariff(self.scheme, 50.0, currency_id=euro.id)
        self.active(tariff=self.tariff)
        self.active(tariff=other)
        change = self.make_change(tariff_ids=self.tariff | other)
        change._work_out()
        self.assertEqual(change.customer_ids.mapped("new_monthly"), [55.0, 33.0])
        self.assertIn(", ", change.totals)
        self.assertEqual(change.customer_count, 1)

    def test_an_amount_that_leaves_nothing_is_refused_or_left_out(self):
        self.active(tariff=self.tariff)
        change = self.make_change(kind="amount", amount=-30.0)
        with self.assertRaisesRegex(UserError, "Nothing would be left"):
            change._work_out()
        cheap = self.active(tariff=self.make_tariff(self.scheme, 5.0))
        change = self.make_change(kind="amount", amount=-6.0, scope="service", service_ids=cheap)
        change._work_out()
        self.assertEqual(self.reasons(change), {cheap: "zero"})

    def test_an_index_goes_from_one_value_to_another_and_stays_on_record(self):
        service = self.active(tariff=self.tariff)
        change = self.make_change(
            kind="index",
            index_name="Consumer prices",
            index_from=117.8,
            index_from_month=date(2025, 3, 1),
            index_to=121.4,
            index_to_month=date(2026, 3, 1),
        )
        change._work_out()
        self.assertEqual(self.prices(change), {(service, self.product): (30.0, 30.92)})
        self.assertEqual(
            change._index_text(), "Consumer prices: 117.8 (March 2025) → 121.4 (March 2026)"
        )
        with self.assertRaises(ValidationError):
            change.index_name = False

    @mute_logger("odoo.sql_db")
    def test_wrong_input_is_refused_in_words(self):
        with self.assertRaisesRegex(ValidationError, "by how much"):
            self.make_change(percent=0.0)
        for values in ({"percent": -100.0}, {"kind": "index", "index_name": "x", "index_to": 1}):
            with self.assertRaises(IntegrityError), self.cr.savepoint():
                self.make_change(**values).flush_recordset()
        for scope, text in (("tag", "tags"), ("service", "services")):
            with self.assertRaisesRegex(UserError, text):
                self.make_change(scope=scope).action_preview()
        with self.assertRaisesRegex(UserError, "add-ons"):
            self.make_change(addons="chosen").action_preview()

    def test_by_tag_of_the_customer_or_the_company_it_belongs_to(self):
        tag = self.env["res.partner.category"].create({"name": "Price group"})
        firm = self.make_customer("Firm", is_company=True, category_id=tag.ids)
        person = self.make_customer("Person", parent_id=firm.id)
        service = self.make_service(person, self.tariff)
        self.active(tariff=self.tariff)
        change = self.make_change(scope="tag", category_ids=tag)
        change._work_out()
        self.assertEqual(list(self.prices(change)), [(service, self.product)])
        self.assertEqual(change.customer_ids.partner_id, firm)
        self.assertFalse(change.tariff_line_ids)

    def test_a_rule_that_is_edited_takes_its_preview_away(self):
        self.active(tariff=self.tariff)
        change = self.make_change()
        change._work_out()
        change.note = "Decided in April"
        self.assertTrue(change.line_ids)
        change.percent = 5.0
        self.assertFalse(change.line_ids or change.customer_ids or change.tariff_line_ids)


@tagged("post_install", "-at_install")
class TestSchedule(PriceCase):
    def test_runs_bill_days_from_the_date_on_at_the_new_price_before_it_comes(self):
        service = self.active(MAY, self.tariff, disk=3)
        change = self.scheduled(addons="all")
        self.assertEqual(
            self.rows(service, JUNE),
            [
                (MAY, JUNE, 30.0),
                (MAY, JUNE, 4.0),
                (JUNE, JULY, 33.0),
                (JUNE, JULY, 4.4),
            ],
        )
        self.assertEqual((service.unit_price, self.tariff.price), (30.0, 30.0))
        self.assertEqual(service.coming_price_ids, change.line_ids)

    def test_a_period_that_has_begun_is_billed_in_two_parts(self):
        yearly = self.make_scheme("Yearly", interval_unit="year")
        service = self.active(date(2026, 1, 1), self.make_tariff(yearly, 365.0))
        self.scheduled(scope="service", service_ids=service, date=date(2026, 7, 20))
        rows = self.rows(service, date(2026, 1, 1))
        self.assertEqual(
            rows,
            [
                (date(2026, 1, 1), date(2026, 7, 20), 200.0),
                (date(2026, 7, 20), date(2027, 1, 1), 181.5),
            ],
        )

    def test_billed_ahead_at_the_new_price_the_day_settles_nothing(self):
        service = self.active(MAY, self.tariff)
        change = self.scheduled()
        service._rate(JULY)
        self.assertEqual(self.total(service), 30 + 33 + 33)
        self.apply_on(change)
        self.assertEqual(self.total(service), 30 + 33 + 33)
        self.assertFalse(service.charge_ids.filtered(lambda charge: charge.kind == "adjustment"))
        self.assertEqual(service.rated_up_to, date(2026, 8, 1))

    def test_in_arrears_the_part_before_the_day_is_due_with_it(self):
        arrears = self.make_scheme("Arrears", timing="arrears")
        service = self.active(MAY, self.make_tariff(arrears, 31.0))
        service._rate(date(2026, 4, 30))
        change = self.scheduled(
            scope="service", service_ids=service, date=date(2026, 5, 25), percent=100
        )
        self.assertEqual(service.next_billing_date, date(2026, 5, 24))
        self.assertEqual(
            self.rows(service, date(2026, 5, 31)),
            [(MAY, date(2026, 5, 25), 24.0), (date(2026, 5, 25), JUNE, 14.0)],
        )
        change._undo()
        self.assertEqual(service.next_billing_date, date(2026, 5, 31))
        self.assertEqual(self.rows(service, date(2026, 5, 31)), [(MAY, JUNE, 31.0)])

    def test_a_price_waits_in_one_scheduled_change_at_a_time(self):
        service = self.active(MAY, self.tariff)
        first = self.scheduled(scope="service", service_ids=service)
        second = self.make_change(scope="service", service_ids=service)
        second._work_out()
        self.assertEqual(self.reasons(second), {service: "waiting"})
        third = self.make_change()
        third._work_out()
        third._schedule()
        with self.assertRaisesRegex(UserError, "by Prices of June already"):
            fourth = self.make_change()
            fourth._work_out()
            fourth._schedule()
        first._undo()
        second._work_out()
        self.assertEqual(len(self.prices(second)), 1)

    def test_the_tariffs_price_is_not_written_by_hand_meanwhile(self):
        self.active(MAY, self.tariff)
        change = self.scheduled(addons="all")
        for record in (self.tariff, self.addon):
            with self.assertRaisesRegex(UserError, "Undo that price change first"):
                record.price = 99.0
        self.tariff.price = 30.0
        change._undo()
        self.tariff.price = 31.0

    def test_a_scheduled_change_stays_as_it_is(self):
        self.active(MAY, self.tariff)
        change = self.scheduled()
        for values in ({"percent": 5.0}, {"date": JULY}, {"tariff_ids": [(5,)]}):
            with self.assertRaisesRegex(UserError, "stays as it is"):
                change.write(values)
        change.notice_days = 10
        with self.assertRaisesRegex(UserError, "history"):
            change.unlink()
        change._schedule()
        self.assertEqual(change.state, "scheduled")

    def test_scheduling_asks_first_and_asks_again_when_figures_change(self):
        self.active(MAY, self.tariff)
        change = self.make_change(with_notice=True).with_user(self.manager)
        dialog = self.env["billing.question"].with_user(self.manager)
        dialog = dialog.browse(change.action_ask_schedule()["res_id"])
        for text in ("1 price of 1 customer", "$30.00 → $33.00", "New tariff prices: Web", "days"):
            self.assertIn(text.replace("$", "$\N{NO-BREAK SPACE}"), dialog.text)
        self.active(MAY, self.tariff)
        dialog.action_confirm()
        self.assertEqual((change.state, dialog.has_changed), ("draft", True))
        self.assertIn("2 prices", dialog.text)
        dialog.action_confirm()
        self.assertEqual(change.state, "scheduled")

    def test_what_changed_since_the_preview_is_looked_at_again(self):
        self.active(MAY, self.tariff)
        change = self.make_change().with_user(self.manager)
        change.action_preview()
        self.active(MAY, self.tariff)
        with self.assertRaisesRegex(UserError, "Preview it again"):
            change.action_schedule()


@tagged("post_install", "-at_install")
class TestUndo(PriceCase):
    def test_undone_before_its_day_prices_stay_and_what_was_billed_ahead_is_settled(self):
        service = self.active(MAY, self.tariff)
        change = self.scheduled()
        service._rate(JUNE)
        self.assertEqual(self.total(service), 63.0)
        change.with_user(self.manager).action_undo()
        self.assertEqual(self.total(service), 60.0)
        self.assertEqual(change.line_ids.state, "undone")
        self.assertFalse(service.coming_price_ids)
        self.assertEqual(self.rows(service, JULY), [(JULY, date(2026, 8, 1), 30.0)])
        change.action_undo()

    def test_a_single_service_keeps_the_old_price_when_its_tariff_gets_the_new_one(self):
        kept = self.active(MAY, self.tariff, disk=3)
        service = self.active(MAY, self.tariff, disk=3)
        change = self.scheduled(addons="all")
        mine = change.line_ids.filtered(lambda line: line.service_id == kept)
        lines = mine[:1].with_user(self.manager)
        dialog = self.env["billing.question"].with_user(self.manager)
        dialog.browse(lines.action_ask_undo()["res_id"]).action_confirm()
        self.assertEqual(set(mine.mapped("state")), {"undone"})
        self.assertEqual(change.customer_ids.service_count, 1)
        self.apply_on(change)
        self.assertEqual((self.tariff.price, self.addon.price), (33.0, 2.2))
        self.assertEqual((kept.unit_price, kept.addon_line_ids.price), (30.0, 2.0))
        self.assertEqual((service.unit_price, service.price), (33.0, 0.0))
        self.assertEqual(self.rows(kept, JUNE)[-2:], [(JUNE, JULY, 30.0), (JUNE, JULY, 4.0)])

    def test_on_its_day_it_is_too_late(self):
        self.active(MAY, self.tariff)
        change = self.scheduled()
        with (
            freeze_time("2026-06-01 06:00:00"),
            self.assertRaisesRegex(UserError, "undone any more"),
        ):
            change.action_undo()
        self.apply_on(change)
        with self.assertRaises(UserError):
            change.action_undo()
        with self.assertRaisesRegex(UserError, "Only what is scheduled"):
            change.line_ids.action_undo()

    def test_a_draft_can_be_undone_or_deleted(self):
        change = self.make_change()
        change._work_out()
        change.action_undo()
        self.make_change().unlink()
