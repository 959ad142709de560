"""The guide names menus, files and pictures that are there."""

import re
from pathlib import Path

import babel.messages.pofile

from odoo.tests import TransactionCase, tagged

ADDON = Path(__file__).resolve().parents[1]
PAGES = [ADDON / "README.md", *sorted((ADDON / "docs").rglob("*.md"))]
MENU = re.compile(r"\*(Billing → [^*]+)\*")
NAME = re.compile(r"(?<!\*)\*([^*|]+)\*(?!\*)")
#: names that the guide takes from Odoo
ODOO = {"Accounting", "New", "Settings", "Billing"}
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")


@tagged("post_install", "-at_install")
class TestGuide(TransactionCase):
    def test_menus_that_the_guide_names_are_there(self):
        menus = self.env["ir.ui.menu"].with_context({"ir.ui.menu.full_list": True}).search([])
        there = {menu.complete_name.replace("/", " → ") for menu in menus}
        for page in PAGES:
            for named in MENU.findall(page.read_text(encoding="utf-8")):
                with self.subTest(page=page.name, menu=named):
                    self.assertIn(" ".join(named.split()), there)

    def test_buttons_and_pages_that_the_guide_names_are_called_so(self):
        with (ADDON / "i18n" / "billing_operations.pot").open("rb") as file:
            terms = {message.id for message in babel.messages.pofile.read_po(file)}
        for page in sorted((ADDON / "docs" / "guide").glob("*.md")):
            for found in NAME.findall(page.read_text(encoding="utf-8")):
                for name in " ".join(found.split()).split(" → "):
                    with self.subTest(page=page.name, name=name):
                        self.assertIn(name, terms | ODOO)

    def test_links_and_pictures_lead_to_files(self):
        for page in PAGES:
            for target in LINK.findall(page.read_text(encoding="utf-8")):
                with self.subTest(page=page.name, target=target):
                    self.assertTrue((page.parent / target).exists())
