"""The addon speaks German, French and Spanish, and its list of terms is the one of its sources.

To write the list anew after texts have changed, run this test with BILLING_POT_OUT set to a file's
name (i18n/billing_operations.pot); the languages are completed by hand.
"""

import ast
import io
import os
import re
from pathlib import Path

import polib
from lxml import etree

from odoo.exceptions import UserError
from odoo.modules.module import get_manifest
from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import trans_export

ADDON = Path(__file__).resolve().parents[1]
POT = ADDON / "i18n" / "billing_operations.pot"
LANGUAGES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES"}
PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
TAG = re.compile(r"</?[a-zA-Z][^>]*>")
#: attributes that people read, and so are translated too
READ = re.compile(r' (title|aria-label|alt|placeholder)="[^"]*"')
HEAD = """\
Translation terms of Billing Operations.
"""


def demo_ids():
    """The external ids of demo data, whose texts are nobody's to translate."""
    found = set()
    for name in get_manifest("billing_operations")["demo"]:
        file = ADDON / name
        if file.suffix == ".csv":
            found |= {line.split(",")[0].strip('"') for line in file.read_text().splitlines()[1:]}
        else:
            found |= {node.get("id") for node in etree.parse(file).iter() if node.get("id")}
    return found


def wanted(entry, demo):
    """Return whether some place of a term is not demo data."""
    return any(
        not place.startswith("model") or place.rpartition(".")[2] not in demo
        for place, _line in entry.occurrences
    )


def marks(text):
    """Return the tags of a text, without what people read in them."""
    return sorted(READ.sub("", tag) for tag in TAG.findall(text))


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        buffer = io.BytesIO()
        trans_export(False, ["billing_operations"], buffer, "po", cls.env)
        demo = demo_ids()
        cls.exported = polib.pofile(buffer.getvalue().decode())
        cls.terms = {entry.msgid: entry for entry in cls.exported if wanted(entry, demo)}

    def test_the_list_of_terms_is_the_one_of_the_sources(self):
        if out := os.environ.get("BILLING_POT_OUT"):
            self.write_list(out)
            return
        listed = {entry.msgid for entry in polib.pofile(str(POT))}
        self.assertEqual(listed - self.terms.keys(), set(), "no source says these any more")
        self.assertEqual(self.terms.keys() - listed, set(), "these are not in the list")

    def write_list(self, out):
        made = polib.POFile(wrapwidth=78)
        made.header = HEAD
        made.metadata = {
            "Project-Id-Version": "Odoo Server 19.0",
            "Report-Msgid-Bugs-To": "",
            "Language-Team": "",
            "MIME-Version": "1.0",
            "Content-Type": "text/plain; charset=UTF-8",
            "Content-Transfer-Encoding": "8bit",
            "Plural-Forms": "",
        }
        for entry in sorted(self.terms.values(), key=lambda entry: entry.msgid):
            entry.msgstr = ""
            made.append(entry)
        made.save(out)

    def test_no_term_stands_inside_a_formatted_string(self):
        """There Python finds it from 3.12 on, and nobody before."""
        inside = [
            f"{file.relative_to(ADDON)}:{call.lineno}"
            for file in ADDON.rglob("*.py")
            if "tests" not in file.parts
            for text in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(text, ast.JoinedStr)
            for call in ast.walk(text)
            if isinstance(call, ast.Call)
            and getattr(call.func, "attr", getattr(call.func, "id", "")) in ("_", "_lt")
            and isinstance(call.args[0], ast.Constant)
        ]
        self.assertEqual(inside, [])

    def test_each_language_says_every_term_with_its_places_and_marks(self):
        for code in LANGUAGES:
            said = {
                entry.msgid: entry for entry in polib.pofile(str(ADDON / "i18n" / f"{code}.po"))
            }
            with self.subTest(language=code):
                self.assertEqual(
                    [term for term in self.terms if term not in said or not said[term].msgstr], []
                )
                self.assertEqual([e.msgid for e in said.values() if "fuzzy" in e.flags], [])
            for term in self.terms.keys() & said.keys():
                text = said[term].msgstr
                with self.subTest(language=code, term=term):
                    self.assertEqual(sorted(PLACE.findall(text)), sorted(PLACE.findall(term)))
                    self.assertEqual(marks(text), marks(term))

    def test_a_user_of_each_language_reads_screens_and_messages_in_it(self):
        runs = self.env["billing.run"]
        english = runs.fields_get(["invoice_date"])["invoice_date"]["string"]
        for code, lang in LANGUAGES.items():
            with self.subTest(language=code):
                self.env["res.lang"]._activate_lang(lang)
                self.env["ir.module.module"].search(
                    [("name", "=", "billing_operations")]
                )._update_translations(lang)
                own = runs.with_context(lang=lang)
                said = polib.pofile(str(ADDON / "i18n" / f"{code}.po"))
                label = own.fields_get(["invoice_date"])["invoice_date"]["string"]
                self.assertNotEqual(label, english)
                menu = self.env.ref("billing_operations.menu_billing_settings")
                self.assertEqual(
                    menu.with_context(lang=lang).name, said.find("Settings", by="msgid").msgstr
                )
                with self.assertRaises(UserError) as caught:
                    self.env["cdr.record"].with_context(lang=lang).browse(
                        [0]
                    )._unlink_except_always()
                source = "Call records are kept until they are archived, and not deleted by hand."
                self.assertEqual(str(caught.exception), said.find(source, by="msgid").msgstr)
