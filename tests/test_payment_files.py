"""Direct debit files and the days that they name: without a database."""

import random
import re
import unittest
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

import sepaxml
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ..payment_runs import pain008, target
from ..payment_runs.pain008 import Creditor, Debit, FileProblems, write_file
from ..payment_runs.sepa_text import sepa_name, sepa_text
from .payment_common import COMPANY_IBAN, CREDITOR_ID, IBANS

NOW = datetime(2026, 3, 2, 9, 30, 15)
DAY = date(2026, 3, 10)
CREDITOR = Creditor("Provider Ltd", CREDITOR_ID, COMPANY_IBAN, "COBADEFFXXX")
SCHEMAS = Path(sepaxml.__file__).parent / "schemas"
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs",))
NAMES = st.text(LETTERS, max_size=120)


def debit(number=1, **values):
    """Return a debit that may stand in a file."""
    return Debit(
        **{
            "reference": f"R2026-1-{number}",
            "cents": 1234,
            "name": "Alder Ltd",
            "iban": IBANS[number % len(IBANS)],
            "mandate": f"M{number:06}",
            "signed": date(2026, 1, 1),
            "sequence_type": "RCUR",
            "day": DAY,
            "text": "Invoice INV/2026/00001",
            **values,
        }
    )


def write(debits, version=pain008.NEW_VERSION, scheme="CORE", creditor=CREDITOR):
    return write_file(version, scheme, "RUN-2026-1", NOW, creditor, debits)


def read(content):
    """Return a file as plain data, by a reader that knows nothing of the writer."""
    root = ElementTree.fromstring(content)
    for element in root.iter():
        element.tag = element.tag.partition("}")[2]
    blocks = []
    for block in root.iter("PmtInf"):
        rows = [
            {
                "reference": row.findtext("PmtId/EndToEndId"),
                "amount": Decimal(row.findtext("InstdAmt")),
                "currency": row.find("InstdAmt").get("Ccy"),
                "mandate": row.findtext("DrctDbtTx/MndtRltdInf/MndtId"),
                "name": row.findtext("Dbtr/Nm"),
                "iban": row.findtext("DbtrAcct/Id/IBAN"),
            }
            for row in block.findall("DrctDbtTxInf")
        ]
        blocks.append(
            {
                "id": block.findtext("PmtInfId"),
                "type": block.findtext("PmtTpInf/SeqTp"),
                "scheme": block.findtext("PmtTpInf/LclInstrm/Cd"),
                "day": block.findtext("ReqdColltnDt"),
                "sum": Decimal(block.findtext("CtrlSum")),
                "number": int(block.findtext("NbOfTxs")),
                "rows": rows,
            }
        )
    head = root.find(".//GrpHdr")
    return {
        "id": head.findtext("MsgId"),
        "created": head.findtext("CreDtTm"),
        "sum": Decimal(head.findtext("CtrlSum")),
        "number": int(head.findtext("NbOfTxs")),
        "blocks": blocks,
    }


class FileCase(unittest.TestCase):
    def check_file(self, content, debits, version):
        """The file is valid by the schema and says exactly what the debits say."""
        schema = etree.XMLSchema(etree.parse(str(SCHEMAS / f"{version}.xsd")))
        schema.assertValid(etree.fromstring(content))
        said = read(content)
        total = Decimal(sum(debit.cents for debit in debits)) / 100
        self.assertEqual((said["sum"], said["number"]), (total, len(debits)))
        for block in said["blocks"]:
            amounts = [row["amount"] for row in block["rows"]]
            self.assertEqual((block["sum"], block["number"]), (sum(amounts), len(amounts)))
            self.assertEqual({row["currency"] for row in block["rows"]}, {"EUR"})
        found = {
            row["reference"]: (
                *(row["amount"] * 100, row["name"], row["iban"], row["mandate"]),
                *(block["type"], block["day"]),
            )
            for block in said["blocks"]
            for row in block["rows"]
        }
        wanted = {
            d.reference: (d.cents, d.name, d.iban, d.mandate, d.sequence_type, d.day.isoformat())
            for d in debits
        }
        self.assertEqual(found, wanted)
        keys = [(block["type"], block["day"]) for block in said["blocks"]]
        self.assertEqual(len(keys), len(set(keys)), "a block for each sequence type and day")
        return said

    def problems(self, *debits, **values):
        with self.assertRaises(FileProblems) as caught:
            write(list(debits), **values)
        return [(place, code) for place, code, _value in caught.exception.problems]


