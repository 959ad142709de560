"""The customer's bills in the portal: which are there, how they stand, and their files."""

from datetime import date, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..billing_runs.portal.controllers import bills as controller
from .portal_bills_common import PortalCase

DECEMBER, JANUARY, FEBRUARY = date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)


@tagged("post_install", "-at_install")
class TestStandings(PortalCase):
    """How bills stand, in words."""

    def standing(self, bill):
        self.env.invalidate_all()
        return bill._standings()[bill]

    def text(self, bill):
        return self.standing(bill).text

    def test_a_bill_is_open_until_its_day_then_overdue_then_paid(self):
        bill = self.bill_on(DECEMBER)
        move = bill.move_ids
        self.assertEqual(self.text(bill), "Overdue since 12/31/2025")
        today = self.company._billing_today()
        lines = move.line_ids.filtered(lambda line: line.display_type == "payment_term")
        for day, text in (
            (today, "Due today"),
            (today + timedelta(days=3), f"Due on {today + timedelta(days=3):%m/%d/%Y}"),
        ):
            lines.date_maturity = day
            self.assertEqual(self.text(bill), text)
        self.pay(move, 40)
        self.assertIn("Partly paid, due on", self.text(bill))
        self.assertEqual(self.standing(bill).amount, 60)
        self.pay(move)
        self.assertEqual((self.text(bill), self.standing(bill).is_open), ("Paid", False))

    def test_without_a_due_date_it_is_open(self):
        bill = self.bill_on(DECEMBER)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move_line SET date_maturity = NULL WHERE move_id = %s",
            bill.move_ids.ids,
        )
        self.env.cr.execute(
            "UPDATE account_move SET invoice_date_due = NULL WHERE id = %s", bill.move_ids.ids
        )
        self.assertEqual(self.text(bill), "Open")
        self.assertIsNone(self.standing(bill).due)

    def test_what_was_credited_later_counts(self):
        bill = self.bill_on(DECEMBER)
        move = bill.move_ids
        partial = move._reverse_moves([{"invoice_date": DECEMBER}])
        partial.invoice_line_ids.price_unit = 30
        partial.action_post()
        self.assertEqual(self.standing(bill).amount, 70)
        self.assertIn(partial, bill._customer_documents())
        partial.button_draft()
        partial.unlink()
        move._reverse_moves([{"invoice_date": DECEMBER}], cancel=True)
        self.assertEqual(self.text(bill), "Credited in full")

    def test_a_credit_is_called_so(self):
        bill = self.bill_on(DECEMBER)
        self.pay(bill.move_ids)
        bill.move_ids._reverse_moves([{"invoice_date": DECEMBER}]).action_post()
        self.assertEqual(self.standing(bill).code, "credit")
        self.assertIn("100.00", self.text(bill))

    def test_a_bill_that_was_taken_back_says_so(self):
        bill = self.bill_on(DECEMBER)
        undo = self.env["billing.run.undo"].create(
            {"run_id": bill.run_id.id, "outcome": "reopen", "reason": "Wrong prices"}
        )
        bill._undo(undo)
        self.assertEqual(bill.state, "undone")
        self.assertEqual(self.text(bill), "Taken back")
        self.assertIn(bill, bill._bills_of(self.customer))

    def test_a_bill_without_documents_has_a_name_and_a_state(self):
        bill = self.bill_on(DECEMBER)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET billing_bill_id = NULL WHERE billing_bill_id = %s", [bill.id]
        )
        self.assertEqual(self.text(bill), "No document")
        self.assertEqual(bill._customer_name(), "Bill of 12/01/2025")
        self.assertIn(bill, bill._bills_of(self.customer))

    def test_what_is_collected_by_itself_says_on_which_day(self):
        self.customer.billing_payment_preference = "direct_debit"
        self.make_mandate(signed_date=self.company._billing_today())
        bill = self.bill_on(DECEMBER)
        self.assertEqual(self.standing(bill).code, "collected")
        run = self.make_payment_run(method="direct_debit")
        run.action_confirm()
        day = run.sudo().line_ids.collection_date
        standing = self.standing(bill)
        self.assertEqual(standing.text, f"Collected on {day:%m/%d/%Y}")
        self.assertIn("by SEPA direct debit", standing.notes[0])
        run.sudo().line_ids._set_state("submitted")
        self.assertEqual(self.text(bill), "Being collected")

    def test_a_payment_that_is_being_processed_is_not_asked_for_again(self):
        bill = self.bill_on(DECEMBER)
        transaction = self.env["payment.transaction"].create(
            {
                "provider_id": self.provider.id,
                "payment_method_id": self.method.id,
                "amount": 100,
                "currency_id": self.eur.id,
                "partner_id": self.customer.id,
                "operation": "online_redirect",
                "invoice_ids": [Command.set(bill.move_ids.ids)],
            }
        )
        self.assertEqual(self.standing(bill).code, "overdue")
        transaction._set_done()
        self.assertEqual(self.standing(bill).code, "processing")
        self.assertFalse(bill._to_pay("bill").invoices)
        transaction._post_process()
        self.assertEqual(self.text(bill), "Paid")


