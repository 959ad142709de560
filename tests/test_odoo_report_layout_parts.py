"""The parts behind Odoo's report in print: styles, fonts, paper, programs that fail, by themselves."""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from unittest.mock import patch

import lxml.html

from odoo.tests import BaseCase, tagged
from odoo.tools.misc import file_path

from ..billing_runs.layouts import printing, reader
from ..billing_runs.layouts.children import PrintError
from ..billing_runs.layouts.chromium import A_TAB, Chromium
from ..billing_runs.layouts.css import (
    Face,
    Stylesheet,
    is_from_left,
    mirror,
    names_in,
    replace_urls,
)
from ..billing_runs.layouts.fonts import find_files, make_known
from ..billing_runs.layouts.frames import Frames
from ..billing_runs.layouts.sheets import PAGE, PAGES, Document, Paper, Piece, Sheet
from ..billing_runs.layouts.webkit import Webkit
from .common import needs_program
from .printers import chromium, pages, webkit

A4 = Paper(top=52, bottom=32, spacing=52)
#: takes tasks as wkhtmltopdf does; what it does at one is in the HTML
FAKE = """#!/usr/bin/env python3
import os, shlex, sys, time
print(*sys.argv[1:], file=open({log!r}, "a"))
for line in sys.stdin:
    *options, source, target = shlex.split(line)
    text = open(source).read()
    print(line, file=open({log!r}, "a"))
    if "poison" in text:
        open(target, "w").write("half of")
        os.kill(os.getpid(), 9)
    if "refused" in text:
        sys.exit("cannot do that")
    if "slow" in text:
        time.sleep(60)
    open(target, "w").write("PDF of " + text.partition("<body>")[2].partition("<")[0])
"""


def sheet(text, paper=A4, **values):
    return Sheet(Piece(text), paper, **values)


