"""Forgiven days that are taken away and served after all: what is free, and what is owed."""

from datetime import date

from odoo.tests import tagged

from .test_ledger import LedgerCase


@tagged("post_install", "-at_install")
class TestForgivenDays(LedgerCase):
    def test_a_service_extended_in_part_does_not_pay_for_what_was_forgiven(self):
        service = self.active(date(2026, 4, 1))
        charge = service._rate(date(2026, 4, 1))
        charge._waive("Goodwill")
        service._change(date(2026, 4, 11), {"date_end": date(2026, 4, 11)})
        service._change(date(2026, 4, 12), {"date_end": date(2026, 4, 21)})
        self.assertEqual(charge.charged_until, date(2026, 4, 21))
        service._change(date(2026, 4, 12), {"date_end": False})
        self.assertFalse(charge.charged_until)
        self.assertEqual(service.charge_ids, charge)

    def test_a_service_extended_again_pays_for_days_credited_before_their_charge_was_waived(self):
        service = self.active(date(2026, 4, 1))
        charge = service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"date_end": date(2026, 4, 11)})
        charge._waive("Goodwill")
        self.assertEqual(self.total(service), 0.0)
        service._change(date(2026, 4, 12), {"date_end": date(2026, 4, 21)})
        self.assertEqual(self.total(service), 10.0)

    def test_days_that_a_change_leaves_as_they_are_are_neither_credited_nor_charged(self):
        service = self.active(date(2026, 4, 1), disk=4)
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"date_end": date(2026, 4, 21)})
        service._change(date(2026, 4, 12), {"date_end": False})
        addon = service.addon_line_ids.addon_id
        changes = service._change(date(2026, 4, 16), {"addon_quantities": {addon.id: 0}})
        self.assertEqual(
            changes.addon_line_id, service.with_context(active_test=False).addon_line_ids
        )
        self.assertTrue(all(change.amount < 0 for change in changes))