@tagged("post_install", "-at_install")
class TestBillPages(PortalCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.portal_user("bill_owner", self.customer)

    def rows(self, path="/my/bills"):
        return self.get(path).text.count('class="o_billing_bill"')

    def test_posted_bills_are_shown_with_balances_and_drafts_are_not(self):
        first = self.bill_on(DECEMBER)
        self.pay(first.move_ids, 30)
        second = self.bill_on(JANUARY)
        draft = self.bill_on(FEBRUARY, stage="invoicing")
        self.assertEqual(draft.state, "invoiced")
        self.authenticate("bill_owner", "bill_owner")
        page = self.get("/my/bills").text
        self.assertEqual(page.count('class="o_billing_bill"'), 2)
        self.assertLess(page.index(second.move_ids.name), page.index(first.move_ids.name))
        self.assertIn("Overdue since", page)
        self.assertNotIn(f"/my/bills/{draft.id}", page)
        self.assertTrue(self.get(f"/my/bills/{draft.id}").url.rstrip("/").endswith("/my"))
        page = self.get(f"/my/bills/{second.id}").text
        for title, amount in (
            ("Opening balance", "100.00"),
            ("Payments", "-30.00"),
            ("This bill", "100.00"),
            ("Closing balance", "170.00"),
        ):
            row = page[page.index(title) :]
            self.assertIn(amount, row[: row.index("</tr>")].replace("\ufeff", ""), title)
        self.assertIn(self.company.name, page)

    def test_home_and_an_empty_page_say_what_will_be_there(self):
        self.authenticate("bill_owner", "bill_owner")
        self.assertIn("You have no bill yet", self.get("/my/bills").text)
        counters = {"counters": ["billing_bill_count", "billing_mandate_count"]}
        counts = self.make_jsonrpc_request("/my/counters", counters)
        self.assertEqual(counts["billing_bill_count"], 0)
        self.bill_on(JANUARY)
        self.env.flush_all()
        counts = self.make_jsonrpc_request("/my/counters", counters)
        self.assertEqual(counts["billing_bill_count"], 1)
        self.assertIn('href="/my/bills" title="Your Bills"', self.get("/my/home").text)

    def test_bills_are_found_by_year_and_state_and_shown_by_pages(self):
        bills = [self.bill_on(day) for day in (DECEMBER, JANUARY, FEBRUARY)]
        self.pay(bills[1].move_ids)
        self.authenticate("bill_owner", "bill_owner")
        self.assertEqual(self.rows(), 3)
        self.assertEqual(self.rows("/my/bills?year=2026"), 2)
        self.assertEqual(self.rows("/my/bills?filterby=open"), 2)
        self.assertEqual(self.rows("/my/bills?year=2026&filterby=settled"), 1)
        self.assertIn("No bill is like this", self.get("/my/bills?year=2025&filterby=settled").text)
        for wrong in ("year=1999", "year=x", "year=%C2%B2", f"year={'9' * 5000}", "filterby=x"):
            self.assertEqual(self.rows(f"/my/bills?{wrong}"), 3, wrong[:20])
        with patch.object(controller, "PAGE", 2):
            self.assertEqual(self.rows(), 2)
            self.assertEqual(self.rows("/my/bills/page/2"), 1)
            self.assertEqual(self.rows("/my/bills/page/99999999999"), 1)
            self.assertIn("/my/bills/page/2?filterby=open", self.patched_links(1))

    def patched_links(self, size):
        with patch.object(controller, "PAGE", size):
            return self.get("/my/bills?filterby=open").text.replace("&amp;", "&")

    def test_files_are_the_ones_that_were_delivered(self):
        bill = self.bill_on(JANUARY, pdf=False)
        move = bill.move_ids
        self.authenticate("bill_owner", "bill_owner")
        self.assertIn("Its PDF is not made yet", self.get(f"/my/bills/{bill.id}").text)
        pdf = self.attach(move, "INV.pdf", self.page(300))
        files = pdf
        if "ubl_cii_xml_file" in move._fields:
            files |= self.attach(move, "INV.xml", b"<Invoice/>", "ubl_cii_xml_file")
        page = self.get(f"/my/bills/{bill.id}").text
        for file in files:
            self.assertIn(f"/files/{file.id}", page)
            answer = self.get(f"/my/bills/{bill.id}/files/{file.id}")
            self.assertEqual(answer.content, file.raw)
            self.assertIn(file.name, answer.headers["Content-Disposition"])
            self.assertEqual(answer.headers["Cache-Control"], "no-store")
        # Odoo's own page gives the same.
        if files == pdf:
            odoo = self.get(move.get_portal_url(report_type="pdf", download=True))
            self.assertEqual(odoo.content, pdf.raw)
        stray = self.env["ir.attachment"].create({"name": "stray.txt", "raw": b"secret stray"})
        self.assertNotIn(b"secret", self.get(f"/my/bills/{bill.id}/files/{stray.id}").content)

    def test_bills_of_several_companies_and_currencies_are_kept_apart(self):
        own = self.bill_on(JANUARY)
        pounds = self.env.ref("base.GBP")
        pounds.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": pounds.id, "company_id": self.company.id, "name": DECEMBER, "rate": 0.9}
        )
        tariff = self.make_tariff(
            self.scheme, 50.0, product_id=self.untaxed.id, currency_id=pounds.id
        )
        self.make_service(self.customer, tariff, JANUARY)
        run_bills = self.bill_on(FEBRUARY)
        british = run_bills.filtered(lambda bill: bill.currency_id == pounds)
        self.assertTrue(british)
        self.authenticate("bill_owner", "bill_owner")
        page = self.get("/my/bills").text
        self.assertEqual(page.count("o_billing_account "), 2)
        # A month more of the own tariff, and two months of the British one.
        self.assertIn("300.00", page)
        self.assertEqual(british._to_pay("all").amount, 100)
        self.assertEqual(own._to_pay("all").amount, 300)

    def test_colleagues_of_an_archived_company_see_its_bills(self):
        bill = self.bill_on(JANUARY)
        colleague = self.make_customer("Colleague", parent_id=self.customer.id, email=False)
        self.portal_user("bill_colleague", colleague)
        stranger = self.make_customer("Company of the login")
        self.env["res.users"].search([("login", "=", "bill_owner")]).partner_id = stranger
        self.customer.active = False
        self.authenticate("bill_colleague", "bill_colleague")
        self.assertEqual(self.rows(), 1)
        self.assertIn(bill.move_ids.name, self.get(f"/my/bills/{bill.id}").text)

    def test_people_inside_see_bills_by_their_rights(self):
        bill = self.bill_on(JANUARY)
        self.make_user("bill_clerk", "billing_operations.group_billing_user")
        self.make_user("bill_nobody", None)
        self.make_user(
            "bill_abroad", "billing_operations.group_billing_user", self.make_company("Abroad")
        )
        name = bill.move_ids.name
        self.authenticate("bill_clerk", "bill_clerk")
        self.assertIn(name, self.get(f"/my/bills/{bill.id}").text)
        self.assertNotIn("o_billing_pay", self.get(f"/my/bills/{bill.id}").text)
        for login in ("bill_nobody", "bill_abroad"):
            self.authenticate(login, login)
            self.assertNotIn(name, self.get(f"/my/bills/{bill.id}").text, login)
        for login in ("bill_owner", "bill_nobody"):
            user = self.env["res.users"].search([("login", "=", login)])
            with self.assertRaises(AccessError):
                bill.with_user(user).read(["closing_balance"])