@tagged("post_install", "-at_install")
class TestStyles(BaseCase):
    def cut(self, css, html):
        return Stylesheet(css).cut(names_in(html))

    def test_rules_that_cannot_match_are_left_out_and_others_stay_whole(self):
        css = """@charset "utf-8"; @import url(http://x.invalid/a.css);
        .a, .z .y { color: red; } .b { color: blue } #c > p { margin: 0 }
        .a:hover { color: green } table td:not(.a) { x: y } .q:not(.a) { x: y }
        /* .a { in: comment } */ h2 { content: ".a } {" } *, ::before { box-sizing: border-box }
        @media (min-width: 1px) { .a { top: 0 } .b { top: 1px } } @page { size: a3 }
        @media print { .b { left: 0 } } @keyframes turn { from { top: 0 } to { top: 1px } }"""
        kept = self.cut(css, '<div class="a x"><h2 id="d">T</h2></div>')
        self.assertEqual(
            kept.split("\n"),
            [
                ".a, .z .y{ color: red; }",
                'h2{ content: ".a } {" }',
                "*, ::before{ box-sizing: border-box }",
                "@media (min-width: 1px){.a{ top: 0 }}",
            ],
        )

    def test_what_one_document_of_a_batch_needs_is_kept(self):
        names = names_in('<p class="one">') | names_in('<p class="two three">')
        sheet = Stylesheet(".one{a:b}.two.three{c:d}.one.two{e:f}.four{g:h}.md\\:x{i:j}")
        self.assertEqual(sheet.cut(names), ".one{a:b}\n.two.three{c:d}\n.one.two{e:f}")
        self.assertEqual(sheet.cut(names_in("<p class='md:x'>")), ".md\\:x{i:j}")

    def test_a_font_is_found_with_its_best_file(self):
        css = """@font-face { font-family: 'Lato'; font-weight: 700; font-style: italic;
        src: url('/f/a.eot'); src: url("/f/a.woff") format("woff"), url(/f/a.ttf) format("ttf") }"""
        [face] = Stylesheet(css).faces
        self.assertEqual((face.family, face.weight, face.style), ("Lato", "700", "italic"))
        known, unknown = find_files([face], {"/f/a.ttf": "/fonts/a.ttf"}.get)
        self.assertEqual(known, [(face, Path("/fonts/a.ttf"))])
        self.assertFalse(unknown)
        self.assertEqual(find_files([face], {}.get), ([], [face]))

    def test_addresses_are_replaced_and_data_stay(self):
        css = "a{b:url(/x.png)}c{d:url(\"data:image/png;base64,AA==\")}e{f:url('/y z.png')}"
        told = replace_urls(css, {"/x.png": "data:x"}.get)
        self.assertEqual(
            told, 'a{b:url("data:x")}c{d:url("data:image/png;base64,AA==")}e{f:url("data:,")}'
        )

    def test_styles_from_right_to_left_have_left_and_right_changed(self):
        self.assertTrue(is_from_left("html, body { direction: ltr; }"))
        self.assertFalse(is_from_left("html, body { direction: rtl; }"))
        self.assertEqual(
            mirror("margin:1px 2px 3px 4px;padding-left:1px;text-align:right!important;left:auto"),
            "margin:1px 4px 3px 2px;padding-right:1px;text-align:left!important;right:auto",
        )
        self.assertEqual(mirror("border-radius:1px 2px 3px 4px"), "border-radius:2px 1px 4px 3px")
        self.assertEqual(mirror("margin:0 auto;color:red"), "margin:0 auto;color:red")
        self.assertIn("direction: rtl", Stylesheet("p{a:b}", mirrored=True).cut(names_in("<p>")))

    def test_words_from_right_to_left_stand_in_elements_of_their_own(self):
        node = lxml.html.fragment_fromstring("<p>شارع طويل 3 <b>x</b> دفع: <i>y</i></p>")
        reader._set_apart(node)
        self.assertEqual(
            lxml.html.tostring(node, encoding="unicode"),
            "<p><billing-words>شارع طويل</billing-words> 3 <b>x</b> "
            "<billing-words>دفع</billing-words>: <i>y</i></p>",
        )

    def test_a_font_of_the_stylesheet_is_known_to_the_system_by_its_name(self):
        file = Path(file_path("web/static/fonts/google/Oswald/Oswald-Regular.ttf"))
        face = Face("Of_The_Report", "300", "italic", (), "")
        with tempfile.TemporaryDirectory() as home:
            config = make_known([(face, file)], home)
            self.assertEqual(make_known([(face, file)], home), config)
            listed = subprocess.run(
                ["fc-list", "Of_The_Report", "family", "weight", "slant"],
                env={**os.environ, "FONTCONFIG_FILE": config},
                capture_output=True,
                text=True,
                check=True,
            )
        self.assertEqual(listed.stdout.strip(), "Of_The_Report:slant=100:weight=50")


@tagged("post_install", "-at_install")
class TestPaper(BaseCase):
    def test_options_of_wkhtmltopdf_are_read(self):
        options = (
            "--quiet --page-size A5 --margin-top 40 --dpi 90 --header-spacing 35 --margin-left"
        )
        options = [*options.split(), "7.5", "--margin-bottom", "20", "--orientation", "landscape"]
        options += ["--javascript-delay", "1000", "--header-line"]
        paper = Paper.from_options(options, {"A5": (148, 210)})
        self.assertEqual((paper.width, paper.height, paper.top, paper.left), (210, 148, 40, 7.5))
        self.assertEqual(paper.options, ("--quiet", "--dpi", "90", "--header-line"))
        self.assertEqual(paper.for_header().top, 5)
        self.assertEqual(paper.for_footer().top, 128)
        own = Paper.from_options(["--page-width", "80mm", "--page-height", "200mm"], {})
        self.assertEqual((own.width, own.height), (80, 200))


