"""Sending to Xero: against its stand-in on this machine, which reads and writes by Xero's own SDK."""

from datetime import date
from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from .accounting_common import XeroCase


@tagged("post_install", "-at_install")
class TestSending(XeroCase):
    def test_customers_then_invoices_arrive_as_they_are_here(self):
        move = self.make_invoice(3.35, 3.35, 3.35)
        refund = self.make_invoice(10.0, refund=True)
        self.send_customers()
        [contact] = self.xero.contacts.values()
        self.assertEqual((contact.name, contact.email_address), ("Alder Ltd", "info@alder.example"))
        item = self.items("customer")
        self.assertEqual((item.state, item.other_id), ("sent", contact.contact_id))
        self.assertEqual(contact.contact_number, item.reference)
        self.send_invoices()
        [invoice] = self.xero.invoices.values()
        self.assertEqual(invoice.invoice_number, move.name)
        self.assertEqual(invoice.total, Decimal(f"{move.amount_total:.2f}"))
        self.assertEqual((invoice.date, invoice.due_date), (date(2026, 2, 1), date(2026, 3, 1)))
        self.assertEqual(invoice.status, "AUTHORISED")
        self.assertEqual(invoice.contact.contact_id, contact.contact_id)
        [note] = self.xero.credit_notes.values()
        self.assertEqual((note.credit_note_number, note.total), (refund.name, Decimal("11.50")))
        self.assertEqual(self.states(), ["sent"] * 3)
        self.assertEqual(
            self.items("invoice").mapped(lambda i: (i.other_total, i.difference)),
            [(move.amount_total, False)],
        )
        with self.assertRaises(UserError):
            self.send_invoices()
        self.assertEqual(len(self.xero.invoices), 1)

    def test_invoices_of_customers_who_are_not_there_wait(self):
        self.make_invoice()
        with self.assertRaises(UserError):
            self.send_invoices()
        text = self.connection._invoices_question()
        self.assertIn("No document can be sent", text)
        self.assertIn("1 more waits until its customer is sent.", text)

    def test_what_sends_asks_first_with_its_figures(self):
        self.make_invoice(100.0)
        self.make_invoice(50.0, refund=True)
        dialog = self.connection.with_user(self.user).action_ask_send_customers()
        text = self.env["billing.question"].browse(dialog["res_id"]).text
        self.assertIn("Send 1 customer to Provider Ltd in Xero?", text)
        self.assertFalse(self.items())
        self.send_customers()
        dialog = self.connection.with_user(self.user).action_ask_send_invoices()
        question = self.env["billing.question"].with_user(self.user).browse(dialog["res_id"])
        self.assertIn(
            "Send 2 documents, $ 57.50, to", question.text.replace("\N{NO-BREAK SPACE}", " ")
        )
        question.action_confirm()
        self.work()
        self.assertEqual(len(self.xero.invoices) + len(self.xero.credit_notes), 2)

    def test_a_batch_is_one_request_with_one_key(self):
        for number in range(60):
            self.make_invoice(number + 1)
        self.send_customers()
        with self.asked() as asked:
            self.send_invoices()
        self.assertEqual(asked, ["PUT Invoices"] * 2)
        keys = [key for method, _path, key in self.xero.requests if method == "PUT"]
        self.assertEqual(len(set(keys)), len(keys))
        self.assertTrue(all(keys))
        self.assertEqual(len(self.xero.invoices), 60)

    def test_one_that_is_wrong_leaves_the_others_alone_and_says_why(self):
        good, wrong = self.make_invoice(), self.make_invoice(20.0)
        self.send_customers()
        accounts = self.env["account.account"].create(
            {
                "code": "411200",
                "name": "Old Sales",
                "account_type": "income",
                "company_ids": [(6, 0, self.company.ids)],
            }
        )
        self.map(self.connection, "account", account_id=accounts.id, code="400")
        wrong.button_draft()
        wrong.invoice_line_ids.account_id = accounts
        wrong.action_post()
        self.send_invoices()
        self.assertEqual(self.xero.numbers(), [good.name])
        item = wrong.accounting_item_ids
        self.assertEqual((item.state, item.error_code), ("error", "account"))
        self.assertIn("correct the mapping of accounts", item.error_message)
        self.connection.account_mapping_ids.filtered(lambda m: m.code == "400").code = "260"
        item.with_user(self.user).action_send()
        self.work()
        self.assertEqual(wrong.accounting_item_ids.state, "sent")
        self.assertEqual(sorted(self.xero.numbers()), sorted([good.name, wrong.name]))

    def test_what_is_not_mapped_is_refused_here_and_never_leaves(self):
        move = self.make_invoice()
        self.send_customers()
        self.connection.tax_mapping_ids.unlink()
        with self.asked() as asked:
            self.send_invoices()
        self.assertEqual(asked, [])
        self.assertEqual(move.accounting_item_ids.error_code, "tax")
        self.assertIn("Map the tax Sales 15%", move.accounting_item_ids.error_message)

    def test_a_locked_period_and_an_archived_contact_are_said_in_words(self):
        self.send_all_after(lambda: setattr(self.xero, "lock_date", date(2026, 2, 28)))
        self.assertEqual(self.items("invoice").error_code, "locked")
        self.xero.lock_date = None
        next(iter(self.xero.contacts.values())).contact_status = "ARCHIVED"
        self.items("invoice").action_send()
        self.work()
        self.assertEqual(self.items("invoice").error_code, "archived")

    def send_all_after(self, do):
        self.make_invoice()
        self.send_customers()
        do()
        self.send_invoices()

    def test_a_whole_request_that_is_refused_is_divided(self):
        moves = [self.make_invoice(number) for number in (1, 2, 3)]
        self.send_customers()
        self.xero.fault("Invoices", 400)
        self.send_invoices()
        self.assertEqual(len(self.xero.invoices), 3)
        self.assertEqual([move.accounting_item_ids.state for move in moves], ["sent"] * 3)

    def test_names_that_are_taken_get_their_code(self):
        self.make_invoice()
        self.make_invoice(partner=self.make_customer("ALDER LTD", ref="C2"))
        self.send_customers()
        names = sorted(contact.name for contact in self.xero.contacts.values())
        self.assertEqual(names, ["ALDER LTD (C2)", "Alder Ltd"])

    def test_another_currency_a_tracking_and_a_draft_arrive(self):
        eur = self.env.ref("base.EUR")
        eur.active = True
        self.env["res.currency.rate"].create(
            {
                "name": date(2026, 1, 1),
                "currency_id": eur.id,
                "company_id": self.company.id,
                "rate": 0.8,
            }
        )
        plan = self.env["account.analytic.plan"].create({"name": "Regions"})
        north = self.env["account.analytic.account"].create({"name": "North", "plan_id": plan.id})
        self.map(
            self.connection,
            "tracking",
            analytic_account_id=north.id,
            category="Region",
            code="North",
        )
        self.connection.write({"use_tracking": True, "invoice_status": "DRAFT"})
        move = self.make_invoice(100.0, currency_id=eur.id, post=False)
        move.invoice_line_ids.analytic_distribution = {str(north.id): 100}
        move.action_post()
        self.send_all()
        [invoice] = self.xero.invoices.values()
        self.assertEqual((invoice.status, invoice.currency_code.value), ("DRAFT", "EUR"))
        self.assertEqual(invoice.currency_rate, Decimal("0.8"))
        [tracking] = invoice.line_items[0].tracking
        self.assertEqual((tracking.name, tracking.option), ("Region", "North"))


