"""Month-ends: what is earned but not invoiced, and what was invoiced ahead."""

from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from .closing_common import APRIL, JANUARY, MARCH, MAY, ClosingCase


@tagged("post_install", "-at_install")
class TestCounting(ClosingCase):
    def test_days_in_arrears_that_no_run_has_rated_are_earned(self):
        self.active(date(2026, 4, 15), self.post)
        closing = self.closing()
        self.assertEqual(self.counted(closing), [("unrated", date(2026, 4, 15), 16, 16.0)])
        self.assertEqual((closing.accrued_amount, closing.deferred_amount), (16.0, 0.0))
        action = closing.line_ids.action_open_source()
        self.assertEqual(action["res_model"], "billing.service")

    def test_what_is_rated_and_not_invoiced_is_earned_by_its_days(self):
        service = self.active(date(2026, 4, 16), self.tariff)
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.counted(self.closing()), [("accrual", date(2026, 4, 16), 15, 15.0)])

    def test_a_draft_or_a_later_invoice_does_not_count_as_invoiced(self):
        self.active(date(2026, 3, 20), self.post)
        run = self.bill(date(2026, 4, 19))
        self.bill(date(2026, 5, 2))
        self.assertEqual(self.counted(self.closing()), [("unrated", date(2026, 4, 20), 11, 11.0)])
        self.invoices(run).button_draft()
        self.assertEqual(
            self.counted(self.closing(date(2026, 3, 1))),
            [("accrual", date(2026, 3, 20), 12, round(30 * 12 / 31, 2))],
        )

    def test_what_was_invoiced_ahead_is_put_off_by_its_days(self):
        self.active(JANUARY, self.year)
        self.bill(JANUARY)
        closing = self.closing()
        days = (date(2027, 1, 1) - MAY).days
        self.assertEqual(self.counted(closing), [("deferral", JANUARY, days, float(days))])
        self.assertEqual(closing.deferred_amount, float(days))
        self.assertEqual(closing.line_ids.account_id, self.income)
        action = closing.line_ids.action_open_source()
        self.assertEqual(action["res_model"], "account.move")

    def test_it_is_the_same_whether_the_rest_is_rated_later_or_not(self):
        self.active(date(2026, 4, 15), self.post, quantity=3, discount=7.5)
        before = self.closing()
        total = before.accrued_amount
        before.unlink()
        self.bill(date(2026, 5, 15))
        after = self.closing()
        self.assertEqual(after.line_ids.mapped("kind"), ["accrual"])
        self.assertEqual(after.accrued_amount, total)

    def test_taxes_are_left_out_also_of_prices_that_include_them(self):
        tax = self.make_tax("Included 20%", 20, price_include_override="tax_included")
        product = self.make_product("Gross", tax)
        gross = self.make_tariff(self.arrears, 36.0, product_id=product.id)
        ahead = self.make_tariff(self.yearly, 438.0, product_id=product.id)
        self.active(APRIL, gross)
        self.active(JANUARY, ahead)
        self.bill(JANUARY)
        closing = self.closing()
        self.assertEqual(closing.accrued_amount, 30.0)
        self.assertAlmostEqual(closing.deferred_amount, 245.0)

    def test_waived_void_and_prepaid_charges_are_not_counted(self):
        self.active(APRIL, self.tariff)._rate(APRIL)._waive("Goodwill")
        voided = self.active(APRIL, self.tariff)
        voided._rate(APRIL)._void()
        voided._own().write({"rated_up_to": MAY})
        prepaid = self.make_scheme("Prepaid", classification="prepaid")
        self.active(APRIL, self.make_tariff(prepaid, 30.0))._rate(date(2026, 4, 10))
        self.assertFalse(self.closing().line_ids)

    def test_credits_of_days_and_credit_notes_are_counted_with_their_sign(self):
        service = self.active(JANUARY, self.year)
        self.bill(JANUARY)
        service._terminate(date(2026, 4, 11))
        self.bill(date(2026, 4, 12))
        closing = self.closing()
        self.assertEqual(closing.deferred_amount, 0.0)
        self.assertEqual(sorted(closing.line_ids.mapped("counted_amount")), [-245.0, 245.0])

    def test_a_credit_note_by_hand_counts_from_its_own_month_on(self):
        self.active(JANUARY, self.year)
        run = self.bill(JANUARY)
        invoice = self.invoices(run)
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "date": date(2026, 4, 10)})
        )
        wizard.refund_moves()
        note = self.env["account.move"].search([("reversed_entry_id", "=", invoice.id)])
        note.invoice_date = note.date = date(2026, 4, 10)
        note.action_post()
        charges = self.env["billing.charge"].search([("move_id", "=", invoice.id)])
        self.assertEqual(charges.mapped("state"), ["waived"])
        self.assertEqual(self.closing(MARCH).deferred_amount, 275.0)
        self.assertEqual(self.closing().deferred_amount, 0.0)

    def test_other_currencies_are_converted_and_invoices_keep_their_rate(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        for day, rate in ((JANUARY, 0.5), (date(2026, 4, 30), 0.8)):
            self.env["res.currency.rate"].create(
                {
                    "name": day,
                    "rate": rate,
                    "currency_id": euro.id,
                    "company_id": self.company.id,
                }
            )
        ahead = self.make_tariff(self.yearly, 365.0, currency_id=euro.id)
        later = self.make_tariff(self.arrears, 30.0, currency_id=euro.id)
        self.active(JANUARY, ahead)
        self.bill(JANUARY)
        self.active(APRIL, later)
        closing = self.closing()
        self.assertEqual(closing.deferred_amount, 490.0)
        self.assertEqual(closing.accrued_amount, 37.5)
        closing._post()
        items = closing.move_ids.line_ids.filtered(lambda line: line.date == date(2026, 4, 30))
        self.assertEqual(items.currency_id, euro)
        self.assertEqual(sorted(items.mapped("amount_currency")), [-245.0, -30.0, 30.0, 245.0])

    def test_a_month_of_the_other_company_is_its_own(self):
        self.active(APRIL, self.post)
        other = self.make_company("Other closing")
        self.set_up_closing(other)
        theirs = self.env["billing.closing"].create({"company_id": other.id, "month": APRIL})
        theirs.with_company(other)._count()
        self.assertFalse(theirs.line_ids)
        self.assertTrue(self.closing().line_ids)
        foreign = self.make_user(
            "closing_foreign", "billing_operations.group_billing_manager", company=other
        )
        env = self.env(user=foreign, context={"allowed_company_ids": other.ids})
        self.assertEqual(env["billing.closing"].search([]), theirs)
        lines = self.env["billing.closing.line"].search([("company_id", "=", self.company.id)])
        with self.assertRaises(AccessError):
            lines.with_env(env).read(["balance"])

    def test_a_month_that_is_not_over_is_not_closed(self):
        with self.assertRaisesRegex(UserError, "not over yet"):
            self.closing(date(2026, 5, 1))

    def test_everything_together_by_a_plain_loop_over_days(self):
        """Services of all kinds, billed now and then: each day's price counts once."""
        specs = (
            (self.post, date(2026, 2, 11), 1.0, 0.0),
            (self.post, date(2026, 4, 30), 2.0, 10.0),
            (self.year, date(2026, 3, 5), 1.0, 0.0),
            (self.tariff, date(2026, 4, 20), 3.0, 0.0),
        )
        services = [
            self.active(start, tariff, quantity=quantity, discount=discount)
            for tariff, start, quantity, discount in specs
        ]
        self.bill(date(2026, 3, 11))
        services[3]._rate(date(2026, 4, 30))
        closing = self.closing()
        invoiced, earned = 0.0, 0.0
        for service in services:
            for charge in service.charge_ids:
                days = (charge.period_end - charge.period_start).days
                for offset in range(days):
                    past = charge.period_start + timedelta(days=offset) < MAY
                    if charge.state == "invoiced" and not past:
                        invoiced += charge.amount / days
                    if charge.state == "rated" and past:
                        earned += charge.amount / days
            day = service.rated_up_to
            while day < MAY and service.tariff_id == self.post:
                start = service.date_start.day
                first = day.replace(day=min(start, 30))
                if first > day:
                    first = (first.replace(day=1) - timedelta(days=1)).replace(day=start)
                after = (first.replace(day=1) + timedelta(days=32)).replace(day=min(start, 30))
                price = 30.0 * service.quantity * (1 - service.discount / 100)
                earned += price / (after - first).days
                day += timedelta(days=1)
        self.assertAlmostEqual(closing.deferred_amount, invoiced, delta=0.02)
        self.assertAlmostEqual(closing.accrued_amount, earned, delta=0.03)


@tagged("post_install", "-at_install")
class TestPosting(ClosingCase):
    def prepare(self):
        """Services that are earned and invoiced ahead; return the counted month-end."""
        self.active(APRIL, self.post)
        self.active(JANUARY, self.year)
        self.bill(JANUARY)
        return self.closing()

    def test_entries_are_dated_the_last_day_and_reversed_on_the_first(self):
        closing = self.prepare()
        closing._post()
        accrued = self.company.billing_accrued_account_id
        deferred = self.company.billing_deferred_account_id
        last = date(2026, 4, 30)
        self.assertEqual(
            self.balances(closing.move_ids),
            {
                (last, accrued): 30.0,
                (last, deferred): -245.0,
                (last, self.income): 215.0,
                (MAY, accrued): -30.0,
                (MAY, deferred): 245.0,
                (MAY, self.income): -215.0,
            },
        )
        self.assertEqual(closing.move_count, 4)
        self.assertFalse(closing.move_ids.line_ids.tax_ids | closing.move_ids.line_ids.tax_line_id)
        self.assertEqual(len(closing.move_ids.reversed_entry_id), 2)

    def test_each_item_opens_what_it_counts(self):
        closing = self.prepare()
        closing._post()
        for item in closing.item_ids:
            lines = self.env["billing.closing.line"].search(
                item.action_open_closing_lines()["domain"]
            )
            self.assertEqual(abs(item.balance), sum(lines.mapped("balance")))
        move = closing.move_ids[:1]
        self.assertEqual(move.action_open_billing_closing()["res_id"], closing.id)

    def test_accounts_and_analytic_distributions_stay_apart(self):
        plan = self.env["account.analytic.plan"].create({"name": "Plan"})
        analytic = self.env["account.analytic.account"].create(
            {"name": "Web", "plan_id": plan.id, "company_id": self.company.id}
        )
        self.env["account.analytic.distribution.model"].create(
            {
                "product_id": self.product.id,
                "analytic_distribution": {str(analytic.id): 100},
                "company_id": self.company.id,
            }
        )
        account = self.income.copy({"code": "499901", "name": "Disks"})
        self.disk.property_account_income_id = account
        self.active(APRIL, self.post)
        self.active(JANUARY, self.year)
        self.bill(JANUARY)
        self.active(APRIL, self.make_tariff(self.arrears, 12.0, product_id=self.disk.id))
        closing = self.closing()
        closing._post()
        found = {
            (line.account_id, bool(line.analytic_distribution)): line.balance
            for line in closing.item_ids
            if line.account_id in (self.income, account) and line.balance < 0
        }
        self.assertEqual(found, {(self.income, True): -30.0, (account, False): -12.0})
        ahead = closing.item_ids.filtered(lambda line: line.balance == 245.0)
        self.assertEqual(ahead.analytic_distribution, {str(analytic.id): 100.0})

    def test_posting_again_does_nothing_and_checking_says_so(self):
        closing = self.prepare()
        closing.with_user(self.manager).action_post()
        moves = closing.move_ids
        closing.with_user(self.manager).action_post()
        self.assertEqual(closing.move_ids, moves)
        self.assertEqual(closing.with_user(self.user).action_check()["params"]["type"], "success")
        self.bill(MAY)
        self.assertEqual(closing.action_check()["params"]["type"], "success")
        closing.with_user(self.manager).action_replace()
        self.assertEqual(closing.state, "posted")

    def test_what_changed_since_is_said_and_replaced_after_a_question(self):
        closing = self.prepare()
        closing._post()
        self.active(APRIL, self.post)
        env = self.env(user=self.manager)
        action = closing.with_env(env).action_check()
        dialog = env["billing.question"].browse(action["res_id"])
        self.assertIn("30.00 → $\N{NO-BREAK SPACE}60.00", dialog.text)
        dialog.action_confirm()
        new = closing.replaced_by_id
        self.assertEqual((closing.state, new.state, new.accrued_amount), ("undone", "posted", 60.0))
        self.assertFalse(self.balances(closing.move_ids))

    def test_undone_its_entries_come_to_nothing_on_each_day(self):
        closing = self.prepare()
        closing._post()
        closing.with_user(self.manager).action_undo()
        self.assertEqual(closing.state, "undone")
        self.assertFalse(self.balances(closing.move_ids))
        self.assertEqual(closing.move_count, 8)
        closing.with_user(self.manager).action_undo()
        self.assertEqual(closing.move_count, 8)
        self.closing()._post()

    def test_a_locked_month_is_neither_posted_nor_undone(self):
        closing = self.prepare()
        self.company.fiscalyear_lock_date = date(2026, 4, 30)
        with self.assertRaisesRegex(UserError, "locked period"):
            closing._post()
        self.company.fiscalyear_lock_date = False
        closing._post()
        self.company.fiscalyear_lock_date = date(2026, 4, 30)
        with self.assertRaisesRegex(UserError, "locked period"):
            closing._undo()

    def test_without_accounts_it_says_where_to_choose_them(self):
        closing = self.prepare()
        self.company.billing_accrued_account_id = False
        with self.assertRaisesRegex(UserError, "Accrued Income"):
            closing._post()

    def test_on_the_last_day_itself_the_reversal_waits_for_its_day(self):
        closing = self.prepare()
        with freeze_time("2026-05-01 00:30:00"):
            self.company.resource_calendar_id.tz = "UTC"
            closing._post()
        self.assertEqual(set(closing.move_ids.mapped("state")), {"posted"})

    def test_posting_asks_first_with_its_figures(self):
        self.prepare()
        closing = self.env["billing.closing"].search([("company_id", "=", self.company.id)])
        env = self.env(user=self.manager)
        dialog = env["billing.question"].browse(closing.with_env(env).action_ask_post()["res_id"])
        for text in ("April 2026", "30.00", "245.00", "04/30/2026", "05/01/2026"):
            self.assertIn(text, dialog.text)
        dialog.action_confirm()
        self.assertEqual(closing.state, "posted")

    def test_nothing_to_count_posts_no_entry(self):
        closing = self.closing()
        closing._post()
        self.assertFalse(closing.move_ids)
        self.assertEqual(closing.state, "posted")

    @mute_logger("odoo.sql_db")
    def test_a_month_is_closed_once(self):
        closing = self.closing(date(2026, 4, 17))
        self.assertEqual((closing.month, closing.date_end), (APRIL, date(2026, 4, 30)))
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.closing()


@tagged("post_install", "-at_install")
class TestRights(ClosingCase):
    def test_users_count_and_managers_post_and_undo(self):
        self.active(APRIL, self.post)
        closings = self.env["billing.closing"].with_user(self.user)
        closing = closings.create({"company_id": self.company.id, "month": APRIL})
        closing.action_count()
        self.assertEqual(closing.accrued_amount, 30.0)
        for name in ("action_post", "action_undo", "action_replace", "action_ask_post"):
            with self.assertRaises(UserError):
                call_kw(closings, name, closing.ids, {})
        for values in ({"state": "posted"}, {"counted_date": "2026-01-01 00:00:00"}):
            with self.assertRaises(UserError):
                closing.write(values)
        with self.assertRaises(AccessError):
            closing.line_ids.write({"balance": 1})
        for name in ("_post", "_collect"):
            with self.assertRaises(AccessError):
                call_kw(closings.with_user(self.manager), name, closing.ids, {})
        closing.with_user(self.manager).action_post()
        self.assertEqual(closing.state, "posted")
        with self.assertRaises(UserError):
            closing.month = MARCH
        with self.assertRaises(UserError):
            closing.unlink()

    def test_others_see_nothing(self):
        closing = self.closing()
        outsider = self.make_user("closing_outsider", "account.group_account_invoice")
        portal = self.env["res.users"].create(
            {
                "name": "Portal",
                "login": "closing_portal",
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
            }
        )
        for person in (outsider, portal):
            with self.assertRaises(AccessError):
                closing.with_user(person).read(["month"])
