"""The naive ledger's documents: what runs bill, and what people do with it afterwards."""

from collections import defaultdict
from datetime import date

from .naive_ledger import (
    BY_HAND,
    DAY,
    DONE,
    EITHER,
    OWED,
    REFUSED,
    SETUP,
    UNCLEAR,
    Document,
    Entry,
    ServiceLedger,
)


class Ledger(ServiceLedger):
    """The whole of it."""

    # === CHARGES BY HAND === #

    def judge_waive(self, entries):
        return DONE if all(entry.state == "rated" for entry in entries) else REFUSED

    def waive(self, entries):
        self._forgive(entries)

    def _forgive(self, entries):
        """Not owed any more; what was credited of it is withheld."""
        for entry in entries:
            if entry.state in OWED:
                entry.state = "forgiven"
        self._balance(self._charges(entries))

    def _charges(self, entries):
        return {entry.charge for entry in entries if entry.charge}

    def adjust(self, service, day, cents):
        self.entries.append(Entry(service.present.owner, service, BY_HAND, day, cents))

    # === RUNS === #

    def judge_run(self, cutoff):
        services = [s for s in self.services if s.present.owner not in self.archived]
        return self.judge_rate([s for s in services if s.start <= cutoff], cutoff)

    def run(self, cutoff):
        """Rate, then bill everything open, one document a customer. Returns {customer: cents}."""
        for service in self.services:
            if service.present.owner not in self.archived:
                self._rate(service, cutoff)
        waiting = defaultdict(list)
        for entry in self.entries:
            if entry.state == "rated" and entry.owner not in self.archived:
                waiting[entry.owner].append(entry)
        totals = {}
        for owner, entries in waiting.items():
            net = sum(entry.cents for entry in entries)
            document = Document(self.runs, owner, entries, net)
            for entry in entries:
                entry.state = "invoiced" if net else "settled"
                entry.document = document if net else None
            if net:
                totals[owner] = net
                self.documents.append(document)
        self.runs += 1
        return totals

    # === DOCUMENTS BY HAND === #

    def credit(self, document):
        """Credited in full: what it billed is forgiven, charges and credits alike."""
        self._take_out(document, "credited")

    def cancel(self, document):
        self._take_out(document, "cancelled")

    def _take_out(self, document, state):
        """What a document billed is forgiven; what a credit note gave back waits for a run."""
        if document.net < 0:
            for entry in document.entries:
                entry.document = None
            self._bring_back(document.entries, "rated")
            document.entries = []
        else:
            self._forgive(document.entries)
        document.state, document.net = state, 0

    def judge_restore(self, document):
        return REFUSED if document.undone or not document.entries else DONE

    def restore(self, document):
        document.state = "posted"
        document.net = sum(entry.cents for entry in document.entries)
        self._bring_back(document.entries, "invoiced")

    def _bring_back(self, entries, state):
        """Owed again. Days that were charged anew or no longer served meanwhile are taken back."""
        again = []
        for entry in entries:
            entry.state = state
            if entry.cut:
                entry.cut = False
                again.append(entry)
        self._take_back(again)
        self._balance(self._charges(entries))

    def single_charge(self, document):
        """The only charge that a document bills, where it does."""
        charges = {entry.charge for entry in document.entries}
        if len(charges) == 1 and not any(entry.takes for entry in document.entries):
            [charge] = charges
            return charge
        return None

    def judge_partly(self, document):
        charge = self.single_charge(document)
        if charge is None:
            return UNCLEAR
        service = charge.service
        # With amounts by hand of both kinds the rules do not say which counts first.
        if any(e.service is service and e.item == BY_HAND for e in self.entries):
            return UNCLEAR
        return UNCLEAR if charge is None or charge.given else DONE

    def credit_partly(self, document, cents):
        charge = self.single_charge(document)
        charge.given += cents
        document.net -= cents
        document.state = "partly credited"
        self._balance([charge])

    def replace(self, document, cents):
        charge = self.single_charge(document)
        charge.given += document.net - cents
        document.net = cents
        document.state = "replaced"
        self._balance([charge])

    # === UNDO === #

    def judge_undo(self, document, outcome):
        if outcome == "void":
            charges = {e for e in document.entries if e.state != "void" and not e.takes}
            return self._judge_void(document, charges)
        return DONE

    def _judge_void(self, document, charges):
        if document.state in ("partly credited", "replaced"):
            return UNCLEAR
        mine = set(document.entries)
        theirs = self._charges(charges)
        for entry in document.entries:
            if entry.takes and entry.takes not in mine:
                return REFUSED
        for entry in self.entries:
            if entry.state != "void" and entry not in mine and entry.takes in charges:
                return REFUSED
        for entry in document.entries:
            service = entry.service
            others = (
                other
                for other in self.entries
                if other.service is service and other.day == entry.day and other not in mine
            )
            if (
                entry.item == BY_HAND
                or entry.covers
                or entry.cut
                or entry.day < max(service.history[-1][0], service.settled_from or date.min)
                or service.is_paused(entry.day)
                or entry.again
                or any(other.takes or other.again or other.item == BY_HAND for other in others)
            ):
                return EITHER
        if any(entry.covers in theirs for entry in self.entries if entry.covers):
            return EITHER
        return DONE

    def undo(self, document, outcome):
        """What is left of the document is credited; what was cancelled or credited stays so."""
        if document.state in ("posted", "partly credited", "replaced"):
            document.net = 0
            for charge in self._charges(document.entries):
                charge.given = 0
        document.undone = True
        entries = [entry for entry in document.entries if entry.document is document]
        if outcome == "drop":
            self._forgive(entries)
            return
        for entry in entries:
            entry.document = None
        self._bring_back(entries, "rated")
        if outcome == "void":
            self._void(entries)

    def _void(self, entries):
        for entry in entries:
            entry.state = "void"
        for entry in entries:
            service = entry.service
            if entry.item == SETUP:
                service.setup_due = True
            elif not any(
                other.service is service
                and other.day == entry.day
                and other.charge
                and other.item != SETUP
                and other.state != "void"
                for other in self.entries
            ):
                service.rated.discard(entry.day)

    # === CUSTOMERS === #

    def find(self, service, item, owner, start, stop, cents):
        """The charges of exactly these days and amount, oldest first: lists of entries."""
        days = (stop - start).days
        wanted = {start + number * DAY for number in range(days)}
        groups = defaultdict(list)
        for entry in self.entries:
            if (
                entry.service is service
                and (entry.item, entry.owner) == (item, owner)
                and not entry.takes
                and not entry.covers
                and entry.state != "void"
            ):
                groups[entry.charge or entry].append(entry)
        return [
            group
            for group in groups.values()
            if len(group) == days
            and {entry.day for entry in group} == wanted
            and sum(entry.cents for entry in group) == cents
        ]

    def merge(self, gone, stays):
        for service in self.services:
            service.history = [
                (first, terms._replace(owner=stays) if terms.owner == gone else terms)
                for first, terms in service.history
            ]
        for row in (*self.entries, *self.documents):
            if row.owner == gone:
                row.owner = stays
