"""Bills come out in their customers' language: each word of the layout's own is translated."""

import ast
import re
from datetime import date
from pathlib import Path
from unittest.mock import patch

import polib
import pypdfium2

from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.layouts.means import SEPA_DIRECT_DEBIT, PaymentMeans
from .test_structured_invoice import StructuredCase

ADDON = Path(__file__).parent.parent
#: what is printed on bills, with nothing else in it that people read
PRINTED = (
    "billing_runs/layouts/labels.py",
    "billing_runs/layouts/payment.py",
    "billing_runs/usage/texts.py",
    "services/charge_texts.py",
    "billing_runs/calls/annexes.py",
    "billing_runs/calls/annex_layouts.py",
    "billing_runs/calls/itemised.py",
    "payment_runs/models/account_move.py",
    "payment_runs/models/account_move_card.py",
)
#: Odoo's code of each language that the addon speaks
LANGUAGES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES"}
PLACE = re.compile(r"%\(\w+\)s|%s|\{\w+\}")
WORD = re.compile(r"[^\W\d_]{3,}")


def sources(name):
    """The texts to translate in a file of the addon."""
    tree = ast.parse((ADDON / name).read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "_"
        and isinstance(node.args[0], ast.Constant)
    }


def words(text):
    return {word.lower() for word in WORD.findall(PLACE.sub(" ", text))}


@tagged("post_install", "-at_install")
class TestBillLanguages(StructuredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"billing_bill_archive": False, "email": "info@provider.example"})
        # What people have named themselves is theirs to translate.
        groups = cls.env["account.tax.group"].search([("company_id", "=", cls.company.id)])
        groups.name = "15 %"
        cls.files = {lang: polib.pofile(ADDON / "i18n" / f"{lang}.po") for lang in LANGUAGES}

    def test_every_word_of_bills_is_translated(self):
        printed = set().union(*map(sources, PRINTED))
        self.assertGreater(len(printed), 50)
        for lang, file in self.files.items():
            translated = {entry.msgid for entry in file.translated_entries()}
            self.assertEqual(printed - translated, set(), lang)

    def test_what_is_put_into_texts_is_put_into_their_translations(self):
        for lang, file in self.files.items():
            for entry in file:
                found = [sorted(PLACE.findall(text)) for text in (entry.msgid, entry.msgstr)]
                self.assertEqual(*found, f"{lang}.po: {entry.msgid}")

    def test_a_german_bill_has_no_english_word(self):
        self.assert_spoken("de")

    def test_a_french_bill_has_no_english_word(self):
        self.assert_spoken("fr")

    def test_a_spanish_bill_has_no_english_word(self):
        self.assert_spoken("es")

    def assert_spoken(self, lang):
        self.env["res.lang"]._activate_lang(LANGUAGES[lang])
        # What Odoo says on its own invoices is said the same way.
        self.env["ir.module.module"]._load_module_terms(["account"], [LANGUAGES[lang]])
        said = self.said(LANGUAGES[lang])
        file = self.files[lang]
        texts = set().union(*map(sources, PRINTED))
        printed = [entry for entry in file if entry.msgid in texts]
        english = set().union(*(words(entry.msgid) for entry in printed))
        english -= set().union(*(words(entry.msgstr) for entry in printed))
        self.assertGreater(len(english), 40)
        found = {word: name for name, text in said.items() for word in words(text) & english}
        self.assertEqual(found, {})
        everything = "".join("".join(text.split()) for text in said.values())
        for source in (
            "Draft Invoice", "Credit Note", "Credited Invoice", "Billing Period",
            "Carried Forward", "Opening Balance", "Closing Balance", "Mandate Reference",
            "Debited Account", "Bank Account", "Unit Price", "Amount Due", "Customer Code",
        ):  # fmt: skip
            [spoken] = [entry.msgstr for entry in file if entry.msgid == source]
            self.assertIn("".join(spoken.split()), everything, source)

    def test_a_language_without_translation_has_odoos_words_and_english_ones(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.env["ir.module.module"]._load_module_terms(["account"], ["ar_001"])
        said = self.said("ar_001")
        for name, text in said.items():
            self.assertRegex(text, "[\u0600-\u06ff\ufb50-\ufefc]", name)
            self.assertRegex("".join(text.split()), r"Page1of\d|\dof1Page", name)

    def said(self, lang):
        """The texts of bills of all kinds to a customer who speaks a language, by kind."""
        self.customer.write({"lang": lang, "ref": "4711", "vat": "DE123456788"})
        bank = self.env["res.partner.bank"].search(
            [("partner_id", "=", self.company.partner_id.id)], limit=1
        )
        half = {"value": "percent", "value_amount": 50}
        halves, early = self.env["account.payment.term"].create(
            [
                {
                    "name": "½",
                    "display_on_invoice": True,
                    "line_ids": [Command.create(half | {"nb_days": days}) for days in (10, 40)],
                },
                {
                    "name": "2 %",
                    "early_discount": True,
                    "discount_percentage": 2,
                    "discount_days": 7,
                    "display_on_invoice": True,
                },
            ]
        )
        paid, collected = self.make_move(), self.make_move()
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=paid.ids
        )
        wizard.create({"amount": 3.5, "payment_date": date(2026, 1, 2)}).action_create_payments()
        note = paid._reverse_moves([{"invoice_date": date(2026, 1, 5)}])
        note.action_post()
        cancelled = self.make_move(post=False)
        cancelled.button_cancel()
        self.customer.billing_low_invoice_rule = "pad"
        self.customer.billing_low_invoice_minimum = 500
        self.charge(name="4711")
        self.make_service(self.customer, self.make_tariff(self.make_scheme("½"), 10.0))
        moves = {
            "paid": paid,
            "credit note": note,
            "collected": collected,
            "draft": self.make_move(post=False),
            "cancelled": cancelled,
            "halves": self.make_move(
                {"price_unit": 9.0, "discount": 10},
                invoice_payment_term_id=halves.id,
                partner_bank_id=bank.id,
                ref="PO 1",
                delivery_date=date(2026, 1, 3),
                invoice_origin="S1",
            ),  # fmt: skip
            "early": self.make_move(invoice_payment_term_id=early.id),
            "long": self.make_move(*[{"name": str(n), "price_unit": 1.0} for n in range(70)]),
            "of a run": self.billed(),
        }
        means = PaymentMeans(SEPA_DIRECT_DEBIT, "…", date(2026, 1, 9), "M1", "DE1", "DE02120300")
        with patch.object(type(paid), "_billing_payment_means", lambda moves: {collected: means}):
            found = self.render(self.env["account.move"].union(*moves.values()))
        said = {}
        for name, move in moves.items():
            if isinstance(found[move], Exception):
                raise found[move]
            pages = pypdfium2.PdfDocument(found[move])
            said[name] = "\n".join(page.get_textpage().get_text_range() for page in pages)
        return said