class TestFiles(FileCase):
    def test_a_thousand_mandates_make_valid_files_of_both_versions(self):
        dice = random.Random(13)
        debits = [
            debit(
                number,
                cents=dice.randint(1, 10**7),
                sequence_type=dice.choice(pain008.SEQUENCE_TYPES),
                day=DAY + timedelta(days=dice.choice((0, 1, 7))),
                name=sepa_name(dice.choice(("Müller & Söhne", "Żółć", "Ørsted")) + str(number)),
                bic=dice.choice(("", "COBADEFF")),
            )
            for number in range(1000)
        ]
        for version in pain008.VERSIONS:
            said = self.check_file(write(debits, version), debits, version)
            self.assertEqual(len(said["blocks"]), 12)

    def test_the_same_debits_give_the_same_bytes(self):
        debits = [debit(1), debit(2, sequence_type="FRST")]
        content = write(debits)
        self.assertEqual(content, write(debits))
        said = read(content)
        self.assertEqual((said["id"], said["created"]), ("RUN-2026-1", "2026-03-02T09:30:15"))
        self.assertEqual([b["id"] for b in said["blocks"]], ["RUN-2026-1-1", "RUN-2026-1-2"])

    def test_the_scheme_is_the_blocks_own(self):
        self.assertEqual(read(write([debit()], scheme="B2B"))["blocks"][0]["scheme"], "B2B")

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                NAMES,
                st.integers(1, pain008.MOST_CENTS),
                st.dates(date(2026, 3, 2), date(2040, 1, 1)),
                st.dates(date(1990, 1, 1), date(2026, 3, 2)),
                NAMES,
                st.sampled_from(pain008.SEQUENCE_TYPES),
                st.fixed_dictionaries(
                    {}, optional={"mandate": st.just("OLD"), "account": st.just("x")}
                ),
            ),
            min_size=1,
            max_size=8,
        ),
        st.sampled_from(pain008.VERSIONS),
        st.sampled_from(pain008.SCHEMES),
    )
    def test_no_name_amount_or_day_makes_an_invalid_file(self, rows, version, scheme):
        debits = [
            debit(
                number,
                name=sepa_name(name, f"Customer {number}"),
                cents=cents,
                day=day,
                signed=signed,
                text=sepa_text(text, 140),
                sequence_type=kind,
                amended=amended,
            )
            for number, (name, cents, day, signed, text, kind, amended) in enumerate(rows)
        ]
        self.check_file(write(debits, version, scheme), debits, version)

    def test_amendments_are_announced_in_both_versions(self):
        amended = {
            "mandate": "OLD-1",
            "account": IBANS[1],
            "creditor_id": "AT61ZZZ01234567890",
            "creditor_name": "Old Name",
        }
        for version in pain008.VERSIONS:
            content = write([debit(1, amended=amended), debit(2)], version)
            text = content.decode()
            self.assertEqual(text.count("<AmdmntInd>true</AmdmntInd>"), 1)
            for element in (
                *("<OrgnlMndtId>OLD-1<", "<Nm>Old Name<", "<Id>AT61ZZZ01234567890<"),
                "<OrgnlDbtrAcct><Id><Othr><Id>SMNDA<",
            ):
                self.assertIn(element, text)
            self.assertNotIn(IBANS[1], re.sub(r"<DbtrAcct>.*?</DbtrAcct>", "", text))

    def test_debtors_outside_of_the_economic_area_have_their_address(self):
        swiss = debit(1, iban="CH9300762011623852957")
        self.assertEqual(self.problems(swiss), [(0, "address")])
        address = {"street": "Bahnhofstr. 1", "zip": "8001", "town": "Zurich", "country": "CH"}
        for version in pain008.VERSIONS:
            content = write([replace(swiss, address=address)], version).decode()
            self.assertIn("<Ctry>CH</Ctry>", content)
            self.assertIn("Zurich", content)


