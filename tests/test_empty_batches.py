"""An empty set is an ordinary input: of every method that works on many records at once, of every
stage of a run, and of its reports."""

import inspect
from datetime import date

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import BillingCase
from .report_common import ReportCase

MODELS = (
    "billing.bill",
    "billing.charge",
    "billing.delivery",
    "billing.error",
    "billing.invoice.builder",
    "billing.job",
    "billing.print.bundle",
    "billing.service",
    "billing.service.addon",
    "billing.task",
    "billing.wallet",
    "billing.wallet.transaction",
    "cdr.fixed.fee",
    "service.operation",
    "service.task",
)
# Parts of methods that are called for one record without saying so.
FOR_ONE = {
    "billing.delivery._log_sent",
    "billing.service._get_changed_terms",
    "billing.task._attempt_inline",
    "billing.task._handler",
    "service.operation._addon_quantities",
    "service.operation._changed_to",
    "service.operation._first_charges",
    "service.operation._kept_parameters",
    "service.operation._plain_wish",
    "service.task._describe_asker",
    "service.task._describe_closing",
    "service.task._describe_service",
    "service.task._describe_work",
}
DAY = date(2026, 1, 31)
# Among them at least these.
CALLED = (
    *("_rate", "_invoice", "_post", "_format", "_isolate", "_preview", "_undo"),
    *("_rate_batch", "_invoice_batch", "_post_batch", "_format_batch", "_undo_batch"),
    *("_take_charges", "_apply_low_invoice_rule", "_invoicing_problems"),
    *("_prepare_documents", "_create_invoices", "_post_invoices", "_void"),
)


@tagged("post_install", "-at_install")
class TestEmptySets(BillingCase):
    def arguments(self):
        """What methods of many records are given beside them."""
        bills = self.env["billing.bill"]
        return {
            "amounts": {},
            "addressees": {},
            "code": "task_failed",
            "cutoff": DAY,
            "cutoff_date": DAY,
            "date": DAY,
            "day": DAY,
            "documents": {},
            "effective": DAY,
            "error_code": "rating_failed",
            "line_ids": {},
            "message": "Message",
            "method": lambda bills: bills.ensure_one(),
            "moves": self.env["account.move"],
            "position": self.env["account.fiscal.position"],
            "prices": bills._document_prices(),
            "problems": {},
            "rated": {},
            "reason": "Reason",
            "rows": [],
            "specs": [],
            "today": DAY,
            "undo": self.env["billing.run.undo"],
            "values": {},
            "wanted": {},
            "zero": self.env["billing.charge"],
        }

    def batch_methods(self, model):
        """Yield (name, arguments) of the methods that the addon gives a model and that take any
        number of records."""
        known, seen = self.arguments(), set()
        for cls in type(model).mro():
            if getattr(cls, "_module", None) != "billing_operations":
                continue
            for name, method in vars(cls).items():
                if name in seen or not inspect.isfunction(method):
                    continue
                seen.add(name)
                wanted = [
                    parameter.name
                    for parameter in list(inspect.signature(method).parameters.values())[1:]
                    if parameter.default is parameter.empty
                    and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                ]
                if (
                    name.startswith("__")
                    or f"{model._name}.{name}" in FOR_ONE
                    or getattr(method, "_api_model", False)
                    or "self.ensure_one()" in inspect.getsource(method)
                    or not known.keys() >= set(wanted)
                ):
                    continue
                yield name, [known[argument] for argument in wanted]

    def test_every_method_for_many_records_takes_none(self):
        called = set()
        for model_name in MODELS:
            model = self.env[model_name].browse()
            for name, arguments in self.batch_methods(model):
                called.add(name)
                with self.subTest(f"{model_name}.{name}"), self.env.cr.savepoint():
                    try:
                        getattr(model, name)(*arguments)
                    except UserError:
                        pass  # says in plain words that there is nothing to do it with
        self.assertFalse(set(CALLED) - called)

    def test_every_charge_source_has_nothing_for_no_bills(self):
        run, bills = self.env["billing.run"], self.env["billing.bill"]
        for source in run._charge_sources():
            records = source.of_bills(bills)
            self.assertFalse(records)
            self.assertFalse(source.problems(records))
            source.rate_bills(bills)