class FakeCase(BaseCase):
    def setUp(self):
        super().setUp()
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.log = folder / "log"
        self.binary = folder / "wkhtmltopdf"
        self.binary.write_text(FAKE.format(log=str(self.log)))
        self.binary.chmod(self.binary.stat().st_mode | stat.S_IXUSR)

    def print_all(self, *texts, **values):
        printer = Webkit(str(self.binary), patched=False, **values)
        return printer.print_all([sheet(text) for text in texts])


@tagged("post_install", "-at_install")
class TestWebkitThatFails(FakeCase):
    def test_a_killed_process_takes_one_sheet_with_it(self):
        first, second, third, fourth = self.print_all("one", "poison", "three", "four")
        self.assertEqual((first, third, fourth), (b"PDF of one", b"PDF of three", b"PDF of four"))
        self.assertIsInstance(second, PrintError)
        self.assertIn("ended with -9", str(second))

    def test_a_refused_sheet_says_why_and_the_rest_is_repeated(self):
        results = self.print_all("refused", "two", "refused", "four", "refused")
        self.assertEqual(results[1::2], [b"PDF of two", b"PDF of four"])
        for error in results[::2]:
            self.assertIn("ended with 1: cannot do that", str(error))

    def test_a_sheet_that_takes_too_long_is_given_up(self):
        slow, quick = self.print_all("slow", "quick", seconds=1.5)
        self.assertEqual(quick, b"PDF of quick")
        self.assertIn("longer than it may", str(slow))

    @needs_program("wkhtmltopdf")
    def test_a_sheet_that_takes_too_much_memory_is_given_up(self):
        real = webkit()
        printer = Webkit(real.binary, patched=False, memory=48 << 20)
        [error] = printer.print_all([sheet("text")])
        self.assertIsInstance(error, PrintError)

    def test_twenty_sheets_go_to_one_process_and_cores_share_more(self):
        with patch("os.cpu_count", return_value=1):
            self.assertEqual(len(self.print_all(*map(str, range(20)))), 20)
        self.assertEqual(self.log.read_text().count("--read-args-from-stdin"), 1)
        with patch("os.cpu_count", return_value=2):
            results = self.print_all(*map(str, range(41)))
        self.assertEqual(results, [f"PDF of {n}".encode() for n in range(41)])
        self.assertEqual(self.log.read_text().count("--read-args-from-stdin"), 4)
        self.assertEqual(self.print_all(), [])

    def test_patched_qt_prints_headers_and_footers_itself(self):
        printer = Webkit(str(self.binary), patched=True)
        about = sheet("body", header=Piece("h"), footer=Piece(f"{PAGE} / {PAGES}"))
        results = printing.print_documents(printer, [Document("bill", "", [about])])
        self.assertEqual(results, [b"PDF of body"])
        line = self.log.read_text()
        self.assertRegex(line, r'"--header-spacing" "52" "--header-html" ".*header.html"')
        self.assertRegex(line, r'"--footer-html" ".*footer.html"')
        self.assertNotIn("--disable-javascript", line)


@tagged("post_install", "-at_install")
class TestPrinting(BaseCase):
    def document(self, text, header="", fonts=""):
        footer = Piece(f"<p>page {PAGE} of {PAGES}</p>")
        header = Piece(f"<p>seller {header}</p>")
        return Document("bill", fonts, [sheet(text, header=header, footer=footer)])

    @needs_program("wkhtmltopdf")
    @needs_program("chromium")
    def test_pages_are_numbered_for_each_document(self):
        long = "".join(f"<p>line {n}</p>" for n in range(90))
        for printer in (webkit(), chromium()):
            with self.subTest(type(printer).__name__):
                one, many = printing.print_documents(
                    printer, [self.document("<p>short</p>"), self.document(long)]
                )
                [text] = pages(one)
                self.assertIn("page1of1", text)
                texts = pages(many)
                self.assertGreater(len(texts), 1)
                for number, text in enumerate(texts, start=1):
                    self.assertIn(f"page{number}of{len(texts)}", text)
                    self.assertIn("seller", text)
        chromium().close()

    def test_a_header_is_printed_once_for_all_that_have_it(self):
        frames, asked = Frames(kept=100), []

        class Printer:
            def print_all(self, sheets, fonts):
                asked.extend(found.piece.html for found in sheets)
                return [b"x" * 40 for _sheet in sheets]

        frames.print_all(Printer(), [sheet("a"), sheet("a"), sheet("b")], "")
        frames.print_all(Printer(), [sheet("b"), sheet("a")], "")
        self.assertEqual(asked, ["a", "b"])
        frames.print_all(Printer(), [sheet("c")], "")  # no room for three: b goes, it is oldest
        frames.print_all(Printer(), [sheet("a"), sheet("c"), sheet("b")], "")
        self.assertEqual(asked, ["a", "b", "c", "b"])


