"""Who may see, upload and process call records, and keep carriers and formats."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .cdr_common import HEAD, CdrCase, call_line

MODELS = ("cdr.carrier", "cdr.format", "cdr.file", "cdr.file.line", "cdr.record", "cdr.open.day")


@tagged("post_install", "-at_install")
class TestCdrAccess(CdrCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_"
        cls.user = cls.make_user("calls_user", f"{group}user")
        cls.manager = cls.make_user("calls_manager", f"{group}manager")
        cls.chief = cls.make_user("calls_chief", f"{group}administrator")
        cls.staff = cls.make_user("calls_staff", None)

    def setUp(self):
        super().setUp()
        self.file = self.receive(HEAD + call_line(1) + "x\n")

    def test_billing_users_see_and_others_do_not(self):
        for name in MODELS:
            model = self.env[name]
            self.assertTrue(model.with_user(self.user).search([]), name)
            with self.assertRaises(AccessError):
                model.with_user(self.staff).search([])
            self.assertFalse(model.with_user(self.user).has_access("write"), name)

    def test_managers_process_and_administrators_keep_carriers(self):
        with self.assertRaises(AccessError):
            self.file.with_user(self.user).action_process()
        self.file.with_user(self.manager).action_process()
        self.work()
        self.assertEqual(self.file.state, "processed")
        with self.assertRaises(AccessError):
            self.carrier.with_user(self.manager).write({"expected_files": 2})
        self.carrier.with_user(self.chief).write({"expected_files": 2})
        with self.assertRaises(AccessError):
            self.carrier.format_id.with_user(self.manager).write({"delimiter": ";"})

    def test_states_and_counts_are_not_set_by_hand(self):
        for values in ({"state": "ignored"}, {"record_count": 5}, {"is_released": True}):
            with self.assertRaises(UserError):
                self.file.with_user(self.manager).write(values)
        with self.assertRaises(AccessError):
            self.file.with_user(self.chief).unlink()
        with self.assertRaises(UserError):
            self.records_of(self.file).unlink()

    def test_companies_do_not_see_each_others_calls(self):
        other = self.make_company("Other")
        stranger = self.make_user(
            "calls_other", "billing_operations.group_billing_administrator", company=other
        )
        env = self.env(user=stranger, context={"allowed_company_ids": other.ids})
        for name in ("cdr.carrier", "cdr.file", "cdr.file.line", "cdr.record"):
            self.assertFalse(env[name].search([]), name)
        self.assertTrue(env["cdr.format"].search([]))
        with self.assertRaises(AccessError):
            self.file.with_env(env).read(["name"])

    def test_a_carrier_with_files_is_archived_and_not_deleted_or_moved(self):
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            self.carrier.unlink()
        with self.assertRaises(UserError):
            self.carrier.company_id = self.make_company("Another")
