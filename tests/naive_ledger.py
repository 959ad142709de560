"""A second, slow opinion on what customers owe: the ledger as one entry a day.

Written from the rules in words. It knows neither the ORM nor the product's functions nor its
charges: a charge of thirty days is thirty entries here, a credit takes entries back one by one,
and what a customer owes is what a person with paper and pencil would add up.

Every operation comes in two halves. ``judge_*`` says beforehand what the product has to do:

* ``DONE``: carry it out;
* ``REFUSED``: refuse it with a message and change nothing;
* ``EITHER``: the product may refuse, and where it does not, the ledger follows;
* ``UNCLEAR``: the rules do not say what is right. Such a step is left out.

The other half changes the ledger.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from itertools import count
from typing import NamedTuple

from . import naive_billing

DAY = timedelta(days=1)
DONE, REFUSED, EITHER, UNCLEAR = "done", "refused", "either", "unclear"
OWED = ("rated", "invoiced", "settled")
BILLED = ("invoiced", "settled")
DISK, SETUP, BASE, BY_HAND = "disk", "setup", "base", "by hand"


class Plan(NamedTuple):
    """A tariff: prices of a full period in cents; disks beyond those included cost extra."""

    name: str
    price: int
    setup: int
    disk_price: int
    disks_included: int


class Schedule(NamedTuple):
    number: int
    unit: str
    anchor: date
    alignment: str = "anniversary"
    anchor_day: int = 1


class Terms(NamedTuple):
    """What a service costs from a day on, and whom. A price of its own, in cents, or 0."""

    owner: int
    plan: Plan
    price: int = 0
    quantity: int = 1
    discount: int = 0
    disks: int = 0

    def items(self):
        """{what: exact cents a full period}"""
        base = Fraction((self.price or self.plan.price) * self.quantity * (100 - self.discount))
        disks = self.plan.disk_price * max(self.disks - self.plan.disks_included, 0)
        found = {BASE: base / 100, DISK: Fraction(disks)}
        return {item: amount for item, amount in found.items() if amount}


@cache
def full_period(schedule, day):
    return naive_billing.full_period(schedule, day)


@cache
def day_cents(schedule, total, day):
    """What one day costs: the rounded price up to its end less the one up to its start."""
    start, end = full_period(schedule, day)
    length, before = (end - start).days, (day - start).days
    upto, until = (
        naive_billing.rounded(total * days / length, "1") for days in (before + 1, before)
    )
    return int(upto - until)


@dataclass(eq=False)
class Service:
    number: int
    timing: str
    schedule: Schedule
    start: date
    history: list  # [(first day, Terms)], oldest first
    setup_due: bool
    end: date | None = None
    ended: bool = False
    since: date | None = None  # suspended since
    pauses: list = field(default_factory=list)  # [(first day, first day after)] that are over
    rated: set = field(default_factory=set)
    settled_from: date | None = None  # the day of the last resume: changes before it may be refused

    def terms(self, day):
        return [terms for first, terms in self.history if first <= day][-1]

    @property
    def present(self):
        return self.history[-1][1]

    def is_paused(self, day):
        return any(first <= day < stop for first, stop in self.pauses)

    def period(self, day):
        return full_period(self.schedule, day)


@dataclass(eq=False)
class Charge:
    """The days of one period charged at once for one thing that costs `total` a full period;
    `given` was credited by hand as a lump."""

    service: Service
    item: str
    total: Fraction | int = 0
    given: int = 0
    number: int = field(default_factory=count().__next__)


@dataclass(eq=False)
class Entry:
    """One day of one charge, or one day of it taken back, or an amount entered by hand."""

    owner: int
    service: Service
    item: str
    day: date
    cents: int
    charge: Charge | None = None
    takes: "Entry | None" = None
    covers: "Charge | None" = None  # what its credits give back too much, withheld
    cut: bool = False  # forgiven, and since then charged anew or no longer served
    again: bool = False  # charged by a change, for days that had been charged before
    state: str = "rated"
    document: "Document | None" = None


@dataclass(eq=False)
class Document:
    """What one run billed one customer, and what became of it."""

    run: int
    owner: int
    entries: list
    net: int
    state: str = "posted"  # credited, partly credited, cancelled, replaced, undone
    undone: bool = False


class ServiceLedger:
    """What services cost and give back; documents come on top in ``naive_documents``."""

    def __init__(self):
        self.services, self.entries, self.documents = [], [], []
        self.runs = 0
        self.archived = set()

    # === WHAT THE LEDGER SAYS === #

    def balance(self, owner):
        """Cents on the customer's posted documents."""
        return sum(document.net for document in self.documents if document.owner == owner)

    def owed(self, owner):
        """The same from the days: what is owed and billed, less what was given by hand."""
        entries = [entry for entry in self.entries if entry.owner == owner]
        given = {entry.charge: entry.charge.given for entry in entries if entry.charge}
        return sum(entry.cents for entry in entries if entry.state in BILLED) - sum(given.values())

    def open(self, owner):
        """Cents that wait for a run."""
        return sum(e.cents for e in self.entries if e.owner == owner and e.state == "rated")

    def _credits(self, entry, states=OWED):
        return [other for other in self.entries if other.takes is entry and other.state in states]

    def _standing(self, service, day, states):
        """The charged days from `day` on, in these states, that no credit has taken back."""
        taken = {entry.takes for entry in self.entries if entry.takes and entry.state != "void"}
        return [
            entry
            for entry in self.entries
            if entry.service is service
            and entry.charge
            and not entry.takes
            and entry.item != SETUP
            and entry.day >= day
            and entry.state in states
            and entry not in taken
        ]

    def _live(self, service, day):
        return self._standing(service, day, OWED)

    def _forgiven(self, service, day):
        return self._standing(service, day, ("forgiven",))

    # === RATING === #

    def _due(self, service, cutoff, until=None, whole=False):
        """[[days]] that are due by the cutoff, the parts of periods one by one.

        :param until: rate everything served before that day, due or not
        :param whole: look at a part as one although its terms change inside it
        """
        limit = min(filter(None, (service.end, service.since, until)), default=date.max)
        parts, day = [], service.start
        while day < limit:
            if day in service.rated or service.is_paused(day):
                day += DAY
                continue
            stop = min(service.period(day)[1], limit)
            part = [day]
            while (
                part[-1] + DAY < stop
                and part[-1] + DAY not in service.rated
                and not service.is_paused(part[-1] + DAY)
                and (whole or service.terms(part[-1] + DAY) is service.terms(day))
            ):
                part.append(part[-1] + DAY)
            due = part[0] if service.timing == "advance" else part[-1]
            if not until and due > cutoff:
                break
            parts.append(part)
            day = part[-1] + DAY
        return parts

    def _rate(self, service, cutoff, until=None):
        for part in self._due(service, cutoff, until):
            self._charge(service, part)
            service.rated.update(part)
        if not until:
            self._set_up(service, cutoff)

    def _set_up(self, service, cutoff):
        if service.setup_due and service.start <= cutoff:
            service.setup_due = False
            owner = service.terms(service.start).owner
            price = service.history[0][1].plan.setup
            charge = Charge(service, SETUP)
            self.entries.append(Entry(owner, service, SETUP, service.start, price, charge))

    def _charge(self, service, days, kept=(), again=False):
        """Charge days at their terms, but not the (item, day)s that are `kept`."""
        charges = {}
        for day in days:
            terms = service.terms(day)
            for item, total in terms.items().items():
                if (item, day) in kept:
                    continue
                key = (item, service.period(day), terms)
                charge, last = charges.get(key, (None, None))
                if last != day - DAY:  # what lies on both sides of days that are kept: two charges
                    charge = Charge(service, item, total)
                charges[key] = charge, day
                cents = day_cents(service.schedule, total, day)
                self.entries.append(
                    Entry(terms.owner, service, item, day, cents, charge, again=again)
                )

    # === SERVICES === #

    def activate(self, timing, number, unit, terms, day):
        schedule = Schedule(number, unit, day)
        self.services.append(
            Service(
                len(self.services),
                timing,
                schedule,
                day,
                [(day, terms)],
                terms.plan.setup > 0,
            )
        )

    def judge_rate(self, services, cutoff):
        """Where terms change inside an unrated part, the rules do not say when it is due."""
        for service in services:
            if service.present.owner in self.archived:
                return REFUSED
            split, whole = (
                {day for part in self._due(service, cutoff, whole=flag) for day in part}
                for flag in (False, True)
            )
            if split != whole:
                return UNCLEAR
        return DONE

    def rate(self, service, cutoff):
        self._rate(service, cutoff)

    def judge_change(self, service, day, terms):
        if service.ended:
            return REFUSED
        if terms == service.present:
            return DONE
        if day < service.history[-1][0]:
            return REFUSED
        if service.end and day >= service.end:
            return REFUSED
        if service.settled_from and day < service.settled_from:
            return EITHER
        if terms.owner != service.present.owner and self.archived:
            return UNCLEAR
        return DONE

    def change(self, service, day, terms):
        if terms != service.present:
            self._change(service, day, terms)

    def _change(self, service, day, terms):
        self._rate(service, day, until=day)
        if terms.owner != service.present.owner:
            self._set_up(service, day - DAY)  # who had it on the first day pays for it
        service.history.append((day, terms))
        days = sorted(d for d in service.rated if d >= day and d < (service.end or date.max))
        self._settle(service, day, days)

    def _settle(self, service, first, days):
        """Charge rated `days` at their terms and take back what was charged for `first` and later.

        What stays as it is for the same customer is neither taken back nor charged; and what was
        forgiven at the same cost stays forgiven.
        """
        kept, credited = set(), []
        standing = self._live(service, first)
        for entry in [*self._forgiven(service, first), *standing]:
            terms = service.terms(entry.day)
            same = (
                entry.owner == terms.owner
                and entry.charge.total == terms.items().get(entry.item)
                and entry.day in days
                and (entry.item, entry.day) not in kept
            )
            if same:
                kept.add((entry.item, entry.day))
            elif entry.state == "forgiven":
                entry.cut = True
            else:
                credited.append(entry)
            if same:
                entry.cut = False
        self._charge(service, days, kept, again=True)
        self._take_back(credited)
        self._balance(
            {
                entry.charge
                for entry in self.entries
                if entry.service is service
                and entry.charge
                and entry.item != SETUP
                and entry.day >= first
            }
        )

    def judge_end(self, service, day):
        if service.ended:
            return DONE
        if min(day, service.end or day) < service.start:
            return REFUSED
        return DONE

    def end(self, service, day):
        if not service.ended:
            self._end(service, min(day, service.end or day))
            service.ended = True

    def judge_agree_end(self, service, day):
        if service.ended:
            return REFUSED
        if day < service.start:
            return REFUSED
        if service.end and day > service.end:
            return EITHER  # where its terms changed after the end
        return DONE

    def agree_end(self, service, day):
        self._end(service, day)

    def _end(self, service, day):
        if service.end == day:
            return  # agreed on before, and settled then
        first = min(day, service.end or day)
        service.end = day
        self._settle(service, first, sorted(d for d in service.rated if first <= d < day))

    def judge_suspend(self, service, day):
        if service.ended or (service.since is None and day < service.start):
            return REFUSED
        return DONE

    def suspend(self, service, day):
        service.since = service.since or day

    def judge_resume(self, service, day):
        if service.ended or (service.since and day < service.since):
            return REFUSED
        return DONE

    def resume(self, service, day):
        if service.since is None:
            return
        if service.since == day:
            service.since = None  # not suspended for a single day
            return
        self._rate(service, day, until=service.since)
        service.pauses.append((service.since, day))
        service.since = None
        service.settled_from = max(day, service.settled_from or day)

    # === CREDITS === #

    def _take_back(self, entries):
        """Take days back at what was charged; of each charge no more than is owed of it."""
        for entry in entries:
            self.entries.append(
                Entry(
                    entry.owner,
                    entry.service,
                    entry.item,
                    entry.day,
                    -entry.cents,
                    entry.charge,
                    entry,
                )
            )
        self._balance({entry.charge for entry in entries})

    def _balance(self, charges):
        """Withhold what the credits of these charges give back beyond what is owed of them."""
        for charge in charges:
            mine = [entry for entry in self.entries if entry.charge is charge]
            bases = [e for e in mine if not e.takes and e.state != "void"]
            if not bases:
                continue
            owed = sum(e.cents for e in bases if e.state in OWED)
            given = charge.given if owed else 0
            credit = -sum(e.cents for e in mine if e.takes and e.state in OWED)
            goodwill = self._goodwill(charge)
            needed = max(0, min(credit, credit + given + goodwill - owed))
            covers = [e for e in self.entries if e.covers is charge and e.state != "void"]
            difference = needed - sum(e.cents for e in covers)
            if difference:
                first = bases[0]
                self.entries.append(
                    Entry(
                        first.owner,
                        charge.service,
                        charge.item,
                        first.day,
                        difference,
                        None,
                        covers=charge,
                    )
                )

    def _goodwill(self, charge):
        """What was credited by hand for the days of a charge. An amount counts for one charge that
        its customer has on its day, for the service itself before its add-ons."""
        found = 0
        for gift in self.entries:
            if gift.item != BY_HAND or gift.service is not charge.service or gift.cents >= 0:
                continue
            taken = {e.takes for e in self.entries if e.takes and e.state != "void"}
            of_that_day = [
                e
                for e in self.entries
                if e.service is charge.service
                and (e.day, e.owner) == (gift.day, gift.owner)
                and e.charge
                and not e.takes
                and e.item != SETUP
                and e.state != "void"
            ]
            counting = [e.charge for e in of_that_day if e not in taken and not e.cut]
            if counting:
                first = min(counting, key=lambda c: (c.item != BASE, c.number))
            else:
                charges = [e.charge for e in of_that_day]
                first = min(charges, key=lambda c: (c.item != BASE, -c.number), default=None)
            if first is charge and gift.state in OWED:
                found -= gift.cents
        return found
