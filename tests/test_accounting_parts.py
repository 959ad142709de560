"""Plain data of the accounting export: totals, matching, pacing, codes and files. No database."""

import base64
import csv
import hashlib
import io
import unittest
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from ..accounting_export import csv_files, oauth, pacing, xero_texts
from ..accounting_export.documents import (
    Customer,
    Document,
    Row,
    lines,
    other_names,
    split,
    spread,
    unit_price,
)
from ..accounting_export.matching import Contact, Index

D = Decimal
AMOUNTS = st.integers(-1_000_000, 1_000_000).map(lambda cents: D(cents) / 100)


def row(amount, tax_key=1, **values):
    values = {
        "description": "Hosting",
        "quantity": D(1),
        "account": "200",
        "tax_type": "OUTPUT",
        **values,
    }
    return Row(amount=D(amount), tax_key=tax_key, **values)


def document(made_lines, kind="invoice", **values):
    values = {
        "number": "INV/1",
        "customer": "C1",
        "date": date(2026, 2, 1),
        "due_date": date(2026, 3, 1),
        "currency": "EUR",
        "rate": None,
        **values,
    }
    return Document(kind=kind, lines=tuple(made_lines), **values)


class TestTotals(unittest.TestCase):
    def test_an_invoices_tax_is_spread_to_the_cent(self):
        # Three lines of 3.33 at 15 %: 0.4995 each by line is 1.50, on the whole 1.4985 is 1.50;
        # of 3.35 at 19 %: 0.6365 each by line is 1.92, on the whole 1.9095 is 1.91.
        made = lines([row("3.35")] * 3, {1: D("1.91")}, 2)
        self.assertEqual([line.tax for line in made], [D("0.64"), D("0.64"), D("0.63")])
        self.assertEqual(document(made).total, D("11.96"))

    def test_lines_without_tax_have_none_and_taxes_do_not_mix(self):
        rows = [row("100"), row("50", tax_key=2), row("10", tax_key=None)]
        made = lines(rows, {1: D("15.00"), 2: D("3.50")}, 2)
        self.assertEqual([line.tax for line in made], [D("15.00"), D("3.50"), D("0.00")])

    def test_currencies_without_cents_and_with_mills(self):
        self.assertEqual(spread(D(100), [D(1)] * 3, 0), [D(34), D(33), D(33)])
        self.assertEqual(spread(D("0.100"), [D(1)] * 3, 3), [D("0.034"), D("0.033"), D("0.033")])

    def test_nothing_to_spread_over_loses_nothing(self):
        self.assertEqual(spread(D(5), [], 2), [])
        self.assertEqual(spread(D("0.05"), [D(10), D(-10)], 2), [D("0.05"), D("0.00")])

    @given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=30))
    def test_parts_always_add_up(self, total, weights):
        self.assertEqual(sum(spread(total, weights, 2)), total)

    @given(AMOUNTS, st.lists(st.integers(1, 10**6).map(D), min_size=1, max_size=30))
    def test_no_part_is_a_cent_away_from_its_share(self, total, weights):
        for part, weight in zip(spread(total, weights, 2), weights, strict=True):
            self.assertLess(abs(part - total * weight / sum(weights)), D("0.01"))

    @given(st.integers(0, 10**7).map(lambda q: D(q) / 1000), AMOUNTS)
    def test_quantity_times_price_is_the_amount_as_the_other_side_rounds(self, quantity, amount):
        quantity, price = unit_price(quantity, amount, 2)
        self.assertEqual((quantity * price).quantize(D("0.01"), ROUND_HALF_UP), amount)
        self.assertEqual(price, round(price, 4))

    def test_a_line_is_divided_by_its_analytic_shares(self):
        shares = [(D(50), (("Region", "North"),)), (D("33.33"), (("Region", "South"),))]
        parts = split(row("10.00"), shares, 2)
        self.assertEqual([part.amount for part in parts], [D("5.00"), D("3.33"), D("1.67")])
        self.assertEqual(parts[2].tracking, ())
        whole = split(row("10.00", quantity=D(4)), [(D(100), (("Region", "North"),))], 2)
        self.assertEqual((len(whole), whole[0].quantity), (1, D(4)))

    def test_one_line_for_all_of_an_account_a_tax_and_a_tracking(self):
        rows = [row("1.10"), row("2.20", description="Mail"), row("5", account="260"), row("3.30")]
        made = lines(rows, {1: D("1.74")}, 2, summed=True)
        self.assertEqual(
            [(line.account, line.amount) for line in made], [("200", D("6.60")), ("260", D(5))]
        )
        self.assertEqual(made[0].description, "Hosting\nMail")
        self.assertEqual(document(made).total, D("13.34"))


