"""Who may do what with cycles, runs and bills, also over RPC."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .common import BillingCase

MODELS = ("billing.cycle", "billing.run", "billing.run.result", "billing.bill", "billing.criterion")


@tagged("post_install", "-at_install")
class TestRunAccess(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customer = cls.make_customer()
        cls.make_service(cls.customer, cls.make_tariff(cls.scheme))
        cls.run_record = cls.make_run(cls.cycle)
        cls.user = cls.make_user("run_user", "billing_operations.group_billing_user")
        cls.manager = cls.make_user("run_manager", "billing_operations.group_billing_manager")
        cls.outsider = cls.make_user("run_outsider", "base.group_partner_manager")

    def rpc(self, user, record, method, *args, **kwargs):
        """Call a method as a client would; ``context`` is the client's."""
        return call_kw(record.with_user(user).browse(), method, [record.ids, *args], kwargs)

    def test_an_outsider_sees_nothing_of_billing(self):
        for model in MODELS:
            with self.assertRaises(AccessError, msg=model):
                self.env[model].with_user(self.outsider).search([])

    def test_a_user_prepares_and_requests_runs(self):
        run = self.cycle.with_user(self.user)._create_run(date(2026, 2, 1))
        run.invoice_date = date(2026, 2, 2)
        self.confirm_steps(run.sudo(), self.user)
        self.rpc(self.user, run, "action_request", target_stage="posting")
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual(run.stage, "posting")
        self.assertEqual(run.with_user(self.user).bill_count, 1)

    def test_an_outsider_cannot_request_bills_over_rpc(self):
        for method in ("action_request", "action_run_again", "action_continue", "action_cancel"):
            with self.assertRaises(AccessError, msg=method):
                self.rpc(self.outsider, self.run_record, method)

    def test_nobody_writes_bills_or_results_by_hand(self):
        self.run_record._execute("rating")
        bill = self.bill_of(self.run_record, self.customer)
        result = self.run_record.result_ids
        for user in (self.user, self.manager):
            for record, values in ((bill, {"state": "done"}), (result, {"documents": 9})):
                with self.assertRaises(AccessError):
                    self.rpc(user, record, "write", values)
                with self.assertRaises(AccessError):
                    self.rpc(user, record, "unlink")

    def test_cycles_are_read_by_users_and_kept_by_managers(self):
        with self.assertRaises(AccessError):
            self.rpc(self.user, self.cycle, "write", {"name": "Mine"})
        with self.assertRaises(AccessError):
            self.rpc(self.user, self.cycle, "action_archive_cycle")
        self.rpc(self.manager, self.cycle, "action_archive_cycle")
        self.assertEqual(self.cycle.state, "archived")

    def test_what_the_run_itself_keeps_cannot_be_forged_over_rpc(self):
        run = self.run_record
        forged = {
            "state": "completed",
            "stage": "posting",
            "target_stage": "rating",
            "scheduled_date": "2026-01-01 00:00:00",
            "started_date": "2026-01-01 00:00:00",
            "ended_date": "2026-01-01 00:00:00",
            "ready_by_id": self.user.id,
            "approved_by_id": self.user.id,
            "limits_passed": True,
            "stop_reason": "None",
            "cycle_date": "2026-01-01",
        }
        for name, value in forged.items():
            with self.assertRaises(UserError, msg=name):
                self.rpc(self.manager, run, "write", {name: value})
            with self.assertRaises(UserError, msg=name):
                call_kw(
                    run.with_user(self.manager).browse(),
                    "create",
                    [{"cycle_id": self.cycle.id, name: value}],
                    {},
                )
        self.assertEqual((run.state, run.stage), ("pending", False))

    def test_bills_with_unconfirmed_steps_are_not_requested_by_any_way_round(self):
        run, user = self.run_record, self.user
        later = "2030-01-01 00:00:00"
        with self.assertRaisesRegex(UserError, "is not ready"):
            self.rpc(user, run, "action_request", scheduled_date=later)
        for values in ({"execute_now": True}, {"execute_now": False, "scheduled_date": later}):
            wizard = (
                self.env["billing.run.execute"]
                .with_user(user)
                .with_context(default_run_id=run.id)
                .create({"target_stage": "rating", **values})
            )
            with self.assertRaisesRegex(UserError, "is not ready"):
                self.rpc(user, wizard, "action_execute")
        with self.assertRaisesRegex(UserError, "does not wait"):
            self.rpc(user, run, "action_continue", target_stage="posting")
        with self.assertRaisesRegex(UserError, "no bills to run again"):
            self.rpc(user, run, "action_run_again")
        with self.assertRaises(AccessError):
            self.rpc(user, run, "action_request_expert")
        with self.assertRaises(AccessError):
            self.rpc(
                user,
                run,
                "write",
                {"step_ids": [(0, 0, {"code": "payments", "fingerprint": "x"})]},
            )
        with self.assertRaises(AccessError):
            call_kw(
                self.env["billing.task"].with_user(user),
                "create",
                [{"res_model": run._name, "res_id": run.id}],
                {},
            )
        self.env["billing.run"]._cron_wake_runs()
        self.env["billing.cycle"]._cron_create_due_runs()
        self.env["billing.task"]._run_inline()
        self.assertEqual((run.state, run.stage), ("pending", False))
        self.assertFalse(self.env["billing.bill"].search([("run_id", "=", run.id)]))

    def test_the_methods_behind_the_buttons_are_closed_to_rpc(self):
        for method in ("_advance", "_execute", "_set_state", "_identify"):
            with self.assertRaises(AccessError):
                self.rpc(self.manager, self.run_record, method)

    def test_runs_of_another_company_are_out_of_sight(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self.make_user(
            "run_stranger", "billing_operations.group_billing_manager", company=other
        )
        env = self.env(user=stranger, context={"allowed_company_ids": other.ids})
        for model in ("billing.cycle", "billing.run"):
            self.assertFalse(env[model].search([]))
        with self.assertRaises(AccessError):
            call_kw(env["billing.run"], "action_request", [self.run_record.ids], {})

    def test_a_run_cannot_take_anything_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        scheme = self.scheme.copy({"company_id": other.id, "name": "Theirs"})
        with self.assertRaises(UserError):
            self.run_record.term_scheme_ids += scheme
