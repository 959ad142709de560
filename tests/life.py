"""A life of services and documents, played on the product and on the naive ledger alike."""

from collections import Counter
from datetime import date, timedelta
from typing import NamedTuple
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .naive_documents import Ledger
from .naive_ledger import DONE, EITHER, REFUSED, UNCLEAR, Plan

DAY0 = date(2026, 1, 10)
# Every day costs whole cents, so that parts add up exactly; a month's days do not.
TERMS = [
    ("advance", 10, "day"),
    ("arrears", 10, "day"),
    ("advance", 30, "day"),
    ("arrears", 30, "day"),
    ("advance", 1, "month"),
]
CUSTOMERS = 3
LAST_DAY = 80


def plans(timing, number, unit):
    """Two tariffs of the same billing terms; what a day costs differs in each."""
    days = number if unit == "day" else 30
    odd = 7 if unit == "month" else 0
    return [
        Plan("A", 110 * days + odd, 500, 14 * days, 1),
        Plan("B", 190 * days + odd, 0, 38 * days, 0),
    ]


class Step(NamedTuple):
    """One step on one day; `values` say on what: services, documents and runs by their number."""

    kind: str
    day: int
    values: dict = {}

    def __repr__(self):
        values = "".join(f", {name}={value!r}" for name, value in self.values.items())
        return f"step({self.kind!r}, {self.day}{values})"


def step(kind, day, **values):
    return Step(kind, day, values)


