from odoo import models

from .proofs import Proofs
from .shapes import figures_of


class BillingInvoiceBuilder(models.AbstractModel):
    """Which drafts are prepared: those of a shape whose first one Odoo made just the same.

    Drafts are not proven again by chance: people look at them, and Odoo itself posts them.
    """

    _inherit = "billing.invoice.builder"

    def _ways_of_drafts(self, specs, proofs=None, kind=None):
        """Yield ``(way, documents)`` of neighbours that are made the same way.

        ``way`` is ``sets`` for prepared ones, ``odoo``, or ``both`` for one that proves its shape,
        and a document ``(spec, what is known of its shape, complete values)``, the last two None
        where only Odoo can say it. A way is found out when its turn comes, so what a proof says
        counts for the next of the shape.

        :param kind: function of complete values that says what is alike, in place of shapes
        """
        proofs = Proofs() if proofs is None else proofs
        documents = []
        company = self.env["res.company"].browse([spec["company_id"] for spec in specs[:1]])
        if company.restrictive_audit_trail and not kind:
            yield "odoo", [(spec, None, None) for spec in specs]
            return
        for spec, (shape, values) in zip(specs, self._shaped(specs), strict=True):
            alike = kind(values) if kind and values else shape
            documents.append((spec, alike and proofs[alike], values, alike))
        place = 0
        while place < len(documents):
            way, end = proofs.way(documents[place][3]), place + 1
            while way != "both" and end < len(documents) and proofs.way(documents[end][3]) == way:
                end += 1
            yield way, [document[:3] for document in documents[place:end]]
            place = end

    def _ways_of_figures(self, specs, proofs=None):
        """As :meth:`_ways_of_drafts`, where no more than the figures are wanted."""
        return self._ways_of_drafts(specs, proofs, figures_of)

    def _draft_by_sets(self, documents, _run):
        return self._draft_prepared([values for _spec, _proof, values in documents])

    def _draft_by_odoo(self, documents, _run):
        return self._draft_plain([spec for spec, _proof, _values in documents])

    def _draft_by_both(self, documents, run):
        """Prove a shape by its next draft, which stays as Odoo made it."""
        [(spec, proof, values)] = documents
        model = self.env["billing.invoice.proof"]
        move, differences = model._try(
            lambda: self._draft_prepared([values]).ids, lambda: self._draft_plain([spec])
        )
        proof.equal = not differences
        if differences and run:
            model._note(run, model._reason(differences))
        return move
