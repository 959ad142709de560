"""Unusual usage before the bill goes out: each service against its own last periods."""

from datetime import date, datetime

from odoo.tests import tagged

from .usage_common import UsageCase


@tagged("post_install", "-at_install")
class TestReportUsage(UsageCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.premium = cls.make_class("Premium", kind="premium")
        cls.make_rate("4490", 2.0, class_id=cls.premium.id, name="Premium UK")
        cls.make_rate("53", 1.0, name="Cuba")
        cls.company.billing_anomaly_amount = 5
        cls.user = cls.make_user("usage_reader", "billing_operations.group_billing_user")

    def month(self, month, count, destination="442079461111", seconds=60, **values):
        """Store so many calls of a month."""
        self.load(
            *(
                self.call(
                    destination,
                    seconds,
                    call_time=datetime(2026, month, 1 + number % 27, 12, number // 27),
                    **values,
                )
                for number in range(count)
            )
        )

    def past(self, months=3, count=40):
        for month in range(1, 1 + months):
            self.month(month, count)
            self.billed(month, "posting")

    def report(self, month=4):
        run = self.make_run(self.cycle, date(2026, month, 28))
        run.cutoff_date = date(2026, month, 28)
        return run._make_report("pre")

    def test_usage_like_before_is_not_listed(self):
        self.past()
        self.month(4, 41)
        report = self.report()
        self.assertFalse(report._unusual_usage())
        self.assertEqual(report.run_id._step("pre_report")["state"], "done")

    def test_more_calls_minutes_and_cost_than_before_are_said_in_words(self):
        self.past()
        self.month(4, 200)
        [row] = self.report()._unusual_usage()
        self.assertEqual((row.service_id, row.partner_id), (self.service, self.customer))
        self.assertEqual((row.call_count, row.mean_calls, row.history_count), (200, 40, 3))
        self.assertEqual((row.minutes, row.amount, row.mean_amount), (200, 12, 2.4))
        self.assertIn("200 calls instead of 40", row.reason)
        self.assertIn("3:20:00 instead of 0:40:00 of talking", row.reason)
        self.assertIn("instead of $", row.reason.replace("\N{NO-BREAK SPACE}", ""))
        self.assertFalse(row.new_count or row.odd_special)

    def test_less_usage_than_before_is_unusual_too(self):
        self.past()
        self.month(4, 5)
        [row] = self.report()._unusual_usage()
        self.assertEqual(row.call_count, 5)
        self.assertTrue(row.odd_calls and row.odd_minutes and not row.odd_amount)

    def test_only_the_last_three_periods_count(self):
        self.past(4, 40)
        self.env.cr.execute(
            "UPDATE cdr_record SET billed_seconds = 6000 WHERE call_day < '2026-02-01'"
            " AND carrier_id = %s",
            [self.carrier.id],
        )
        self.month(5, 40)
        self.assertFalse(self.report(5)._unusual_usage())

    def test_new_destinations_are_named_and_known_ones_not(self):
        self.month(1, 2, "5312345678")
        self.past()
        self.month(4, 40)
        self.month(4, 1, "5312345678")
        self.assertFalse(self.report()._unusual_usage())
        self.make_rate("59", 1.0, name="Elsewhere")
        self.month(4, 1, "591234567")
        [row] = self.report()._unusual_usage()
        self.assertEqual((row.new_count, row.new_names), (1, "Elsewhere"))
        self.assertEqual(row.reason, "New destination: Elsewhere.")

    def test_premium_numbers_stand_out_for_a_new_service_too(self):
        self.month(4, 1, "449012345")
        [row] = self.report()._unusual_usage()
        self.assertEqual((row.special_calls, row.special_amount), (1, 2.0))
        self.assertIn("1 call to premium or satellite numbers for", row.reason)
        self.assertFalse(row.new_count)

    def test_a_row_opens_its_calls_before_and_after_they_are_billed(self):
        self.past()
        self.month(4, 200)
        report = self.report()
        [row] = report._unusual_usage()
        action = row.with_user(self.user).action_view_calls()
        self.assertEqual(self.records.search_count(action["domain"]), 200)
        self.assertEqual(action["res_model"], "cdr.record")
        report.run_id._execute("rating")
        self.assertEqual(self.records.search_count(row.action_view_calls()["domain"]), 200)

    def test_the_panel_and_the_pdf_tell_of_it(self):
        self.past()
        self.month(4, 200)
        run = self.report().run_id
        step = run._step("pre_report")
        self.assertEqual(step["state"], "attention")
        self.assertIn("Services with unusual usage: 1.", step["sentence"])
        link = next(
            link for link in step["links"] if link["count"] == 1 and "usage" in link["label"]
        )
        action = getattr(run, link["method"])()
        self.assertEqual(
            self.env[action["res_model"]].search(action["domain"]).service_id, self.service
        )
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("billing_operations.report_billing_run_pre", run.ids)[0]
            .decode()
        )
        self.assertIn("Unusual usage", html)
        self.assertIn("200 calls instead of 40", html)

    def test_the_report_is_replaced_and_only_its_companys_people_read_it(self):
        self.past()
        self.month(4, 200)
        run = self.report().run_id
        run._make_report("pre")
        rows = self.env["billing.run.report.usage"].search([("run_id", "=", run.id)])
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows.with_user(self.user).call_count, 200)
        abroad = self.make_company("Abroad")
        stranger = self.make_user("abroad", "billing_operations.group_billing_user", abroad)
        theirs = rows.with_user(stranger).with_context(allowed_company_ids=abroad.ids)
        self.assertFalse(theirs.search([("id", "in", rows.ids)]))

    def test_usage_takes_as_many_statements_for_many_services_as_for_few(self):
        self.month(4, 1, "449012345")
        report = self.report()

        def statements():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            report.run_id._report_usage(report)
            return self.env.cr.sql_log_count - before

        few = statements()
        for number in range(15):
            service = self.make_service(self.customer, self.tariff)
            self.make_number(f"+44 20 7000 {number:04}", service)
            self.month(4, 1, "449012345", identifier=f"442070000{number:03}")
        many = statements()
        self.assertEqual(len(report._unusual_usage()), 16)
        self.assertLessEqual(many, few + 2)
