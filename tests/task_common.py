from odoo.tests import TransactionCase


class BillingTasksCase(TransactionCase):
    """Task types and handlers of the tests' own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tasks = cls.env["billing.task"]
        # Tasks that demo data or other packages left waiting are not these tests' business.
        cls.env.cr.execute(
            "UPDATE billing_task SET state = 'completed', attempt_token = NULL"
            " WHERE state IN ('pending', 'running', 'error')"
        )
        cls.task_type = cls.make_task_type("test_work")

    def setUp(self):
        super().setUp()
        self.handlers = {}
        self.failure_handlers = {}
        case = self
        self.patch(
            self.registry["billing.task"], "_get_task_handlers", lambda task: dict(case.handlers)
        )
        self.patch(
            self.registry["billing.task"],
            "_get_task_failure_handlers",
            lambda task: dict(case.failure_handlers),
        )

    @classmethod
    def make_task_type(cls, code, **values):
        """Return a new task type; its retries are due at once unless `values` say otherwise."""
        return cls.env["billing.task.type"].create(
            {"name": f"Test {code}", "code": code, "retry_delay": 0, "max_retries": 2, **values}
        )

    def log_text(self, task):
        """Return the whole activity log of a task as one text."""
        task.invalidate_recordset(["log_ids"])
        return "\n".join(task.log_ids.mapped("message"))
