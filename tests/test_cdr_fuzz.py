"""Files that are damaged in any way: nothing crashes, no good line is lost, and what is wrong is said
with the line that it is in."""

import gzip
import io
import random
import zipfile
from dataclasses import replace

from odoo.tests import tagged

from ..cdrs.archives import ArchiveProblem, Content, Limits
from ..cdrs.layout import Column, Layout, LayoutProblem
from ..cdrs.reading import open_reader
from .cdr_common import HEAD, CdrCase, call_line

FILES = 150
LINES = 30
TARGETS = ("date", "caller", "callee", "seconds", "cost", "unique_id")
LAYOUT = Layout(
    header_rows=1,
    columns=tuple(Column(target, str(place)) for place, target in enumerate(TARGETS, 1)),
    country="GB",
    calling_code="44",
)


def damage(numbers, line):
    """Return a line of bytes, damaged in one of many ways."""
    place = numbers.randrange(len(line))
    kinds = (
        lambda: line[:place],
        lambda: line[:place] + b'"' + line[place:],
        lambda: line[:place] + b"\x00" * numbers.randint(1, 9) + line[place:],
        lambda: line[:place] + bytes([numbers.randrange(128, 256)]) + line[place:],
        lambda: line.replace(b",", b";"),
        lambda: line.replace(b"2026", b"20 26"),
        lambda: numbers.choice((b"=1+1", b"+cmd|'/C calc'!A0", b"@SUM(1)", b"-1+1")) + line,
        lambda: line[:place] + "‮​ÄÖ\x85".encode() + line[place:],
        lambda: line[:place] + b"\r" + line[place:],
        lambda: numbers.randbytes(numbers.randint(1, 300)).replace(b"\n", b" "),
        lambda: b"," * numbers.randint(1, 2000),
        lambda: line * 40_000,
        lambda: b"",
    )
    return numbers.choice(kinds)()


def read(content, name="calls.csv", layout=LAYOUT):
    """Return ``(calls by their line, problems, what broke it off)``."""
    calls, problems, broken = [], [], None
    try:
        reader = open_reader(layout, Content(io.BytesIO(content), name, Limits()))
        for some, wrong in reader.batches():
            calls += some
            problems += wrong
    except (ArchiveProblem, LayoutProblem) as problem:
        broken = problem
    return {call[0]: call for call in calls}, problems, broken


