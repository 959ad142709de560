"""Charges = invoice lines = journal items; and the last steps of a run."""

from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunTieOut(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        included = cls.make_tax("7% incl.", 7, price_include_override="tax_included")
        cls.gross = cls.make_product("Gross", taxes=included)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customers = [cls.make_customer(f"Customer {index}") for index in range(4)]
        net = cls.make_tariff(cls.scheme, 9.99)
        gross = cls.make_tariff(cls.scheme, 4.99, product_id=cls.gross.id)
        for index, customer in enumerate(cls.customers):
            cls.make_service(customer, net, date(2026, 1, 1 + index))
            cls.make_service(customer, gross, date(2026, 1, 1 + index))

    def executed(self, **values):
        run = self.make_run(self.cycle, date(2026, 1, 31), **values)
        run._execute("posting")
        return run

    def test_a_run_ties_by_currency_account_and_tax(self):
        run = self.executed()
        rows = run._tie_out()
        self.assertEqual(len(rows), 2)
        # Plain Python over the ledger's own records.
        for row in rows:
            lines = self.env["account.move.line"].search(
                [
                    ("move_id.billing_bill_id.run_id", "=", run.id),
                    ("display_type", "=", "product"),
                    ("tax_ids", "in", row["taxes"].ids),
                ]
            )
            basis = "price_total" if row["taxes"].price_include else "price_subtotal"
            self.assertAlmostEqual(row["lines"], sum(lines.mapped(basis)))
            self.assertAlmostEqual(row["charges"], sum(lines.billing_charge_ids.mapped("amount")))
            self.assertFalse(row["difference"])
        self.assertEqual(run._step("tie_out")["state"], "done")

    def test_credit_notes_tie_too(self):
        self.env["billing.charge"].create(
            {
                "name": "Goodwill",
                "kind": "adjustment",
                "partner_id": self.customers[0].id,
                "company_id": self.company.id,
                "currency_id": self.company.currency_id.id,
                "product_id": self.product.id,
                "period_start": date(2026, 1, 1),
                "period_end": date(2026, 1, 2),
                "quantity": 1,
                "price_unit": -100.0,
                "amount": -100.0,
                "source_key": "test:goodwill",
            }
        )
        run = self.executed()
        self.assertEqual(run._step("tie_out")["state"], "done")
        self.assertTrue(
            self.env["account.move"].search(
                [("billing_bill_id.run_id", "=", run.id), ("move_type", "=", "out_refund")]
            )
        )

    def test_a_line_that_somebody_added_by_hand_does_not_tie_and_is_shown(self):
        run = self.make_run(self.cycle, date(2026, 1, 31))
        run._execute("invoicing")
        move = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)], limit=1)
        move.invoice_line_ids = [
            Command.create({"product_id": self.product.id, "quantity": 1, "price_unit": 3.0})
        ]
        run.action_continue(target_stage="posting")
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        step = run._step("tie_out")
        self.assertEqual(step["state"], "problem")
        action = run.action_view_tie_out_differences()
        lines = self.env["account.move.line"].search(action["domain"])
        self.assertIn(3.0, lines.mapped("price_unit"))

    def test_an_included_tax_that_a_fiscal_position_changes_is_named(self):
        excluded = self.make_tax(
            "9% abroad", 9, original_tax_ids=[Command.set(self.gross.taxes_id.ids)]
        )
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "company_id": self.company.id,
                "tax_ids": [Command.set(excluded.ids)],
            }
        )
        self.customers[0].property_account_position_id = position
        run = self.executed()
        self.assertEqual(run._step("tie_out")["state"], "done")

    def test_cents_that_are_rounded_per_document_are_named(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        # 357.975 a month, three months on one invoice: 1,073.93 in all, not 3 × 357.98.
        tariff = self.make_tariff(self.scheme, 129.0)
        customer = self.make_customer("Rounded")
        self.make_service(customer, tariff, date(2026, 1, 1), quantity=3, discount=7.5)
        run = self.make_run(self.cycle, date(2026, 3, 1))
        run._execute("posting")
        rows = [row for row in run._tie_out() if row["difference"]]
        self.assertTrue(rows)
        self.assertEqual({row["reason"] for row in rows}, {"Amounts are rounded per document."})
        self.assertEqual(run._step("tie_out")["state"], "done")
        self.assertFalse(run._tie_out_differences())

    def test_an_invoice_that_somebody_cancelled_does_not_tie(self):
        run = self.executed()
        move = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)], limit=1)
        move.button_draft()
        move.button_cancel()
        differences = run._tie_out_differences()
        self.assertAlmostEqual(
            sum(row["difference"] for row in differences),
            sum(move.invoice_line_ids.billing_charge_ids.mapped("amount")),
        )

    def test_what_somebody_takes_off_an_invoice_is_left_to_a_later_run(self):
        run = self.executed()
        line = self.env["account.move.line"].search(
            [("move_id.billing_bill_id.run_id", "=", run.id), ("billing_charge_ids", "!=", False)],
            limit=1,
        )
        charge = line.billing_charge_ids
        line.move_id.button_draft()
        line.unlink()
        self.assertFalse(charge.bill_id)
        self.assertFalse(run._tie_out_differences())
        later = self.make_run(self.cycle, date(2026, 1, 31))
        later._execute("posting")
        self.assertEqual((charge.state, charge.bill_id.run_id), ("invoiced", later))

    def test_undone_bills_are_out_of_the_tie_out(self):
        run = self.executed()
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Test"})
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.assertFalse(run._tie_out())

    def test_the_last_steps_lead_to_run_complete(self):
        run = self.executed()
        steps = {step["code"]: step for step in run._next_steps()["steps"]}
        self.assertEqual(steps["production"]["state"], "todo")
        self.assertEqual(steps["complete"]["state"], "waiting")
        self.assertIn("Bill production", steps["complete"]["sentence"])
        run.action_continue()
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        run.invalidate_recordset()
        steps = {step["code"]: step for step in run._next_steps()["steps"]}
        self.assertEqual(steps["production"]["state"], "done")
        self.assertEqual(steps["tie_out"]["state"], "done")
