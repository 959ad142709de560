"""Calls that are invoiced are charged anew: the old charge is taken back, new ones are made, the next
run bills them, and whatever happens then each call stays explained and counts once."""

from datetime import date
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tests import tagged

from ..billing_runs.usage.correcting import CorrectionTexts
from .usage_common import UsageCase

START = date(2026, 1, 1)


class RerateCase(UsageCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.user = cls.make_user("rerate_user", group % "user")
        cls.manager = cls.make_user("rerate_manager", group % "manager")
        cls.national_rate = cls.env["cdr.rate"].search(
            [("plan_id", "=", cls.plan.id), ("prefix", "=", "44")]
        )

    def reprice(self, price, rate=None):
        """Let a rate have had another price from the beginning."""
        rate = rate or self.national_rate
        self.env.cr.execute("UPDATE cdr_rate SET price_minute = %s WHERE id = %s", [price, rate.id])
        self.env.invalidate_all()

    def rerate(self, domain=(), show=False):
        """Re-rate as a manager does; return the dialog."""
        records = self.records.search([*domain, ("carrier_id", "=", self.carrier.id)])
        dialog = self.env["cdr.record.rerate"].with_user(self.manager)
        dialog = dialog.create({"company_id": self.company.id, "record_ids": records.ids})
        dialog.action_preview()
        if not show:
            dialog.action_apply()
            self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "cdr_rate")])
            self.env.invalidate_all()
        return dialog

    def charges(self, **values):
        domain = [("company_id", "=", self.company.id), ("kind", "=", "usage")]
        return self.env["billing.charge"].search(
            domain + [(name, "=", value) for name, value in values.items()], order="id"
        )

    def owed(self, customer=None):
        """What the customer owes for usage, by the ledger."""
        live = self.charges().filtered(lambda c: c.state in ("rated", "invoiced", "settled"))
        live = live.filtered(lambda c: c.partner_id == (customer or self.customer))
        return round(sum(live.mapped("amount")), 2)

    def explained(self, priced_today=False):
        """Check that every live charge of usage is the sum of its calls, now or as they were; and with
        ``priced_today`` that the arithmetic of each call leads to what it is charged with."""
        earlier = self.env["billing.usage.earlier"]
        for charge in self.charges().filtered(lambda c: c.state not in ("void", "waived")):
            calls = self.records.search([("charge_id", "=", charge.id)]).mapped("charged_amount")
            calls += earlier.search([("charge_id", "=", charge.id)]).mapped("charged_amount")
            if charge.amount < 0 or not calls:
                back = earlier.search([("back_id", "=", charge.id)])
                calls = [-amount for amount in back.mapped("charged_amount")]
            self.assertAlmostEqual(charge.amount, sum(calls), 2, charge.name)
            shown = charge.action_view_calls()
            found = self.env[shown["res_model"]].search(shown["domain"])
            self.assertEqual(len(found), charge.call_count)
            self.assertTrue(found, charge.name)
        if priced_today:
            charged = Domain("carrier_id", "=", self.carrier.id) & Domain("charge_id", "!=", False)
            for record, explanation in self.records.search(charged)._explain().items():
                self.assertTrue(explanation.agrees, record.display_name)

    def undo(self, run, outcome, customer=None):
        undo = self.env["billing.run.undo"].create(
            {
                "run_id": run.id,
                "reason": "Wrong",
                "outcome": outcome,
                "partner_ids": customer and customer.ids,
            }
        )
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestRunUsageRerate(RerateCase):
    def test_an_invoiced_charge_is_taken_back_and_made_anew_on_the_next_bill(self):
        self.load(self.january(2), self.january(3), self.january(9, "447700900123"))
        first = self.billed(stage="posting")
        self.reprice(0.09)
        dialog = self.rerate(show=True)
        [line] = dialog.line_ids
        self.assertRecordValues(
            line,
            [
                {
                    "kind": "charged",
                    "partner_id": self.customer.id,
                    "call_count": 2,
                    "changed_count": 2,
                    "old_amount": 0.12,
                    "new_amount": 0.18,
                    "difference": 0.06,
                }
            ],
        )
        self.assertEqual(len(self.charges()), 2, "nothing is done before it is agreed to")
        dialog.action_apply()
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "cdr_rate")])
        self.env.invalidate_all()
        old = self.usage(first)[0]
        back, again = old.correction_ids.sorted("id")
        self.assertEqual((back.amount, again.amount), (-0.12, 0.18))
        self.assertEqual((back.state, again.state), ("rated", "rated"))
        self.assertEqual((old.call_count, back.call_count, again.call_count), (2, 2, 2))
        self.assertEqual(self.owed(), 0.30)
        self.explained()
        second = self.billed(2, "posting")
        bill = self.bill_of(second, self.customer)
        self.assertLessEqual(back | again, bill.charge_ids)
        self.assertEqual({back.state, again.state}, {"invoiced"})
        self.assertFalse([row for row in second._tie_out() if row["difference"]])
        for run in (first, second):
            for row in run._tie_out_usage():
                self.assertFalse(row["untied"] or row["difference"])
        self.explained(priced_today=True)
        self.assertFalse(self.usage(self.billed(3)), "nothing of it comes again")

    def test_a_repeat_changes_nothing(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        before = self.charges().ids
        self.assertFalse(self.rerate().line_ids)
        self.assertEqual(self.charges().ids, before)
        # Also where two workers hold the same figures.
        old = self.charges().filtered(lambda charge: not charge.corrected_id)
        row = self.records._back_row(old, 0, CorrectionTexts(self.env))
        self.assertFalse(self.env["billing.charge"]._insert_rows([row]))

    def test_a_charge_is_corrected_again_and_again(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        for month, price in ((2, 0.09), (3, 0.03), (4, 0.24)):
            self.reprice(price)
            self.rerate()
            self.explained()
            self.billed(month, "posting")
            self.assertEqual(self.owed(), price)
            self.explained()

    def test_a_correction_that_is_not_billed_yet_is_replaced(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        self.reprice(0.24)
        self.rerate()
        self.assertEqual(self.owed(), 0.24)
        live = self.charges().filtered(lambda charge: charge.state == "rated")
        self.assertEqual(live.sorted("id").mapped("amount"), [-0.06, 0.24])
        self.explained()
        self.billed(2, "posting")
        self.assertEqual(self.owed(), 0.24)

    def test_charges_that_no_run_has_taken_are_made_anew(self):
        self.load(self.january(2))
        run = self.billed(stage="posting")
        self.undo(run, "reopen")
        self.reprice(0.09)
        self.rerate()
        [record] = self.records.search([("carrier_id", "=", self.carrier.id)])
        self.assertEqual((record.state, record.amount), ("rated", 0.09))
        self.assertEqual(self.usage(self.billed(2)).amount, 0.09)
        self.assertEqual(self.owed(), 0.09)

    def test_only_the_selected_calls_get_new_prices(self):
        self.load(self.january(2), self.january(3))
        self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate([("call_day", "=", date(2026, 1, 3))])
        self.assertEqual(self.owed(), 0.15)
        self.explained()

    def test_a_call_without_a_rate_today_stays_as_it_was_charged(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.env.cr.execute(
            "UPDATE cdr_rate SET date_to = '2026-01-02' WHERE id = %s", [self.national_rate.id]
        )
        self.env.invalidate_all()
        self.assertFalse(self.rerate().line_ids)
        self.assertEqual(self.owed(), 0.06)
        self.explained()

    def test_a_number_that_belonged_to_another_customer_is_charged_there(self):
        self.load(self.january(2), self.january(20))
        self.billed(stage="posting")
        other = self.make_customer("Quay Office")
        service = self.make_service(other, self.tariff)
        self.number.date_to = date(2026, 1, 10)
        self.make_number("+44 20 7946 0000", service, date(2026, 1, 10))
        dialog = self.rerate()
        self.assertEqual(
            {line.partner_id: round(line.difference, 2) for line in dialog.line_ids},
            {self.customer: -0.06, other: 0.06},
        )
        self.assertEqual((self.owed(), self.owed(other)), (0.06, 0.06))
        self.explained()
        run = self.billed(2, "posting")
        self.assertFalse([row for row in run._tie_out() if row["difference"]])

    def test_included_minutes_and_tiers_come_out_as_if_the_rates_had_been_right(self):
        self.env["cdr.rate.allowance"].create(
            {"plan_id": self.plan.id, "name": "3 minutes", "minutes": 3}
        )
        self.env["cdr.rate.tier"].create(
            {
                "plan_id": self.plan.id,
                "class_id": self.national.id,
                "minutes_from": 5,
                "price_minute": 0.01,
            }
        )
        calls = [self.january(day, seconds=100) for day in range(2, 12)]
        calls += [self.january(day, "447700900123", seconds=50) for day in range(2, 12)]
        self.load(*calls[:12])
        self.billed(stage="posting")
        self.env.cr.execute(
            "UPDATE billing_charge SET create_date = create_date - interval '1 day'"
        )
        self.load(*calls[12:])
        self.billed(2, "posting")
        self.reprice(0.12)
        before = self.owed()
        self.rerate([("call_day", "<", date(2026, 1, 5))])
        self.rerate()
        self.explained(priced_today=True)
        corrected = self.owed()
        self.assertNotEqual(corrected, before)
        self.billed(3, "posting")
        # The same calls once more, with the right rates from the beginning.
        self.env.cr.execute(
            "UPDATE cdr_record SET state = 'ignored', charge_id = NULL WHERE company_id = %s",
            [self.company.id],
        )
        self.load(*calls[:12])
        right = sum(self.usage(self.billed(4, "posting")).mapped("amount"))
        self.load(*calls[12:])
        right += sum(self.usage(self.billed(5, "posting")).mapped("amount"))
        self.assertAlmostEqual(corrected, right, 2)

    # === UNDO === #

    def test_undoing_the_run_that_billed_a_correction(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        second = self.billed(2, "posting")
        self.undo(second, "reopen")
        self.assertEqual(self.owed(), 0.09)
        self.explained()
        third = self.billed(3, "posting")
        self.assertEqual(len(self.usage(third)), 2)
        self.undo(third, "void")
        self.assertEqual(self.owed(), 0.06)
        [record] = self.records.search([("carrier_id", "=", self.carrier.id)])
        self.assertEqual((record.state, record.charged_amount), ("charged", 0.06))
        self.assertFalse(self.env["billing.usage.earlier"].search_count([]))
        self.explained()
        self.assertFalse(self.usage(self.billed(4)), "the calls are charged already")
        self.rerate()
        self.assertEqual(self.owed(), 0.09)

    def test_undoing_the_first_run_takes_unbilled_corrections_along(self):
        self.load(self.january(2))
        first = self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        self.undo(first, "void")
        self.assertEqual(self.owed(), 0)
        [record] = self.records.search([("carrier_id", "=", self.carrier.id)])
        self.assertEqual((record.state, record.charge_id.id), ("rated", False))
        self.assertEqual(self.usage(self.billed(2, "posting")).amount, 0.06)

    def test_a_run_whose_charge_was_corrected_and_billed_is_reopened_and_not_voided(self):
        self.load(self.january(2))
        first = self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        self.billed(2, "posting")
        bill = self.bill_of(first, self.customer)
        self.undo(first, "void")
        self.assertNotEqual(bill.state, "undone")
        self.assertIn("corrected since", bill.error_message)
        self.undo(first, "reopen")
        self.assertEqual(bill.state, "undone")
        self.assertEqual(self.owed(), 0.09)
        self.explained()

    def test_dropping_a_correction_gives_the_calls_back_to_the_old_charge(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        self.undo(self.billed(2, "posting"), "drop")
        self.assertEqual(self.owed(), 0.06)
        self.explained()
        self.rerate()
        self.assertEqual(self.owed(), 0.09)
        self.explained()

    def test_half_a_correction_is_not_waived(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        self.rerate()
        back, again = self.charges(state="rated")
        for charge in (back, again):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                charge._waive("Goodwill")
        (back | again)._waive("Goodwill")
        self.assertEqual(self.owed(), 0.06)

    # === RIGHTS === #

    def test_figures_that_changed_are_shown_again(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        dialog = self.rerate(show=True)
        self.reprice(0.15)
        dialog.action_apply()
        self.assertTrue(dialog.has_changed)
        self.assertEqual(dialog.line_ids.new_amount, 0.15)
        self.assertFalse(self.charges(state="rated"))

    def test_managers_alone_rerate_and_nobody_writes_what_was_before(self):
        self.load(self.january(2))
        self.billed(stage="posting")
        self.reprice(0.09)
        with self.assertRaises(AccessError):
            self.env["cdr.record.rerate"].with_user(self.user).create({})
        self.rerate()
        earlier = self.env["billing.usage.earlier"].search([])
        self.assertEqual(earlier.with_user(self.user).charged_amount, 0.06)
        with self.assertRaises(AccessError):
            earlier.with_user(self.manager).write({"charged_amount": 1})
        other = self.make_company("Elsewhere")
        stranger = self.make_user(
            "rerate_stranger", "billing_operations.group_billing_manager", other
        )
        seen = self.env["billing.usage.earlier"].with_user(stranger)
        self.assertFalse(seen.with_context(allowed_company_ids=other.ids).search([]))

    def test_what_was_charged_equals_plain_arithmetic(self):
        self.load(*(self.january(2 + n, seconds=10 * n) for n in range(1, 20)))
        self.billed(stage="posting")
        self.reprice(0.13)
        self.rerate()
        plain = sum(
            (Decimal("0.13") * 10 * n / 60).quantize(Decimal("0.0001")) for n in range(1, 20)
        )
        self.assertEqual(Decimal(str(self.owed())), plain.quantize(Decimal("0.01")))