@tagged("post_install", "-at_install")
class TestPaying(PortalCase, HttpCase):
    """Paying by Odoo's form."""

    def setUp(self):
        super().setUp()
        self.portal_user("bill_payer", self.customer)
        self.first, self.second = self.bill_on(DECEMBER), self.bill_on(JANUARY)
        self.authenticate("bill_payer", "bill_payer")

    def path(self, scope, bill=None):
        return f"/my/bills/{(bill or self.second).id}/pay/{scope}"

    def refused(self, path, amount, text="has changed", **values):
        count = self.env["payment.transaction"].search_count([])
        with mute_logger("odoo.http"):
            said = self.refusal(f"{path}/transaction", self.payment(amount=amount, **values))
        self.assertIn(text, said)
        self.assertEqual(self.env["payment.transaction"].search_count([]), count)

    def test_one_bill_is_paid(self):
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("/pay/bill", page)
        page = self.get(self.path("bill")).text
        self.assertIn(self.path("bill") + "/transaction", page)
        self.assertIn('data-amount="100.0"', page)
        transaction = self.request_payment(self.path("bill"), 100)
        self.assertEqual(transaction.invoice_ids, self.second.move_ids)
        self.assertEqual(transaction.landing_route, f"/my/bills/{self.second.id}")
        self.assertEqual(transaction.partner_id, self.customer)
        self.finish(transaction)
        self.assertEqual(self.second.move_ids.payment_state, "paid")
        self.assertEqual(self.first.move_ids.payment_state, "not_paid")
        self.assertIn("There is nothing to pay", self.get(self.path("bill")).text)

    def test_all_that_is_open_is_paid_together_less_credits(self):
        other = self.make_invoice(amount=50)
        refund = self.make_invoice(amount=20, move_type="out_refund")
        self.pay(self.first.move_ids, 30)
        page = self.get(self.path("all")).text
        for name in (self.first.move_ids, self.second.move_ids, other, refund):
            self.assertIn(name.name, page)
        self.assertIn('data-amount="200.0"', page)
        transaction = self.request_payment(self.path("all"), 200)
        self.assertEqual(
            transaction.invoice_ids, self.first.move_ids | self.second.move_ids | other
        )
        self.finish(transaction)
        for move in transaction.invoice_ids | refund:
            self.assertEqual(move.payment_state, "paid", move.name)
        self.assertEqual(transaction.payment_id.amount, 200)
        self.assertTrue(transaction.payment_id.is_reconciled)

    def test_a_payment_without_invoice_is_taken_off(self):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": 25,
                "journal_id": self.journal.id,
            }
        )
        payment.action_post()
        self.assertEqual(self.first._to_pay("all").amount, 175)
        self.finish(self.request_payment(self.path("all"), 175))
        self.assertTrue(payment.is_reconciled)
        self.assertFalse(self.first._to_pay("all").invoices)

    def test_a_credit_that_covers_all_leaves_nothing_to_pay(self):
        self.make_invoice(amount=500, move_type="out_refund")
        self.assertEqual(self.first._to_pay("all").amount, 0)
        self.assertIn("There is nothing to pay", self.get(self.path("all")).text)
        self.refused(self.path("all"), 0)

    def test_who_saw_another_amount_has_to_look_again(self):
        self.refused(self.path("bill"), 90)
        self.refused(self.path("bill"), None)
        self.refused(self.path("bill"), "nan")
        self.pay(self.second.move_ids)
        self.refused(self.path("bill"), 100)

    def test_what_is_being_paid_is_not_paid_again(self):
        transaction = self.request_payment(self.path("bill"), 100)
        transaction._set_done()
        self.refused(self.path("bill"), 100)
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("Your payment is being processed", page)
        self.assertNotIn("/pay/bill", page)
        self.assertEqual(self.first._to_pay("all").amount, 100)

    def test_a_provider_of_another_company_takes_nothing(self):
        abroad = self.make_company("Abroad", "EUR")
        journal = self.env["account.journal"].search(
            [("company_id", "=", abroad.id), ("type", "=", "bank")], limit=1
        )
        other = self.make_card_provider(abroad, journal)
        self.refused(self.path("bill"), 100, "cannot be paid here", provider_id=other.id)
        card = self.make_card(digits="7777", provider=other)
        self.refused(self.path("bill"), 100, "cannot be paid here", flow="token", token_id=card.id)

    def test_a_saved_card_pays_at_once(self):
        card = self.make_card(self.customer, "4242")
        with self.card_provider("done") as charged:
            transaction = self.request_payment(
                self.path("bill"), 100, flow="token", token_id=card.id, payment_method_id=None
            )
        self.assertEqual(charged, [transaction.reference])
        self.assertEqual(transaction.state, "done")
        stranger = self.make_card(self.make_customer("Stranger"), "6666")
        self.refused(
            self.path("bill", self.first), 100, "access", flow="token", token_id=stranger.id
        )

    def test_where_odoo_takes_no_payments_the_page_says_how_to_pay(self):
        self.env["ir.config_parameter"].set_param("account_payment.enable_portal_payment", "False")
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("Please pay as the invoice says", page)
        self.assertFalse(self.get(self.path("bill")).url.endswith("/pay/bill"))
        self.refused(self.path("bill"), 100, "cannot be paid here")
        self.env["ir.config_parameter"].set_param("account_payment.enable_portal_payment", "True")
        self.assertTrue(self.second._is_paid_online())
        self.provider.is_published = False
        self.assertFalse(self.second._is_paid_online())
        self.assertNotIn("o_billing_pay_all", self.get("/my/bills").text)

    def test_instalments_are_paid_on_odoos_own_page(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two halves",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (30, 60)
                ],
            }
        )
        self.scheme.payment_term_id = term
        bill = self.bill_on(FEBRUARY)
        self.assertEqual(len(bill.move_ids.line_ids.filtered("date_maturity")), 2)
        answer = self.get(self.path("bill", bill))
        self.assertIn(f"/my/invoices/{bill.move_ids.id}", answer.url)

    # === COLLECTED === #

    def collected(self):
        self.customer.billing_payment_preference = "direct_debit"
        self.make_mandate(signed_date=self.company._billing_today())
        run = self.make_payment_run(method="direct_debit")
        run.action_confirm()
        return run.sudo()

    def test_what_is_collected_is_left_out_and_paid_on_purpose_alone(self):
        run = self.collected()
        self.assertEqual(run.line_ids.move_id, self.first.move_ids | self.second.move_ids)
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("by SEPA direct debit", page)
        self.assertIn("You need not pay it yourself", page)
        self.assertNotIn("/pay/bill", page)
        self.assertIn("/pay/anyway", page)
        self.refused(self.path("bill"), 100)
        self.refused(self.path("all"), 200)
        ask = self.get(self.path("anyway")).text
        self.assertIn("If you pay it here, we leave it out then", ask)
        self.finish(self.request_payment(self.path("anyway"), 100))
        self.assertEqual(self.second.move_ids.payment_state, "paid")
        self.submit_now(run)
        self.assertEqual(
            {line.move_id: line.error_code or line.state for line in run.line_ids},
            {self.first.move_ids: "submitted", self.second.move_ids: "paid"},
        )

    def test_what_is_paid_at_the_very_moment_is_not_collected(self):
        run = self.collected()
        transaction = self.request_payment(self.path("anyway"), 100)
        transaction._set_done()
        self.submit_now(run)
        codes = {line.move_id: line.error_code or line.state for line in run.line_ids}
        self.assertEqual(codes[self.second.move_ids], "paid")
        self.finish(transaction)
        self.assertEqual(self.second.move_ids.payment_state, "paid")

    def test_a_card_is_not_charged_while_its_invoice_is_paid_online(self):
        self.customer.billing_payment_preference = "card"
        self.make_card(self.customer, "4242")
        day = self.company._billing_today() + timedelta(days=3)
        run = self.make_payment_run(wanted_date=day)
        run.action_confirm()
        self.submit_now(run)
        lines = {line.move_id: line for line in run.sudo().line_ids}
        line = lines[self.second.move_ids]
        self.assertEqual(line.charge_ids.state, "waiting")
        # Not sent yet: the customer may still pay otherwise, on purpose.
        transaction = self.request_payment(self.path("anyway"), 100)
        transaction._set_done()
        later = datetime.now() + timedelta(days=5)
        with freeze_time(later), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual(charged, [lines[self.first.move_ids].charge_ids.reference])
        self.assertEqual(line.charge_ids.state, "waiting")
        self.assertIn("just paying it online", line.message)
        self.finish(transaction)
        with freeze_time(later + timedelta(days=1)), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual((charged, line.error_code), ([], "paid"))

    def test_money_that_may_have_been_asked_for_is_not_paid_at_all(self):
        run = self.collected()
        run.line_ids._set_state("submitted")
        run.line_ids._set_state("unknown")
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("We are finding out", page)
        self.assertNotIn("/pay/", page)
        self.refused(self.path("anyway"), 100)
        self.assertIn("It is left out here", self.get(self.path("anyway")).text)

    def test_odoos_own_pages_pay_nothing_that_is_collected(self):
        move = self.second.move_ids
        overdue = self.get("/my/invoices/overdue").text
        self.assertIn("200.00", overdue)
        url = move.get_portal_url()
        self.assertIn("Pay Now", self.get(url).text)
        self.collected()
        page = self.get(url).text
        self.assertNotIn("Pay Now", page)
        self.assertIn("by SEPA direct debit", page)
        self.assertIn("/my/invoices", self.get("/my/invoices/overdue").url)
        self.assertNotIn("data-amount", self.get("/my/invoices/overdue").text)
        path = f"/invoice/transaction/{move.id}"
        for token, text in ((move._portal_ensure_token(), "SEPA direct debit"), ("x", "invalid")):
            if text == "invalid":
                self.authenticate(None, None)
            with mute_logger("odoo.http"):
                said = self.refusal(path, self.payment(amount=100, access_token=token))
            self.assertIn(text, said)
