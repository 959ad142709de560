"""A deck of rates is shown before it is imported, and becomes versions."""

import base64
import unittest
from datetime import date
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..cdrs.deck import compare, read_deck
from .rating_common import RatingCase

DECK = """Prefix;Destination;Class;Price;Connect Fee;First;Step
44;United Kingdom;National;0,05;;30;6
+44 7;UK Mobile;Mobile;0,15;0,02;1;1
49;Germany;National;0,08;;60;60
"""


class TestReadingDecks(unittest.TestCase):
    def test_headings_signs_and_prefixes_of_all_sorts_are_understood(self):
        rows, problems = read_deck(DECK)
        self.assertEqual(problems, [])
        self.assertEqual([row.prefix for row in rows], ["44", "447", "49"])
        self.assertEqual(rows[1].price, (Decimal("0.02"), Decimal("0.15"), 1, 1, 0))
        rows, problems = read_deck('"Dial code","Rate per minute"\r\n"00 1","1,234.5"\r\n')
        self.assertEqual((rows[0].prefix, rows[0].name), ("1", "1"))
        self.assertEqual(rows[0].price.price_minute, Decimal("1234.5"))

    def test_what_cannot_be_read_is_said_by_line(self):
        _rows, problems = read_deck(
            "prefix,price\n44,0.1\n44,0.2\nabc,1\n45,x\n46,-1\n47,0.1234567\n"
        )
        self.assertEqual(
            [(problem.line, problem.code) for problem in problems],
            [
                (3, "twice"),
                (4, "bad_prefix"),
                (5, "bad_number"),
                (6, "negative"),
                (7, "bad_number"),
            ],
        )
        self.assertEqual(read_deck("a,b\n1,2\n")[1][0].code, "no_heading")
        self.assertEqual(read_deck("prefix,price\n")[1][0].code, "no_rows")
        self.assertEqual(read_deck("")[1][0].code, "no_rows")

    def test_a_price_left_empty_is_not_taken_for_nothing(self):
        rows, problems = read_deck("prefix,price\n44,0\n33,\n34, \n")
        self.assertEqual([row.prefix for row in rows], ["44"])
        self.assertEqual(
            [(problem.line, problem.code, problem.text) for problem in problems],
            [(3, "no_price", "33"), (4, "no_price", "34")],
        )

    def test_a_deck_of_any_text_never_raises(self):
        for text in (
            "\x00",
            "prefix,price\n\x00,1",
            '"',
            "prefix,price\n" + "9" * 300_000,
            "a;b|c",
        ):
            read_deck(text)

    def test_changes_are_judged_by_a_call_of_three_minutes(self):
        [old] = read_deck("prefix,price,first,step\n44,0.10,1,1\n")[0]
        for line, kind in (
            ("44,0.11,1,1", "dearer"),
            ("44,0.09,1,1", "cheaper"),
            ("44,0.10,60,60", "changed"),
            ("44,0.10,1,1", "same"),
        ):
            [new] = read_deck("prefix,price,first,step\n" + line)[0]
            [change] = compare({"44": old}, {"44": new}, True)
            self.assertEqual(change.kind, kind)
        self.assertEqual(compare({"44": old}, {}, False), [])
        self.assertEqual([c.kind for c in compare({"44": old}, {}, True)], ["ended"])


@tagged("post_install", "-at_install")
class TestDeckImport(RatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.user = cls.make_user("deck_user", group % "user")
        cls.manager = cls.make_user("deck_manager", group % "manager")

    def dialog(self, text, **values):
        return (
            self.env["cdr.rate.import"]
            .with_user(self.manager)
            .create(
                {
                    "plan_id": self.plan.id,
                    "date_from": date(2026, 5, 1),
                    "file": base64.b64encode(text.encode()),
                    **values,
                }
            )
        )

    def test_the_preview_says_what_becomes_dearer_cheaper_new_and_ends(self):
        old = self.make_rate("44", 0.06)
        dear = self.make_rate("447", 0.1, class_id=self.mobile.id)
        gone = self.make_rate("1", 0.2)
        dialog = self.dialog(DECK, is_complete=True)
        dialog.action_preview()
        self.assertEqual(
            [dialog[f"{kind}_count"] for kind in ("dearer", "cheaper", "new", "ended", "same")],
            [1, 1, 1, 1, 0],
        )
        self.assertEqual(dialog.line_ids[0].kind, "dearer")
        self.assertEqual(len(self.plan.rate_ids), 3)
        dialog.action_apply()
        self.env.invalidate_all()
        self.assertEqual(old.date_to, date(2026, 5, 1))
        self.assertEqual((old.price_minute, gone.date_to), (0.06, date(2026, 5, 1)))
        new = self.plan.rate_ids.filtered(lambda rate: rate.prefix == "447" and rate != dear)
        self.assertEqual((new.price_minute, new.date_from), (0.15, date(2026, 5, 1)))
        self.assertEqual(new.class_id, self.mobile)

    def test_what_stays_as_it_is_gets_no_version(self):
        self.dialog(DECK).action_apply()
        count = len(self.plan.rate_ids)
        later = self.dialog(DECK, date_from=date(2026, 6, 1))
        later.action_preview()
        self.assertEqual(later.same_count, 3)
        later.action_apply()
        self.env.invalidate_all()
        self.assertEqual(len(self.plan.rate_ids), count)

    def test_a_coming_version_keeps_its_day(self):
        coming = self.make_rate("49", 0.5, date_from=date(2026, 7, 1))
        self.dialog(DECK).action_apply()
        rates = self.env["cdr.rate"].search(
            [("plan_id", "=", coming.plan_id.id), ("prefix", "=", "49")]
        )
        new = rates - coming
        self.assertEqual((new.date_from, new.date_to), (date(2026, 5, 1), date(2026, 7, 1)))

    def test_nothing_is_imported_while_something_cannot_be_read(self):
        dialog = self.dialog(
            "prefix,price,class,band\n44,1,Nowhere,\n45,1,National,Night\n46,x,,\n"
        )
        dialog.action_preview()
        for text in ("“Nowhere”", "“Night”", "“x”"):
            self.assertIn(text, dialog.problem_text)
        with self.refused(UserError, "Nowhere"):
            dialog.action_apply()
        self.assertFalse(self.plan.rate_ids)

    def test_a_class_can_stand_for_lines_without_one(self):
        self.dialog("prefix,price\n44,1\n", class_id=self.national.id).action_apply()
        self.assertEqual(self.env["cdr.rate"].search([("plan_id", "=", self.plan.id)]).prefix, "44")

    def test_only_managers_import(self):
        with self.refused(AccessError, ""):
            self.env["cdr.rate.import"].with_user(self.user).create({"plan_id": self.plan.id})
        with self.refused(AccessError, ""):
            self.plan.with_user(self.user).action_import_deck()

    def test_a_new_price_is_given_in_a_dialog(self):
        rate = self.make_rate("44", 0.06, minimum=0.1)
        dialog = (
            self.env["cdr.rate.replace"]
            .with_user(self.manager)
            .create({"rate_id": rate.id, "date_from": date(2026, 5, 1)})
        )
        self.assertEqual(dialog.minimum, 0.1)
        dialog.price_minute = 0.07
        dialog.action_apply()
        new = rate.plan_id.rate_ids.filtered(lambda one: one.prefix == "44" and one != rate)
        self.assertEqual((new.price_minute, new.minimum), (0.07, 0.1))