@needs_program("chromium")
@tagged("post_install", "-at_install")
class TestChromium(BaseCase):
    def setUp(self):
        super().setUp()
        self.printer = Chromium(chromium().binary)
        self.addCleanup(self.printer.close)

    def browser(self):
        [browser] = self.printer._idle
        return browser

    def test_a_browser_that_was_killed_is_started_anew(self):
        self.printer.print_all([sheet("one")])
        first = self.browser()
        first.process.kill()
        first.process.wait()
        [content] = self.printer.print_all([sheet("two")])
        self.assertEqual(pages(content), ["two"])
        self.assertIsNot(self.browser(), first)

    def test_a_browser_that_ends_meanwhile_costs_no_sheet(self):
        self.printer.print_all([sheet("one")])
        browser = self.browser()
        asked = browser.print_html

        def end(*args):
            browser.process.kill()
            return asked(*args)

        browser.print_html = end
        results = self.printer.print_all([sheet("two"), sheet("three")])
        self.assertEqual([pages(content) for content in results], [["two"], ["three"]])

    def test_it_ends_with_the_process_that_started_it_and_leaves_nothing(self):
        self.printer.print_all([sheet("one")])
        browser = self.browser()
        self.printer._close_own(os.getpid() + 1)  # a fork of it
        self.assertIsNone(browser.process.poll())
        self.printer._close_own(os.getpid())
        self.assertIsNotNone(browser.process.poll())
        self.assertFalse(Path(browser._folder.name).exists())

    def test_a_tab_makes_room_after_some_sheets(self):
        sheets = [sheet(f"s{n}") for n in range(20)]
        self.printer.print_all(sheets)
        tab = self.browser()._target
        for _round in range(A_TAB // 20):
            results = self.printer.print_all(sheets)
        self.assertNotEqual(self.browser()._target, tab)
        self.assertEqual(pages(results[7]), ["s7"])

    def test_scripts_and_addresses_do_nothing(self):
        html = "<p>text</p><script>document.body.textContent = 'script'</script>"
        html += f"<img src='file://{__file__}'/><iframe src='http://127.0.0.1:8069/'></iframe>"
        [content] = self.printer.print_all([sheet(html)])
        self.assertEqual(pages(content), ["text"])

    def test_it_locks_itself_in_for_anybody_but_root(self):
        for user, locks in ((0, False), (1000, True)):
            with patch("os.geteuid", return_value=user):
                self.assertEqual(Chromium(self.printer.binary).sandbox, locks)

    def test_where_the_system_lets_it_have_no_sandbox_it_says_so(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        picky = folder / "chromium"
        picky.write_text(
            '#!/bin/sh\ncase "$*" in *--no-sandbox*) exec "$0.real" "$@";; esac\nexit 1\n'
        )
        picky.chmod(0o755)
        real = shutil.which(self.printer.binary)
        (folder / "chromium.real").symlink_to(real)
        printer = Chromium(str(picky))
        self.addCleanup(printer.close)
        printer.sandbox = True
        with self.assertLogs(printer.__module__, "WARNING") as logs:
            [content] = printer.print_all([sheet("one")])
        self.assertEqual(pages(content), ["one"])
        self.assertIn("without its sandbox", logs.output[0])
