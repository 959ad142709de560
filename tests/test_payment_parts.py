"""Accounts, texts, sequence types and files of mandates: without a database."""

import csv
import unittest
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ..payment_runs import accounts, sequences
from ..payment_runs.mandate_csv import HeadingProblem, read_mandates
from ..payment_runs.sepa_text import is_allowed, is_identifier, sepa_name, sepa_text

TODAY = date(2026, 3, 1)
HEAD = "Customer;IBAN;Reference;Signed;Scheme;Type;Last Collection\n"


class TestAccounts(unittest.TestCase):
    def test_an_account_is_taken_in_any_spelling_of_its_number(self):
        for text in (
            "DE89370400440532013000",
            "de89 3704 0044 0532 0130 00",
            "DE89-37040044-0532013000",
        ):
            self.assertIsNone(accounts.iban_problem(text), text)
            self.assertEqual(accounts.compact_iban(text), "DE89370400440532013000")

    def test_a_wrong_number_says_what_is_wrong_with_it(self):
        self.assertEqual(accounts.iban_problem(""), "missing")
        self.assertEqual(accounts.iban_problem(None), "missing")
        self.assertEqual(accounts.iban_problem("DE88370400440532013000"), "wrong")
        self.assertEqual(accounts.iban_problem("DE8937040044053201300"), "wrong")
        self.assertEqual(accounts.iban_problem("DE8937040044053201300Ü"), "wrong")
        self.assertEqual(accounts.iban_problem("TR330006100519786457841326"), "not_sepa")

    @given(st.text(max_size=40))
    def test_any_text_is_an_account_or_has_a_reason(self, text):
        self.assertIn(accounts.iban_problem(text), (None, "missing", "wrong", "not_sepa"))

    def test_the_countries_that_came_late_take_part(self):
        for country in ("AL", "ME", "MD", "MK", "RS"):
            self.assertIn(country, accounts.LENGTHS)

    def test_accounts_outside_of_the_economic_area_need_an_address(self):
        self.assertTrue(accounts.needs_address("CH9300762011623852957"))
        self.assertFalse(accounts.needs_address("DE89370400440532013000"))

    def test_a_creditor_identifier_has_check_digits(self):
        self.assertTrue(accounts.is_creditor_id("DE98 ZZZ 0999 9999 999"))
        self.assertFalse(accounts.is_creditor_id("DE97ZZZ09999999999"))
        self.assertFalse(accounts.is_creditor_id("DE98ZZZ"))
        self.assertFalse(accounts.is_creditor_id(""))


class TestTexts(unittest.TestCase):
    def test_names_become_latin_and_never_empty(self):
        for name, wanted in {
            "Müller & Söhne GmbH": "Mueller + Soehne GmbH",
            "Łukasz Żółć": "Lukasz Zolc",
            "Société Générale": "Societe Generale",
            "  //Acme// ": "Acme",
            "A_B": "A-B",
        }.items():
            self.assertEqual(sepa_name(name), wanted)
        self.assertEqual(sepa_name("★", "Customer 7"), "Customer 7")
        self.assertEqual(sepa_name("", ""), "NOTPROVIDED")
        self.assertTrue(sepa_name("日本").isascii())

    @given(st.text(max_size=200), st.integers(1, 140))
    def test_any_text_becomes_one_that_may_stand_in_a_file(self, text, length):
        made = sepa_text(text, length)
        self.assertTrue(1 <= len(made) <= length)
        self.assertTrue(is_allowed(made), repr(made))

    @given(st.text(max_size=100), st.text(max_size=100))
    def test_any_name_has_something_to_read(self, name, also):
        made = sepa_name(name, also)
        self.assertTrue(1 <= len(made) <= 70)
        self.assertTrue(is_allowed(made), repr(made))

    def test_references_have_neither_spaces_nor_odd_slashes(self):
        for text in ("M000001", "R/2026/1-1", "A+B.(c):,'?"):
            self.assertTrue(is_identifier(text), text)
        for text in ("", None, "A B", "/A", "A/", "A//B", "Ä", "A" * 36, "A\n"):
            self.assertFalse(is_identifier(text), text)