@tagged("post_install", "-at_install")
class TestCdrFuzz(CdrCase):
    def test_no_damaged_line_takes_a_good_one_with_it(self):
        for seed in range(FILES):
            numbers = random.Random(seed)
            lines = [call_line(n).rstrip("\n").encode() for n in range(LINES)]
            # One quote alone: two of them may well hold the lines between as one field.
            bad = numbers.sample(range(LINES), 1 if seed % 2 else 4)
            damaged = [damage(numbers, lines[n]) for n in bad]
            if len(bad) > 1:
                damaged = [line.replace(b'"', b"'") for line in damaged]
            for n, line in zip(bad, damaged, strict=True):
                lines[n] = line
            calls, problems, broken = read(HEAD.encode() + b"\n".join(lines) + b"\n")
            with self.subTest(seed=seed):
                self.assertIsNone(broken)
                for n in set(range(LINES)) - set(bad):
                    self.assertEqual(calls[n + 2][1], f"c{n}", f"line {n + 2}")
                self.assertLessEqual({problem.line for problem in problems}, {n + 2 for n in bad})
                for n, line in zip(bad, damaged, strict=True):
                    is_said = n + 2 in calls or n + 2 in {problem.line for problem in problems}
                    self.assertTrue(is_said or not line.strip(), f"line {n + 2}: {line[:80]}")

    def test_files_without_a_header_are_read_alike(self):
        layout = replace(LAYOUT, header_rows=0)
        for seed in range(FILES):
            numbers = random.Random(seed)
            lines = [call_line(n).rstrip("\n").encode() for n in range(LINES)]
            damaged = damage(numbers, lines[0])
            for place in (0, numbers.randrange(1, LINES)):
                content = b"\n".join([*lines[:place], damaged, *lines[place + 1 :]])
                calls, problems, _broken = read(content, layout=layout)
                with self.subTest(seed=seed, place=place):
                    for n in set(range(LINES)) - {place}:
                        self.assertEqual(calls[n + 1][1], f"c{n}")
                    self.assertLessEqual({problem.line for problem in problems}, {place + 1})
        calls, problems, _broken = read(b"this,is\n" * 3, layout=layout)
        self.assertEqual([problem.code for problem in problems], ["too_short"] * 3)

    def test_a_file_cut_anywhere_keeps_the_lines_before(self):
        content = (HEAD + "".join(call_line(n) for n in range(LINES))).encode()
        packed = gzip.compress(content * 1, mtime=0)
        for seed in range(FILES):
            numbers = random.Random(seed)
            cut = numbers.randrange(len(HEAD), len(content))
            whole = content[:cut].count(b"\n") - 1
            calls, problems, broken = read(content[:cut])
            with self.subTest(seed=seed):
                self.assertIsNone(broken)
                self.assertLessEqual({n + 2 for n in range(whole)}, set(calls))
                self.assertLessEqual({problem.line for problem in problems}, {whole + 2})
                _calls, _problems, broken = read(
                    packed[: numbers.randrange(1, len(packed) - 1)], "a.gz"
                )
                # What is left of a head of two bytes is no packed file any more.
                self.assertTrue(broken is None or broken.code == "broken_off")

    def test_files_of_another_encoding_say_so_line_by_line_or_at_once(self):
        text = HEAD + "".join(call_line(n, callee="Zürich") for n in range(LINES))
        for encoding in ("utf-16", "utf-16-le", "utf-32", "cp1252", "cp500", "utf-7"):
            calls, problems, broken = read(text.encode(encoding))
            with self.subTest(encoding=encoding):
                if encoding == "utf-7":
                    self.assertEqual(len(calls), LINES)
                    continue
                self.assertFalse(calls)
                self.assertTrue(broken or problems)
                self.assertTrue(all(p.line and p.code for p in problems))

    def test_random_bytes_never_raise_anything_else(self):
        heads = (b"", b"\x1f\x8b\x08", b"PK\x03\x04", b"\xef\xbb\xbf", b"\xff\xfe", HEAD.encode())
        for seed in range(FILES):
            numbers = random.Random(seed)
            content = numbers.choice(heads) + numbers.randbytes(numbers.randint(0, 3000))
            name = numbers.choice(("a.csv", "a.gz", "a.zip", "a"))
            calls, problems, _broken = read(content, name)
            self.assertFalse(calls)
            self.assertTrue(all(problem.line for problem in problems))

    def test_every_damaged_file_ends_with_a_word_and_its_good_lines(self):
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("calls.csv", b"0" * (40 << 20))
        good = [call_line(n) for n in range(8)]
        whole = (HEAD + "".join(good)).encode()
        utf16 = whole.decode().encode("utf-16")
        packed = gzip.compress(whole + b"x" * 5000, mtime=0)
        cases = {
            "truncated.csv": (whole[:-9], "processed", 7),
            "utf16.csv": (utf16, "error", 0),
            "quote.csv": (whole.replace(b"c3\n", b'"c3\n'), "processed", 7),
            "long.csv": (whole + b"9" * (10 << 20) + b"\n", "processed", 8),
            "formula.csv": (whole.replace(b"+442079460001", b"=cmd|'/C calc'!A0"), "processed", 8),
            "bomb.zip": (bomb.getvalue(), "error", 0),
            "zero.csv": (whole + b"\x00" * 4096 + b"\n", "processed", 8),
            "zeros.csv": (b"\x00" * 4096, "error", 0),
            "cut.gz": (packed[:-6], "error", 8),
            "empty.csv": (b"", "error", 0),
        }
        for number, (name, (content, state, records)) in enumerate(cases.items()):
            carrier = self.make_carrier(name=f"Carrier {number}")
            file = self.receive(content, name, carrier)
            with self.subTest(name):
                self.assertEqual((file.state, file.record_count), (state, records), file.message)
                tasks = self.env["billing.task"].search(
                    [("res_model", "=", "cdr.file"), ("res_id", "=", file.id)]
                )
                self.assertLessEqual(set(tasks.mapped("state")), {"completed"})
                self.assertTrue(file.message or state == "processed")
                for line in file.line_ids:
                    self.assertTrue(line.line_number and line.reason)
                    self.assertLess(len(line.text or ""), 20_000)
                if name in ("truncated.csv", "quote.csv", "long.csv", "zero.csv"):
                    self.assertEqual(len(file.line_ids), 1)
