"""Who may deliver documents, and who sees deliveries."""

from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestDeliveryAccess(DeliveryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_record = cls.make_documents(
            {"name": "A", "email": "a@x.example"},
            {"name": "P", "invoice_sending_method": "print"},
        )
        cls.user = cls.make_user("delivery_user", "billing_operations.group_billing_user")
        cls.outsider = cls.make_user("delivery_outsider", "base.group_partner_manager")

    def rpc(self, user, record, method, *args, **kwargs):
        """Call a method as a client would."""
        return call_kw(record.with_user(user).browse(), method, [record.ids, *args], kwargs)

    def delivered(self):
        run = self.run_record
        self.rpc(self.user, run, "action_email_bills")
        self.rpc(self.user, run, "action_create_bundles")
        self.deliver(run)
        return self.deliveries(run)

    def test_a_user_delivers_but_writes_no_delivery(self):
        deliveries = self.delivered()
        bundle = deliveries.bundle_id
        self.rpc(self.user, bundle, "action_mark_printed")
        self.assertEqual(set(deliveries.mapped("state")), {"sent", "printed"})
        wizard = (
            self.env["billing.delivery.resend"]
            .with_user(self.user)
            .create({"delivery_ids": deliveries.ids, "reason": "Again"})
        )
        self.rpc(self.user, wizard, "action_apply")
        self.assertEqual(len(self.deliveries(self.run_record)), 4)
        for record in (deliveries, bundle):
            for method, args in (("write", [{"state": "printed"}]), ("unlink", [])):
                with self.assertRaises(AccessError):
                    self.rpc(self.user, record, method, *args)
        for method in ("_set_state", "_email_call", "_deliver_again", "_receive_bounce"):
            with self.assertRaises(AccessError):
                self.rpc(self.user, deliveries, method)

    def test_an_outsider_sees_and_does_nothing(self):
        deliveries = self.delivered()
        bundle = deliveries.bundle_id
        for model in (deliveries, bundle):
            with self.assertRaises(AccessError):
                model.with_user(self.outsider).search([])
        for record, method in (
            (self.run_record, "action_email_bills"),
            (self.run_record, "action_create_bundles"),
            (self.run_record, "action_choose_emails"),
            (self.run_record, "action_view_deliveries"),
            (deliveries, "action_resend"),
            (deliveries, "action_mark_sent"),
            (deliveries.bill_id, "action_deliver_again"),
            (deliveries.bill_id, "action_view_deliveries"),
            (deliveries.move_id, "action_view_deliveries"),
            (bundle, "action_mark_printed"),
            (bundle, "action_download"),
        ):
            with self.assertRaises(AccessError, msg=method):
                self.rpc(self.outsider, record, method)
        for model in ("billing.delivery.resend", "billing.delivery.send"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.outsider).create({})

    def test_deliveries_of_another_company_are_out_of_sight(self):
        deliveries = self.delivered()
        bundle = deliveries.bundle_id
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self.make_user(
            "delivery_stranger", "billing_operations.group_billing_user", company=other
        )
        env = self.env(user=stranger, context={"allowed_company_ids": other.ids})
        for record in (deliveries, bundle):
            self.assertFalse(env[record._name].search([]))
        for record, method in (
            (self.run_record, "action_email_bills"),
            (deliveries, "action_mark_sent"),
            (bundle, "action_mark_printed"),
        ):
            with self.assertRaises(AccessError, msg=method):
                call_kw(env[record._name], method, [record.ids], {})
