"""Who may see and do what with services and charges, also over RPC."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .common import ServiceCase

MODELS = (
    "billing.term.scheme",
    "billing.tariff",
    "billing.tariff.addon",
    "billing.service",
    "billing.service.addon",
    "billing.service.identifier",
    "billing.service.secret",
    "billing.job",
    "billing.job.line",
    "billing.charge",
)
OPERATIONS = ("read", "write", "create", "unlink")


@tagged("post_install", "-at_install")
class TestServicesAccess(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.outsider = cls.make_user("outsider", "account.group_account_invoice")
        cls.user = cls.make_user("user", group % "user")
        cls.manager = cls.make_user("manager", group % "manager")

    def allowed(self, person):
        """{model: operations} that a person has any right to."""
        return {
            name: tuple(
                operation
                for operation in OPERATIONS
                if self.env[name].with_user(person).has_access(operation)
            )
            for name in MODELS
        }

    def test_people_without_billing_rights_see_nothing(self):
        self.assertEqual(self.allowed(self.outsider), dict.fromkeys(MODELS, ()))

    def test_users_keep_services_and_jobs_but_not_prices_secrets_and_the_ledger(self):
        read_only = (
            "billing.term.scheme",
            "billing.tariff",
            "billing.tariff.addon",
            "billing.charge",
        )
        self.assertEqual(
            self.allowed(self.user),
            dict.fromkeys(MODELS, OPERATIONS)
            | dict.fromkeys(read_only, ("read",))
            | {"billing.service.secret": ()},
        )

    def test_managers_keep_everything_but_the_ledger(self):
        self.assertEqual(
            self.allowed(self.manager),
            dict.fromkeys(MODELS, OPERATIONS) | {"billing.charge": ("read",)},
        )

    def test_a_user_takes_a_service_through_its_life(self):
        service = (
            self.env["billing.service"]
            .with_user(self.user)
            .create(
                {
                    "partner_id": self.customer.id,
                    "tariff_id": self.tariff.id,
                    "date_start": "2026-01-01",
                }
            )
        )
        service.action_activate()
        self.carry_out(service.sudo())
        service.sudo()._rate(date(2026, 1, 1))
        self.assertEqual(service.action_change()["res_model"], "billing.service.change.wizard")
        charges = service._change(date(2026, 1, 15), {"quantity": 2})
        self.assertEqual(len(charges), 2)
        service._suspend(date(2026, 2, 1), "client")
        service._resume(date(2026, 2, 5))
        service._terminate(date(2026, 3, 1))
        self.assertEqual(service.state, "terminated")

    def test_the_secrets_of_a_service_are_for_managers(self):
        service = self.active()
        secret = (
            self.env["billing.service.secret"]
            .with_user(self.manager)
            .create({"service_id": service.id, "name": "root", "value": "hunter2"})
        )
        self.assertEqual(service.with_user(self.manager).secret_ids, secret)
        with self.assertRaises(AccessError):
            service.with_user(self.user).secret_ids.mapped("value")
        with self.assertRaises(AccessError):
            secret.with_user(self.user).read(["value"])

    def test_secrets_leave_no_trace_in_the_chatter_or_in_copies(self):
        service = self.active().with_context(tracking_disable=False)
        secret = self.env["billing.service.secret"].create(
            {"service_id": service.id, "name": "root", "value": "hunter2"}
        )
        secret.value = "hunter3"
        self.env.flush_all()
        self.env.cr.precommit.run()
        bodies = " ".join(str(body) for body in service.message_ids.mapped("body"))
        tracked = service.message_ids.tracking_value_ids.mapped("new_value_char")
        self.assertNotIn("hunter", bodies + " ".join(filter(None, tracked)))
        self.assertFalse(service.copy().secret_ids)
        self.assertFalse(secret.copy({"name": "other"}).value)

    def test_the_billing_profile_of_a_customer_is_for_billing_users(self):
        with self.assertRaises(AccessError):
            self.customer.with_user(self.outsider).read(["billing_hold"])
        self.assertFalse(self.customer.with_user(self.user).billing_hold)

    def test_the_billing_profile_is_kept_by_company(self):
        sister = self.make_company("Sister")
        self.customer.write({"billing_hold": True, "billing_low_invoice_minimum": 12.5})
        other = self.customer.with_company(sister)
        self.assertEqual((other.billing_hold, other.billing_low_invoice_minimum), (False, 0.0))


@tagged("post_install", "-at_install")
class TestServicesOverRpc(ServiceCase):
    """Calls as the RPC layer makes them, with its checks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls.make_user("user", "billing_operations.group_billing_user")
        cls.manager = cls.make_user("manager", "billing_operations.group_billing_manager")
        cls.outsider = cls.make_user("outsider", "account.group_account_invoice")

    def call(self, person, record, method, *args, **kwargs):
        model = record.browse().with_user(person)
        return call_kw(model, method, [record.ids, *args], kwargs)

    def test_methods_that_move_money_cannot_be_called(self):
        service = self.active()
        charge = service._rate(date(2026, 1, 1))
        job = self.env["billing.job"].create({"partner_id": self.customer.id})
        for record, method in (
            (service, "_rate"),
            (service, "_preview_charges"),
            (service, "_change"),
            (service, "_activate"),
            (service, "_terminate"),
            (service, "_own"),
            (service, "_due_domain"),
            (charge, "_mark_invoiced"),
            (charge, "_reopen"),
            (charge, "_void"),
            (charge, "_waive"),
            (charge, "_insert_rows"),
            (job, "_rate"),
        ):
            with self.subTest(method=method), self.assertRaises(AccessError):
                self.call(self.manager, record, method, date(2026, 1, 1))

    def test_the_ledger_cannot_be_written(self):
        charge = self.active()._rate(date(2026, 1, 1))
        for method, args in (
            ("write", [{"amount": 0}]),
            ("write", [{"state": "waived", "waive_reason": "x"}]),
            ("unlink", []),
            ("copy", []),
        ):
            with self.subTest(method=method), self.assertRaises(AccessError):
                self.call(self.manager, charge, method, *args)

    def test_a_context_cannot_make_the_terms_of_a_running_service_writable(self):
        service = self.active()
        forged = dict.fromkeys(service._own().env.context.keys() - self.env.context.keys(), True)
        self.assertTrue(forged)
        with self.assertRaisesRegex(UserError, "Use Change"):
            self.call(self.user, service, "write", {"quantity": 9}, context=forged)

    def test_buttons_ask_for_rights_themselves(self):
        service = self.order()
        charge = self.active()._rate(date(2026, 1, 1))
        for method in ("action_activate", "action_cancel", "action_suspend", "action_change"):
            with self.subTest(method=method), self.assertRaises(AccessError):
                self.call(self.outsider, service, method)
        with self.assertRaisesRegex(UserError, "Only billing managers"):
            self.call(self.user, charge, "action_waive")
        self.call(self.user, service, "action_activate")
        self.carry_out(service)
        self.assertEqual(service.state, "active")

    def test_people_see_only_their_companies(self):
        service = self.active()
        charge = service._rate(date(2026, 1, 1))
        sister = self.make_company("Sister")
        stranger = self.make_user("stranger", "billing_operations.group_billing_manager", sister)
        for record in (service, charge, self.tariff, self.scheme, self.addon):
            record = record.with_context(allowed_company_ids=sister.ids)
            with self.subTest(model=record._name):
                self.assertFalse(record.with_user(stranger).search([("id", "=", record.id)]))
                with self.assertRaises(AccessError):
                    self.call(stranger, record, "read", ["display_name"])
        with self.assertRaises(AccessError):
            service = service.with_context(allowed_company_ids=sister.ids)
            self.call(stranger, service, "action_suspend")
