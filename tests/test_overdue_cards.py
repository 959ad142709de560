"""Overdue invoices of customers whose cards are charged."""

from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from .card_common import CardCase


@tagged("post_install", "-at_install")
@freeze_time("2026-03-20 08:00:00")
class TestOverdueCards(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["billing.overdue.step"].create({"name": "Reminder", "company_id": cls.company.id})
        cls.move = cls.make_invoice(due=date(2026, 3, 1))

    def plan(self):
        todo, left = self.env["billing.overdue.step"]._plan(self.company)
        found = {item.move: step.kind for (_c, step), items in todo.items() for item in items}
        return found | {item.move: item.code for item in left}

    def test_what_a_saved_card_pays_is_not_the_customers_to_pay(self):
        self.assertEqual(self.plan(), {self.move.id: "remind"}, "there is no card yet")
        self.make_card()
        self.assertEqual(self.plan(), {self.move.id: "collecting"})

    def test_a_card_that_was_declined_to_the_end_is(self):
        self.make_card()
        run = self.make_payment_run()
        run.action_confirm()
        line = run.sudo().line_ids
        self.assertEqual(self.plan(), {self.move.id: "collecting"})
        line._set_state("submitted")
        line._set_state("rejected")
        self.assertEqual(self.plan(), {self.move.id: "remind"})
