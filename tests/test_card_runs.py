"""Payment runs by card: what is selected, asked, told and submitted, by hand and by itself."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .card_common import CardCase

DAY = date(2026, 3, 2)


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestCardRuns(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.make_card()

    def test_open_invoices_of_those_who_pay_by_card_are_taken(self):
        self.make_invoice(amount=100)
        self.make_invoice(amount=20, due=date(2026, 3, 3))
        self.make_invoice(self.make_customer("By transfer"), amount=30)
        self.make_invoice(self.make_payer("Without card"), amount=40)
        held = self.make_payer("Held", billing_collection_hold=True)
        self.make_card(held)
        self.make_invoice(held, amount=50)
        expired = self.make_payer("Expired")
        self.make_card(expired, billing_expiry="02/2026")
        self.make_invoice(expired, amount=60)
        gone = self.make_payer("Removed")
        self.make_card(gone).active = False
        self.make_invoice(gone, amount=70)
        run = self.make_payment_run()
        self.assertEqual((run.wanted_date, run.collection_date), (DAY, DAY))
        self.assertEqual(
            self.states(run),
            {100: "draft", 40: "no_card", 50: "hold", 60: "card_expired", 70: "no_card"},
        )
        [line] = run.line_ids.filtered(lambda line: line.state == "draft")
        self.assertEqual(line.sudo().token_id, self.card)
        labels = dict(line._fields["error_code"]._description_selection(self.env))
        self.assertEqual(labels["no_card"], "No saved card")

    def test_cards_are_charged_on_any_day_of_the_week(self):
        run = self.make_payment_run(wanted_date=date(2026, 3, 8))
        self.assertEqual((run.collection_date, run.date_text), (date(2026, 3, 8), False))
        run.method = "direct_debit"
        self.assertEqual(run.collection_date, date(2026, 3, 16))

    def test_a_contacts_card_serves_and_the_newest_comes_first(self):
        contact = self.make_customer("Accounts", parent_id=self.customer.id)
        self.make_invoice(amount=100)
        newest = self.make_card(contact, digits="9999")
        run = self.make_payment_run()
        self.assertEqual(run.line_ids.sudo().token_id, newest)
        newest.billing_expiry = "01/2026"
        run.action_select()
        self.assertEqual(run.line_ids.sudo().token_id, self.card)

    def test_a_provider_that_is_off_or_takes_other_currencies_is_said(self):
        usd = self.env.ref("base.USD")
        usd.active = True
        self.make_invoice(amount=100)
        self.provider.available_currency_ids = [Command.set(usd.ids)]
        run = self.make_payment_run()
        self.assertEqual(self.states(run), {100: "card_currency"})
        self.provider.available_currency_ids = [Command.clear()]
        self.provider.allow_tokenization = False
        run.action_select()
        self.assertEqual(self.states(run), {100: "provider"})
        with self.assertRaisesRegex(UserError, "no payment provider that saves cards"):
            run.action_confirm()

    def test_other_currencies_are_collected_by_card(self):
        usd = self.env.ref("base.USD")
        usd.active = True
        invoice = self.make_invoice(amount=50, currency_id=usd.id)
        run = self.make_payment_run(currency_id=usd.id)
        with self.card_provider("done"):
            self.submit(run)
        self.assertEqual((invoice.payment_state, run.state), ("paid", "done"))
        self.assertEqual(run.sudo().line_ids.payment_id.currency_id, usd)

    def test_credits_are_taken_off_first_and_reconciled_with_their_invoices(self):
        first = self.make_invoice(amount=100, due=date(2026, 2, 10))
        second = self.make_invoice(amount=50, due=date(2026, 2, 20))
        credit = self.make_invoice(amount=30, move_type="out_refund")
        run = self.make_payment_run()
        self.assertEqual(sorted(run.line_ids.mapped("amount")), [50, 70])
        with self.card_provider("done"):
            self.submit(run)
        for move in (first, second, credit):
            self.assertEqual((move.payment_state, move.amount_residual), ("paid", 0), move.name)
        self.assertEqual(sorted(self.charges(run).mapped("amount")), [50, 70])
        payments = run.sudo().line_ids.payment_id
        self.assertTrue(all(payments.mapped("is_reconciled")))

    def test_a_credit_since_then_lowers_the_next_try(self):
        invoice = self.make_invoice(amount=100)
        run = self.make_payment_run()
        with self.card_provider("declined"):
            self.submit(run)
        self.make_invoice(amount=30, move_type="out_refund")
        with freeze_time("2026-03-05 08:00:00"), self.card_provider("done"):
            self.tick()
        self.assertEqual(self.charges(run)[-1].amount, 70)
        self.assertEqual((invoice.payment_state, run.state), ("paid", "done"))

    def test_the_very_instalment_is_paid(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two parts",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (10, 20)
                ],
            }
        )
        invoice = self.make_invoice(invoice_payment_term_id=term.id, invoice_date_due=False)
        run = self.make_payment_run()
        earlier, later = run.sudo().line_ids.sorted("due_date")
        earlier.with_user(self.user).action_exclude()
        with self.card_provider("done"):
            self.submit(run)
        self.assertTrue(later.move_line_id.reconciled)
        self.assertFalse(earlier.move_line_id.reconciled)
        self.assertEqual(invoice.amount_residual, 50)

    def test_it_asks_first_with_its_figures(self):
        self.make_invoice(amount=100)
        self.make_invoice(amount=50)
        run = self.make_payment_run()

        def agree(action):
            dialog = self.env["billing.question"].browse(getattr(run, action)()["res_id"])
            text = dialog.with_user(self.user).text
            dialog.with_user(self.user).action_confirm()
            return text.replace("\xa0", " ")

        self.assertIn("2 invoices, 150.00 € in all", agree("action_ask_confirm"))
        text = agree("action_ask_submit")
        for part in ("cards of 1 customer now", "150.00 €", "cannot be taken back"):
            self.assertIn(part, text)
        with self.card_provider("done") as charged:
            self.work()
        self.assertEqual((len(charged), run.state), (2, "done"))
        with self.assertRaisesRegex(UserError, "said of each charge"):
            run.action_complete()

    def test_a_later_day_waits(self):
        self.make_invoice(amount=100)
        run = self.make_payment_run(wanted_date=date(2026, 3, 10))
        with self.card_provider("done") as charged:
            self.submit(run)
            self.tick()
            self.assertEqual((charged, run.waiting_charge_count), ([], 1))
            with freeze_time("2026-03-10 08:00:00"):
                self.tick()
        self.assertEqual(len(charged), 1)
        self.assertEqual(run.sudo().line_ids.payment_id.date, date(2026, 3, 10))

    def test_waiting_ones_are_given_up_with_figures(self):
        invoice = self.make_invoice(amount=100)
        run = self.make_payment_run(wanted_date=date(2026, 3, 10))
        self.submit(run)
        charge = self.charges(run).with_user(self.user)
        dialog = self.env["billing.question"].browse(charge.action_ask_give_up()["res_id"])
        self.assertIn("1 charge", dialog.text)
        dialog.with_user(self.user).action_confirm()
        self.assertEqual((charge.state, charge.code), ("cancelled", "by_hand"))
        self.assertEqual((self.states(run), run.state), ({100: "by_hand"}, "partly_failed"))
        self.assertEqual(invoice.amount_residual, 100)
        self.assertFalse(self.env["mail.mail"].search([("model", "=", "billing.payment.line")]))
        self.assertEqual(self.states(self.make_payment_run()), {100: "draft"})

    def test_customers_are_told_before_where_the_settings_say_so(self):
        self.company.billing_card_notice_days = 5
        self.make_invoice(amount=100)
        run = self.make_payment_run(due_date_to=False)
        self.assertEqual(run.collection_date, date(2026, 3, 7))
        self.assertIn(
            "1 customer by e-mail",
            self.env["billing.question"].browse(run.action_ask_confirm()["res_id"]).text,
        )
        run.action_confirm()
        self.work()
        mail = self.env["mail.mail"].search([("model", "=", "billing.payment.line")])
        for text in ("100.00", "03/07/2026", "1111", "/my/payment_method"):
            self.assertIn(text, mail.body_html)
        early = self.make_payment_run(select=False, wanted_date=date(2026, 3, 6))
        with self.assertRaisesRegex(UserError, "03/07/2026 or later"):
            early.action_confirm()

    def test_an_invoice_is_in_one_live_collection_whatever_the_method(self):
        self.make_invoice(amount=100)
        run = self.make_payment_run()
        run.action_confirm()
        self.customer.billing_payment_preference = "direct_debit"
        self.make_mandate()
        other = self.make_payment_run(method="direct_debit")
        self.assertEqual(self.states(other), {100: "elsewhere"})

    def test_money_that_was_charged_back_opens_the_invoice_again(self):
        invoice = self.make_invoice(amount=100)
        run = self.make_payment_run()
        run.action_confirm()
        run.action_submit()
        line = run.line_ids
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "book_card_payments")])
        with self.assertRaisesRegex(UserError, "Only what was submitted can come back"):
            line.action_come_back()
        with self.card_provider("done"):
            self.work()
        fact = {"code": "MS03", "day": DAY, "text": "", "fee": 0.0}
        line.sudo()._come_back("returned", {line.id: fact})
        self.assertEqual((line.state, invoice.amount_residual), ("returned", 100))

    def test_each_company_charges_by_its_own_provider(self):
        other = self.make_company("Elsewhere")
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "bank")], limit=1
        )
        self.make_card(provider=self.make_card_provider(other, journal), digits="7777")
        self.make_invoice(amount=100)
        run = self.make_payment_run()
        self.assertEqual(run.line_ids.sudo().token_id, self.card)
        self.card.active = False
        run.action_select()
        self.assertEqual(self.states(run), {100: "no_card"})

    def test_settings_of_the_schedule_are_checked(self):
        with self.assertRaisesRegex(ValidationError, "3, 5, 7"):
            self.company.billing_card_retry_days = "soon"

    def test_every_number_opens_what_it_counts(self):
        self.make_invoice(amount=100)
        run = self.make_payment_run()
        with self.card_provider("silent"):
            self.submit(run)
        charges = self.env["billing.card.charge"].with_user(self.user)
        for number, method in (
            ("charge_count", "action_open_charges"),
            ("unknown_charge_count", "action_open_unknown_charges"),
        ):
            self.assertEqual(charges.search_count(getattr(run, method)()["domain"]), run[number])
        [line] = run.line_ids
        self.assertEqual(charges.search(line.action_open_charges()["domain"]).line_id, line)
        self.assertEqual(charges.action_open_invoice.__name__, "action_open_invoice")
        action = self.charges(run).with_user(self.user).action_open_invoice()
        self.assertEqual(action["res_id"], line.move_id.id)

    # === BY ITSELF === #

    def test_what_is_due_is_charged_by_itself(self):
        self.company.billing_collect_cards_automatically = True
        invoice = self.make_invoice(amount=100, due=DAY)
        self.make_invoice(amount=20, due=date(2026, 3, 3))
        with self.card_provider("done") as charged:
            self.env["billing.payment.run"]._cron_collect()
            self.work()
        [run] = self.env["billing.payment.run"].search([("company_id", "=", self.company.id)])
        self.assertEqual((run.method, run.state, run.is_automatic), ("card", "done", True))
        self.assertEqual((len(charged), invoice.payment_state), (1, "paid"))
        self.env["billing.payment.run"]._cron_collect()
        self.assertEqual(
            self.env["billing.payment.run"].search_count([("company_id", "=", self.company.id)]), 1
        )

    def test_the_start_page_counts_what_nobody_knows(self):
        self.make_invoice(amount=100)
        with self.card_provider("silent"):
            run = self.submit(self.make_payment_run())
        start = self.env["billing.start"].with_user(self.user)
        [entry] = [e for e in start._entry_registry() if e.code == "payment_runs"]
        rows = {row[0]: row[1]["action"] for row in entry.show(start.env)["rows"]}
        action = rows["Clear up card charges"]
        found = self.env["billing.card.charge"].search(action["domain"])
        self.assertEqual(found, self.charges(run))


@tagged("post_install", "-at_install")
@freeze_time("2026-01-05 08:00:00")
class TestCardStep(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.make_card()
        cls.make_service(cls.customer, cls.tariff)
        cls.subject = cls.make_run(cls.make_cycle(cls.scheme))
        cls.subject._execute("posting")
        cls.invoice = cls.env["account.move"].search(
            [("billing_bill_id.run_id", "=", cls.subject.id)]
        )

    def step(self, code="collect_card"):
        self.env.invalidate_all()
        steps = self.subject.with_user(self.user)._next_steps()["steps"]
        return next((step for step in steps if step["code"] == code), None)

    def test_it_prepares_a_payment_run_and_is_done_with_it(self):
        step = self.step()
        self.assertEqual((step["state"], step["numbers"]), ("todo", {"to_collect": 1}))
        self.assertEqual(self.step("collect_direct_debit")["state"], "done")
        run = self.subject.with_user(self.user)
        action = getattr(run, step["buttons"][0]["method"])()
        payments = self.env["billing.payment.run"].with_user(self.user).browse(action["res_id"])
        self.assertEqual((payments.method, payments.line_ids.move_id), ("card", self.invoice))
        self.assertEqual(run.action_collect_card()["res_id"], payments.id)
        self.assertNotEqual(run.action_collect_direct_debit()["res_id"], payments.id)
        with self.card_provider("done"):
            self.submit(payments)
        step = self.step()
        self.assertEqual(
            (step["state"], step["sentence"]), ("done", "1 invoice is collected by card.")
        )
        self.assertEqual(step["links"][0]["args"], ["card", "collected"])
        self.assertEqual(self.invoice.payment_state, "paid")

    def test_it_says_what_nobody_knows(self):
        action = self.subject.with_user(self.user).action_collect_card()
        with self.card_provider("silent"):
            self.submit(self.env["billing.payment.run"].browse(action["res_id"]))
        [link] = self.step()["links"]
        self.assertEqual(link["args"], ["card", "unknown"])
        opened = self.subject.with_user(self.user).action_view_collections(*link["args"])
        self.assertEqual(self.env["account.move"].search(opened["domain"]), self.invoice)

    def test_with_automatic_collection_it_is_done_by_itself(self):
        self.company.billing_collect_cards_automatically = True
        step = self.step()
        self.assertEqual(step["state"], "done")
        self.assertIn("when it is due", step["sentence"])

    def test_companies_without_a_provider_go_without_it(self):
        self.provider.allow_tokenization = False
        self.assertIsNone(self.step())

    def test_only_billing_users_prepare_payment_runs(self):
        stranger = self.make_user("no_billing_card", None)
        with self.assertRaises(AccessError):
            self.subject.with_user(stranger).action_collect_card()