class TestNames(unittest.TestCase):
    def test_customers_of_one_name_are_told_apart(self):
        made = other_names(
            [
                Customer("r1", "Alder Ltd"),
                Customer("r2", "ALDER  ltd", code="K7"),
                Customer("r3", "Birch"),
                Customer("r4", "alder ltd", code="K7"),
            ],
            taken=["birch"],
        )
        self.assertEqual(
            [customer.name for customer in made],
            ["Alder Ltd", "ALDER  ltd (K7)", "Birch (r3)", "alder ltd (r4)"],
        )

    def test_a_long_name_keeps_its_end_apart(self):
        made = other_names([Customer("r1", "x" * 255), Customer("r2", "x" * 255)])
        self.assertEqual((len(made[1].name), made[1].name[-5:]), (255, " (r2)"))

    def test_contacts_are_found_by_reference_tax_number_name_and_email(self):
        index = Index(
            [
                (1, Customer("r1", "Alder Ltd", vat="DE 123.456.789")),
                (2, Customer("r2", "Birch", email="info@birch.example")),
                (3, Customer("r3", "Birch")),
            ]
        )
        self.assertEqual(index.find(Contact("x", "Other", vat="de123456789")), [(1, "vat")])
        self.assertEqual(index.find(Contact("x", " birch ")), [(2, "name"), (3, "name")])
        self.assertEqual(
            index.find(Contact("x", "Else", email="INFO@Birch.example")), [(2, "email")]
        )
        self.assertEqual(
            index.find(Contact("x", "birch", reference="r3")), [(3, "reference"), (2, "name")]
        )
        self.assertEqual(index.find(Contact("x", "")), [])


class TestPacing(unittest.TestCase):
    def test_never_more_calls_in_any_minute_than_allowed(self):
        usage, now, times = None, 1000.0, []
        while len(times) < 500:
            seconds = pacing.wait(usage, now, 60, 5000)
            if seconds:
                now += seconds
                continue
            usage = pacing.note(usage, now)
            times.append(now)
            now += 0.05
        for index, moment in enumerate(times):
            within = [t for t in times[index:] if t < moment + 60]
            self.assertLessEqual(len(within), 60)
        # And hardly slower than the limit allows.
        self.assertLess(times[-1] - times[0], 8.5 * 61)
        self.assertLessEqual(len(usage["minute"]), 60)

    def test_the_day_has_an_end_too(self):
        usage, now = None, 86400.0 * 3
        for _call in range(10):
            usage = pacing.note(usage, now)
            now += 600
        self.assertEqual(pacing.wait(usage, now, 60, 11), 0)
        waited = pacing.wait(usage, now, 60, 10)
        self.assertGreater(waited, 86400 - 6000)
        self.assertEqual(pacing.wait(usage, now + waited, 60, 10), 0)

    def test_what_an_answer_says_is_bounded(self):
        self.assertEqual(pacing.told("1e9"), 86400)
        self.assertEqual(pacing.told("nan"), 60)
        self.assertEqual(pacing.told("-5"), 1)