class TestRules(FileCase):
    """What the schema lets pass."""

    def test_each_rule_names_the_debit_that_breaks_it(self):
        for code, values in {
            "amount": {"cents": 0},
            "name": {"name": "Ä"},
            "iban": {"iban": "DE88370400440532013000"},
            "bic": {"bic": "NOBIC"},
            "reference": {"reference": "a b"},
            "mandate": {"mandate": ""},
            "signed": {"signed": date(2026, 3, 3)},
            "past": {"day": date(2026, 3, 1)},
            "sequence": {"sequence_type": ""},
            "text": {"text": "x" * 141},
        }.items():
            with self.subTest(code):
                self.assertEqual(self.problems(debit(1), debit(2, **values)), [(1, code)])
        self.assertEqual(self.problems(debit(1, cents=pain008.MOST_CENTS + 1)), [(0, "amount")])

    def test_a_reference_stands_once_and_a_mandate_begins_once(self):
        twins = debit(1), debit(2, reference="R2026-1-1")
        self.assertEqual(self.problems(*twins), [(0, "twice"), (1, "twice")])
        first = [debit(number, mandate="M1", sequence_type="FRST") for number in (1, 2)]
        self.assertEqual(self.problems(*first), [(0, "first_twice"), (1, "first_twice")])

    def test_the_creditor_is_checked_too(self):
        for code, values in {
            "creditor_name": {"name": "Über"},
            "creditor_id": {"creditor_id": "DE97ZZZ09999999999"},
            "creditor_iban": {"iban": "DE00"},
            "creditor_bic": {"bic": "X"},
        }.items():
            creditor = replace(CREDITOR, **values)
            self.assertEqual(self.problems(debit(), creditor=creditor), [(None, code)])
        without = replace(CREDITOR, bic="")
        self.assertTrue(write([debit()], creditor=without))
        self.assertEqual(
            self.problems(debit(), creditor=without, version=pain008.OLD_VERSION),
            [(None, "creditor_bic")],
        )
        self.assertEqual(self.problems(), [(None, "no_debits")])

    def test_a_file_that_was_changed_is_not_valid(self):
        content = write([debit(1), debit(2)])
        pain008.check_file(content, pain008.NEW_VERSION)
        for before, after in (
            (b'Ccy="EUR">12.34<', b'Ccy="EUR">99.99<'),
            (b'Ccy="EUR">12.34<', b'Ccy="EUR">abc<'),
            (b"<Nm>Alder Ltd<", b"<Nm><"),
            (b"<NbOfTxs>2<", b"<NbOfTxs>3<"),
            (b"<CtrlSum>24.68<", b"<CtrlSum>24.67<"),
            (b"</Document>", b""),
        ):
            with self.subTest(after), self.assertRaises(FileProblems):
                self.assertIn(before, content)
                pain008.check_file(content.replace(before, after, 1), pain008.NEW_VERSION)

    def test_what_is_written_some_at_a_time_is_one_file(self):
        debits = [
            debit(number, sequence_type=kind, amended=amended)
            for number, (kind, amended) in enumerate(
                [("FRST", {}), ("RCUR", {"mandate": "OLD"}), ("RCUR", {}), ("FRST", {})] * 4
            )
        ]
        debits = [replace(d, mandate=f"M{number}") for number, d in enumerate(debits)]
        for version in pain008.VERSIONS:
            at_once = write(debits, version)
            for number in (1, 3, 8):
                with patch.object(pain008, "AT_ONCE", number):
                    self.assertEqual(write(debits, version), at_once)
            said = self.check_file(at_once, debits, version)
            self.assertEqual([block["number"] for block in said["blocks"]], [8, 8])
            self.assertEqual(at_once.count(b"<AmdmntInd>true<"), 4)
            self.assertEqual(at_once.count(b"xmlns="), 1)


class TestDays(unittest.TestCase):
    def test_target_is_closed_on_its_six_holidays_and_at_weekends(self):
        closed = [
            *(date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)),
            *(date(2026, 12, 25), date(2026, 12, 26), date(2026, 3, 7), date(2026, 3, 8)),
            *(date(2027, 3, 26), date(2027, 3, 29), date(2038, 4, 23), date(2038, 4, 26)),
        ]
        for day in closed:
            self.assertFalse(target.is_open(day), day)
        # Whit Monday, Ascension and the German Unity Day are no holidays of TARGET.
        for day in (date(2026, 5, 25), date(2026, 5, 14), date(2025, 10, 3), date(2026, 4, 7)):
            self.assertTrue(target.is_open(day), day)

    def test_every_year_has_six_closed_days_beside_weekends_at_most(self):
        for year in range(2000, 2100):
            first = date(year, 1, 1)
            days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
            closed = [day for day in days if day.weekday() < 5 and not target.is_open(day)]
            self.assertTrue(2 <= len(closed) <= 6, year)

    def test_a_closed_day_moves_to_the_next_open_one(self):
        self.assertEqual(target.next_open(date(2026, 4, 3)), date(2026, 4, 7))
        self.assertEqual(target.next_open(date(2026, 12, 25)), date(2026, 12, 28))
        self.assertEqual(target.next_open(date(2026, 3, 10)), date(2026, 3, 10))

    def test_lead_days_are_open_days_and_notice_days_are_not(self):
        self.assertEqual(target.after_open_days(date(2026, 4, 2), 2), date(2026, 4, 8))
        today = date(2026, 4, 1)
        self.assertEqual(target.earliest_collection(today, 1, 2), date(2026, 4, 7))
        self.assertEqual(target.earliest_collection(today, 14, 2), date(2026, 4, 15))
        self.assertEqual(target.earliest_collection(today, 2, 1, False), date(2026, 4, 3))

    @given(st.dates(date(2000, 1, 1), date(2099, 12, 1)), st.integers(0, 30), st.integers(0, 10))
    def test_the_earliest_day_is_open_and_leaves_time(self, today, notice, lead):
        day = target.earliest_collection(today, notice, lead)
        self.assertTrue(target.is_open(day))
        self.assertGreaterEqual((day - today).days, max(notice, lead))
