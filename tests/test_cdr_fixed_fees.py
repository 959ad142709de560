"""Wholesale fixed fees find the service that pays for them, and what is lost on it is said."""

from datetime import date

from odoo.tests import tagged

from .test_cdr_errors import ErrorCase

MARCH = {"period_start": date(2026, 3, 1), "period_end": date(2026, 4, 1)}


@tagged("post_install", "-at_install")
class TestFixedFees(ErrorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fee_file = cls.make_file(kind="fixed_fee")

    def load(self, *rows):
        rows = [
            {"line_number": number, "name": "Line rental", **MARCH, **row}
            for number, row in enumerate(rows, 1)
        ]
        fees = self.env["cdr.fixed.fee"]._load(self.fee_file, rows)
        self.env["billing.error"]._collect(self.company)
        return fees

    def test_a_fee_below_what_is_charged_is_matched(self):
        [fee] = self.load({"identifier": "020 7946 0000", "cost": 8})
        self.assertEqual((fee.state, fee.service_id), ("matched", self.service))
        self.assertEqual((fee.sale, fee.service_cost), (10, 8))
        self.service._rate(date(2026, 3, 1))
        fee._match()
        self.assertEqual(fee.sale, 10)

    def test_fees_of_a_service_are_compared_as_a_whole(self):
        fees = self.load(
            {"identifier": "020 7946 0000", "cost": 8},
            {"identifier": "020 7946 0000", "cost": 3, "name": "Caller display"},
        )
        self.assertEqual(fees.mapped("error_code"), ["fixed_fee_loss"] * 2)
        [cause] = self.errors()
        self.assertEqual((cause.code, cause.record_count, cause.cost), ("fixed_fee_loss", 2, 11))
        self.assertEqual(cause.service_id, self.service)

    def test_unmatched_and_ended_services_are_causes_with_the_same_actions(self):
        self.service._terminate(date(2026, 3, 1))
        ended, unknown = self.load(
            {"identifier": "020 7946 0000", "cost": 8},
            {"identifier": "020 7946 0007", "cost": 5},
        )
        self.assertEqual(ended.error_code, "fixed_fee_terminated")
        self.assertEqual(unknown.error_code, "fixed_fee_unmatched")
        cause = unknown.error_id
        other = self.make_service(self.make_customer("Quay Office"), self.tariff)
        wizard = (
            self.env["billing.error.assign"]
            .with_user(self.manager)
            .create({"error_id": cause.id, "service_id": other.id})
        )
        wizard.action_apply()
        self.run_tasks()
        self.assertEqual((unknown.state, unknown.service_id), ("matched", other))
        self.assertEqual(cause.state, "resolved")
        ended.error_id._accept("carrier")
        self.env.invalidate_all()
        self.assertEqual(ended.state, "ignored")

    def test_a_yearly_price_counts_for_the_days_of_the_fee(self):
        yearly = self.make_tariff(
            self.make_scheme("Yearly", interval_unit="year", alignment="anniversary"), 120
        )
        service = self.make_service(self.customer, yearly)
        self.make_number("+44 20 7946 0003", service)
        cheap, dear = self.load(
            {"identifier": "442079460003", "cost": 10},
            {
                "identifier": "442079460003",
                "cost": 10,
                "period_start": date(2026, 2, 1),
                "period_end": date(2026, 3, 1),
            },
        )
        self.assertEqual(cheap.state, "matched")
        self.assertEqual(dear.error_code, "fixed_fee_loss")

    def test_the_margin_report_sets_cost_against_what_is_charged(self):
        self.service._rate(date(2026, 3, 1))
        self.load({"identifier": "020 7946 0000", "cost": 8})
        self.make_records({}, {"cost": 0.5})
        self.rate_all()
        rows = self.env["cdr.margin.report"].search(
            [("company_id", "=", self.company.id), ("month", "=", "2026-03-01")]
        )
        self.assertEqual(
            [
                (row.carrier_id, row.tariff_id, row.calls, round(row.cost, 2), row.sale)
                for row in rows
            ],
            [(self.carrier, self.tariff, 2, 8.6, 10)],
        )
        self.assertAlmostEqual(rows.margin, 1.4)
        groups = self.env["cdr.margin.report"].with_user(self.user)
        groups = groups._read_group([], ["carrier_id"], ["margin:sum"])
        self.assertTrue(groups)


@tagged("post_install", "-at_install")
class TestFixedFeeFiles(ErrorCase):
    def receive(self, text):
        self.carrier.fixed_fee_format_id = self.env.ref(
            "billing_operations.cdr_format_generic_fixed_fee"
        )
        files = self.env["cdr.file"]._receive(
            self.carrier, [("fees.csv", text.encode())], "upload", kind="fixed_fee"
        )
        self.env.flush_all()
        self.env["billing.task"]._run_inline()
        self.env.invalidate_all()
        return files

    def test_a_file_brings_its_fees_and_their_causes(self):
        file = self.receive(
            "number,description,cost,from,to\n"
            "020 7946 0000,Line rental,8.00,2026-03-01,2026-03-31\n"
            "020 7946 0077,Line rental,5.00,2026-03-01,2026-03-31\n"
            ",Line rental,5.00,2026-03-01,2026-03-31\n"
            "020 7946 0078,Line rental,much,2026-03-01,2026-03-31\n"
        )
        self.assertEqual((file.state, file.record_count, file.error_count), ("processed", 2, 2))
        self.assertEqual((file.total_cost, file.period), (13, date(2026, 3, 1)))
        fees = self.env["cdr.fixed.fee"].search([("file_id", "=", file.id)])
        self.assertEqual(set(fees.mapped("period_end")), {date(2026, 4, 1)})
        self.assertEqual(sorted(self.errors().mapped("code")), ["fixed_fee_unmatched", "malformed"])

    def test_a_file_processed_again_brings_nothing_twice(self):
        file = self.receive("number,description,cost,from,to\n020 7946 0000,x,8,,\n")
        self.assertEqual(file.record_count, 1)
        file.action_process()
        self.env["billing.task"]._run_inline()
        self.env.invalidate_all()
        self.assertEqual((file.record_count, file.duplicate_count), (1, 1))
