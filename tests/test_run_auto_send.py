"""Runs whose documents leave by themselves, and how far a run goes unless somebody says."""

from unittest.mock import patch

from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestAutoSend(DeliveryCase):
    CUSTOMERS = (
        {"name": "A", "email": "a@x.example"},
        {"name": "Held", "email": "h@x.example"},
        {"name": "Manual", "email": "m@x.example", "invoice_sending_method": "manual"},
        {"name": "Nowhere"},
        {"name": "Paper", "invoice_sending_method": "print"},
    )

    def setUp(self):
        super().setUp()
        self.called = []
        called = self.called

        def call(model, task, intent):
            delivery = model.search([("message_reference", "=", intent["reference"])])
            called.append(delivery.recipient)
            return {"state": "sent"}

        self.patch(self.env.registry["billing.delivery"], "_email_call", call)

    def _finish(self, run):
        run.action_continue()
        self.deliver(run)

    def test_documents_leave_by_themselves_but_for_holds_and_missing_addresses(self):
        self.cycle.auto_send = True
        run = self.make_documents(*self.CUSTOMERS)
        self.assertTrue(run.auto_send)
        self.assertFalse(self.deliveries(run))
        held = self.env["res.partner"].search([("name", "=", "Held")])
        held.billing_hold = True
        self._finish(run)
        self.assertEqual((run.state, self.called), ("completed", ["a@x.example"]))
        bundle = self.deliveries(run, channel="print").bundle_id
        self.assertEqual((bundle.document_count, bundle.name), (1, f"{run.number}/P01"))
        step = run._step("email")
        links = {link["label"]: link["count"] for link in step["links"]}
        self.assertEqual(links, {"to e-mail": 1, "without e-mail address": 1, "sent": 1})
        said = "".join(run.message_ids.mapped("body"))
        self.assertIn("on billing hold 1, without e-mail address 1", said)
        # Asked for by a person it leaves; what has left does not leave again.
        run._send_automatically()
        self.deliver(run)
        self.assertEqual(self.called, ["a@x.example"])
        run.action_email_bills()
        held.billing_hold = False
        run._send_automatically()
        self.deliver(run)
        self.assertEqual(self.called, ["a@x.example", "h@x.example"])
        self.assertEqual(self.deliveries(run, channel="print").bundle_id, bundle)

    def test_nothing_leaves_by_itself_unless_the_cycle_or_the_run_says_so(self):
        run = self.make_documents(*self.CUSTOMERS)
        self._finish(run)
        self.assertEqual((run.state, self.called), ("completed", []))
        self.assertFalse(self.deliveries(run))
        self.cycle.auto_send = True
        with patch.object(self.env.registry["billing.run"], "_send_automatically") as send:
            quiet = self.make_run(self.cycle, auto_send=False)
            quiet._execute()
        send.assert_not_called()

    def test_a_cycle_says_up_to_which_stage_its_runs_go(self):
        wizard = self.env["billing.run.execute"]
        run = self.make_run(self.cycle)
        [button] = run._step("request")["buttons"]
        self.assertEqual(button["args"], [])
        self.cycle.target_stage = "invoicing"
        [button] = run._step("request")["buttons"]
        self.assertEqual(button["args"], ["invoicing"])
        self.assertIn("up to Invoicing and waits there", button["confirm"])
        form = wizard.with_context(default_run_id=run.id)
        self.assertEqual(form.new().target_stage, "invoicing")
        run.action_request(*button["args"])
        self.deliver(run)
        self.assertEqual((run.state, run.stage), ("requested", "invoicing"))
        self.assertEqual(form.new().target_stage, "formatting")
