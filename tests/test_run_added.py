"""A stage, a step, a charge source and an annex added by an addon, without an edit in the runs."""

import json

from odoo.tests import BaseCase, tagged

from .workers import Database, process_test

ADDON = "billing_operations_stage_test"
BEGIN = """
import json
from datetime import date
from odoo.addons.billing_operations.tests.common import DeliveryCase as B

B.env = env
B.make_provider()
env, told = B.env, {}
def results(run):
    return [[result.stage, result.entities, result.documents] for result in run.result_ids]
def stages(run):
    return [[stage["label"], stage["done"], stage["total"]] for stage in run._stage_progress()]
def states(run):
    bills = env["billing.bill"].search([("run_id", "=", run.id)])
    return {bill.partner_id.name: [bill.state, bill.error_code] for bill in bills}
def steps(run):
    run.invalidate_recordset()
    return {step["code"]: step for step in run._next_steps()["steps"]}
"""
POSTPAID = """
scheme = B.make_scheme()
tariff = B.make_tariff(scheme, 10.0)
customers = {}
for name in ("Good", "Suspicious", "Without paper", "Reader", "Misread"):
    way = "print" if name == "Good" else "email"
    customers[name] = B.make_customer(name, email="a@x.example", invoice_sending_method=way)
for name in ("Good", "Suspicious", "Without paper"):
    B.make_service(customers[name], tariff)
readings = env["billing.test.reading"].create(
    [
        {
            "name": "Meter", "partner_id": customers[name].id, "amount": amount,
            "date": date(2026, 1, 1), "company_id": B.company.id, "product_id": B.product.id,
            "currency_id": B.company.currency_id.id,
        }
        for name, amount in (("Reader", 7.0), ("Misread", -1.0))
    ]
)
run = B.make_run(B.make_cycle(scheme))
told["selected"] = run.selected_customer_count
told["offered"] = [
    name for name, _label in
    env["billing.run.execute"].with_context(default_run_id=run.id)._selection_target_stage()
]
run._execute("audit")
told["audited"] = {
    "rest": [run.state, run.stage, run.can_close], "progress": run.progress, "bills": states(run),
    "results": results(run), "stages": stages(run), "steps": list(steps(run)),
    "step": steps(run)["audited"],
    "charge": readings.charge_ids.mapped("amount"),
    "key": env["billing.task"].search([("type_id.code", "=", "test_audit")]).exclusive_key,
}
run.action_confirm_step("audited")
told["confirmed"] = steps(run)["audited"]
for move in env["account.move"].search([("billing_bill_id.run_id", "=", run.id)]):
    B.attach_pdf(move)
run._execute()
told["ended"] = {
    "rest": [run.state, run.stage], "bills": states(run), "results": results(run)[-1],
    "stages": stages(run), "changed": steps(run)["audited"]["confirmed"]["changed"],
}
from odoo.tools.pdf import PdfFileReader
import base64, io
def move_of(name):
    return env["account.move"].search([("partner_id", "=", customers[name].id)])
bundle = env["billing.print.bundle"]._create_bundle(run, move_of("Good"), "Bundle")
told["pages"] = len(PdfFileReader(io.BytesIO(base64.b64decode(bundle.document))).pages)
delivery = env["billing.delivery"]
delivery._create_missing(move_of("Reader"))
delivery = delivery.search([("move_id", "=", move_of("Reader").id)])
message = delivery._build_message(env["ir.mail_server"], delivery._template())
told["attached"] = [part.get_filename() for part in message.iter_attachments()]
"""
PREPAID = """
scheme = B.make_scheme("Prepaid", classification="prepaid")
B.make_service(B.make_customer("Prepaid"), B.make_tariff(scheme, 5.0))
run = B.make_run(B.make_cycle(scheme, name="Prepaid", run_type="prepaid", recurrence_unit="day"))
told["prepaid"] = {"before": run._get_steps(), "first": stages(run)}
run._execute("rating")
told["prepaid"]["rating"] = [run.state, run.stage, run.progress, run._next_steps()["phase"]]
run._execute()
shown = steps(run)
told["prepaid"] |= {
    "rest": [run.state, run.stage, run.progress], "bills": states(run), "results": results(run),
    "stages": stages(run), "steps": list(shown), "complete": shown["complete"]["state"],
    "views": [result.action_view_records()["res_model"] for result in run.result_ids],
}
for code in shown:
    if steps(run)[code].get("confirmable"):
        run.action_confirm_step(code)
told["prepaid"]["confirmed"] = steps(run)["complete"]["sentence"]
"""


