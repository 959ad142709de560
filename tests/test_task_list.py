"""How the list of background tasks begins: what needs somebody, without the machine's steps."""

from odoo.tests import tagged
from odoo.tools import SQL
from odoo.tools.safe_eval import safe_eval

from .common import BillingCase
from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestTaskList(BillingTasksCase):
    def view_order(self):
        arch = self.env["billing.task"].get_view(
            self.env.ref("billing_operations.view_billing_task_list").id, "list"
        )["arch"]
        return arch.split('default_order="')[1].split('"')[0]

    def test_failures_and_errors_stand_first_then_what_runs_and_waits(self):
        self.env.cr.execute("DELETE FROM billing_task")
        self.tasks.invalidate_model()
        states = ("completed", "pending", "skipped", "failed", "running", "error", "failed")
        for state in states:
            task = self.tasks.enqueue("test_work")
            running = state == "running"
            task.write({"state": state, "attempt_token": "t" if running else False})
        found = self.tasks.search([], order=self.view_order())
        self.assertEqual(
            found.mapped("state"),
            ["failed", "failed", "error", "running", "pending", "skipped", "completed"],
        )
        self.assertGreater(found[0].id, found[1].id)

    def test_an_index_gives_that_order(self):
        self.env.cr.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        query = self.tasks._search([], order=self.view_order(), limit=80)
        plan = "\n".join(
            row[0] for row in self.env.execute_query(SQL("EXPLAIN %s", query.select()))
        )
        self.assertIn("billing_task_urgency_idx", plan)

    def test_steps_of_the_machine_are_shown_by_a_filter_only(self):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_task"
        )
        self.assertEqual(safe_eval(action["context"])["search_default_work"], 1)
        advance = self.env.ref("billing_operations.task_type_run_advance")
        self.assertTrue(advance.is_machine)
        step = self.tasks.enqueue("run_advance")
        work = self.tasks.enqueue("test_work")
        arch = self.env["billing.task"].get_view(view_type="search")["arch"]
        for name, shown, hidden in (("work", work, step), ("machine", step, work)):
            domain = arch.split(f'name="{name}"')[1].split('domain="')[1].split('"')[0]
            found = self.tasks.search(safe_eval(domain))
            self.assertIn(shown, found, name)
            self.assertNotIn(hidden, found, name)


@tagged("post_install", "-at_install")
class TestStepsOfTheMachine(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_batch_size = 1
        scheme = cls.make_scheme()
        tariff = cls.make_tariff(scheme, 10.0)
        for index in range(5):
            cls.make_service(cls.make_customer(f"Customer {index}"), tariff)
        cls.run_ = cls.make_run(cls.make_cycle(scheme))

    def of_run(self, code):
        return self.env["billing.task"].search(
            [
                ("res_model", "=", "billing.run"),
                ("res_id", "=", self.run_.id),
                ("type_id.code", "=", code),
            ]
        )

    def test_a_run_is_moved_once_a_stage_and_not_once_a_batch(self):
        self.run_._execute("posting")
        self.assertEqual((self.run_.stage, self.run_.invoice_count), ("posting", 5))
        self.assertEqual(len(self.of_run("run_invoice")), 5)
        # One begins the first stage, each stage's last batch asks for one; invoicing posted, too.
        self.assertEqual(len(self.of_run("run_advance")), 3)
        self.assertFalse(self.of_run("run_post"))

    def test_tasks_are_grouped_by_run_while_a_run_is_at_work(self):
        manager = self.make_user("list_manager", "billing_operations.group_billing_manager")
        watcher = self.make_user("list_watcher", "billing_operations.group_billing_tasks")
        action = self.env.ref("billing_operations.action_billing_task_list")

        def grouped(user):
            context = action.with_user(user).run()["context"]
            self.assertEqual(context["search_default_work"], 1)
            return "search_default_group_run" in context

        self.assertFalse(grouped(manager))
        self.run_._request("rating")
        self.assertEqual(self.of_run("run_advance").run_id, self.run_)
        self.assertTrue(grouped(manager))
        self.assertFalse(grouped(watcher))
        self.env["billing.task"]._run_inline(domain=[("run_id", "=", self.run_.id)])
        self.assertTrue(self.run_._waits())
        self.assertFalse(grouped(manager))
        [(run, count)] = self.env["billing.task"]._read_group(
            [("run_id", "=", self.run_.id), ("type_id.is_machine", "=", False)],
            ["run_id"],
            ["__count"],
        )
        self.assertEqual((run, count), (self.run_, 5))

    def test_the_last_batch_to_commit_asks_whichever_it_is(self):
        self.run_._request("rating")
        tasks = self.env["billing.task"]
        tasks._run_inline(limit=1, domain=[("id", "in", self.of_run("run_advance").ids)])
        batches = self.of_run("run_rate")
        self.assertEqual(len(batches), 5)
        first, last = batches[0], batches[4]
        batches[1:4].write({"state": "completed"})
        batches[0::4].write({"state": "running", "attempt_token": "t"})

        def asked():
            return self.of_run("run_advance").filtered(lambda task: task.state == "pending")

        # Two are left: the one that is committed first sees the other at work.
        first.write({"state": "completed", "attempt_token": False})
        self.run_._enqueue_advance_after_last("run_rate", first.id)
        self.assertFalse(asked())
        last.write({"state": "completed", "attempt_token": False})
        self.run_._enqueue_advance_after_last("run_rate", last.id)
        self.assertEqual(len(asked()), 1)
        # Committed at the same moment both see the other's end, and both ask: for one task.
        self.run_._enqueue_advance_after_last("run_rate", first.id)
        self.assertEqual(len(asked()), 1)

    def test_when_the_last_batch_fails_the_scheduled_action_moves_the_run(self):
        self.run_._request("rating")
        tasks = self.env["billing.task"]
        tasks._run_inline(limit=1, domain=[("id", "in", self.of_run("run_advance").ids)])
        batches = self.of_run("run_rate")
        batches.write({"state": "running", "attempt_token": "t"})
        batches.write({"state": "failed", "attempt_token": False})
        self.assertFalse(self.of_run("run_advance").filtered(lambda task: task.state == "pending"))
        self.env["billing.run"]._cron_wake_runs()
        tasks._run_inline(domain=[("id", "in", self.of_run("run_advance").ids)])
        self.assertEqual(self.run_.error_count, 5)
