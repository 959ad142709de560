"""The calls of the demo data: what came, what is open, and that its run bills the rest."""

import importlib.util
from datetime import date
from decimal import Decimal
from pathlib import Path

from odoo.tests import tagged

from .demo_book import Book
from .test_demo import DemoCase

GENERATOR = Path(__file__).parents[1] / "tools" / "demo_calls.py"
OPEN = {
    ("unknown_number", "441614960104", 9),
    ("unknown_number", "441174960199", 4),
    ("no_rate", "441134960153", 2),
    ("fixed_fee_unmatched", "441614960177", 1),
    ("fixed_fee_loss", "441134960152", 1),
}


@tagged("post_install", "-at_install")
class TestDemoCalls(DemoCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.companies["telephony"]
        cls.files = cls.env["cdr.file"].search([("company_id", "=", cls.company.id)])

    def run_telephony(self, stage=None):
        cycle = self.cycles["telephony"]
        run = cycle.with_context(allowed_company_ids=self.company.ids)._create_run(
            date(2026, 10, 1)
        )
        if stage:
            run._execute(stage)
        return run

    def errors(self):
        errors = self.env["billing.error"].search(
            [("company_id", "=", self.company.id), ("state", "=", "open")]
        )
        return {(error.code, error.identifier, error.record_count) for error in errors}

    def test_the_generator_writes_these_files(self):
        spec = importlib.util.spec_from_file_location("demo_calls", GENERATOR)
        generator = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(generator)
        for name, content in generator.files().items():
            stored = (generator.FOLDER / name).read_bytes().decode()
            self.assertEqual(stored, content, name)

    def test_files_of_two_carriers_came_one_of_them_twice_and_one_late(self):
        self.assertEqual(len(self.files.carrier_id), 2)
        states = self.files.grouped("state")
        self.assertEqual(len(states["processed"]), 7)
        [twin] = states["duplicate"]
        self.assertEqual(twin.duplicate_of_id.name, "northway-2026-09-2.csv")
        self.assertFalse(any(self.files.mapped("error_count")))
        [late] = self.files.filtered(lambda file: file.period == date(2026, 8, 1))
        self.assertEqual(late.name, "exchange-2026-08-late.csv")
        [fees] = self.files.filtered(lambda file: file.kind == "fixed_fee")
        self.assertEqual(fees.record_count, 13)

    def test_what_cannot_be_billed_is_open_with_its_cause(self):
        self.assertEqual(self.errors(), OPEN)

    def test_no_content_of_an_upload_is_left_outside_the_files(self):
        left = self.env["ir.attachment"].search([("res_model", "=", "cdr.upload")])
        self.assertFalse(left)

    def test_calls_are_rated_as_a_plain_calculation_says(self):
        expected = Book().rated_calls()
        expected = sorted((service, name, seconds) for service, name, seconds, _amount in expected)
        records = self.env["cdr.record"].search(
            [("company_id", "=", self.company.id), ("state", "=", "rated")]
        )
        services = records.service_id.get_external_id()
        prefix = "billing_operations.demo_service_"
        rated = sorted(
            (
                services[record.service_id.id].removeprefix(prefix),
                (record.class_id.name or "").lower(),
                record.billed_seconds,
            )
            for record in records
        )
        self.assertEqual(rated, expected)

    def test_the_run_bills_the_calls_and_leaves_the_errors_open(self):
        run = self.run_telephony("posting")
        charges = self.env["billing.charge"].search(
            [("run_id", "=", run.id), ("kind", "=", "usage")]
        )
        self.assertEqual(set(charges.mapped("state")), {"invoiced"})
        self.assertEqual(sum(charges.mapped("usage_calls")), len(list(Book().rated_calls())))
        self.assertEqual(self.errors(), OPEN)
        [row] = [row for row in run._tie_out_usage() if row["currency"].name == "GBP"]
        self.assertFalse(row["untied"])
        self.assertEqual(row["charges"], row["lines"])

    def test_included_minutes_of_one_customer_are_used_up_and_of_another_not(self):
        run = self.run_telephony("posting")
        charges = self.env["billing.charge"].search(
            [("run_id", "=", run.id), ("usage_class_id", "=", self.demo("class_national").id)]
        )
        amounts = {charge.service_id: Decimal(str(charge.amount)) for charge in charges}
        self.assertGreater(amounts[self.demo("service_anchor_line")], 0)
        self.assertEqual(amounts[self.demo("service_cove_line")], 0)

    def test_the_step_counts_the_month_that_the_run_bills(self):
        run = self.run_telephony()
        rows = {row["carrier"]: row for row in run._usage_files()}
        northway, exchange = (rows[self.demo(f"carrier_{n}")] for n in ("northway", "exchange"))
        self.assertEqual((northway["files"], northway["missing"]), (4, 0))
        self.assertEqual((exchange["files"], exchange["files_before"]), (1, 1))
        self.assertEqual(northway["waiting"].mapped("state"), ["duplicate"])
