"""Numbers in one spelling, lines split without taking others with them: without a database."""

import doctest
import gc
import io
import unittest
from datetime import datetime
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from ..cdrs import numbers
from ..cdrs.archives import Content, Limits
from ..cdrs.calls import _Clock
from ..cdrs.layout import Column, Layout
from ..cdrs.numbers import normalised
from ..cdrs.parsing import Block, LineReader
from ..cdrs.reading import open_reader

LAYOUT = Layout(
    header_rows=1,
    columns=(
        Column("date", "date"),
        Column("caller", "caller"),
        Column("callee", "callee"),
        Column("seconds", "seconds"),
        Column("cost", "cost"),
        Column("unique_id", "id"),
    ),
    country="GB",
)
ZONES = (
    *("UTC", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"),
    *("Pacific/Chatham", "America/St_Johns"),
)
HEAD = b"date,caller,callee,seconds,cost,id\n"


def read(content, layout=LAYOUT):
    """Return (calls, problems) of a file."""
    reader = open_reader(layout, Content(io.BytesIO(content), "x.csv", Limits()))
    calls, problems = [], []
    for some, wrong in reader.batches():
        calls += some
        problems += wrong
    return calls, problems


class TestNumbers(unittest.TestCase):
    def test_the_examples_in_the_code_hold(self):
        self.assertEqual(doctest.testmod(numbers).failed, 0)

    def test_numbers_of_all_spellings_are_the_same_digits(self):
        for raw, country in (
            ("+44 (0)20 7946 0000", ""),
            ("020 7946 0000", "GB"),
            ("00442079460000", "DE"),
            ("442079460000", "GB"),
            ("2079460000", "GB"),
            ("+442079460000/19", ""),
            ("+442079460000;ext=5", ""),
            ("sip:+442079460000@pbx.example;user=phone", ""),
            ('"Ann" <sip:02079460000@pbx>', "GB"),
            ("tel:+44-20-7946-0000", ""),
        ):
            self.assertEqual(normalised(raw, country), ("442079460000", False), raw)

    def test_the_countrys_own_code_is_no_area_code(self):
        self.assertEqual(normalised("4915112345678", "DE")[0], "4915112345678")
        self.assertEqual(normalised("030 901820", "DE")[0], "4930901820")

    def test_what_is_no_public_number_keeps_what_it_is_known_by(self):
        for raw, known in (
            ("118118", "118118"),
            ("999", "999"),
            ("1001", "1001"),
            ("*21#", "*21#"),
            ("sip:Bob@PBX.lan", "bob@pbx.lan"),
            ("Alice", "alice"),
            # A number of films, which the library calls invalid.
            ("01632 960001", "441632960001"),
            ("+22997123456", "2290197123456"),
            ("+999123", "999123"),
        ):
            self.assertEqual(normalised(raw, "GB"), (known, False), raw)

    def test_withheld_numbers_are_none(self):
        for raw in ("", "anonymous", "Withheld", "sip:anonymous@anonymous.invalid"):
            self.assertEqual(normalised(raw, "GB"), ("", True), raw)

    def test_without_the_library_prefixes_tell_numbers_apart(self):
        with patch.object(numbers, "phonenumbers", None):
            for raw in ("+442079460000", "00442079460000", "02079460000"):
                self.assertEqual(normalised(raw, "GB", "44")[0], "442079460000")

    @given(st.text(max_size=40))
    @settings(max_examples=300, deadline=None)
    def test_any_text_gives_something_and_gives_it_again(self, text):
        digits, withheld = normalised(text, "GB")
        self.assertIsInstance(digits, str)
        self.assertEqual((digits, withheld), normalised(text, "GB"))


class TestLines(unittest.TestCase):
    def test_columns_and_rows_are_read_alike(self):
        lines = [
            f"2026-0{1 + n % 9}-11 0{n % 10}:10:{n % 60:02},02079460{n:03},+4930{n:06},{n % 7},0.{n},c{n}\n"
            for n in range(300)
        ]
        whole, problems = read(HEAD + "".join(lines).encode())
        self.assertFalse(problems)
        # A bad line has every other one in its block looked at by itself.
        mixed, problems = read(HEAD + "".join([*lines, "x,1,2,3,4,5\n"]).encode())
        self.assertEqual((len(problems), mixed), (1, whole))

    @given(st.lists(st.text(st.sampled_from('ab,;" \t\r\xa0é'), max_size=12), max_size=8))
    @settings(max_examples=300, deadline=None)
    def test_fields_split_at_once_are_those_of_the_csv_module(self, texts):
        for quote in ('"', ""):
            reader = LineReader(None, Layout(quote=quote))
            columns = reader._plain_columns(texts)
            if columns is not None:
                rows = list(map(list, zip(*columns, strict=True)))
                self.assertEqual(rows, list(reader._reader(texts)))

    @given(
        st.lists(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)), min_size=1, max_size=30),
        st.sampled_from(ZONES),
        st.sampled_from(ZONES),
        st.sampled_from(("%Y-%m-%d %H:%M:%S", "%d.%m.%y %H:%M:%S", "%Y%m%d%H%M%S", "iso")),
    )
    @settings(max_examples=200, deadline=None)
    def test_moments_read_at_once_are_those_read_one_by_one(self, moments, zone, own, form):
        texts = [
            moment.isoformat(" ", "seconds") if form == "iso" else moment.strftime(form)
            for moment in moments
        ]
        single = [_Clock(form, zone, own)._worked_out(text) for text in texts]
        clock = _Clock(form, zone, own)
        for _again in range(2):
            times, days = clock.many(texts)
            self.assertEqual(list(zip(times, days, strict=True)), single)
            self.assertEqual(list(map(clock, texts)), single)

    def test_blocks_are_let_go_whatever_the_library_keeps(self):
        # Of such numbers phonenumbers keeps an error with the frames of all its callers.
        lines = [f"2026-01-01 12:00:00,44207{n:07},00999{n:07},60,1,{n}\n" for n in range(60_000)]
        reader = open_reader(
            LAYOUT, Content(io.BytesIO(HEAD + "".join(lines).encode()), "x.csv", Limits())
        )
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        for some, _wrong in reader.batches():
            del some
            blocks = sum(isinstance(held, Block) for held in gc.get_objects())
            self.assertLessEqual(blocks, 1)

    def test_an_hour_in_which_the_clocks_change_is_read_minute_by_minute(self):
        # Lord Howe Island moves its clocks by half an hour, at 2:00 in daylight time.
        texts = [f"2026-04-05 01:{minute:02}:30" for minute in range(60)]
        times, _days = _Clock("%Y-%m-%d %H:%M:%S", "Australia/Lord_Howe", "UTC").many(texts)
        self.assertEqual((times[0], times[29]), ("2026-04-04 14:00:30", "2026-04-04 14:29:30"))
        self.assertEqual(times, sorted(times))

    def test_quoted_fields_may_hold_line_ends_wherever_blocks_end(self):
        line = b'2026-01-01 10:00:00,"a\nb",2,5,0.1,d%06d\n'
        with patch("odoo.addons.billing_operations.cdrs.parsing.CHUNK", 1000):
            calls, problems = read(HEAD + b"".join(line % n for n in range(500)))
        self.assertEqual((len(calls), problems), (500, []))

    def test_other_encodings_and_line_ends(self):
        text = (HEAD.decode() + "2026-01-01 10:00:00,Jürgen,2,5,0.1,a\n") * 1
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "iso8859-15"):
            for end in ("\n", "\r\n"):
                content = text.replace("\n", end).encode(encoding)
                used = "utf-8" if encoding == "utf-8-sig" else encoding
                calls, problems = read(content, Layout(**{**LAYOUT.__dict__, "encoding": used}))
                self.assertFalse(problems, encoding)
                self.assertEqual(calls[0][5], "Jürgen", encoding)

    @given(st.data())
    @settings(max_examples=150, deadline=None)
    def test_no_line_takes_a_good_one_with_it(self, data):
        bad = st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b""))
        lines, good = [HEAD], 0
        for part in data.draw(st.lists(st.one_of(st.none(), bad), max_size=20)):
            if part is None:
                lines.append(b"2026-01-01 10:00:00,1,2,5,0.1,good%d\n" % good)
                good += 1
            else:
                lines.append(part + b"\n")
        calls, problems = read(b"".join(lines))
        keys = {call[1] for call in calls}
        self.assertTrue({f"good{number}" for number in range(good)} <= keys, (lines, problems))
        for problem in problems:
            self.assertTrue(problem.code)
            self.assertGreater(problem.line, 1)
