"""What a bill is made of, each part by itself: processes, pictures, texts, envelopes."""

import io
import os
import signal
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

from PIL import Image

from odoo.tests import TransactionCase, tagged

from ..billing_runs.layouts.envelopes import window_of
from ..billing_runs.layouts.html_text import paragraphs
from ..billing_runs.layouts.images import LOGO_PIXELS, is_safe_svg, prepare_logo, readable
from ..billing_runs.layouts.typst_pool import Ended, LayoutError, Pool, TooLong, make_job

TITLE = '#set document(title: "x")\n'
ENDLESS = TITLE + "#for a in range(100000) { for b in range(100000) { let c = a + b } }"
GREEDY = (
    TITLE
    + '#{ let a = "x" * 100000000; let all = (); for n in range(64) { all.push(a + str(n)) } }'
)


def job(main, data=None, files=None):
    return make_job(main, data or {}, files or {}, ["ua-1"])


@tagged("post_install", "-at_install")
class TestTypstPool(TransactionCase):
    def setUp(self):
        super().setUp()
        self.pool = Pool(seconds=60.0)
        self.addCleanup(lambda: self.pool.close())

    def test_documents_are_compiled_and_errors_are_their_own(self):
        results = self.pool.compile_all([job(TITLE + "Yes"), job(TITLE + "\n#nothing"), job(TITLE)])
        self.assertTrue(results[0][0].startswith(b"%PDF"))
        self.assertIsInstance(results[1], LayoutError)
        self.assertEqual(results[1].line, 3)
        self.assertTrue(results[2][0].startswith(b"%PDF"))

    def test_data_are_texts_and_nothing_is_evaluated(self):
        source = TITLE + '#let d = json(bytes(sys.inputs.data))\n#assert(d.a == "#panic()")#d.a'
        self.assertIsInstance(self.pool.compile_all([job(source, {"a": "#panic()"})])[0], list)

    def test_a_document_that_takes_too_long_is_stopped_and_the_next_one_works(self):
        self.pool.compile_all([job(TITLE)])
        self.pool.seconds = 1.0
        self.assertIsInstance(self.pool.compile_all([job(ENDLESS)])[0], TooLong)
        self.pool.seconds = 60.0
        self.assertIsInstance(self.pool.compile_all([job(TITLE)])[0], list)

    def test_a_document_that_wants_too_much_memory_is_stopped(self):
        self.pool = Pool(memory=1 << 30)
        self.assertIsInstance(self.pool.compile_all([job(GREEDY)])[0], (Ended, LayoutError))

    def test_a_process_that_was_killed_meanwhile_is_replaced(self):
        self.pool.compile_all([job(TITLE)])
        self.pool._idle[0].process.kill()
        self.pool._idle[0].process.wait()
        self.assertIsInstance(self.pool.compile_all([job(TITLE)])[0], list)

    def test_a_process_that_is_killed_at_work_fails_its_document_alone(self):
        children, take = [], self.pool._take

        def taken():
            children.append(take())
            return children[-1]

        with patch.object(self.pool, "_take", taken), ThreadPoolExecutor() as threads:
            result = threads.submit(self.pool.compile_all, [job(ENDLESS)])
            while not children:
                time.sleep(0.01)
            time.sleep(0.5)
            os.kill(children[0].process.pid, signal.SIGKILL)
            self.assertIsInstance(result.result(60)[0], Ended)
        self.assertFalse(os.path.exists(children[0].root))
        self.assertIsInstance(self.pool.compile_all([job(TITLE)])[0], list)

    def test_files_of_one_name_are_each_documents_own(self):
        source = TITLE + '#assert.eq(read("/a.txt"), json(bytes(sys.inputs.data)).a)'
        for word in ("first", "second", "first"):
            [result] = self.pool.compile_all(
                [job(source, {"a": word}, files={"a.txt": word.encode()})]
            )
            self.assertIsInstance(result, list, word)
        self.assertEqual(len(self.pool._idle), 1, "all by one process")

    def test_a_document_sees_no_file_of_another(self):
        self.pool.compile_all([job(TITLE, files={"secret.txt": b"mine"})])
        result = self.pool.compile_all([job(TITLE + '#read("/secret.txt")')])[0]
        self.assertIsInstance(result, LayoutError)


class TestBillParts(unittest.TestCase):
    def test_html_becomes_paragraphs(self):
        text = "<p>One <b>two</b><br/>three</p><ul><li>four</li><li>five</li></ul>six<script>x</script>"
        self.assertEqual(paragraphs(text), ["One two\nthree", "• four", "• five", "six"])
        self.assertEqual(paragraphs(False), [])

    def test_a_huge_logo_is_scaled(self):
        content = io.BytesIO()
        Image.effect_noise((4400, 2700), 90).save(content, format="PNG")
        self.assertGreater(len(content.getvalue()), 10_000_000)
        kind, small = prepare_logo(content.getvalue())
        with Image.open(io.BytesIO(small)) as image:
            self.assertLessEqual((image.width, image.height), LOGO_PIXELS)
        self.assertEqual(kind, "png")
        self.assertLess(len(small), 600_000)
        self.assertIsNone(prepare_logo(b"no picture"))

    def test_a_huge_drawing_is_no_logo(self):
        svg = '<svg xmlns="http://www.w3.org/2000/svg">%s</svg>'
        self.assertIsNotNone(prepare_logo((svg % '<path d="M0 0"/>').encode()))
        self.assertIsNone(prepare_logo((svg % ('<path d="M0 0"/>' * 650_000)).encode()))

    def test_svg_that_reaches_outside_is_refused(self):
        svg = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink">%s</svg>'
        for inside, safe in (
            ('<path d="M0 0"/>', True),
            ('<use x:href="#a"/>', True),
            ('<image href="http://example.com/a.png"/>', False),
            ('<image x:href="file:///etc/passwd"/>', False),
            ('<image href="data:image/svg+xml;base64,AA"/>', False),
            ("<style>@import url(http://example.com)</style>", False),
            ('<rect fill="url(http://example.com#a)"/>', False),
            ("<script>1</script>", False),
        ):
            self.assertEqual(is_safe_svg((svg % inside).encode()), safe, inside)

    def test_colours_are_darkened_until_they_can_be_read(self):
        self.assertEqual(readable("#123456", "#000000"), "#123456")
        self.assertNotEqual(readable("#ffff00", "#000000"), "#ffff00")
        self.assertEqual(readable("red; x", "#123456"), "#123456")

    def test_windows_lie_where_the_countrys_envelopes_have_them(self):
        self.assertLess(window_of("DE").left, 30)
        self.assertGreater(window_of("FR").left, 100)
        self.assertEqual(window_of(None), window_of("DE"))
