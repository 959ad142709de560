"""Reports on runs: the preview equals production, changes nothing, and compares rightly."""

from datetime import date

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import tagged

from .report_common import ReportCase

MODELS = ("billing.run.report", "billing.run.report.line", "billing.run.report.customer")


@tagged("post_install", "-at_install")
class TestRunReport(ReportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = cls.env["res.partner"]
        for index in range(3):
            cls.customers |= cls.make_customer(f"Customer {index}")
        for customer in cls.customers:
            cls.make_service(customer, cls.tariff)
        cls.user = cls.make_user("report_user", "billing_operations.group_billing_user")
        cls.outsider = cls.make_user("report_outsider", "base.group_partner_manager")

    def run_queue(self):
        self.env["billing.task"]._run_inline()
        self.env.invalidate_all()

    def test_amounts_of_a_company_that_rounds_globally_equal_the_invoices(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        included = self.make_tax("19.6% incl.", 19.6, price_include_override="tax_included")
        product = self.make_product("Included", included)
        tariff = self.make_tariff(self.scheme, 3.33, product_id=product.id)
        for _index in range(7):
            self.make_service(self.customers[0], tariff, date(2026, 1, 3))
        run = self.make_run(self.cycle, date(2026, 2, 1))
        report = run._make_report("pre")
        run._execute("posting")
        self.assertEqual(self.reported(report), self.invoiced(run))
        lines = self.env["account.move.line"].search(
            [("move_id.billing_bill_id.run_id", "=", run.id), ("display_type", "=", "product")]
        )
        self.assertEqual(
            sorted(
                self.env["billing.run.report.line"]
                .search([("report_id", "=", report.id)])
                .mapped("amount_untaxed")
            ),
            sorted(-item.amount_currency for item in lines),
        )

    def test_invoices_that_odoo_itself_has_to_build_are_previewed_by_building_them(self):
        self.company.account_storno = True
        self.adjust(self.customers[0], -25.0)
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        self.assertFalse(
            self.env["account.move"].search([("partner_id", "in", self.customers.ids)])
        )
        run._execute("posting")
        self.assertEqual(self.reported(report), self.invoiced(run))
        self.assertEqual(self.row_of(report, self.customers[0]).amount, -15.0)

    def test_a_total_that_only_tax_makes_negative_is_previewed_as_its_credit_note(self):
        untaxed = self.make_product("Untaxed", self.env["account.tax"])
        self.adjust(self.customers[0], 1.0, untaxed)
        self.adjust(self.customers[0], -10.5)
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        run._execute("posting")
        self.assertEqual(self.reported(report), self.invoiced(run))

    def test_one_customers_failure_stays_that_customers_reason(self):
        self.customers[1].property_account_receivable_id.active = True
        self.customers[1].active = False
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        row = self.row_of(report, self.customers[1])
        self.assertEqual((row.amount, row.reason), (0.0, "partner_archived"))
        self.assertIn("archived", row.reason_text)
        self.assertEqual(len(report.customer_ids.filtered(lambda r: not r.reason)), 2)

    def test_the_queue_makes_the_report_batch_by_batch(self):
        self.company.billing_batch_size = 1
        self.patch(self.registry["billing.run"], "_start_report", self._small_start())
        run = self.make_run(self.cycle)
        self.assertTrue(run.with_user(self.user).action_pre_billing_report())
        report = run._report("pre")
        self.assertEqual(report.state, "computing")
        self.run_queue()
        self.assertEqual((report.state, report.customer_count), ("done", 3))
        self.assertEqual(report.customer_ids.mapped("amount"), [10.0] * 3)
        tasks = self.env["billing.task"].search(
            [("res_id", "=", run.id), ("type_id.code", "=", "run_report")]
        )
        steps = [task.parameters["step"] for task in tasks.sorted("id")]
        self.assertEqual(steps[:4], ["start", "batch", "batch", "batch"])
        self.assertEqual(set(steps[4:]), {"end"})
        self.assertEqual(set(tasks.mapped("state")), {"completed"})

    def _small_start(self):
        original = self.registry["billing.run"]._start_report

        def start(run, report):
            batches = original(run, report)
            return [[partner_id] for batch in batches for partner_id in batch]

        return start

    def test_asking_again_replaces_the_report(self):
        run = self.make_run(self.cycle)
        first = run._make_report("pre")
        lines = self.env["billing.run.report.line"].search([("report_id", "=", first.id)])
        run.action_pre_billing_report()
        self.assertFalse(first.exists() or lines.exists())
        self.run_queue()
        self.assertEqual(run._report("pre").state, "done")
        self.assertEqual(len(run.report_ids), 1)

    def test_a_task_of_a_replaced_report_is_skipped(self):
        run = self.make_run(self.cycle)
        run.action_pre_billing_report()
        stale = self.env["billing.task"].search([("res_id", "=", run.id)])
        run.action_pre_billing_report()
        self.run_queue()
        self.assertEqual(stale.state, "skipped")
        self.assertEqual(run._report("pre").state, "done")

    def test_a_report_whose_task_fails_says_so(self):
        run = self.make_run(self.cycle)

        def broken(_run, _report, _partner_ids):
            raise UserError("Disk full")

        self.patch(self.registry["billing.run"], "_preview_customers", broken)
        self.env["billing.task.type"].search([("code", "=", "run_report")]).write(
            {"max_retries": 0}
        )
        run.action_pre_billing_report()
        self.run_queue()
        report = run._report("pre")
        self.assertEqual(report.state, "failed")
        self.assertIn("Disk full", report.message)
        self.assertEqual(run._step("pre_report")["state"], "problem")

    def test_a_report_whose_tasks_were_deleted_is_closed_by_the_cron(self):
        run = self.make_run(self.cycle)
        run.action_pre_billing_report()
        report = run._report("pre")
        report.customer_count = 3
        self.env["billing.task"].search([("res_id", "=", run.id)]).unlink()
        self.env["billing.run"]._cron_wake_runs()
        self.run_queue()
        self.assertEqual(report.state, "failed")
        self.assertIn("3 customers are missing", report.message)

    def test_it_runs_by_itself_when_a_run_is_made_ready_and_approved(self):
        self.cycle.sign_off = True
        run = self.make_run(self.cycle)
        run.action_ready()
        first = run._report("pre")
        self.run_queue()
        self.assertEqual(first.state, "done")
        run.action_approve()
        self.run_queue()
        self.assertFalse(first.exists())
        self.assertEqual(run._report("pre").state, "done")

    def test_the_post_billing_report_comes_by_itself_after_posting(self):
        run = self.make_run(self.cycle)
        run._request(target_stage="posting")
        self.run_queue()
        report = run._report("post")
        self.assertEqual((report.state, report.customer_count), ("done", 3))
        self.assertEqual(self.reported(report), self.invoiced(run))

    def test_a_run_of_nobody_has_an_empty_report(self):
        scheme = self.make_scheme("Nobody's")
        run = self.make_run(self.make_cycle(scheme, name="Empty"))
        run.action_pre_billing_report()
        self.run_queue()
        report = run._report("pre")
        self.assertEqual((report.state, report.customer_count), ("done", 0))
        self.assertFalse(report.customer_ids)
        step = run._step("pre_report")
        self.assertEqual((step["state"], step["numbers"]), ("done", []))
        run._execute("posting")
        self.assertEqual(run._report("post").state, "done")

    def test_who_was_billed_last_time_and_is_not_selected_now_is_listed(self):
        self.make_run(self.cycle)._execute("posting")
        lost = self.customers[2]
        self.env["billing.service"].search([("partner_id", "=", lost.id)])._terminate(
            date(2026, 2, 1)
        )
        run = self.make_run(self.cycle, date(2026, 2, 1))
        row = self.row_of(run._make_report("pre"), lost)
        self.assertEqual((row.reason, row.is_lost), ("not_selected", True))
        self.assertEqual((row.amount, row.previous, row.bridge_lost), (0.0, 10.0, -10.0))

    def test_services_billed_at_other_rhythms_are_compared_with_their_own_last_bills(self):
        quarterly = self.make_scheme("Quarterly", interval_number=3)
        self.cycle.term_scheme_ids += quarterly
        seldom = self.make_tariff(quarterly, 900.0)
        both, early, late = self.customers
        # One of them also pays monthly, one is billed for quarters that start in February.
        services = self.make_service(both, seldom) + self.make_service(early, seldom)
        other = self.make_scheme("From February", interval_number=3, alignment="anniversary")
        self.cycle.term_scheme_ids += other
        self.make_service(late, self.make_tariff(other, 600.0), date(2026, 2, 1))
        flagged, missed = {}, self.env["res.partner"]
        for month in range(1, 13):
            if month == 10:
                services[1]._suspend(date(2026, 9, 30), "unpaid")
            run = self.make_run(self.cycle, date(2026, month, 1))
            report = run._make_report("pre")
            for row in report.customer_ids.filtered("is_anomaly"):
                flagged.setdefault(month, self.env["res.partner"])
                flagged[month] |= row.partner_id
                if month > 3:
                    self.assertEqual(row.history_count, 3)
            missed |= report.customer_ids.filtered("is_lost").partner_id
            if month == 4:
                row = self.row_of(report, both)
                self.assertEqual((row.amount, row.mean, row.deviation), (910.0, 910.0, 0.0))
            run._execute("posting")
        # A first bill over 600 in a customer's second month is unusual; then only what stopped.
        self.assertEqual(flagged, {2: late, 10: early})
        self.assertFalse(missed)

    def test_a_run_for_single_customers_lists_no_others_as_lost(self):
        self.make_run(self.cycle)._execute("posting")
        run = self.make_run(self.cycle, date(2026, 2, 1), mode="individual")
        run.partner_ids = self.customers[0]
        report = run._make_report("pre")
        self.assertEqual(report.customer_ids.partner_id, self.customers[0])
        later = self.make_run(self.cycle, date(2026, 3, 1))
        run._execute("posting")
        self.assertNotEqual(run, later._previous_billed_run())

    def test_changed_dates_ask_for_the_report_anew(self):
        run = self.make_run(self.cycle)
        self.assertEqual(run._step("pre_report")["state"], "todo")
        run._make_report("pre")
        step = run._step("pre_report")
        self.assertEqual(step["numbers"][0]["amount"], "30.00")
        self.assertTrue(step["confirmable"])
        run.cutoff_date = date(2026, 1, 31)
        step = run._step("pre_report")
        self.assertEqual((step["state"], step.get("confirmable")), ("todo", None))

    def test_a_requested_run_gets_no_pre_billing_report_any_more(self):
        run = self.make_run(self.cycle)
        with self.assertRaisesRegex(UserError, "not posted"):
            run.action_post_billing_report()
        run._request(target_stage="posting")
        with self.assertRaisesRegex(UserError, "has been requested"):
            run.action_pre_billing_report()

    def test_reports_go_with_their_run(self):
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        rows = report.customer_ids
        run.unlink()
        self.assertFalse(report.exists() or rows.exists())

    def merge(self, source, destination):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((source | destination).ids, destination)
        self.env.invalidate_all()

    def test_merged_customers_leave_no_report_that_lists_both(self):
        kept, merged = self.customers[:2]
        both = self.make_run(self.cycle)._make_report("pre")
        alone = self.make_run(self.cycle, partner_ids=[Command.set(merged.ids)])
        alone._execute("posting")
        self.assertEqual(alone._report("post").customer_ids.partner_id, merged)
        charge = self.bill_of(alone, merged).charge_ids
        self.merge(merged, kept)
        self.assertFalse(merged.exists() or both.exists())
        self.assertEqual(alone.partner_ids, kept)
        self.assertEqual(alone._report("post").customer_ids.partner_id, kept)
        self.assertEqual((charge.partner_id, charge.bill_id), (kept, self.bill_of(alone, kept)))
        self.assertEqual(charge.bill_id.move_ids.partner_id, kept)
        services = self.env["billing.service"].search([("partner_id", "=", kept.id)])
        self.assertEqual(len(services), 2)
        later = self.make_run(self.cycle, date(2026, 2, 1))
        self.assertEqual(later._make_report("pre").customer_count, 2)

    def test_customers_billed_by_the_same_run_are_not_merged(self):
        kept, merged = self.customers[:2]
        run = self.make_run(self.cycle)
        run._execute("rating")
        report = self.make_run(self.cycle, date(2026, 2, 1))._make_report("pre")
        message = f"Customer 0 .ID {kept.id}., .*Customer 1.* billing run {run.number}: archive"
        with self.assertRaisesRegex(UserError, message):
            self.merge(merged, kept)
        self.assertTrue(report.exists() and merged.exists())

    def test_users_read_reports_and_nobody_writes_them(self):
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        records = (
            report,
            self.env["billing.run.report.line"].search([("report_id", "=", report.id)], limit=1),
            report.customer_ids[0],
        )
        for record in records:
            self.assertTrue(self.rpc(self.user, record, "read", ["company_id"]))
            with self.assertRaises(AccessError):
                self.rpc(self.user, record, "write", {"run_id": run.id})
            with self.assertRaises(AccessError):
                self.rpc(self.user, record, "unlink")
            with self.assertRaises(AccessError):
                self.rpc(self.outsider, record, "read", ["company_id"])

    def test_reports_are_asked_for_by_billing_users_only(self):
        run = self.make_run(self.cycle)
        self.rpc(self.user, run, "action_pre_billing_report")
        self.assertTrue(self.rpc(self.user, run, "action_view_report", "pre", "anomalies"))
        for method in ("action_pre_billing_report", "action_post_billing_report"):
            with self.assertRaises(AccessError):
                self.rpc(self.outsider, run, method)
        with self.assertRaises(AccessError):
            self.rpc(self.outsider, run, "action_view_report", "pre")
        for method in ("_make_report", "_preview_customers", "_end_report", "_wake_report"):
            with self.assertRaises(AccessError):
                self.rpc(self.user, run, method)

    def rpc(self, user, record, method, *args):
        return call_kw(record.with_user(user).browse(), method, [record.ids, *args], {})

    def test_a_second_companys_reports_are_its_own(self):
        report = self.make_run(self.cycle)._make_report("pre")
        other = self.make_company("Other Provider", "EUR")
        stranger = self.make_user("stranger", "billing_operations.group_billing_user", other)
        for model in MODELS:
            records = self.env[model].with_user(stranger)
            records = records.with_context(allowed_company_ids=other.ids)
            self.assertFalse(records.search([("run_id", "=", report.run_id.id)]))

    def test_the_pdf_shows_totals_anomalies_and_who_is_not_billed(self):
        self.make_run(self.cycle)._execute("posting")
        self.customers[0].billing_hold = True
        self.adjust(self.customers[1], 500.0)
        run = self.make_run(self.cycle, date(2026, 2, 1))
        run._make_report("pre")
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("billing_operations.report_billing_run_pre", run.ids)[0]
            .decode()
        )
        for text in ("Customer 1", "Billing of this customer is on hold", "520.00", run.number):
            self.assertIn(text, html)
        self.assertTrue(fields.Datetime.now() >= run._report("pre").ended_date)
