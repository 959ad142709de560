"""The accounting export as CSV files: each record once, again only with a reason; and the panel's step."""

import base64
import csv
import io
from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .accounting_common import AccountingCase, XeroCase


@tagged("post_install", "-at_install")
class TestFiles(AccountingCase):
    def setUp(self):
        super().setUp()
        self.connection = self.make_connection()
        self.moves = [self.make_invoice(3.35, 3.35, 3.35), self.make_invoice(10.0, refund=True)]

    def send(self):
        as_user = self.connection.with_user(self.user)
        as_user.action_send_customers()
        self.work()
        as_user.action_send_invoices()
        self.work()

    def files(self, kind=None):
        domain = [("kind", "=", kind)] if kind else []
        return self.env["accounting.export.file"].search(domain, order="id")

    def read(self, file):
        content = base64.b64decode(file.content)
        delimiter = file.connection_id.delimiter
        return list(
            csv.DictReader(
                io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter
            )
        )

    def test_customers_and_documents_are_written_once(self):
        self.send()
        customers, documents = self.files()
        [row] = self.read(customers)
        item = self.items("customer")
        self.assertEqual(
            (row["customer_reference"], row["name"], row["customer_code"]),
            (item.reference, "Alder Ltd", "C1"),
        )
        rows = self.read(documents)
        self.assertEqual([row["document_type"] for row in rows], ["invoice"] * 3 + ["credit_note"])
        self.assertEqual(rows[0]["total"], f"{self.moves[0].amount_total:.2f}")
        self.assertEqual(rows[3]["total"], "-11.50")
        self.assertEqual(
            {row["customer_reference"] for row in rows},
            {row["customer_reference"] for row in self.read(customers)},
        )
        comes_to = sum(float(row["line_amount"]) + float(row["line_tax"]) for row in rows[:3])
        self.assertAlmostEqual(comes_to, self.moves[0].amount_total, 2)
        self.assertEqual(set(self.items().mapped("state")), {"sent"})
        for name in ("action_send_customers", "action_send_invoices"):
            with self.assertRaises(UserError):
                getattr(self.connection.with_user(self.user), name)()
        self.assertEqual(len(self.files()), 2)

    def test_signs_and_the_mark_are_as_set(self):
        self.connection.write({"delimiter": ";", "decimal_point": ",", "bom": False})
        self.send()
        file = self.files("documents")
        self.assertFalse(base64.b64decode(file.content).startswith(b"\xef\xbb\xbf"))
        self.assertEqual(self.read(file)[3]["total"], "-11,50")

    def test_again_wants_a_reason_which_stays_on_the_file(self):
        self.send()
        items = self.items("invoice", "credit")
        dialogs = self.env["accounting.export.again"].with_user(self.user)
        dialog = dialogs.with_context(
            active_model="accounting.export.item", active_ids=items.ids
        ).create({"reason": "  "})
        self.assertIn("2 records were exported before.", dialog.text)
        with self.assertRaises(UserError):
            dialog.action_apply()
        dialog.reason = "The file was lost"
        dialog.action_apply()
        self.work()
        first, second = self.files("documents")
        self.assertEqual((first.reason, second.reason), (False, "The file was lost"))
        self.assertEqual(self.read(first), self.read(second))
        self.assertEqual(items.file_id, second)
        waiting = self.make_invoice()
        with self.assertRaises(UserError):
            self.connection._export_again(waiting.accounting_item_ids | self.items("customer"), "")

    def test_what_cannot_be_written_is_refused_by_name_and_the_rest_goes(self):
        self.connection.tax_mapping_ids.filtered(lambda m: not m.tax_id).unlink()
        wrong = self.make_invoice(5.0, tax=False)
        self.send()
        self.assertEqual(wrong.accounting_item_ids.error_code, "tax")
        self.assertEqual(
            {row["document_number"] for row in self.read(self.files("documents"))},
            {m.name for m in self.moves},
        )

    def test_a_download_is_put_on_record(self):
        self.send()
        file = self.files("customers").with_user(self.user)
        action = file.action_download()
        self.assertIn(f"/{file.id}/content/", action["url"])
        self.assertEqual(file.downloaded_by_id, self.user)
        with self.assertRaises(AccessError):
            file.with_user(self.make_user("export_none", None)).action_download()
        with self.assertRaises(UserError):
            self.env["accounting.export.file"].with_user(self.manager).create({"name": "x"})

    def test_payments_cannot_be_fetched_from_files(self):
        with self.assertRaises(UserError):
            self.connection.with_user(self.user).action_fetch_payments()

    def test_drafts_and_earlier_documents_and_bills_are_not_for_it(self):
        self.make_invoice(post=False)
        self.make_invoice(invoice_date=date(2025, 12, 31))
        self.send()
        self.assertEqual(len(self.items("invoice", "credit")), 2)

    def test_no_item_is_sent_by_nobody(self):
        empty = self.env["accounting.export.item"]
        for name in ("action_send", "action_exclude", "action_include", "action_create_anyway"):
            getattr(empty, name)()
        self.assertEqual(
            self.env["accounting.export.payment"]._book(), {"registered": 0, "left": 0}
        )
        self.env["accounting.export.connection"]._enqueue_fetch()