class LifeBase:
    """One life: the product's records beside the naive ledger, and what they have to agree on.

    ``_play_<kind>(day, **values)`` carries out one kind of step.
    """

    def __init__(self, case, terms, patient=False):
        """`patient`: go on after a difference and keep it in `problems`."""
        self.case, self.env, self.terms = case, case.env, TERMS[terms]
        self.plans = plans(*self.terms)
        self.exact = self.terms[2] == "day"
        self.ledger = Ledger()
        self.services, self.runs, self.moves, self.bills = [], [], {}, {}
        self.story, self.problems, self.patient = [], [], patient
        self.kind, self.outcomes = None, Counter()  # {(kind of step, what became of it): how often}

    def begin(self):
        self.customers = self.env["res.partner"].create(
            [
                {"name": f"Customer {number}", "category_id": [Command.set(self.case.tag.ids)]}
                for number in range(CUSTOMERS)
            ]
        )
        self.partners = list(self.customers)  # by number; merged ones are the same partner

    # === PLAYING === #

    def play(self, one):
        self.kind = one.kind
        getattr(self, f"_play_{one.kind}")(DAY0 + timedelta(days=one.day), **one.values)
        self._compare(one)

    def _compare(self, one):
        """After every step the customers' posted documents are what the naive ledger holds."""
        for owner in range(CUSTOMERS):
            self._same(self._posted(owner), self.ledger.balance(owner), f"customer {owner}: {one}")

    def _same(self, cents, right, what):
        slack = 0 if self.exact else len({entry.charge for entry in self.ledger.entries})
        self._check(abs(cents - right) <= slack, what, cents, right)

    def _check(self, right, what, *found):
        if right:
            return
        if not self.patient:
            self.case.fail(self._tell(what, *found))
        # The first one with everything around it; what follows from it in a line.
        line = f"{what}: {found}"
        self.problems.append(line if self.problems else self._tell(what, *found))

    def _tell(self, what, found="", right=""):
        rows = self.env["billing.charge"].search(
            [("partner_id", "in", self.customers.ids)], order="id"
        )
        charges = "\n".join(
            f"  {row.partner_id.name} {row.service_id.number} {row.kind} {row.period_start} "
            f"{row.period_end} {row.amount} {row.state} {row.move_id.name or ''}"
            for row in rows
        )
        story = "\n".join(self.story)
        return f"{what}: {found} instead of {right}\n{story}\n{charges}"

    def _posted(self, owner):
        """Cents before tax on the customer's posted documents."""
        partner = self.partners[owner]
        if owner != self.partners.index(partner):
            return 0
        [(amount,)] = self.env["account.move"]._read_group(
            [("partner_id", "=", partner.id), ("state", "=", "posted")],
            aggregates=["amount_untaxed_signed:sum"],
        )
        return round(amount * 100)

    def _do(self, verdict, action, what):
        """Carry out a step on the product as the verdict says. True when it was done."""
        if verdict == UNCLEAR:
            self._note(f"({what}: the rules do not say, left out)", "left out")
            return False
        try:
            with self.env.cr.savepoint():
                action()
                self.env.flush_all()
        except AccessError:
            raise
        except UserError as error:
            self.env.invalidate_all()
            self._note(f"{what}: refused, {error}", "refused")
            self._check(verdict in (REFUSED, EITHER), what, "refused", verdict)
            return self.patient and verdict == DONE
        self._note(what)
        self._check(verdict in (DONE, EITHER), what, "done", verdict)
        return verdict != REFUSED

    def _note(self, text, outcome="done"):
        self.story.append(f"  {text}")
        self.outcomes[self.kind, outcome] += 1

    def _pick(self, rows, number):
        return rows[number % len(rows)] if rows else None

    def _service(self, number):
        service = self._pick(self.ledger.services, number)
        return (service, self.services[service.number]) if service else (None, None)

    # === RUNS === #

    def _run(self, day):
        """Let the naive ledger bill, and keep which documents are whose."""
        totals = self.ledger.run(day)
        self._note(f"run {self.ledger.runs} to {day}")
        return totals

    def _bill(self, day, report=False):
        """Bill with the product. Returns {customer: cents}."""
        run = self.case.make_run(self.case.life_cycle, day, cutoff_date=day)
        reported = None
        if report:
            pre = run._make_report("pre")
            self._check((pre.state, pre.message) == ("done", False), "report", pre.message)
            reported = self.case.reported(pre)
        with patch.object(type(run), "_request_report"):  # the one after it is not looked at
            if self.case.at_once:
                self._bill_at_once(run)
            else:
                run._execute("posting")
        self.runs.append(run)
        moves = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        others = moves.partner_id - self.customers
        self._check(not others, "billed though the cycle does not want them", others, "nobody")
        totals = {}
        for move in moves.filtered(lambda m: m.partner_id in self.customers):
            self._check(move.state == "posted", move.name, move.state, "posted")
            owner = self.partners.index(move.partner_id)
            totals[owner] = round(move.amount_untaxed_signed * 100)
        for document in self.ledger.documents:
            if document.run == len(self.runs) - 1:
                mine = moves.filtered(
                    lambda m, owner=document.owner: m.partner_id == self.partners[owner]
                )
                self._check(len(mine) == 1, f"run to {day}: documents", len(mine), 1)
                self.moves[document] = mine[:1]
                self.bills[document] = mine[:1].billing_bill_id
        if report:
            produced = self.case.invoiced(run)
            self._check(reported == produced, "the report before", reported, produced)
        return totals

    def _bill_at_once(self, run):
        """The stages of a run without the queue, whose part in them is the same in every life."""
        run._request("posting")
        run._start()
        stages = run._stages()
        for stage in stages[: stages.place("posting") + 1]:
            stage.perform(self.env["billing.bill"].browse(run._bill_ids(stage.before)))
            run.stage = stage.name
        run._finish()

    # === THE END === #

    def finish(self):
        """Bill everything that is due, with a report before, and once more in vain."""
        self.kind = "finish"
        self._unarchive()
        last = DAY0 + timedelta(days=LAST_DAY)
        self.case.assertEqual(self.ledger.judge_run(last), DONE, "every day is due by then")
        totals = self._run(last)
        billed = self._bill(last, report=True)
        for owner in range(CUSTOMERS):
            self._same(billed.get(owner, 0), totals.get(owner, 0), f"last run, customer {owner}")
            self._same(
                self._posted(owner), self.ledger.balance(owner), f"in the end, customer {owner}"
            )
            # The naive ledger's own two ways to count agree.
            self.case.assertEqual(self.ledger.balance(owner), self.ledger.owed(owner))
            self.case.assertEqual(self.ledger.open(owner), 0)
        if not self.case.at_once:
            self.ledger.run(last)
            billed = self._bill(last)
            self._check(not billed, "a second last run", billed, "nothing")
        left = self.env["billing.charge"].search(
            [("partner_id", "in", self.customers.ids), ("state", "=", "rated")]
        )
        self._check(not left, "charges left over", left, "none")

    def _unarchive(self):
        records = [self.case.tag, *self.customers.exists(), *self.case.tariffs.values()]
        records += [*self.case.addons.values()]
        records += [tariff.term_scheme_id for tariff in self.case.tariffs.values()]
        for record in records:
            if not record.active:
                record.active = True
        self.ledger.archived = set()
