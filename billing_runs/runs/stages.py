"""The stages of a billing run as objects: each knows all that the run needs to know about it.

Plain Python, without the ORM: a stage keeps nothing, it is asked about a run. Which stages a run
has says ``billing.run._stage_registry``; another stage is a class like those below and an entry
there.
"""

from datetime import timedelta

from odoo import fields
from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)


class Stage:
    """One stage: bills in state ``before`` are taken to state ``after``, batch by batch.

    Subclasses set the attributes, and override a method where a stage differs.
    """

    #: value of ``billing.run.stage``
    name = ""
    #: what people read, translatable
    label = ""
    #: code of the task type that carries a batch of it
    task_type = ""
    #: name of the batch method of ``billing.bill`` that does the work
    method = ""
    #: states of a bill in front of the stage and after it
    before = ""
    after = ""
    #: customers a task, as a share of the company's batch size
    batch = 1.0
    #: whether its tasks number documents, which one of them does at a time while the others prepare
    #: theirs
    takes_turns = False
    #: whether bills have documents after it
    has_documents = True
    #: whether the documents have their PDFs after it
    makes_pdfs = False
    #: whether the run's limits are checked when it has ended
    checks_limits = False
    #: whether what was billed stands from its end on: then come the steps after billing and the
    #: post-billing report, and a run that waits can be closed
    ends_posting = False
    #: whether it takes bills from state to state; else it works on customers by sets, and bills
    #: are made for exceptions only
    by_bills = True

    def is_in(self, run):
        """Return whether a run has the stage."""
        return True

    def perform(self, bills):
        """Do the stage for bills that are in its state ``before``."""
        getattr(bills, self.method)()

    def has_work(self, run):
        """Return whether anything waits for the stage."""
        return run._has_bills(self.before)

    def has_batches(self, run):
        """Return whether there are tasks for it; else what the stage is for was done before."""
        return self.has_work(run)

    def batches(self, run):
        """Return the parameters of the stage's tasks, each with a key of its own."""
        return [(ids[0], {"bill_ids": ids}) for ids in run._batches(self)]

    def wait(self, run, number):
        """Return the moment (UTC) before which batch ``number``, counted from 0, is not done; None
        for at once."""
        return None

    def handler(self, runs):
        """Return the handler of its tasks.

        :param runs: ``billing.run`` of the environment that tasks run in
        """
        return runs._task_stage

    def exclusive_key(self, run):
        """Return the key whose tasks run one at a time, None where they may run side by side."""
        return None

    @property
    def produced(self):
        """The states of bills that the stage counts as its own when it ends."""
        return (self.after,)

    def totals(self, run):
        """Count what the stage has produced in the run so far.

        :return: dict with ``entities`` (bills), ``documents`` and ``amounts`` (decimal text by
            currency code)
        """
        rows = self.amounts(run)
        return {
            "entities": run.env["billing.bill"].search_count(
                [("run_id", "=", run.id), ("state", "in", self.produced)]
            ),
            "documents": sum(count for _currency, count, _amount in rows),
            "amounts": {
                currency.name: f"{amount:.{currency.decimal_places}f}"
                for currency, _count, amount in rows
            },
        }

    def amounts(self, run):
        """Return ``[(currency, number, amount)]`` of what the stage has produced: documents, or
        charges while there are none."""
        if self.has_documents:
            return run.env["account.move"]._read_group(
                [
                    ("billing_bill_id.run_id", "=", run.id),
                    ("billing_bill_id.state", "in", self.produced),
                ],
                ["currency_id"],
                ["__count", "amount_untaxed_in_currency_signed:sum"],
            )
        return run.env["billing.charge"]._read_group(
            [("bill_id.run_id", "=", run.id), ("bill_id.state", "in", self.produced)],
            ["currency_id"],
            ["__count", "amount:sum"],
        )

    def view(self, run):
        """Return the action that opens what :meth:`totals` counts."""
        return run.action_view_invoices() if self.has_documents else run.action_view_charges()


class Rating(Stage):
    """What is due becomes charges; before anything else happens the limits are checked."""

    name = "rating"
    label = _lt("Rating")
    task_type = "run_rate"
    method = "_rate"
    before, after = "pending", "rated"
    has_documents = False
    checks_limits = True


class Invoicing(Stage):
    """Charges become draft invoices; in a run that goes on, posted ones where the writer may."""

    name = "invoicing"
    label = _lt("Invoicing")
    task_type = "run_invoice"
    method = "_invoice"
    before, after = "rated", "invoiced"
    takes_turns = True

    @property
    def produced(self):
        return (self.after, "posted")


class Posting(Stage):
    """Draft invoices get their numbers."""

    name = "posting"
    label = _lt("Posting")
    task_type = "run_post"
    method = "_post"
    before, after = "invoiced", "posted"
    ends_posting = True

    def has_work(self, run):
        return self.has_batches(run) or run._was_posted_at_once()

    def has_batches(self, run):
        return run._has_bills(self.before)

    def exclusive_key(self, run):
        # Numbers are given out one transaction at a time in a journal: the queue waits for it
        # better than the database does.
        return f"journal:{run.cycle_id.journal_id.id}"


