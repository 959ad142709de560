"""A run is rehearsed: what would come of it is said, nothing of it stays."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRehearsal(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = cls.make_user("rehearser", "billing_operations.group_billing_user")
        cls.scheme = cls.make_scheme()
        tariff = cls.make_tariff(cls.scheme, 10.0)
        for index in range(3):
            cls.make_service(cls.make_customer(f"Customer {index}"), tariff)
        cls.retired = cls.make_product("Retired")
        old = cls.make_tariff(cls.scheme, product_id=cls.retired.id)
        cls.make_service(cls.make_customer("Ms Behind"), old)
        cls.retired.active = False
        cls.run_ = cls.make_run(cls.make_cycle(cls.scheme))

    def rehearse(self, user, stage="posting"):
        """Choose the rehearsal in the dialog and let the queue work."""
        dialog = self.env["billing.run.execute"].with_user(user)
        form = Form(dialog.with_context(default_run_id=self.run_.id))
        form.target_stage = stage
        form.test_mode = True
        form.save().action_execute()
        tasks = self.env["billing.task"].search(
            [("res_model", "=", "billing.run"), ("res_id", "=", self.run_.id)]
        )
        tasks._run_inline(domain=[("id", "in", tasks.ids)])
        return tasks

    def test_a_rehearsal_says_what_would_come_of_the_run_and_keeps_nothing(self):
        moves = self.env["account.move"].search_count([])
        charges = self.env["billing.charge"].search_count([])
        task = self.rehearse(self.accountant)
        self.assertTrue(task.test_mode)
        self.assertEqual(task.state, "completed", task.error_message)
        self.assertEqual(task.result["bills"], {"posted": 3, "error": 1})
        self.assertEqual(task.result["amounts"], {"USD": "30.00"})
        self.assertEqual((self.run_.state, self.run_.bill_count), ("pending", 0))
        self.assertEqual(self.env["account.move"].search_count([]), moves)
        self.assertEqual(self.env["billing.charge"].search_count([]), charges)
        body = self.run_.message_ids[0].body
        self.assertIn("4 bills (", body)
        self.assertIn("Posted: 3", body)
        self.assertIn("USD 30.00", body)
        # Its documents had other numbers than those by which shapes are proven.
        self.run_._execute("posting")
        self.assertEqual(self.run_.invoice_count, 3)
        documents = self.env["account.move"].search(
            [("billing_bill_id.run_id", "=", self.run_.id)], order="id"
        )
        self.assertEqual([bool(move.billing_shape) for move in documents], [False, True, True])
        self.assertFalse(self.run_.writer_note)

    def test_a_rehearsal_that_fails_says_so_in_the_runs_history(self):
        self.patch(self.registry["billing.run"], "_identify", lambda run: 1 / 0)
        self.env.ref("billing_operations.task_type_run_rehearse").write(
            {"retry_delay": 0, "max_retries": 0}
        )
        task = self.rehearse(self.accountant)
        self.assertEqual(task.state, "failed")
        self.assertIn("The rehearsal failed: ZeroDivisionError", self.run_.message_ids[0].body)

    def test_only_runs_whose_bills_are_not_requested_are_rehearsed_by_billing_users(self):
        with self.assertRaises(AccessError):
            self.run_.with_user(self.make_user("nobody", None)).action_rehearse()
        self.run_._request("posting")
        with self.assertRaisesRegex(UserError, "requested already"):
            self.run_.with_user(self.accountant).action_rehearse()
