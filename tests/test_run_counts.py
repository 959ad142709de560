"""Each number on a run's screens counts one thing, by its own name: customers, bills, documents."""

from odoo.fields import Command
from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestRunCounts(DeliveryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        euro = cls.env.ref("base.EUR")
        euro.active = True
        cls.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "company_id": cls.company.id,
                "rate": 0.9,
                "name": "2025-01-01",
            }
        )
        in_euro = cls.make_tariff(cls.scheme, 7.0, name="Euro", currency_id=euro.id)
        cls.cycle.invoice_grouping = "service"
        # One customer with two bills, one of which has two documents.
        cls.customer = cls.make_customer("One", email="one@customer.example,two@customer.example")
        for tariff in (cls.tariff, cls.tariff, in_euro):
            cls.service = cls.make_service(cls.customer, tariff)

    def step(self, run, code):
        run.invalidate_recordset()
        return next(step for step in run._next_steps()["steps"] if step["code"] == code)

    def test_customers_bills_and_documents_are_three_numbers(self):
        run = self.make_run(self.cycle)
        self.assertEqual(run.selected_text, "1 customer with 3 services")
        run._execute("posting")
        report = run._make_report("post")
        self.assertEqual((run.bill_count, run.invoice_count), (2, 3))
        self.assertEqual(report.customer_count, 1)
        links = {link["label"]: link["count"] for link in self.step(run, "post_report")["links"]}
        self.assertEqual(links["Customer"], 1)
        action = run.action_view_invoices()
        self.assertEqual(self.env["account.move"].search_count(action["domain"]), 3)
        posted = run.result_ids.filtered(lambda result: result.stage == "posting")
        self.assertEqual((posted.entities, posted.documents), (2, 3))
        labels = run.result_ids.fields_get(["entities"])
        self.assertEqual(labels["entities"]["string"], "Bills")

    def test_a_document_to_two_addresses_is_one_document(self):
        run = self.make_run(self.cycle)
        run._execute("posting")
        moves = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        for move in moves:
            self.attach_pdf(move)
        self.assertIn("3 documents have to be e-mailed", self.step(run, "email")["sentence"])
        self.env["billing.delivery"]._create_missing(moves)
        self.assertEqual(self.step(run, "email")["links"][0]["count"], 6)
        self.assertIn("3 documents have to be e-mailed", self.step(run, "email")["sentence"])

    def test_one_of_a_thing_is_spoken_of_in_the_singular(self):
        run = self.make_run(self.cycle, service_ids=[Command.set(self.service.ids)])
        self.assertEqual(run.selected_text, "1 customer with 1 service")
        self.assertIn(
            "Selected: 1 customer with 1 service.", self.step(run, "customers")["sentence"]
        )