class TestLogin(unittest.TestCase):
    def test_the_address_has_state_and_challenge_and_no_secret(self):
        state, verifier = oauth.new_secret(), oauth.new_secret()
        url = oauth.login_url(
            "https://x.example/a", "id", "https://b/cb", "one  two", state, verifier
        )
        query = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
        self.assertEqual(query["state"], state)
        self.assertEqual(query["scope"], "one two")
        hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        self.assertEqual(query["code_challenge"], hashed.decode().rstrip("="))
        self.assertNotIn(verifier, url)
        self.assertNotEqual(oauth.new_secret(), state)
        self.assertNotIn(state, oauth.digest(state))

    def test_a_token_is_not_used_for_its_last_moments(self):
        self.assertTrue(oauth.is_fresh(1000 + 1800, 1000))
        self.assertFalse(oauth.is_fresh(1100, 1000))
        self.assertFalse(oauth.is_fresh(None, 1000))
        self.assertEqual(oauth.expiry(1000, {"expires_in": 1800}), 2800)
        self.assertEqual(oauth.expiry(1000, {"expires_in": "x"}), 1060)


class TestRefusals(unittest.TestCase):
    def test_messages_have_codes(self):
        for message, code in (
            ("Invoice # must be unique.", "number_taken"),
            ("The contact name X is already assigned to another contact.", "name_taken"),
            ("Account code '999' is not a valid code for this document.", "account"),
            ("The TaxType code 'X' does not exist", "tax"),
            ("The document date cannot be before the period lock date", "locked"),
            ("", "refused"),
            (None, "refused"),
        ):
            with self.subTest(message=message):
                self.assertEqual(xero_texts.code_of(message), code)


class TestFiles(unittest.TestCase):
    def read(self, content, **options):
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), **options))

    def test_customers_are_one_row_each(self):
        form = csv_files.Form()
        content = csv_files.customers_file(
            [Customer("r1", 'Müller; "Söhne", Ltd', email="m@x.example", country="DE")], form
        )
        self.assertTrue(content.startswith(b"\xef\xbb\xbf"))
        head, *rows = self.read(content)
        self.assertEqual(tuple(head), csv_files.CUSTOMER_COLUMNS)
        self.assertEqual(dict(zip(head, rows[0], strict=True))["name"], 'Müller; "Söhne", Ltd')
        self.assertEqual(len(rows), 1)

    def test_documents_are_one_row_a_line_and_credit_notes_negative(self):
        made = lines([row("100"), row("-10.50", description="Discount")], {1: D("13.43")}, 2)
        form = csv_files.Form(";", ",", False)
        content = csv_files.documents_file(
            [document(made), document(made, "credit", number="R/1")], form
        )
        self.assertFalse(content.startswith(b"\xef\xbb\xbf"))
        head, *rows = self.read(content, delimiter=";")
        rows = [dict(zip(head, row, strict=True)) for row in rows]
        self.assertEqual([r["line_number"] for r in rows], ["1", "2", "1", "2"])
        self.assertEqual([r["total"] for r in rows], ["102,93", "102,93", "-102,93", "-102,93"])
        self.assertEqual([r["line_amount"] for r in rows], ["100", "-10,50", "-100", "10,50"])
        lines_come_to = sum(
            D(r[name].replace(",", ".")) for r in rows[:2] for name in ("line_amount", "line_tax")
        )
        self.assertEqual(lines_come_to, D("102.93"))

    def test_no_text_becomes_a_formula(self):
        for text in ("=1+1", "+49", "-2", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "＝1"):
            with self.subTest(text=text):
                self.assertEqual(csv_files.guarded(text), f"'{text}")
        self.assertEqual(csv_files.guarded("a=1"), "a=1")
        evil = [Customer("r", name="=HYPERLINK(1)", street="@x", code="+1", city="-1")]
        _head, evil_row = self.read(csv_files.customers_file(evil, csv_files.Form()))
        self.assertFalse([cell for cell in evil_row if cell.startswith(csv_files.FORMULA)])
        made = lines([row("1", description="=cmd()", account="=1", tax_type="@")], {}, 2)
        content = csv_files.documents_file(
            [document(made, number="=1", customer="+1", reference="-1")], csv_files.Form()
        )
        _head, evil_row = self.read(content)
        self.assertFalse([cell for cell in evil_row if cell.startswith(csv_files.FORMULA)])

    @given(st.text(max_size=40))
    def test_any_text_comes_back(self, text):
        content = csv_files.customers_file([Customer("r1", text)], csv_files.Form())
        _head, read = self.read(content)
        self.assertEqual(
            read[2].removeprefix("'"), text.removeprefix("'") if read[2] == text else text
        )
