"""QR codes of bills are drawn where reportlab draws none."""

import io
from unittest.mock import patch

import qrcode
from PIL import Image
from reportlab.graphics import shapes

from odoo.tests import TransactionCase, tagged

from ..billing_runs.layouts import qr_codes


class RenderPMError(Exception):
    """What reportlab says where it has nothing to draw with, by whichever name of a module."""


def modules(content, side):
    """Return the modules of a code that fills its picture, read at their middles."""
    picture = Image.open(io.BytesIO(content)).convert("L")
    step = picture.width / side
    return [
        [
            picture.getpixel((int((x + 0.5) * step), int((y + 0.5) * step))) < 128
            for x in range(side)
        ]
        for y in range(side)
    ]


@tagged("post_install", "-at_install")
class TestQrCodes(TransactionCase):
    TEXT = "BCD\n002\n1\nSCT\n\nTest Provider\nBE71096123456769\nEUR12.50\n\n\nINV/2026/00001"

    def barcode(self, **values):
        return self.env["ir.actions.report"].barcode(
            "QR", self.TEXT, width=300, height=300, **values
        )

    def without_renderer(self):
        return patch.object(shapes.Drawing, "asString", side_effect=RenderPMError("no renderer"))

    def test_a_code_is_drawn_without_a_renderer_with_its_border(self):
        with self.without_renderer():
            content = self.barcode()
        code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_L)
        code.add_data(self.TEXT)
        code.make(fit=True)
        matrix = code.get_matrix()
        self.assertEqual(Image.open(io.BytesIO(content)).size, (300, 300))
        self.assertEqual(modules(content, len(matrix)), matrix)

    def test_the_border_and_the_level_are_those_asked_for(self):
        with self.without_renderer():
            content = self.barcode(quiet=0, barLevel="H")
        code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_H)
        code.add_data(self.TEXT)
        code.make(fit=True)
        self.assertEqual(modules(content, code.modules_count), code.get_matrix())

    def test_what_cannot_be_drawn_is_said_as_odoo_says_it(self):
        with self.assertRaises(ValueError):
            qr_codes.draw("x" * 5000, 300, 300)
        with self.without_renderer(), self.assertRaises(RenderPMError):
            self.env["ir.actions.report"].barcode("Code128", "4711")
        with self.without_renderer(), self.assertRaises(RenderPMError):
            self.barcode(mask="ch_cross")