@tagged("post_install", "-at_install")
class TestEmptyStages(ReportCase):
    def setUp(self):
        super().setUp()
        self.customers = [self.make_customer(f"Customer {number}") for number in range(3)]
        for customer in self.customers:
            self.make_service(customer, self.tariff)

    def hold(self, *customers):
        for customer in customers:
            customer.billing_hold = True

    def states(self, run):
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)], order="partner_id")
        return [(bill.state, bill.skip_reason) for bill in bills]

    def queued(self, run):
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", "billing.run"), ("res_id", "=", run.id)]
        )
        run.invalidate_recordset()

    def test_a_run_whose_customers_are_all_on_hold_ends_with_everybody_skipped(self):
        self.hold(*self.customers)
        run = self.make_run(self.cycle)
        run.action_request(target_stage="posting")
        self.queued(run)
        self.assertEqual(self.states(run), [("skipped", "on_hold")] * 3)
        self.assertEqual((run.state, run.stage), ("requested", "posting"))
        self.assertFalse(run._tie_out())

    def test_the_batch_of_one_whose_customer_is_on_hold_does_not_stop_the_others(self):
        self.company.billing_batch_size = 1
        self.hold(self.customers[1])
        run = self.make_run(self.cycle)
        run.action_request(target_stage="posting")
        self.queued(run)
        self.assertEqual(
            self.states(run), [("posted", False), ("skipped", "on_hold"), ("posted", False)]
        )

    def test_a_canary_of_customers_on_hold_lets_the_others_go(self):
        self.hold(*self.customers[:2])
        run = self.make_run(self.cycle, canary_count=2)
        run.action_request(target_stage="posting")
        self.queued(run)
        self.assertEqual(self.states(run), [("skipped", "on_hold")] * 2 + [("posted", False)])

    def test_the_report_of_customers_on_hold_is_made_and_says_so(self):
        for held in (self.customers[:1], self.customers):
            self.hold(*held)
            run = self.make_run(self.cycle)
            report = run._make_report("pre")
            self.assertEqual(report.state, "done")
            said = self.reasons(report)
            self.assertEqual({partner for partner, _currency in said}, set(held))
            self.assertEqual({reason for reason, _text in said.values()}, {"on_hold"})

    def test_the_report_and_the_run_of_nobody(self):
        for customer in self.customers:
            self.env["billing.service"].search([("partner_id", "=", customer.id)])._terminate(
                date(2026, 1, 1)
            )
        run = self.make_run(self.cycle, date(2026, 2, 1))
        report = run._make_report("pre")
        self.assertEqual((report.state, self.reported(report)), ("done", {}))
        run._preview_customers(report, [])
        run._execute("posting")
        self.assertEqual((self.states(run), run._tie_out()), ([], []))
        self.assertEqual(run._report("post").state, "done")

    def test_every_stage_leaves_bills_of_another_state_alone(self):
        run = self.make_run(self.cycle)
        run._execute("posting")
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        moves = bills.move_ids
        for stage in run._stages():
            todo = bills._lock_in_state("pending" if stage.before == "posted" else stage.before)
            self.assertFalse(todo)
            getattr(todo, stage.method)()
        self.assertEqual(self.states(run), [("posted", False)] * 3)
        self.assertEqual(bills.move_ids, moves)

    def test_a_bill_in_error_alone_in_its_batch_stays_alone(self):
        product = self.make_product("Old")
        self.make_service(
            self.customers[0], self.make_tariff(self.scheme, 5.0, product_id=product.id)
        )
        product.active = False
        self.company.billing_batch_size = 1
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        self.assertEqual(report.state, "done")
        run.action_request(target_stage="posting")
        self.queued(run)
        self.assertEqual(self.states(run), [("error", False), ("posted", False), ("posted", False)])

    def test_undoing_what_is_not_there_does_nothing(self):
        self.hold(*self.customers)
        run = self.make_run(self.cycle)
        run._execute("posting")
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Test"})
        bills.filtered(lambda bill: bill.state == "posted")._undo(undo)
        self.assertEqual(self.states(run), [("skipped", "on_hold")] * 3)