class TestSequences(unittest.TestCase):
    def test_the_first_collection_is_first_and_the_others_follow(self):
        self.assertEqual(
            sequences.sequence_types("recurrent", 0, False, 3), ["FRST", "RCUR", "RCUR"]
        )
        self.assertEqual(sequences.sequence_types("recurrent", 4, False, 2), ["RCUR", "RCUR"])
        self.assertEqual(sequences.sequence_types("recurrent", 4, True, 2), ["RCUR", "FNAL"])
        self.assertEqual(sequences.sequence_types("recurrent", 0, True, 1), ["FNAL"])

    def test_a_mandate_for_one_collection_takes_one(self):
        self.assertEqual(sequences.sequence_types("one_off", 0, False, 2), ["OOFF", ""])
        self.assertEqual(sequences.sequence_types("one_off", 1, False, 1), [""])

    def test_a_mandate_lives_36_months_from_its_last_use(self):
        self.assertEqual(sequences.expires_on(date(2023, 3, 1), None), date(2026, 3, 1))
        self.assertEqual(
            sequences.expires_on(date(2023, 3, 1), date(2024, 2, 29)), date(2027, 2, 28)
        )


class TestMandateFiles(unittest.TestCase):
    def read(self, *lines):
        return read_mandates(HEAD + "\n".join(lines), TODAY)

    def test_a_good_line_has_no_problems(self):
        [row] = self.read("C1;DE89 3704 0044 0532 0130 00;M-1;31.01.2026;core;RCUR;2026-02-15")
        self.assertEqual(row.problems, [])
        self.assertEqual(row.line, 2)
        self.assertEqual(row.values["iban"], "DE89370400440532013000")
        self.assertEqual(row.values["signed_date"], date(2026, 1, 31))
        self.assertEqual(row.values["last_collection_date"], date(2026, 2, 15))
        self.assertEqual((row.values["scheme"], row.values["kind"]), ("CORE", "recurrent"))

    def test_every_line_says_all_that_is_wrong_with_it(self):
        rows = self.read(
            "C1;DE00;M 1;2026-13-01;SDD;FRST;",
            ";;;;;;",
            ";TR330006100519786457841326;M2;2026-04-01;;;",
            "C1;DE89370400440532013000;M3;2026-01-01;;;2025-01-01",
            "C1;DE89370400440532013000;m3;2026-01-01;;;",
        )
        self.assertEqual(
            [row.problems for row in rows],
            [
                ["iban_wrong", "bad_reference", "bad_date", "bad_scheme", "bad_kind"],
                ["no_customer", "iban_not_sepa", "future"],
                ["bad_last"],
                ["twice"],
            ],
        )
        self.assertEqual([row.line for row in rows], [2, 4, 5, 6])

    def test_columns_may_come_in_any_order_and_be_called_as_usual(self):
        text = "Signature date,Mandate reference,Account number,Debtor\n2026-01-01,M1,DE89370400440532013000,C1\n"
        [row] = read_mandates(text, TODAY)
        self.assertEqual(row.problems, [])

    def test_missing_columns_are_named(self):
        with self.assertRaises(HeadingProblem) as caught:
            read_mandates("Customer;IBAN\n", TODAY)
        self.assertEqual(caught.exception.names, ["reference", "signed_date"])
        with self.assertRaises(HeadingProblem):
            read_mandates("", TODAY)

    def test_a_line_that_cannot_be_read_ends_the_file(self):
        # Odoo lets fields be as long as they like; other programs do not.
        limit = csv.field_size_limit(100_000)
        self.addCleanup(csv.field_size_limit, limit)
        rows = self.read("C1;DE89370400440532013000;M3;2026-01-01;;;", "x" * 200_000)
        self.assertEqual([row.problems for row in rows], [[], ["broken"]])

    @given(st.text(max_size=300))
    def test_no_text_breaks_the_reader(self, text):
        for row in read_mandates(HEAD + text, TODAY):
            self.assertTrue(row.problems or row.values["signed_date"])
