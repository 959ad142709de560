"""What banks' messages say, and what is no message: without a database."""

import unittest
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..payment_runs.bank_messages import LARGEST, MessageProblem, read_message
from .payment_messages import camt, pain_002


class TestMessages(unittest.TestCase):
    def problem(self, content):
        with self.assertRaises(MessageProblem) as caught:
            read_message(content)
        return caught.exception.code

    def test_a_status_report_names_what_the_bank_did_not_take(self):
        kind, [answer] = read_message(pain_002([("PR1-1", "AC04", "12.34")]))
        self.assertEqual(kind, "pain.002")
        self.assertEqual(
            (answer.kind, answer.scope, answer.reference), ("rejected", "line", "PR1-1")
        )
        self.assertEqual((answer.code, answer.day), ("AC04", date(2026, 3, 17)))
        self.assertEqual(answer.amounts, (Decimal("12.34"),))
        self.assertEqual(answer.account, "DE89370400440532013000")

    def test_a_whole_file_or_a_block_can_be_rejected(self):
        _kind, [answer] = read_message(pain_002(message="PR1-CORE", group="RJCT", reason="FF01"))
        self.assertEqual(
            (answer.scope, answer.reference, answer.code), ("file", "PR1-CORE", "FF01")
        )
        _kind, [answer] = read_message(
            pain_002(message="PR1-CORE", group="PART", block="PR1-CORE-2", reason="TM01")
        )
        self.assertEqual(
            (answer.scope, answer.reference, answer.code), ("block", "PR1-CORE-2", "TM01")
        )

    def test_accepted_files_say_nothing(self):
        self.assertEqual(read_message(pain_002(message="PR1-CORE", group="ACCP")), ("pain.002", []))

    def test_statements_and_notifications_name_returns_and_fees_apart(self):
        rows = [("PR1-1", "AM04", 100, 3), ("PR1-2", "MD06", 50, 0)]
        for kind in ("camt.053", "camt.054"):
            for version in ("02", "08"):
                found, answers = read_message(camt(rows, kind, version=version))
                self.assertEqual(found, kind)
                first, second = answers
                self.assertEqual(
                    (first.kind, first.reference, first.code), ("returned", "PR1-1", "AM04")
                )
                self.assertEqual((first.fee, first.day), (3, date(2026, 3, 18)))
                self.assertIn(Decimal(100), first.amounts)
                self.assertEqual((second.fee, second.amounts), (0, (Decimal(50),)))
                self.assertEqual(first.text, "Note")

    def test_what_is_only_announced_is_left_for_the_booking(self):
        self.assertEqual(read_message(camt([("PR1-1", "AM04", 1, 0)], status="PDNG"))[1], [])

    def test_a_batch_of_collected_money_is_no_return(self):
        content = camt([("PR1-1", "AM04", 1, 0)]).replace(b"DBIT", b"CRDT")
        self.assertEqual(read_message(content)[1], [])

    def test_nothing_outside_of_the_message_is_read(self):
        bomb = (
            b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
            b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Document><CstmrPmtStsRpt>&b;</CstmrPmtStsRpt></Document>'
        )
        self.assertEqual(self.problem(bomb), "doctype")
        outside = (
            b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            b"<Document><CstmrPmtStsRpt><GrpHdr>&a;</GrpHdr></CstmrPmtStsRpt></Document>"
        )
        self.assertEqual(self.problem(outside), "doctype")
        self.assertEqual(self.problem(outside.decode().encode("utf-16")), "doctype")

    def test_other_files_say_what_they_are(self):
        self.assertEqual(self.problem(b""), "not_xml")
        self.assertEqual(self.problem(b"name;iban"), "not_xml")
        self.assertEqual(self.problem(b"<html><body/></html>"), "other")
        self.assertEqual(self.problem(b"<Document/>"), "other")
        self.assertEqual(self.problem(b" " * (LARGEST + 1)), "too_large")

    @given(st.binary(max_size=300))
    def test_no_bytes_break_the_reader(self, content):
        try:
            read_message(content)
        except MessageProblem:
            pass

    @given(st.text(max_size=20), st.text(max_size=8), st.text(max_size=8))
    def test_no_values_break_the_reader(self, reference, code, amount):
        try:
            for _answer in read_message(pain_002([(reference, code, amount)]))[1]:
                pass
        except MessageProblem as problem:
            self.assertEqual(problem.code, "not_xml")
