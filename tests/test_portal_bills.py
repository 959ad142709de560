"""The customer's bills in the portal: which are there, how they stand, and their files."""

from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

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
