"""E-mail against a real mail server, and with worker processes that are killed."""

import unittest
from collections import Counter
from unittest.mock import patch

from odoo.tests import tagged

from .common import DeliveryCase
from .smtp_server import smtp_server
from .workers import Database, process_test

# A run with ten invoices and a PDF each, made of what the demo data has posted.
PREPARE = """
run = env["billing.run"].search(
    [("state", "=", "completed"), ("run_type", "=", "postpaid")], limit=1
)
if not run:
    run = env["account.move"].search(
        [("billing_bill_id", "!=", False), ("state", "=", "posted")], limit=1
    ).billing_bill_id.run_id
moves = env["account.move"].search(
    [("billing_bill_id.run_id", "=", run.id), ("state", "=", "posted")]
)
customers = moves.commercial_partner_id.with_company(run.company_id)
customers.invoice_sending_method = "manual"
firsts = [group[0].id for group in moves.grouped("commercial_partner_id").values()]
moves = moves.browse(firsts[:10])
moves.commercial_partner_id.with_company(run.company_id).invoice_sending_method = "email"
for number, move in enumerate(moves):
    move.partner_id.email = f"c{number}@customer.example"
    if not move.invoice_pdf_report_id:
        env["ir.attachment"].create(
            {
                "name": "bill.pdf",
                "raw": b"%PDF-1.4 test",
                "mimetype": "application/pdf",
                "res_model": "account.move",
                "res_id": move.id,
                "res_field": "invoice_pdf_report_file",
            }
        )
        move.invalidate_recordset()
env["ir.mail_server"].search([]).active = False
env["ir.mail_server"].create({"name": "Test", "smtp_host": "127.0.0.1", "smtp_port": port})
env["billing.task"].search([]).unlink()
env["billing.task.type"].search([]).retry_delay = 0
env["billing.task"].flush_model()
run.company_id.billing_email_batch_size = 5
run.action_email_bills()
env.cr.commit()
print(len(moves))
"""
NONE_LEFT = """
    SELECT NOT EXISTS (SELECT 1 FROM billing_task WHERE state IN ('pending', 'running', 'error'))
"""
AGE = """
    UPDATE billing_task SET attempt_date = attempt_date - interval '1 minute'
     WHERE state = 'running' AND attempt_date > now() AT TIME ZONE 'UTC' - interval '50 seconds'
       AND id IN (SELECT id FROM billing_task FOR NO KEY UPDATE SKIP LOCKED)
"""
REFERENCES = """
    SELECT message_reference FROM billing_delivery WHERE recipient <> 'c2@customer.example'
"""


@tagged("post_install", "-at_install")
class TestDeliverySmtp(DeliveryCase):
    def test_every_bill_arrives_once_and_a_refused_recipient_is_one_bills_error(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example, second@x.example"},
            {"name": "B", "email": "nobody@x.example"},
            {"name": "C", "email": "c@x.example"},
        )
        with smtp_server(refused=["nobody@x.example"]) as inbox:
            self.env["ir.mail_server"].search([]).active = False
            server = self.env["ir.mail_server"].create(
                {"name": "Test", "smtp_host": "127.0.0.1", "smtp_port": inbox.port}
            )
            # Odoo sends nothing in tests unless told so.
            with patch.object(
                self.env.registry["ir.mail_server"], "_disable_send", lambda x: False
            ):
                run.action_email_bills()
                self.deliver(run)
                self.assertEqual(
                    inbox.recipients(), ["a@x.example", "c@x.example", "second@x.example"]
                )
                server.smtp_port = 1
                again = self.deliveries(run, recipient="c@x.example")._deliver_again("Lost")
                run._enqueue_emails(again.move_id)
                self.deliver(run)
        sent = self.deliveries(run, state="sent")
        self.assertEqual(
            Counter(reference for reference, _to in inbox.taken),
            Counter(sent.mapped("message_reference")),
        )
        refused = self.deliveries(run, state="error")
        self.assertEqual(refused.recipient, "nobody@x.example")
        self.assertEqual(
            refused.error_message,
            "The mail server did not take the e-mail to nobody@x.example: 550 5.1.1 no such user"
            " here. Correct the address, or what the answer says, then send it again.",
        )
        self.assertEqual((again.state, again.error_code), ("pending", "server"))
        self.assertIn("No outgoing mail server answers at 127.0.0.1:1 (", again.error_message)
        self.assertIn("Settings →", again.error_message)
        self.assertTrue(all("application/pdf" in message for message in inbox.messages))


@process_test
class TestKilledDelivery(unittest.TestCase):
    """A real worker process that dies while it hands e-mails over."""

    def test_a_kill_loses_and_repeats_nothing_and_leaves_the_unknown_to_people(self):
        with smtp_server() as inbox, Database() as database:
            self.assertEqual(int(database.script(PREPARE, port=inbox.port).split()[-1]), 10)
            killed = []
            with database.workers(1) as workers:

                def kill(when):
                    killed.append(when)
                    workers.kill_one()

                def tend():
                    workers.tend()
                    if killed:  # the reaper need not wait before it takes the task back
                        database.execute(AGE)

                inbox.before["c2@customer.example"] = lambda: kill("before")
                inbox.after["c7@customer.example"] = lambda: kill("after")
                workers.wait_for(NONE_LEFT, 30, each=tend)
            self.assertEqual(set(killed), {"before", "after"})
            states = dict(database.execute("SELECT recipient, state FROM billing_delivery"))
            wanted = {f"c{n}@customer.example": "sent" for n in range(10)}
            wanted["c2@customer.example"] = wanted["c7@customer.example"] = "unknown"
            self.assertEqual(states, wanted)
            # Whatever arrived did so once; only what broke off before it was taken did not.
            self.assertEqual(inbox.recipients(), sorted(set(wanted) - {"c2@customer.example"}))
            self.assertEqual(
                {reference for reference, _to in inbox.taken},
                {row[0] for row in database.execute(REFERENCES)},
            )
