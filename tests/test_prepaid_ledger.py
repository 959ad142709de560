"""Wallets that pay everything are debited with the rating: the ledger is the same either way."""

from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from .prepaid_common import MAY, PrepaidCase


@tagged("post_install", "-at_install")
class TestPrepaidLedger(PrepaidCase):
    def test_in_one_go_and_stage_by_stage_wallets_are_debited_alike(self):
        dear = self.make_tariff(self.prepaid, 600.0, name="Dear")
        sides = ([], [])
        for side in sides:
            for number, amount in enumerate((50, 3, 0, 21)):
                partner = self.make_prepaid_customer(f"Customer {number}", amount)
                wallet = self.wallet_of(partner)
                wallet._grant(1.5, "Welcome")
                wallet.credit_limit = number
                for tariff in (self.mobile, dear, self.mobile)[: number + 1]:
                    self.make_service(partner, tariff, MAY)
                side.append(wallet)
        for day in (MAY, date(2026, 5, 2), date(2026, 5, 4)):
            for side, steps in zip(sides, ((None,), ("rating", None)), strict=True):
                partners = [Command.set([wallet.partner_id.id for wallet in side])]
                run = self.make_run(self.cycle, day, partner_ids=partners)
                for step in steps:
                    run._execute(step)
            for one, other in zip(*sides, strict=True):
                self.assertEqual(self.ledger(one), self.ledger(other))
                self.assertEqual(self.pockets(one), self.pockets(other))
        self.assertEqual(len(self.ledger(sides[0][0])), 2 + 3)

    def ledger(self, wallet):
        """What was booked on a wallet, in order, and what each booking paid."""
        wallet.invalidate_recordset()
        return [
            (
                *(t.kind, t.amount, t.granted_amount, t.balance_after, t.date),
                sorted((c.state, c.amount, c.period_start) for c in t.charge_ids),
            )
            for t in wallet.transaction_ids.sorted("id")
        ]

    def test_a_charge_is_written_once_where_the_run_debits(self):
        self.wallet._credit(50, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        run = self.make_run(self.cycle, MAY)
        run._request()
        run._advance()
        tasks = self.env["billing.task"].sudo()
        tasks._run_inline(domain=[("type_id.code", "=", "run_rate"), ("res_id", "=", run.id)])
        self.assertEqual(service.charge_ids.state, "settled")
        self.assertEqual(self.debited(self.customer), 1.11)

    def test_the_panel_shows_what_each_stage_took(self):
        for number in range(2):
            partner = self.make_prepaid_customer(f"Customer {number}", 50)
            self.make_service(partner, self.mobile, MAY)
        run = self.run_day(MAY)
        shown = {s["name"]: (s["done"], s["total"]) for s in run._next_steps()["stages"]}
        self.assertEqual(shown["rating"], (2, 2))
        self.assertEqual(shown["debit"], (2, 2))
