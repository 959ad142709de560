"""Numbers on bills are written as Odoo writes them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import TransactionCase, tagged
from odoo.tools import formatLang

from ..billing_runs.layouts.formats import Formats

LANGUAGES = ("en_US", "de_DE", "fr_FR", "hi_IN", "es_ES", "de_CH", "sv_SE")


@tagged("post_install", "-at_install")
class TestFormats(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in LANGUAGES:
            cls.env["res.lang"]._activate_lang(code)
        cls.formats = [Formats(cls.env(context={"lang": code})) for code in LANGUAGES]
        cls.currencies = [cls.env.ref(f"base.{code}") for code in ("EUR", "USD", "JPY", "KWD")]

    @settings(derandomize=True, max_examples=300, deadline=None)
    @given(st.floats(-1e9, 1e9), st.integers(0, 6))
    def check_numbers(self, value, digits):
        for formats in self.formats:
            expected = formatLang(formats.env, value, digits=digits)
            self.assertEqual(formats.number(value, digits), expected)

    @settings(derandomize=True, max_examples=100, deadline=None)
    @given(st.floats(-1e7, 1e7))
    def check_amounts(self, value):
        for formats in self.formats:
            for currency in self.currencies:
                amount = currency.round(value) + 0.0
                expected = formatLang(formats.env, amount, currency_obj=currency)
                self.assertEqual(formats.money(value, currency), expected)

    def test_numbers_are_written_as_odoo_writes_them(self):
        self.check_numbers()

    def test_amounts_are_written_as_odoo_writes_them(self):
        self.check_amounts()
