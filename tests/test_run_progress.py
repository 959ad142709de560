"""Where a run stands: by stage while it waits, and the same everywhere after part of it was taken
back."""

from odoo.fields import Command
from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestRunProgress(DeliveryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("First", email="first@customer.example")
        cls.make_service(cls.customer, cls.tariff)

    # === WHERE IT WAITS === #

    def test_a_run_that_stops_after_rating_has_done_one_stage_of_four(self):
        run = self.make_run(self.cycle)
        run._execute("rating")
        self.assertEqual(run.stage_text, "Waits after Rating (1 of 4)")
        self.assertEqual(run.progress, 25.0)
        run._execute("posting")
        run.invalidate_recordset()
        self.assertEqual(run.stage_text, "Waits after Posting (3 of 4)")
        self.assertEqual(run.progress, 75.0)
        run.action_close()
        self.assertFalse(run.stage_text)
        self.assertEqual(run.progress, 100.0)

    def test_a_run_that_a_limit_stopped_says_after_which_stage(self):
        run = self.make_run(self.cycle, limit_total=1.0)
        run._execute()
        self.assertTrue(run.stop_reason)
        self.assertEqual(run.stage_text, "Stopped after Rating (1 of 4)")

    def test_a_run_under_way_names_its_stage_and_a_scheduled_one_its_time(self):
        run = self.make_run(self.cycle)
        run.action_request(scheduled_date="2099-01-01 10:00:00")
        self.assertIn("Starts", run.stage_text)
        run = self.make_run(self.cycle)
        run._set_state("requested")
        run._set_state("running", {"started_date": "2026-01-01", "stage": "rating"})
        self.assertEqual(run.stage_text, "Invoicing is under way")

    def test_form_and_list_show_the_type_and_where_a_run_is(self):
        for kind in ("form", "list"):
            arch = self.env["billing.run"].get_view(view_type=kind)["arch"]
            for name in ("mode", "stage_text", "progress"):
                self.assertIn(f'name="{name}"', arch, kind)

    # === ONE CUSTOMER === #

    def bill_alone(self, customer):
        wizard = (
            self.env["billing.run.individual"]
            .with_context(default_partner_id=customer.id)
            .create({"partner_id": customer.id, "cutoff_date": "2026-01-31"})
        )
        return self.env["billing.run"].browse(wizard.action_create()["res_id"])

    def test_a_run_for_one_customer_takes_the_terms_of_the_customers_services(self):
        weekly = self.make_scheme("Weekly", interval_unit="week")
        self.make_service(self.customer, self.make_tariff(weekly, 2.0, name="Weekly"))
        run = self.bill_alone(self.customer)
        self.assertEqual(run.mode, "individual")
        self.assertEqual(run.term_scheme_ids, self.scheme + weekly)
        run._execute("rating")
        kinds = self.bill_of(run, self.customer).charge_ids.service_id.tariff_id
        self.assertEqual(len(kinds), 2)

    def test_a_run_for_one_customer_is_of_a_cycle_that_bills_its_terms(self):
        yearly = self.make_scheme("Yearly", interval_unit="year")
        cycle = self.make_cycle(yearly, name="Yearly")
        other = self.make_customer("Yearly")
        self.make_service(other, self.make_tariff(yearly, 99.0, name="Yearly"))
        self.assertEqual(self.bill_alone(other).cycle_id, cycle)
        self.assertEqual(self.bill_alone(self.customer).cycle_id, self.cycle)

    def test_a_customer_without_services_is_billed_by_the_cycles_terms(self):
        run = self.bill_alone(self.make_customer("None"))
        self.assertEqual(run.term_scheme_ids, self.scheme)

    # === AFTER A PARTIAL UNDO === #

    def take_back(self, run, customer):
        undo = self.env["billing.run.undo"].create(
            {"run_id": run.id, "reason": "Wrong", "partner_ids": [Command.set(customer.ids)]}
        )
        undo.action_confirm()
        self.env["billing.task"]._run_inline()
        self.env.invalidate_all()

    def step(self, run, code):
        return next(step for step in run._next_steps()["steps"] if step["code"] == code)

    def test_after_a_partial_undo_panel_report_counts_and_pdfs_agree(self):
        run = self.make_documents({"name": "Second", "email": "second@customer.example"})
        run.action_continue()
        self.env["billing.task"]._run_inline()
        run._make_report("post")
        self.env.invalidate_all()
        self.assertEqual((run.invoice_count, run.amount_text), (2, "$\xa020.00"))
        self.take_back(run, self.customer)
        panel = run._next_steps()
        self.assertEqual([(s["done"], s["total"]) for s in panel["stages"]], [(1, 1)] * 4)
        self.assertIn("1 bill was taken back", panel["taken_back"])
        self.assertIn("1 of 1", self.step(run, "production")["sentence"])
        [total] = run._report("post")._totals()
        self.assertEqual((total["billed"], total["not_billed"], total["amount"]), (1, 1, 10.0))
        row = run._report("post").customer_ids.filtered("reason")
        self.assertEqual((row.partner_id, row.reason), (self.customer, "undone"))
        self.assertEqual((run.invoice_count, run.amount_text), (1, "$\xa010.00"))
        action = run.action_view_invoices()
        self.assertEqual(self.env["account.move"].search_count(action["domain"]), 1)
        self.assertIn("1 document has to be", self.step(run, "email")["sentence"])
        self.assertEqual(self.step(run, "tie_out")["state"], "done")

    def test_what_was_taken_back_is_neither_printed_nor_sent_any_more(self):
        self.customer.invoice_sending_method = "print"
        run = self.make_documents({"name": "Second", "invoice_sending_method": "print"})
        run.action_create_bundles()
        self.deliver(run)
        bundles = self.env["billing.print.bundle"]
        mine = [("run_id", "=", run.id)]
        self.assertEqual(bundles.search(mine).document_count, 2)
        self.take_back(run, self.customer)
        self.assertFalse(bundles.search(mine))
        self.assertIn("1 document has to be put", self.step(run, "print")["sentence"])
        run.action_create_bundles()
        self.deliver(run)
        [bundle] = bundles.search(mine)
        self.assertEqual(bundle.delivery_ids.partner_id.name, "Second")
        self.assertEqual(bundle.document_count, 1)
