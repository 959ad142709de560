"""The customer's page of an invoice's calls: who sees which, what a search finds, and the file."""

import time

from odoo.tests import HttpCase, tagged
from odoo.tools import SQL

from ..billing_runs.calls.csv_cells import csv_parts, write_csv
from .usage_common import UsageCase


class CallPortalCase(UsageCase):
    """Two customers with an invoice of calls each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.make_customer("Other Office")
        cls.other_service = cls.make_service(cls.other, cls.tariff)
        cls.make_number("+44 20 7946 0001", cls.other_service)

    def setUp(self):
        super().setUp()
        self.load(
            self.january(2, caller="+442079460000", callee="+442079461111"),
            self.january(3, seconds=90, caller="+442079460000", callee="=cmd|'/c calc'!A1"),
            self.january(9, "447700900123", caller="+442079460000", callee="+447700900123"),
            self.january(5, "442079462222", identifier="442079460001", callee="+442079462222"),
        )
        self.billing = self.billed(stage="posting")
        self.move = self.bill_of(self.billing, self.customer).move_ids
        self.foreign = self.bill_of(self.billing, self.other).move_ids
        self.colleague = self.make_customer("Colleague", parent_id=self.customer.id)

    def portal_user(self, login, partner, company=None):
        company = company or self.company
        return self.env["res.users"].create(
            {
                "name": login,
                "login": login,
                "password": login,
                "partner_id": partner.id,
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
                "company_id": company.id,
                "company_ids": [(6, 0, company.ids)],
            }
        )

    def routes(self, move, **arguments):
        """Every address that shows calls of an invoice."""
        query = "&".join(f"{name}={value}" for name, value in arguments.items())
        base = f"/my/invoices/{move.id}/calls"
        return [
            f"{path}?{query}" for path in (base, f"{base}/page/1", f"{base}/page/2", f"{base}.csv")
        ]

    def get(self, path):
        self.env.flush_all()
        return self.url_open(path)


@tagged("post_install", "-at_install")
class TestCallPortal(CallPortalCase, HttpCase):
    def login(self, login, partner, company=None):
        self.portal_user(login, partner, company)
        self.authenticate(login, login)

    def test_the_customer_sees_the_calls_of_an_own_invoice_and_what_priced_each(self):
        self.login("own", self.customer)
        page = self.get(self.routes(self.move)[0])
        self.assertIn("<span>3</span> calls", page.text)
        self.assertIn("+447700900123", page.text)
        self.assertIn("447700900123 begins with 447: 447", page.text)
        self.assertIn("60 s × 0.12 a minute = 0.12", page.text)
        self.assertNotIn("442079462222", page.text)
        self.assertEqual(page.headers["Cache-Control"], "no-store")
        invoice = self.get(f"/my/invoices/{self.move.id}")
        self.assertIn(f"/my/invoices/{self.move.id}/calls?access_token=", invoice.text)

    def test_an_invoice_without_calls_offers_none(self):
        self.login("own", self.customer)
        self.load(self.january(4, identifier="442079460001"))
        quiet = self.bill_of(self.billed(2, "posting"), self.customer).move_ids
        self.assertNotIn("o_billing_calls", self.get(f"/my/invoices/{quiet.id}").text)
        self.assertIn("bills no calls", self.get(self.routes(quiet)[0]).text)

    def test_a_colleague_sees_them_too(self):
        self.login("colleague", self.colleague)
        for path in self.routes(self.move):
            self.assertIn("7700900123", self.get(path).text, path)

    def refused(self, paths):
        for path in paths:
            page = self.get(path)
            for secret in ("447700900123", "442079462222", "442079461111", "o_billing_call "):
                self.assertNotIn(secret, page.text, path)
            self.assertNotIn("/calls", page.url.partition("?")[0], path)
            self.assertNotIn("text/csv", page.headers.get("Content-Type", ""), path)

    def test_nothing_of_another_customer_is_reached_by_any_address(self):
        tokens = {
            "none": {},
            "wrong": {"access_token": "0" * 36},
            "of another invoice": {"access_token": self.foreign._portal_ensure_token()},
            "empty": {"access_token": ""},
        }
        abroad = self.make_company("Abroad")
        strangers = {
            "stranger": (self.other, None),
            "elsewhere": (self.make_customer("Elsewhere"), abroad),
            "parent": (self.make_customer("Group"), None),
        }
        for login, (partner, company) in strangers.items():
            self.portal_user(login, partner, company)
        self.move._portal_ensure_token()
        for login in (None, *strangers):
            self.authenticate(login, login)
            for name, arguments in tokens.items():
                with self.subTest(login=login, token=name):
                    self.refused(self.routes(self.move, **arguments))
        # One's own session opens no other invoice by an own search, order or page either.
        self.authenticate("stranger", "stranger")
        self.refused(self.routes(self.move, search="447700900123", sortby="cost"))
        own = self.get(self.routes(self.foreign)[0])
        self.assertIn("442079462222", own.text)
        self.assertNotIn("447700900123", own.text)
        found = self.get(self.routes(self.foreign, search="447700900123")[0])
        self.assertIn("No call of this invoice fits", found.text)

    def test_a_link_from_the_e_mail_opens_it_without_login(self):
        self.authenticate(None, None)
        token = self.move._portal_ensure_token()
        for path in self.routes(self.move, access_token=token):
            self.assertIn("7700900123", self.get(path).text, path)
        page = self.get(self.routes(self.move, access_token=token)[0])
        self.assertIn(f"calls.csv?access_token={token}", page.text)

    def test_staff_without_billing_rights_do_not_see_whom_customers_call(self):
        self.make_user("bookkeeper", "account.group_account_invoice")
        self.make_user("clerk", "billing_operations.group_billing_user")
        self.authenticate("bookkeeper", "bookkeeper")
        self.refused(self.routes(self.move))
        self.authenticate("clerk", "clerk")
        self.assertIn("447700900123", self.get(self.routes(self.move)[0]).text)

    def test_what_is_no_posted_customer_invoice_shows_nothing(self):
        self.login("own", self.customer)
        token = self.move._portal_ensure_token()
        self.move.button_draft()
        self.refused(self.routes(self.move, access_token=token))
        missing = self.env["account.move"].browse(2**31 - 2)
        self.refused(self.routes(missing))

    # === SEARCH === #

    def found(self, text, move=None, **arguments):
        page = self.get(self.routes(move or self.move, search=text, **arguments)[0])
        return page.text.count('class="o_billing_call border-top"')

    def test_a_search_finds_numbers_however_they_are_written_destinations_and_days(self):
        self.login("own", self.customer)
        self.env["cdr.rate"].search([("prefix", "=", "447")]).name = "Mobile United Kingdom"
        self.assertEqual(self.found("7700 900-123"), 1)
        self.assertEqual(self.found("0044 7700 900123"), 1)
        self.assertEqual(self.found("07700 900123"), 1)
        self.assertEqual(self.found("%2B447700900123"), 1)
        self.assertEqual(self.found("mobile"), 1)
        self.assertEqual(self.found("2026-01-03"), 1)
        self.assertEqual(self.found("nothing of the kind"), 0)
        self.assertEqual(self.found("%27%22%3Cb%3E"), 0)
        self.assertEqual(self.found("", sortby="nonsense"), 3)

    def test_a_search_finds_classes_and_days_as_the_reader_writes_them(self):
        self.login("own", self.customer)
        self.env["cdr.rate"].search([("prefix", "=", "447")]).name = "Anywhere"
        self.assertEqual(self.found("Mobile"), 1)
        self.assertEqual(self.found("national"), 2)
        self.assertEqual(self.found("01/03/2026"), 1)
        self.assertEqual(self.found("03.01.2026"), 0)
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "de_DE"
        self.authenticate("own", "own")
        self.assertEqual(self.found("03.01.2026"), 1)
        self.assertEqual(self.found("2026-01-03"), 1)
        self.assertEqual(self.found("31.02.2026"), 0)

    def test_calls_are_sorted_by_the_number_called(self):
        self.login("own", self.customer)
        page = self.get(self.routes(self.move, sortby="number")[0]).text
        # A number, an address of a trunk, or nonsense: as they are written.
        self.assertLess(page.index("+442079461111"), page.index("+447700900123"))
        self.assertIn("By number called", page)

    def test_a_withheld_number_is_neither_shown_nor_found(self):
        plan = self.make_plan("Incoming", direction="in")
        self.make_rate("", 0.01, plan)
        self.service.incoming_rate_plan_id = plan
        hidden = {"caller": "+441632960999", "callee": "+442079460000", "withheld": True}
        self.load(self.january(4, "441632960999", direction="in", **hidden))
        move = self.bill_of(self.billed(2, "posting"), self.customer).move_ids
        self.login("own", self.customer)
        for path in self.routes(move):
            text = self.get(path).text
            self.assertNotIn("1632960999", text, path)
        self.assertEqual(self.found("", move), 1)
        self.assertEqual(self.found("1632960999", move), 0)

    # === FILE === #

    def test_the_file_holds_what_the_search_finds_and_runs_nothing(self):
        self.login("own", self.customer)
        page = self.get(self.routes(self.move)[-1])
        self.assertEqual(page.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertIn(".csv", page.headers["Content-Disposition"])
        lines = page.content.decode("utf-8-sig").splitlines()
        self.assertEqual(len(lines), 4)
        self.assertIn("'=cmd|'/c calc'!A1", lines[2])
        self.assertIn(",+447700900123,", lines[3])
        self.assertTrue(lines[3].endswith(",60,60,0,0.12"), lines[3])
        found = self.get(self.routes(self.move, search="7700")[-1])
        self.assertEqual(len(found.content.decode().splitlines()), 2)

    def test_the_file_is_written_as_spreadsheets_of_the_language_read_it(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "de_DE"
        self.login("own", self.customer)
        page = self.get(self.routes(self.move)[0])
        self.assertIn("„;“", page.text, "said in German")
        content = self.get(self.routes(self.move)[-1]).content
        self.assertTrue(content.startswith(b"\xef\xbb\xbf"))
        self.assertEqual(content.count(b"\xef\xbb\xbf"), 1)
        lines = content.decode("utf-8-sig").splitlines()
        self.assertTrue(lines[3].endswith(";60;60;0;0,12"), lines[3])

    def test_a_file_of_many_parts_is_the_file_in_one(self):
        rows = [("Ä", number, "=1+1") for number in range(2_500)]
        parts = list(csv_parts(rows, ";"))
        self.assertEqual(len(parts), 3)
        self.assertEqual(b"".join(parts), write_csv(rows, ";"))
        self.assertEqual(b"".join(parts).decode("utf-8-sig").splitlines()[2_499], "Ä;2499;'=1+1")
        self.assertEqual(list(csv_parts([])), [])

    # === MANY === #

    def test_ten_thousand_calls_are_searched_in_half_a_second_and_shown_by_pages(self):
        charge = self.usage(self.billing).filtered(lambda c: c.partner_id == self.customer)[:1]
        record = self.records.search([("charge_id", "=", charge.id)], limit=1)
        names = [
            name
            for name, field in self.records._fields.items()
            if field.store and field.column_type and name not in ("id", "record_key", "callee")
        ]
        columns = SQL(", ").join(map(SQL.identifier, names))
        self.env.cr.execute(
            SQL(
                "INSERT INTO cdr_record (record_key, callee, %s)"
                " SELECT 'many ' || n, '+4420' || lpad(n::text, 8, '0'), %s"
                " FROM cdr_record, generate_series(1, 10000) AS n WHERE id = %s",
                columns,
                columns,
                record.id,
            )
        )
        self.env.cr.execute("ANALYZE cdr_record")
        self.login("own", self.customer)
        first = self.get(self.routes(self.move)[0])
        self.assertIn("10003</span> calls", first.text)
        self.assertEqual(first.text.count('class="o_billing_call border-top"'), 50)
        second = self.get(f"/my/invoices/{self.move.id}/calls/page/2")
        self.assertNotEqual(first.text, second.text)
        beyond = self.get(f"/my/invoices/{self.move.id}/calls/page/9999")
        self.assertEqual(beyond.status_code, 200)
        took = []
        for text in ("4200001234", "4200009", "nothing"):
            start = time.perf_counter()
            self.get(self.routes(self.move, search=text)[0])
            took.append(time.perf_counter() - start)
        self.assertLess(min(took), 0.5, took)
        lines = self.get(self.routes(self.move)[-1]).content.decode().splitlines()
        self.assertEqual(len(lines), 10_004)

    def test_a_page_reads_as_little_for_many_calls_as_for_few(self):
        from ..billing_runs.calls.portal import found_calls, page_values

        def statements():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            page_values(self.move, found_calls(self.move, "44"), "time", 0)
            return self.env.cr.sql_log_count - before

        few = statements()
        self.load(*(self.january(10, f"4477009{n:05}") for n in range(40)))
        self.move = self.bill_of(self.billed(2, "posting"), self.customer).move_ids
        self.assertLessEqual(statements(), few + 3)


@tagged("post_install", "-at_install")
class TestCallTours(CallPortalCase, HttpCase):
    def test_a_customer_opens_an_invoice_its_calls_and_what_priced_one(self):
        self.portal_user("tour_customer", self.customer)
        self.start_tour("/my/invoices", "billing_portal_calls", login="tour_customer", timeout=180)

    def test_an_accountant_goes_from_an_invoice_line_to_its_calls(self):
        self.make_user("tour_clerk", "billing_operations.group_billing_user")
        self.start_tour(
            f"/odoo/action-account.action_move_out_invoice_type/{self.move.id}",
            "billing_invoice_calls",
            login="tour_clerk",
            timeout=180,
        )