class StepCase:
    """A run that is billed, and what its step shows."""

    def make_billed_run(self):
        scheme = self.make_scheme()
        self.make_service(self.customer, self.make_tariff(scheme, 10.0))
        self.make_service(self.make_customer("Birch"), self.make_tariff(scheme, 20.0))
        run = self.make_run(self.make_cycle(scheme))
        run._execute("posting")
        return run

    def step(self, run, code="accounting_export"):
        run.invalidate_recordset()
        steps = run.with_user(self.user)._next_steps()["steps"]
        return next((step for step in steps if step["code"] == code), None)


@tagged("post_install", "-at_install")
class TestFileStep(StepCase, AccountingCase):
    def test_without_a_connection_there_is_no_step(self):
        run = self.make_billed_run()
        self.assertIsNone(self.step(run))
        self.make_connection(active=False)
        self.assertIsNone(self.step(run))

    def test_the_step_counts_sends_and_ends(self):
        run = self.make_billed_run()
        connection = self.make_connection()
        self.make_invoice()  # of no run
        step = self.step(run)
        self.assertEqual(step["title"], "Export to Accounting")
        self.assertEqual(step["sentence"], "To send: 2 customers, 2 invoices.")
        self.assertEqual(
            [(link["label"], link["count"]) for link in step["links"]],
            [("customers to send", 2), ("invoices to send", 2)],
        )
        customers, invoices = step["buttons"]
        self.assertIn("Send 2 customers to CSV?", customers["confirm"])
        self.assertIn("2 more wait until their customers are sent.", invoices["confirm"])
        as_user = run.with_user(self.user)
        getattr(as_user, customers["method"])()
        step = self.step(run)
        self.assertTrue(step["live"])
        self.assertEqual(step["buttons"], [])
        self.work()
        step = self.step(run)
        [invoices] = step["buttons"]
        self.assertIn("Send 2 documents, $", invoices["confirm"])
        getattr(as_user, invoices["method"])()
        self.work()
        step = self.step(run)
        self.assertEqual((step["state"], step["buttons"]), ("done", []))
        self.assertEqual(connection._counts()["documents"], 1)
        self.assertEqual(len(self.items("invoice")), 2)
        action = as_user.action_view_accounting("documents")
        self.assertFalse(self.env["account.move"].search(action["domain"]))
        with self.assertRaises(UserError):
            as_user.action_view_accounting("nonsense")


@tagged("post_install", "-at_install")
class TestXeroStep(StepCase, XeroCase):
    def test_the_step_names_what_waits_for_a_person(self):
        run = self.make_billed_run()
        self.xero.add_contact(name="Birch")
        as_user = run.with_user(self.user)
        step = self.step(run)
        self.assertEqual(step["title"], "Send to Xero")
        self.assertEqual(
            [button["label"] for button in step["buttons"]],
            ["Send New Customers", "Send New Invoices", "Fetch Payments"],
        )
        as_user.action_send_customers()
        self.work()
        as_user.action_send_invoices()
        self.work()
        links = {link["label"]: link for link in self.step(run)["links"]}
        self.assertEqual(links["possible duplicates"]["count"], 1)
        action = as_user.action_view_accounting("duplicate")
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]).state, "duplicate")
        self.items("customer").filtered(
            lambda i: i.state == "duplicate"
        ).candidate_ids.action_link()
        as_user.action_send_invoices()
        self.work()
        self.assertEqual(self.step(run)["state"], "done")
        self.assertEqual(len(self.xero.invoices), 2)
        as_user.action_fetch_accounting_payments()
        self.work()
        self.xero.refresh.clear()
        self.connection._secret().expires = 0
        as_user.action_fetch_accounting_payments()
        self.work()
        step = self.step(run)
        self.assertEqual((step["state"], step["buttons"]), ("attention", []))
        self.assertIn("connect again", step["sentence"])

    def test_the_payments_step_warns_when_they_were_not_fetched_lately(self):
        scheme = self.make_scheme()
        self.make_service(self.customer, self.make_tariff(scheme, 10.0))
        run = self.make_run(self.make_cycle(scheme))
        shown = run.with_user(self.user)._step("payments")
        self.assertEqual(shown["state"], "attention")
        self.assertIn("Payments were never fetched from Provider Ltd in Xero.", shown["sentence"])
        self.assertEqual(shown["buttons"][0]["method"], "action_fetch_accounting_payments")
        self.fetch()
        shown = run.with_user(self.user)._step("payments")
        self.assertEqual(shown["state"], "todo")
        self.assertNotIn("fetched", shown["sentence"])

    def test_the_start_page_says_what_waits(self):
        self.xero.add_contact(name="Alder Ltd")
        self.make_invoice()
        self.send_customers()
        [entry] = [
            entry
            for entry in self.env["billing.start"].with_user(self.user)._entry_registry()
            if entry.code == "accounting"
        ]
        env = self.env(user=self.user)
        rows = entry.show(env)["rows"]
        self.assertEqual([row[0] for row in rows], ["Choose among possible duplicates"])
        self.assertEqual(rows[0][1]["text"], "1")
