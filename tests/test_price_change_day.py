"""The day of a price change: what services cost from then on, and what their customers are told."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .price_common import JULY, JUNE, PriceCase

MAY = date(2026, 5, 1)


@tagged("post_install", "-at_install")
class TestTheDay(PriceCase):
    def test_services_tariffs_and_addons_get_their_prices_and_the_past_is_kept(self):
        own = self.active(MAY, self.tariff, price=20.0)
        service = self.active(MAY, self.tariff, disk=3)
        change = self.scheduled(addons="all", own_prices="change")
        self.apply_on(change)
        self.assertEqual((self.tariff.price, self.addon.price), (33.0, 2.2))
        self.assertEqual((service.price, service.unit_price, own.price), (0.0, 33.0, 22.0))
        version = service.version_ids
        self.assertEqual((version.date_from, version.date_to, version.price), (MAY, JUNE, 30.0))
        self.assertEqual([line.price for line in version._price_lines()], [30, 2])
        self.assertEqual(service.terms_from, JUNE)
        self.assertEqual(service.price_line_ids.mapped("state"), ["applied", "applied"])
        self.assertEqual(self.tariff.price_change_ids.mapped("new_price"), [33.0, 2.2])
        # Of the days before, which are not rated yet, the old price is billed.
        self.assertEqual(
            self.rows(service, JUNE),
            [(MAY, JUNE, 30.0), (MAY, JUNE, 4.0), (JUNE, JULY, 33.0), (JUNE, JULY, 4.4)],
        )

    def test_what_was_billed_beyond_the_day_before_it_was_scheduled_is_settled(self):
        service = self.active(MAY, self.tariff)
        service._rate(JUNE)
        change = self.scheduled(date=date(2026, 6, 16))
        self.assertEqual(self.total(service), 60.0)
        self.apply_on(change, date(2026, 6, 16))
        adjustments = service.charge_ids.filtered(lambda c: c.kind == "adjustment")
        self.assertEqual(
            self.money(adjustments),
            [
                ("adjustment", date(2026, 6, 16), JULY, -15.0),
                ("adjustment", date(2026, 6, 16), JULY, 16.5),
            ],
        )
        self.assertEqual(service.rated_up_to, JULY)
        self.assertEqual(self.rows(service, JULY), [(JULY, date(2026, 8, 1), 33.0)])

    def test_an_own_price_that_is_changed_by_selection_stays_the_services_own(self):
        service, other = self.active(MAY, self.tariff, disk=3), self.active(MAY, self.tariff)
        change = self.scheduled(scope="service", service_ids=service, addons="all")
        self.apply_on(change)
        self.assertEqual((service.price, service.addon_line_ids.own_price), (33.0, 2.2))
        self.assertEqual((self.tariff.price, self.addon.price, other.unit_price), (30.0, 2.0, 30.0))
        service._change(date(2026, 6, 10), {"addon_quantities": {self.addon.id: 4}})
        self.assertEqual(service.addon_line_ids.own_price, 2.2)
        other_tariff = self.make_tariff(self.scheme, 50.0)
        service._change(date(2026, 6, 20), {"tariff_id": other_tariff.id})
        self.assertEqual(service.unit_price, 50.0)

    def test_who_comes_to_the_tariff_later_pays_its_new_price_from_the_day_on(self):
        first = self.active(MAY, self.tariff)
        change = self.scheduled()
        late = self.active(date(2026, 5, 25), self.tariff)
        future = self.active(JULY, self.tariff)
        self.env["billing.price.change"]._cron_price_changes()
        self.assertIn(late, change.line_ids.service_id)
        self.assertEqual(change.customer_ids.service_count, 3)
        self.apply_on(change)
        for service in (first, late, future):
            self.assertEqual((service.price, service.unit_price), (0.0, 33.0))
        self.assertFalse(future.version_ids)
        self.assertEqual(self.rows(future, JULY), [(JULY, date(2026, 8, 1), 33.0)])

    def test_what_is_not_as_it_was_any_more_is_left_out_with_the_reason(self):
        gone, moved, agreed, added = (self.active(MAY, self.tariff, disk=3) for _n in range(4))
        change = self.scheduled(addons="all")
        gone._terminate(date(2026, 5, 20))
        moved._change(date(2026, 5, 20), {"tariff_id": self.make_tariff(self.scheme, 50.0).id})
        agreed._change(date(2026, 5, 20), {"price": 25.0})
        added._change(date(2026, 5, 20), {"addon_quantities": {self.addon.id: 0}})
        self.apply_on(change)
        base = {line.service_id: line.reason for line in change.line_ids if not line.addon_line_id}
        self.assertEqual(
            base, {gone: "ended", moved: "other_tariff", agreed: "other_price", added: False}
        )
        addons = {line.service_id: line.reason for line in change.line_ids if line.addon_line_id}
        self.assertEqual(addons[added], "addon_gone")
        self.assertEqual((agreed.price, moved.unit_price, added.unit_price), (25.0, 50.0, 33.0))

    def test_the_last_days_of_ended_services_are_billed_at_the_price_they_had(self):
        arrears = self.make_scheme("Arrears", timing="arrears")
        tariff = self.make_tariff(arrears, 31.0)
        service = self.active(MAY, tariff)
        change = self.scheduled(tariff_ids=tariff)
        service._terminate(date(2026, 5, 21))
        self.apply_on(change)
        service._rate(date(2026, 6, 30))
        self.assertEqual(self.total(service), 20.0)

    def test_whole_periods_get_the_new_price_with_the_next_one(self):
        whole = self.make_scheme("Whole", proration="none")
        service = self.active(MAY, self.make_tariff(whole, 30.0))
        change = self.scheduled(
            scope="service", service_ids=service, date=date(2026, 6, 10), percent=100
        )
        expected = [(MAY, JUNE, 30.0), (JUNE, JULY, 30.0), (JULY, date(2026, 8, 1), 60.0)]
        self.assertEqual(self.rows(service, JULY), expected)
        service._rate(JUNE)
        self.apply_on(change, date(2026, 6, 10))
        self.assertEqual(self.total(service), 60.0)
        self.assertEqual(self.rows(service, JULY), expected[2:])

    def test_a_suspended_service_comes_back_at_the_new_price(self):
        service = self.active(MAY, self.tariff)
        service._rate(MAY)
        service._suspend(date(2026, 5, 15), "client")
        change = self.scheduled()
        self.apply_on(change)
        service._resume(date(2026, 6, 16))
        self.assertEqual(self.rows(service, JUNE), [])
        self.assertEqual(self.rows(service, date(2026, 6, 16)), [(date(2026, 6, 16), JULY, 16.5)])

    def test_a_change_before_the_day_counts_at_the_coming_price_from_then_on(self):
        service = self.active(MAY, self.tariff)
        change = self.scheduled()
        service._rate(JUNE)
        service._change(date(2026, 5, 20), {"quantity": 2})
        self.assertEqual(self.total(service), round(30 * 19 / 31, 2) + round(60 * 12 / 31, 2) + 66)
        self.apply_on(change)
        self.assertEqual(self.total(service), round(30 * 19 / 31, 2) + round(60 * 12 / 31, 2) + 66)

    def test_a_date_in_the_past_is_applied_at_once_and_settled(self):
        service = self.active(MAY, self.tariff)
        service._rate(MAY)
        change = self.make_change(date=date(2026, 5, 17))
        change._work_out()
        self.assertIn("applied at once", change._schedule_question())
        change._schedule()
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "price_apply")])
        self.assertEqual(change.state, "applied")
        self.assertEqual(self.total(service), 31.45)
        self.assertEqual(change._apply(), {})

    def test_a_change_of_one_company_touches_no_other_company(self):
        there = self.active(MAY, self.tariff)
        other = self.make_company("Other prices")
        change = self.make_change()
        with self.assertRaises(UserError), self.cr.savepoint():
            change.company_id = other
            change.flush_recordset()
        foreign = self.make_user(
            "foreign", "billing_operations.group_billing_manager", company=other
        )
        mine, theirs = (
            self.env["billing.price.change"]
            .with_user(person)
            .with_company(company)
            .with_context(allowed_company_ids=company.ids)
            for person, company in ((self.manager, self.company), (foreign, other))
        )
        self.assertEqual(mine.search([]), change)
        self.assertFalse(theirs.search([]))
        with self.assertRaises(AccessError):
            theirs.browse(change.ids).action_preview()
        self.assertEqual(there.unit_price, 30.0)


@tagged("post_install", "-at_install")
class TestNotices(PriceCase):
    def mails(self):
        return self.env["mail.mail"].search([("model", "=", "billing.price.change.customer")])

    def tell(self, day):
        with freeze_time(f"{day} 06:00:00"):
            self.env["billing.price.change"]._cron_price_changes()
            self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "price_notices")])

    def test_customers_are_told_once_so_many_days_ahead(self):
        self.active(MAY, self.tariff)
        self.active(MAY, self.tariff, price=20.0)
        silent = self.make_customer("Silent")
        self.make_service(silent, self.tariff)
        change = self.scheduled(with_notice=True, notice_days=10, date=JULY, own_prices="change")
        self.assertEqual(change.notice_date, date(2026, 6, 21))
        self.tell("2026-06-20")
        self.assertFalse(self.mails())
        for _time in range(2):
            self.tell("2026-06-21")
        mail = self.mails()
        self.assertEqual(len(mail), 1)
        row = change.customer_ids.filtered(lambda row: row.partner_id == self.customer)
        self.assertEqual((row.state, mail.message_id), ("sent", row.reference))
        self.assertIn("07/01/2026", mail.subject)
        for text in ("30.00", "33.00", "20.00", "22.00"):
            self.assertIn(text, mail.body_html)
        self.assertEqual(change.letter_count, 1)
        letters = self.env["billing.price.change.customer"].search(
            change.action_open_letters()["domain"]
        )
        self.assertEqual(letters.partner_id, silent)
        letters.with_user(self.manager).action_told()
        self.assertEqual((letters.state, change.letter_count), ("told", 0))
        with self.assertRaisesRegex(UserError, "No letter"):
            row.with_user(self.manager).action_told()

    def test_customers_of_a_change_that_is_undone_are_not_told(self):
        self.active(MAY, self.tariff)
        change = self.scheduled(with_notice=True, notice_days=0)
        change._undo()
        self.tell("2026-06-01")
        self.assertFalse(self.mails())
        self.assertEqual(change.customer_ids.state, "not_told")

    def test_who_was_told_is_said_before_a_change_is_undone(self):
        self.active(MAY, self.tariff)
        change = self.scheduled(with_notice=True)
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "price_notices")])
        self.assertEqual(len(self.mails()), 1)
        self.assertIn("1 customer was told already", change._undo_question())

    def test_a_customer_with_two_currencies_gets_one_notice_for_both(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        other = self.make_tariff(self.scheme, 50.0, currency_id=euro.id)
        self.active(MAY, self.tariff)
        self.active(MAY, other)
        change = self.scheduled(with_notice=True, tariff_ids=self.tariff | other)
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "price_notices")])
        self.assertEqual(len(self.mails()), 1)
        self.assertEqual(change.customer_ids.mapped("state"), ["sent", "sent"])


@tagged("post_install", "-at_install")
class TestRights(PriceCase):
    def test_users_read_and_managers_make_schedule_and_undo(self):
        self.active(MAY, self.tariff)
        change = self.make_change()
        change._work_out()
        seen = change.with_user(self.user)
        self.assertEqual((seen.name, seen.line_count), ("Prices of June", 1))
        calls = ("action_preview", "action_schedule", "action_undo", "action_ask_schedule")
        for name in calls:
            with self.assertRaises(UserError):
                call_kw(self.env["billing.price.change"].with_user(self.user), name, change.ids, {})
        with self.assertRaises(AccessError):
            seen.create({"name": "x", "date": JUNE, "percent": 1})
        with self.assertRaises(UserError):
            seen.line_ids.action_undo()
        with self.assertRaises(UserError):
            seen.customer_ids.action_told()
        for records in (change.line_ids, change.customer_ids, change.tariff_line_ids):
            with self.assertRaises(AccessError):
                records.with_user(self.manager).write({"new_price": 1})
        for name in ("_apply", "_schedule", "_work_out"):
            with self.assertRaises(AccessError):
                call_kw(
                    self.env["billing.price.change"].with_user(self.manager), name, change.ids, {}
                )

    def test_states_are_not_written_by_hand(self):
        change = self.make_change().with_user(self.manager)
        for values in ({"state": "applied"}, {"applied_date": "2026-01-01"}):
            with self.assertRaises(UserError):
                change.write(values)

    def test_from_services_and_tariffs_a_new_change_begins_with_them(self):
        service = self.active(MAY, self.tariff)
        action = service.with_user(self.manager).action_change_prices()
        self.assertEqual(action["context"]["default_service_ids"], [(6, 0, service.ids)])
        action = self.tariff.with_user(self.manager).action_change_prices()
        self.assertEqual(action["context"]["default_tariff_ids"], [(6, 0, self.tariff.ids)])
        with self.assertRaises(AccessError):
            service.with_user(self.user).action_change_prices()


@tagged("post_install", "-at_install")
class TestTheBill(PriceCase):
    def test_the_customers_bill_says_the_new_price_from_that_day_on(self):
        self.active(MAY, self.tariff)
        cycle = self.make_cycle(self.scheme, start_date=MAY)
        first = self.make_run(cycle, MAY)
        first._execute("posting")
        change = self.scheduled()
        second = self.make_run(cycle, JUNE)
        second._make_report("pre")
        report = self.env["billing.run.report.line"].search([("run_id", "=", second.id)])
        self.assertEqual(report.mapped("amount_untaxed"), [33.0])
        self.apply_on(change)
        with freeze_time("2026-06-01 08:00:00"):
            second._execute("posting")
        moves = self.env["account.move"].search([("partner_id", "=", self.customer.id)])
        prices = {move.invoice_date: move.invoice_line_ids.price_unit for move in moves}
        self.assertEqual(prices, {MAY: 30.0, JUNE: 33.0})