@tagged("post_install", "-at_install")
class TestLostAnswers(XeroCase):
    def setUp(self):
        super().setUp()
        self.moves = [self.make_invoice(number) for number in (1, 2, 3)]
        self.send_customers()

    def test_an_answer_that_is_lost_is_asked_for_and_nothing_is_sent_twice(self):
        self.xero.fault("Invoices", "drop_after")
        self.send_invoices()
        self.assertEqual(self.states("invoice"), ["sending"] * 3)
        [task] = self.tasks("accounting_invoices")
        self.assertEqual((task.state, task.intent_state), ("error", "sending"))
        self.hurry()
        with self.asked() as asked:
            self.work()
        self.assertEqual(asked, ["GET Invoices"])
        self.assertEqual(self.states("invoice"), ["sent"] * 3)
        self.assertEqual(len(self.xero.numbers()), 3)
        self.assertEqual(self.tasks("accounting_invoices").state, "completed")

    def test_a_request_that_never_arrived_is_sent_again_with_its_key(self):
        self.xero.fault("Invoices", "drop_before")
        self.send_invoices()
        self.hurry()
        with self.asked() as asked:
            self.work()
        self.assertEqual(asked, ["GET Invoices", "PUT Invoices"])
        keys = [
            key
            for method, path, key in self.xero.requests
            if (method, path[-8:]) == ("PUT", "Invoices")
        ]
        self.assertEqual(len(set(keys)), 1)
        self.assertEqual(len(self.xero.numbers()), 3)

    def test_a_server_error_after_the_deed_is_asked_about_too(self):
        self.xero.fault("Invoices", "500_after")
        self.send_invoices()
        self.hurry()
        self.work()
        self.assertEqual((len(self.xero.numbers()), self.states("invoice")), (3, ["sent"] * 3))

    def test_where_nobody_answers_it_is_unknown_until_a_person_asks(self):
        self.xero.fault("Invoices", "drop_after")
        self.xero.fault("Invoices", "drop_before", "GET", times=100)
        self.send_invoices()
        for _try in range(8):
            self.hurry()
            self.work()
        self.assertEqual(self.tasks("accounting_invoices").state, "failed")
        self.assertEqual(self.states("invoice"), ["unknown"] * 3)
        self.xero.faults.clear()
        text = self.items("invoice")._send_question()
        self.assertIn("3 records are asked about", text)
        self.items("invoice").with_user(self.user).action_send()
        self.work()
        self.assertEqual((len(self.xero.numbers()), self.states("invoice")), (3, ["sent"] * 3))

    def test_a_customer_whose_answer_was_lost_is_found_by_its_number(self):
        self.make_invoice(partner=self.make_customer("Birch"))
        self.xero.fault("Contacts", "drop_after")
        self.send_customers()
        self.hurry()
        self.work()
        names = sorted(contact.name for contact in self.xero.contacts.values())
        self.assertEqual(names, ["Alder Ltd", "Birch"])
        self.assertEqual(self.states("customer"), ["sent", "sent"])

    def test_a_lost_credit_note_is_asked_about_too(self):
        self.make_invoice(refund=True)
        self.xero.fault("CreditNotes", "drop_after")
        self.send_invoices()
        self.hurry()
        self.work()
        self.assertEqual((len(self.xero.credit_notes), self.states("credit")), (1, ["sent"]))

    def test_a_number_that_is_taken_by_another_document_is_refused(self):
        first = self.moves[0]
        self.send_invoices()
        stolen = next(iter(self.xero.invoices.values()))
        other = self.make_invoice(77)
        stolen.invoice_number = other.name
        self.send_invoices()
        item = other.accounting_item_ids
        self.assertEqual((item.state, item.error_code), ("error", "number_taken"))
        self.assertIn(other.name, item.error_message)
        self.assertEqual(first.accounting_item_ids.state, "sent")

    def test_a_number_that_is_taken_by_itself_is_linked(self):
        self.send_invoices()
        item = self.moves[0].accounting_item_ids
        # As if the result had been lost from a backup.
        self.env.cr.execute(
            "UPDATE accounting_export_item SET state = 'waiting', other_id = NULL WHERE id = %s",
            [item.id],
        )
        item.invalidate_recordset()
        item.action_send()
        self.work()
        self.assertEqual((item.state, len(self.xero.numbers())), ("sent", 3))

    def test_the_sdk_and_its_http_library_repeat_nothing_themselves(self):
        self.xero.fault("Invoices", "drop_before", times=10)
        with self.asked() as asked:
            self.send_invoices()
        self.assertEqual(asked, ["PUT Invoices"])


