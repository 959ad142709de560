"""Documents that are made together."""

import logging

from psycopg2 import OperationalError

from .others import computed_by_others
from .proofs import TOGETHER, Proofs

_logger = logging.getLogger(__name__)


class Batch:
    """Documents of a run, how each of them is made, and what was made ready of them already."""

    def __init__(self, env, specs, documents, run, link):
        """
        :param specs, documents, run, link: as ``billing.invoice.builder._create_posted`` takes them
        """
        self.env = env
        self.specs = specs
        self.run = run
        self.proofs = Proofs.of(env.registry, run.id)
        self._documents = documents
        # Once: to find a shape takes longer than all else that is asked of a document.
        self._proofs = [shape and self.proofs[shape] for shape, _values in documents]
        self._again = self.proofs.draw(len(specs))
        self._link = link
        #: the fields that Odoo computes of what is written by sets
        self.computed = computed_by_others(env.registry)
        self._ready = {}
        self._linked = set()  # places of documents that are not made yet
        #: what is known of the shapes of which documents were written by sets
        self.written = set()

    def leave_to_odoo(self):
        """Have Odoo make every document, whatever its shape."""
        self._documents = [(None, None)] * len(self.specs)
        self._proofs = [None] * len(self.specs)

    def shape(self, place):
        return self._documents[place][0]

    def way(self, place) -> str:
        """Return how a document is made; see :meth:`Proof.way`."""
        proof = self._proofs[place]
        return proof.way(again=self._again[place]) if proof else "odoo"

    def following(self, place) -> tuple[str, slice]:
        """Return how the documents from a place on are made, and which of them are made together.
        Only neighbours are: numbers follow the order of the documents."""
        way, end = self.way(place), place + 1
        if way == "both":
            return way, slice(place, self._proven_together(place))
        while end < len(self.specs) and self.way(end) == way:
            end += 1
        return way, slice(place, end)

    def _proven_together(self, place) -> int:
        """Return the end of the documents that are proven with the one at a place: up to the last that
        is the first of another shape. Of a customer there is one among them, so that what posting one
        document does to another is seen."""
        first, end = self._proofs[place], place + 1
        shapes, customers = {first}, {self._customer(place)}
        for later in range(end, min(place + TOGETHER, len(self.specs))):
            proof = self._proofs[later]
            if first.equal or not proof or not first.goes_with(proof):
                break
            if self._customer(later) in customers:
                break
            customers.add(self._customer(later))
            if proof not in shapes:
                shapes.add(proof)
                end = later + 1
        return end

    def _customer(self, place):
        return self._documents[place][1]["commercial_partner_id"]

    def proofs_of(self, span) -> dict:
        """Return ``{proof: places}`` of documents that are proven together, the first one's being 0."""
        places = {}
        for place, proof in enumerate(self._proofs[span]):
            places.setdefault(proof, []).append(place)
        return places

    # === MAKING READY === #

    def prepare_after(self, proven):
        """Make ready what is written next if documents prove their shapes, and link it. While others
        number their documents there is nothing better to do.

        :param slice proven: places of the documents that prove
        """
        start = end = proven.stop
        shapes = set(self._proofs[proven])
        while end < len(self.specs) and not self._again[end]:
            if self._proofs[end] not in shapes and self.way(end) != "sets":
                break
            end += 1
        if end == start:
            return
        try:
            span = slice(start, end)
            with self.env.cr.savepoint(flush=False):
                ready = self._prepare(span)
                self.link_ready(span, ready)
        except OperationalError:
            raise
        except Exception as reason:
            # The proof has to find out about it first; if it does not, they are prepared again.
            _logger.debug("Documents could not be made ready ahead: %s", reason)
        else:
            self._ready[start, end] = ready
            self._linked.update(range(start, end))

    def prepared(self, span):
        """Return documents of one way made ready and linked: now, if they were not."""
        self.written.update(self._proofs[span])
        ready = self._ready.pop((span.start, span.stop), None)
        if not ready:
            ready = self._prepare(span)
            self.link_ready(span, ready)
        return ready

    def _prepare(self, span):
        codes, documents = {}, []
        for proof, (shape, values) in zip(self._proofs[span], self._documents[span], strict=True):
            if proof not in codes:
                codes[proof] = shape.code
            documents.append(values | {"billing_shape": codes[proof]})
        writer = self.env["billing.invoice.writer"]
        return writer._prepare(documents, self.computed)

    def values(self, span) -> list:
        return [values for _shape, values in self._documents[span]]

    # === MADE === #

    def link(self, span, move_ids, items):
        """Tell who asked for the documents what they are.

        :param list[int] move_ids: their ids
        :param list[list[tuple]] items: ids and subtotals of each one's items, those of its charges
            first
        """
        if self._link:
            again = not self._linked.isdisjoint(range(span.start, span.stop))
            self._link(span, move_ids, items, again=again)

    def link_ready(self, span, ready):
        """Link documents that are made ready, before they are in their table."""
        self.link(span, ready.moves.ids, ready.subtotals())
