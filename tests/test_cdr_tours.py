"""A file of calls in a real browser: from its upload to the calls of an invoice line.

Between the parts a worker does what the queue holds; while the panel of a run shows that work is
under way, it does so whenever the panel asks.
"""

from datetime import date

from odoo.tests import HttpCase, tagged

from .common import DeliveryCase
from .rating_common import RatingCase


@tagged("post_install", "-at_install")
class TestCdrTours(RatingCase, DeliveryCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.make_number("+44 20 7946 0000")
        self.make_rate("44", 0.06)
        self.make_rate("447", 0.12, class_id=self.mobile.id)
        self.carrier = self.env["cdr.carrier"].create(
            {
                "name": "Trunk",
                "company_id": self.company.id,
                "country_id": self.env.ref("base.uk").id,
                "format_id": self.env.ref("billing_operations.cdr_format_generic_csv").id,
                "expected_files": 1,
            }
        )
        self.customer.email = "tour@x.example"
        read = self.registry["billing.run"].get_next_steps

        def get_next_steps(run):
            return read(self.worked_on(run))

        get_next_steps._readonly = False
        self.patch(self.registry["billing.run"], "get_next_steps", get_next_steps)

    def worked_on(self, run):
        """Do what waits: rendering, which takes longest, when nothing else does."""
        env = self.env(cr=run.env.cr)
        if not env["billing.task"]._run_inline(domain=[("type_id.code", "!=", "run_format")]):
            posted = [("billing_bill_id.run_id", "=", run.id), ("state", "=", "posted")]
            for move in env["account.move"].search(posted):
                if not move.invoice_pdf_report_id:
                    self.attach_pdf(move.with_env(self.env))
            env["billing.task"]._run_inline()
        run.env.invalidate_all()
        return run

    def work(self):
        self.env.invalidate_all()
        self.env["billing.task"]._run_inline()
        self.env.flush_all()
        self.env.invalidate_all()

    def tour(self, action, name, login="tour_manager"):
        path = action if action.startswith("/") else f"/odoo/action-billing_operations.{action}"
        self.start_tour(path, name, login=login, timeout=180)
        self.env.invalidate_all()

    def test_a_manager_uploads_a_file_works_its_errors_off_and_bills_the_calls(self):
        self.make_user("tour_manager", "billing_operations.group_billing_manager")
        self.tour("cdr_upload_action", "billing_cdr_upload")
        file = self.env["cdr.file"].search([("carrier_id", "=", self.carrier.id)])
        self.assertEqual((file.name, file.state), ("january.csv", "processing"))
        self.work()
        self.assertEqual((file.state, file.record_count), ("processed", 3))
        [error] = self.env["billing.error"].search([("company_id", "=", self.company.id)])
        self.assertEqual((error.code, error.record_count), ("unknown_number", 2))
        self.tour("billing_error_action", "billing_cdr_errors")
        self.work()
        self.assertEqual(error.state, "resolved")
        records = self.env["cdr.record"].search([("file_id", "=", file.id)])
        self.assertEqual(set(records.mapped("state")), {"rated"})
        self.assertEqual(records.service_id, self.service)
        run = self.make_run(self.make_cycle(self.scheme, name="With calls"), date(2026, 1, 31))
        run.cutoff_date = date(2026, 1, 31)
        self.tour(f"action_billing_run/{run.id}", "billing_cdr_run")
        self.assertEqual((run.state, run.invoice_count), ("completed", 1))
        self.assertEqual(set(records.mapped("state")), {"charged"})
        move = self.bill_of(run, self.customer).move_ids
        path = f"/odoo/action-account.action_move_out_invoice_type/{move.id}"
        self.tour(path, "billing_invoice_calls")