@tagged("post_install", "-at_install")
class TestDuplicates(XeroCase):
    def test_who_may_be_there_waits_for_a_person(self):
        there = self.xero.add_contact(name="Somebody", email_address="INFO@alder.example")
        self.make_invoice()
        self.make_invoice(partner=self.make_customer("Birch"))
        self.send_customers()
        alder, birch = self.items("customer")
        self.assertEqual((alder.state, birch.state), ("duplicate", "sent"))
        [candidate] = alder.candidate_ids
        self.assertEqual((candidate.other_id, candidate.reason), (there.contact_id, "email"))
        self.assertEqual(len(self.xero.contacts), 2)
        candidate.with_user(self.user).action_link()
        self.assertEqual(
            (alder.state, alder.linked, alder.other_id), ("sent", True, there.contact_id)
        )
        self.send_invoices()
        contacts = {i.contact.contact_id for i in self.xero.invoices.values()}
        self.assertIn(there.contact_id, contacts)

    def test_who_is_none_of_them_is_created(self):
        self.xero.add_contact(name="alder ltd")
        self.make_invoice()
        self.send_customers()
        item = self.items("customer")
        self.assertEqual(item.candidate_ids.reason, "name")
        item.with_user(self.user).action_create_anyway()
        item.with_user(self.user).action_send()
        self.work()
        self.assertEqual(item.state, "sent")
        self.assertEqual(item.other_name, "Alder Ltd (C1)")

    def test_the_list_can_be_looked_through_before_anything_is_sent(self):
        self.xero.add_contact(name="x", tax_number="DE 123 456 789")
        self.customer.with_context(no_vat_validation=True).vat = "DE123456789"
        self.make_invoice()
        action = self.connection.with_user(self.user).action_list_customers()
        self.work()
        self.assertEqual(len(self.xero.contacts), 1)
        [item] = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual((item.state, item.candidate_ids.reason), ("duplicate", "vat"))
        item.with_user(self.user).action_exclude()
        with self.assertRaises(UserError):
            self.send_customers()
        item.with_user(self.user).action_include()
        self.assertEqual(item.state, "waiting")

    def test_all_pages_of_contacts_are_looked_through(self):
        for number in range(230):
            self.xero.add_contact(name=f"Contact {number:03}")
        self.xero.add_contact(name="Alder Ltd", contact_number="x")
        self.make_invoice()
        with self.asked() as asked:
            self.send_customers()
        self.assertEqual(asked, ["GET Contacts"] * 3)
        self.assertEqual(self.states("customer"), ["duplicate"])

    def test_the_reference_of_an_earlier_sending_links_by_itself(self):
        self.make_invoice()
        self.connection.with_user(self.user).action_list_customers()
        item = self.items("customer")
        self.xero.add_contact(name="Alder Ltd", contact_number=item.reference)
        self.work()
        self.assertEqual((item.state, item.linked, len(self.xero.contacts)), ("sent", True, 1))