class Formatting(Stage):
    """Posted documents get their PDFs."""

    name = "formatting"
    label = _lt("Formatting")
    task_type = "run_format"
    method = "_format"
    before, after = "posted", "done"
    makes_pdfs = True
    # Rendering takes most of a bill's time: smaller batches move the progress.
    batch = 0.04

    def handler(self, runs):
        return runs._format_handler()


class WalletStage(Stage):
    """A stage of prepaid runs: done for customers by sets, a range of them a task.

    ``method`` is a method of ``billing.run`` that takes the first and the last customer of the
    range, and returns what came of it: numbers that are added up for the stage's result.
    """

    by_bills = False
    has_documents = False
    before = "pending"
    #: customers a task; what is done by sets takes thousands at once
    customers = 5000

    def has_work(self, run):
        return bool(self.batches(run))

    def batches(self, run):
        return [
            (first, {"first": first, "last": last})
            for first, last in run._customer_ranges(self.customers)
        ]

    def totals(self, run):
        return run._sum_results(self)

    def view(self, run):
        return run.action_view_wallet_transactions()


class WalletRating(WalletStage):
    """Services that are due are rated, day by day."""

    def is_in(self, run):
        return not run.only_switches

    name = "rating"
    label = _lt("Rating")
    task_type = "run_rate"
    method = "_rate_prepaid"
    after = "rated"


class Debit(WalletStage):
    """What was rated is debited from the customers' wallets."""

    name = "debit"
    label = _lt("Debit")
    task_type = "run_debit"
    method = "_debit_wallets"
    after = "done"

    def is_in(self, run):
        return not run.only_switches

    def totals(self, run):
        return run._debit_totals()


class Estimation(WalletStage):
    """How long the wallets will last."""

    name = "estimation"
    label = _lt("Estimation")
    task_type = "run_estimate"
    method = "_estimate_wallets"
    after = "done"

    def is_in(self, run):
        return run.enable_estimation


class Stop(WalletStage):
    """Services whose wallets do not pay are to be suspended. One task, or a task a group of the
    customers that it concerns, one after the other with a pause between them: who pays before his
    group's turn is not stopped."""

    name = "stop"
    label = _lt("Stop Services")
    task_type = "run_stop"
    method = "_stop_services"
    after = "done"
    customers = 10**9
    #: name of the method of ``billing.run`` that finds the services
    finds = "_services_to_stop"

    def is_in(self, run):
        return run.enable_stop

    def batches(self, run):
        if size := run.cycle_id.switch_group_size:
            ranges = run._groups_of(getattr(run, self.finds)(), size)
            if ranges:
                return [(first, {"first": first, "last": last}) for first, last in ranges]
        return super().batches(run)

    def wait(self, run, number):
        minutes = run.cycle_id.switch_group_minutes * number
        return fields.Datetime.now() + timedelta(minutes=minutes) if minutes else None

    def exclusive_key(self, run):
        # The most that a run stops counts for all groups together.
        return f"run:{run.id}:{self.name}"


class Start(Stop):
    """Services that were stopped and whose wallets pay again are to be resumed."""

    name = "start"
    label = _lt("Start Services")
    task_type = "run_start"
    method = "_start_services"
    finds = "_services_to_start"

    def is_in(self, run):
        return run.enable_start


PREPAID_STAGES = (WalletRating(), Debit(), Estimation(), Stop(), Start())
POSTPAID_STAGES = (Rating(), Invoicing(), Posting(), Formatting())


class Stages(tuple):
    """The stages of one run, in order, and what follows from their order."""

    __slots__ = ()

    def place(self, name):
        """Return the place of the stage of a name, -1 for none."""
        return next((place for place, stage in enumerate(self) if stage.name == name), -1)

    def of_task_type(self, code):
        """Return the stage that tasks of a type carry, or None."""
        return next((stage for stage in self if stage.task_type == code), None)

    @property
    def last(self):
        return self[-1]

    @property
    def by_bills(self):
        """Whether the run makes a bill of each customer; else of exceptions only."""
        return all(stage.by_bills for stage in self)

    @property
    def posted_place(self):
        """The place of the stage that ends posting; of the last one in a run that has none."""
        places = [place for place, stage in enumerate(self) if stage.ends_posting]
        return places[0] if places else len(self) - 1

    @property
    def pdf_place(self):
        """The place of the stage that makes the PDFs, -1 in a run without one."""
        return next((place for place, stage in enumerate(self) if stage.makes_pdfs), -1)

    @property
    def start_state(self):
        """The state of bills that have no stage behind them."""
        return self[0].before

    @property
    def live_states(self):
        """The states of bills that hold charges."""
        return tuple(stage.after for stage in self)

    @property
    def document_states(self):
        """The states of bills that have documents."""
        return tuple(stage.after for stage in self if stage.has_documents)

    @property
    def posted_states(self):
        """The states of bills whose billing stands."""
        return tuple(stage.after for stage in self[self.posted_place :])

    @property
    def pdf_states(self):
        """The states of bills whose documents have their PDFs."""
        return tuple(s.after for s in self[self.pdf_place :]) if self.pdf_place >= 0 else ()

    def finished(self, state):
        """Return how many stages a bill in a state has behind it: all of them where it has left
        the way, skipped, in error or undone."""
        if state == self.start_state:
            return 0
        places = [place for place, stage in enumerate(self, 1) if stage.after == state]
        return places[0] if places else len(self)