@process_test
@tagged("post_install", "-at_install")
class TestAdded(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with Database(test_addon="there") as database:
            database.odoo("-i", ADDON, "--stop-after-init")
            out = database.script(f"{BEGIN}{POSTPAID}{PREPAID}\nprint('TOLD', json.dumps(told))")
        [line] = [line for line in out.splitlines() if line.startswith("TOLD ")]
        cls.told = json.loads(line.removeprefix("TOLD "))

    def test_an_added_stage_is_executed_by_the_engine_where_it_stands_among_the_others(self):
        audited = self.told["audited"]
        offered = ["rating", "invoicing", "posting", "audit", "formatting"]
        self.assertEqual(self.told["offered"], offered)
        self.assertEqual(audited["rest"], ["requested", "audit", True])
        self.assertEqual(audited["bills"]["Good"], ["audited", False])
        self.assertEqual(audited["bills"]["Suspicious"], ["error", "task_failed"])
        self.assertEqual(audited["key"], "test_audit")
        ended = self.told["ended"]
        self.assertEqual(ended["rest"], ["completed_with_errors", "formatting"])
        self.assertEqual(ended["bills"]["Good"], ["done", False])

    def test_an_added_stage_is_in_the_progress_and_the_results(self):
        audited = self.told["audited"]
        self.assertEqual(
            audited["stages"],
            [
                ["Rating", 5, 5],
                ["Invoicing", 5, 5],
                ["Posting", 5, 5],
                ["Audit", 5, 5],
                ["Formatting", 2, 5],
            ],
        )
        # By stage: three of five bills have their PDFs yet to come.
        self.assertEqual(audited["progress"], 88.0)
        self.assertEqual(audited["results"][-1], ["audit", 3, 3])
        self.assertEqual(self.told["ended"]["results"], ["formatting", 2, 2])

    def test_an_added_step_has_its_place_in_the_panel_and_can_be_confirmed(self):
        self.assertEqual(
            self.told["audited"]["steps"],
            ["post_report", "audited", "production", "email", "print", "tie_out", "complete"],
        )
        step = self.told["audited"]["step"]
        self.assertEqual((step["title"], step["state"]), ("Check the audit", "todo"))
        self.assertEqual(step["buttons"][-1]["label"], "Confirm Audit")
        self.assertEqual(self.told["confirmed"]["state"], "done")
        self.assertTrue(self.told["ended"]["changed"])

    def test_an_added_charge_source_finds_customers_and_is_rated_with_the_others(self):
        self.assertEqual(self.told["selected"], 5)
        audited = self.told["audited"]
        self.assertEqual(audited["charge"], [7.0])
        self.assertEqual(audited["bills"]["Reader"], ["audited", False])
        self.assertEqual(audited["bills"]["Misread"], ["error", "rating_failed"])

    def test_an_annex_goes_with_its_document_and_its_error_stays_on_that_bill(self):
        self.assertEqual(self.told["pages"], 2)
        self.assertEqual(len(self.told["attached"]), 2)
        self.assertIn("audit.pdf", self.told["attached"])
        bill = self.told["ended"]["bills"]["Without paper"]
        self.assertEqual(bill, ["error", "formatting_failed"])

    def test_runs_of_a_type_without_posting_work_to_their_end(self):
        prepaid = self.told["prepaid"]
        pre = ["dates", "customers", "payments", "pre_report", "request"]
        self.assertEqual(prepaid["before"], pre)
        self.assertEqual(prepaid["first"], [["Rating", 0, 0], ["Audit of Prepaid", 0, 0]])
        self.assertEqual(prepaid["rating"], ["requested", "rating", 50.0, "production"])
        self.assertEqual(prepaid["rest"], ["completed", "prepaid_audit", 100.0])
        self.assertEqual(prepaid["bills"]["Prepaid"], ["audited", False])
        self.assertEqual(prepaid["results"], [["rating", 1, 1], ["prepaid_audit", 1, 1]])
        self.assertEqual(prepaid["views"], ["billing.charge", "billing.charge"])
        self.assertEqual(prepaid["stages"], [["Rating", 1, 1], ["Audit of Prepaid", 1, 1]])
        # Steps about documents are for runs that make some.
        self.assertEqual(prepaid["steps"], ["post_report", "audited", "complete"])
        self.assertEqual(prepaid["complete"], "waiting")
        self.assertEqual(prepaid["confirmed"], "Run Complete")
