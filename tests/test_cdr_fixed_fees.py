"""Wholesale fixed fees find the service that pays for them, and what is lost on it is said."""

import random
from collections import defaultdict
from datetime import date

from odoo.exceptions import UserError
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

    def test_a_fee_above_what_is_charged_is_matched_once_the_price_is_raised(self):
        [fee] = self.load({"identifier": "020 7946 0000", "cost": 12})
        cause = fee.error_id
        self.assertEqual((cause.code, cause.service_id), ("fixed_fee_loss", self.service))
        self.assertEqual(cause.action_open_service()["res_id"], self.service.id)
        self.service._own().write({"price": 15})
        cause.with_user(self.manager).action_reprocess()
        self.run_tasks()
        self.assertEqual((fee.state, fee.sale, cause.state), ("matched", 15, "resolved"))

    def test_the_days_of_a_number_are_extended_unless_its_service_has_ended(self):
        self.make_number("+44 20 7946 0005", start=date(2026, 4, 1))
        [early] = self.load({"identifier": "020 7946 0005", "cost": 3})
        self.assertEqual(early.error_code, "fixed_fee_terminated")
        dates = self.env["billing.error.dates"].with_user(self.manager)
        dates.create({"error_id": early.error_id.id}).action_apply()
        self.run_tasks()
        self.assertEqual(early.state, "matched")
        self.service._terminate(date(2026, 3, 1))
        early._match()
        self.env["billing.error"]._collect(self.company)
        cause = early.error_id
        self.assertEqual(cause.code, "fixed_fee_terminated")
        with self.refused(UserError, "ended on"):
            dates.create({"error_id": cause.id}).action_apply()
        other = self.make_service(self.make_customer("Quay Office"), self.tariff)
        self.env["billing.error.assign"].with_user(self.manager).create(
            {"error_id": cause.id, "service_id": other.id}
        ).action_apply()
        self.run_tasks()
        self.assertEqual((early.state, early.service_id), ("matched", other))

    def test_accepted_fees_are_given_up_and_taken_up_again(self):
        fees = self.load(
            {"identifier": "020 7946 0000", "cost": 12},
            {"identifier": "020 7946 0007", "cost": 5},
        )
        causes = fees.error_id.with_user(self.manager)
        self.assertEqual(len(causes), 2)
        dialog = self.env["billing.error.accept"].with_user(self.manager)
        dialog = dialog.create({"error_ids": causes.ids, "reason": "small"})
        self.assertEqual((dialog.record_count, dialog.cost), (2, 17))
        dialog.action_apply()
        self.env.invalidate_all()
        self.assertEqual(set(fees.mapped("state")), {"ignored"})
        causes.action_reopen()
        self.run_tasks()
        self.assertEqual(set(fees.mapped("error_code")), {"fixed_fee_loss", "fixed_fee_unmatched"})

    def test_fees_in_another_currency_are_compared_in_their_own(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "name": "2026-01-01",
                "rate": 0.5,
                "company_id": self.company.id,
            }
        )
        carrier = self.make_carrier("Continental", currency_id=euro.id)
        self.fee_file = self.make_file(carrier, kind="fixed_fee")
        fees = self.load({"identifier": "020 7946 0000", "cost": 6})
        self.assertEqual((fees.sale, fees.error_code), (5, "fixed_fee_loss"))

    def test_numbers_of_a_fee_belong_to_the_carriers_country(self):
        carrier = self.make_carrier("Old Country", country_id=self.env.ref("base.de").id)
        self.make_number("+49 30 901820")
        self.fee_file = self.make_file(carrier, kind="fixed_fee")
        fee = self.load({"identifier": "030 901820", "cost": 1})
        self.assertEqual((fee.identifier, fee.service_id), ("4930901820", self.service))

    def test_thousands_of_fees_take_few_statements(self):
        rows = [{"identifier": f"020 7946 {n:04}", "cost": 1} for n in range(3000)]
        self.load({"identifier": "020 7946 0000", "cost": 1})
        self.fee_file = self.make_file(kind="fixed_fee", name="many.csv")
        before = self.env.cr.sql_log_count
        fees = self.load(*rows)
        self.assertLess(self.env.cr.sql_log_count - before, 60)
        self.assertEqual(len(fees), 3000)
        self.assertEqual(fees.grouped("state").keys(), {"matched", "error"})

    def test_the_margin_report_equals_an_independent_sum(self):
        numbers = random.Random(7)
        other = self.make_service(self.make_customer("Quay Office"), self.tariff)
        self.make_number("+44 20 7946 0004", other)
        second = self.make_carrier("Short Lines")
        calls, fees = [], []
        for _call in range(60):
            carrier = numbers.choice((self.carrier, second))
            day = date(2026, numbers.choice((2, 3)), numbers.randint(1, 28))
            calls.append(
                {
                    "carrier_id": carrier.id,
                    "identifier": numbers.choice(("442079460000", "442079460004")),
                    "call_day": day,
                    "cost": numbers.choice((None, 0.125, 0.3, 1.75)),
                }
            )
        for carrier in (self.carrier, second):
            self.fee_file = self.make_file(carrier, kind="fixed_fee")
            fees += self.load(
                *(
                    {
                        "identifier": f"020 7946 000{numbers.choice((0, 4, 9))}",
                        "cost": numbers.randint(1, 400) / 100,
                        "period_start": date(2026, month, 1),
                        "period_end": date(2026, month, 28),
                    }
                    for month in (2, 3)
                    for _fee in range(3)
                )
            )
        self.make_records(*calls)
        self.rate_all()
        (self.service | other)._rate(date(2026, 3, 31))
        wanted = defaultdict(float)
        for call in calls:
            wanted["cost", call["carrier_id"], call["call_day"].month] += call["cost"] or 0
        for fee in fees:
            wanted["cost", fee.carrier_id.id, fee.period_start.month] += fee.cost
        charges = self.env["billing.charge"].search([("company_id", "=", self.company.id)])
        for charge in charges:
            wanted["sale", charge.period_start.month] += charge.amount
        report = self.env["cdr.margin.report"].with_user(self.user)
        mine = [("company_id", "=", self.company.id)]
        rows = report.search(mine)
        found = defaultdict(float)
        for row in rows:
            found["cost", row.carrier_id.id, row.month.month] += row.cost
            found["sale", row.month.month] += row.sale
            self.assertAlmostEqual(row.margin, row.sale - row.cost)
        for key in {*wanted, *found}:
            self.assertAlmostEqual(found[key], wanted[key], 6, key)
        # What pivot and graph add up is the same.
        for carrier, month, cost in report._read_group(
            mine, ["carrier_id", "month:month"], ["cost:sum"]
        ):
            self.assertAlmostEqual(cost, wanted["cost", carrier.id, month.month], 6)
        [(sale, margin)] = report._read_group(mine, [], ["sale:sum", "margin:sum"])
        self.assertAlmostEqual(sale, sum(charges.mapped("amount")), 6)
        costs = sum(value for key, value in wanted.items() if key[0] == "cost")
        self.assertAlmostEqual(margin, sale - costs, 6)

    def test_the_margin_report_is_shown_as_list_pivot_and_graph(self):
        action = self.env.ref("billing_operations.cdr_margin_report_action")
        for kind in action.view_mode.split(","):
            view = self.env["cdr.margin.report"].with_user(self.user).get_view(view_type=kind)
            self.assertIn("margin", view["arch"])

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
