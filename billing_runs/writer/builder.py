from odoo import models

from ..invoicing.prepared import quiet
from .batch import Batch
from .billing_invoice_writer import Written
from .not_written import ProvenWrong
from .numbers import CONTEXT_KEY, Committed, wait_for_others
from .shapes import shape_of


class BillingInvoiceBuilder(models.AbstractModel):
    """Creates and posts in one step: by sets where that is proven, else by Odoo."""

    _inherit = "billing.invoice.builder"

    def _create_posted(self, specs, documents, run, link=None):
        """Create and post one document per spec.

        :param list[dict] specs: as :meth:`_create_invoices` takes them
        :param documents: their shapes and values, from :meth:`_shaped`
        :param run: the ``billing.run`` in which shapes are proven
        :param link: function that is told what documents will be, as soon as that is known: which
            ones, as a slice, of each one its id and its items' ids and subtotals, those of the
            specs' lines first, and whether some were told to be others before
        :return: :class:`Written`; the ids of the specs' lines come first
        """
        self.env["res.partner"]._raise_ranks_together()
        batch = Batch(self.env, specs, documents, run, link)
        if reason := self._left_to_odoo(run.company_id):
            if batch.proofs.left_to_odoo != reason:
                batch.proofs.left_to_odoo = reason
                self.env["billing.invoice.proof"]._note(run, reason)
            batch.leave_to_odoo()
        moves, lines = [], []
        while len(moves) < len(specs):
            way, span = batch.following(len(moves))
            made = getattr(self, f"_make_by_{way}")(batch, span)
            moves += made.move_ids
            lines += made.line_ids
        self._say_proven(run, {proof.code for proof in batch.written})
        return Written(moves, lines)

    def _say_proven(self, run, codes):
        """Keep that shapes are proven where it was said in a batch that was taken back."""
        if not codes:
            return
        proofs = self.env["billing.invoice.proof"].sudo()
        said = proofs.search(
            [("run_id", "=", run.id), ("equal", "=", True), ("shape", "in", list(codes))]
        )
        missing = sorted(codes.difference(said.mapped("shape")))
        proofs.create([{"run_id": run.id, "shape": code, "equal": True} for code in missing])

    def _automation(self):
        """Return the name of an automation rule that follows what happens to documents, or None."""
        if "base.automation" not in self.env:
            return None
        on_documents = [("model_id.model", "in", ("account.move", "account.move.line"))]
        rule = self.env["base.automation"].sudo().search(on_documents, limit=1)
        return rule.name if rule else None

    def _left_to_odoo(self, company):
        """Return in one sentence why Odoo makes every document of a company, or None."""
        if rule := self._automation():
            return self.env._(
                "Automation rule %s works on journal entries: Odoo itself makes every document.",
                rule,
            )
        if company.restrictive_audit_trail:
            return self.env._(
                "The audit trail of %s is restricted: Odoo itself makes and logs every document.",
                company.name,
            )
        return None

    def _shaped(self, specs):
        """Return ``[(shape, complete values)]`` of the specs; none of what only Odoo can say."""
        if not specs:
            return []
        company = self.env["res.company"].browse(specs[0]["company_id"])
        partners = self.env["res.partner"]
        return [
            (values and shape_of(values, partners.browse(values["partner_id"])), values)
            for values in self._complete(company, specs)
        ]

    def _make_by_sets(self, batch, span):
        """Write documents of proven shapes that need the same of Odoo."""
        return self.env["billing.invoice.writer"]._insert(batch.prepared(span))

    def _make_by_odoo(self, batch, span):
        specs = batch.specs[span]
        self._wait_for_others(specs)
        moves = self._draft_as_odoo(specs)
        moves.flush_recordset()
        return self._made(batch, span, self._post_invoices(moves.with_env(self.env)))

    def _make_by_both(self, batch, span):
        """Prove shapes by their next documents, which stay as Odoo made them."""
        specs, shapes = batch.specs[span], batch.proofs_of(span)
        model, committed = self.env["billing.invoice.proof"], {CONTEXT_KEY: Committed()}
        writer = self.env["billing.invoice.writer"].with_context(**committed)
        moves, differences = model._try(
            lambda: writer._write_posted(batch.values(span), batch.computed).move_ids,
            lambda drafts=None: self._post_as_odoo(
                (drafts or self._draft_as_odoo(specs)).with_context(**committed)
            ).with_env(self.env),
            lambda: self._begin_as_odoo(specs),
            lambda: self._wait_prepared(batch, span),
        )
        # Where somebody else took the number the next documents have to tell.
        if differences is not None:
            for proof, places in shapes.items():
                self._conclude(batch, span, moves, proof, places, differences)
        return self._made(batch, span, moves)

    def _conclude(self, batch, span, moves, proof, places, differences):
        """Keep what documents of one shape that were made both ways have shown.

        :param moves: the documents that Odoo made of the span
        :param proof: what is known of the shape
        :param list[int] places: which of them are of the shape
        :param differences: list of :class:`Difference` of them all
        :raise ProvenWrong: what was proven before is not so
        """
        mine = [found for found in differences if found.document in places]
        besides = [found for found in differences if found.document is None]
        if len(places) == len(moves):
            mine = [found for found in differences if found.model in self.env] or besides
        elif not mine and besides:
            # Of which shape that is the next document of each has to tell.
            proof.alone = True
            return
        model, run = self.env["billing.invoice.proof"], batch.run
        again, proof.equal = bool(proof.equal), not mine
        proof.code = batch.shape(span.start + places[0]).code
        said = {
            "run_id": run.id,
            "shape": proof.code,
            "move_id": moves[places[0]].id,
            "equal": not mine,
            "again": again,
            "reason": model._reason(mine) if mine else False,
        }
        if mine:
            # The document is nowhere before this batch is committed.
            said["move_id"] = False
            if again:
                raise ProvenWrong(said)
            model._keep(said)
        else:
            model.sudo().create(said)

    def _wait_for_others(self, specs):
        """Wait until nobody else numbers documents of the journal, of which a run has one."""
        wait_for_others(self.env.cr, {spec["journal_id"] for spec in specs})

    def _wait_prepared(self, batch, span):
        """Make the next documents ready, then wait until nobody else numbers documents."""
        batch.prepare_after(span)
        self._wait_for_others(batch.specs[span])

    def _begin_as_odoo(self, specs):
        """Create drafts by Odoo while others may still number their documents.

        :return: the drafts; None where one took a number, as the first one of a journal does
        """
        with self.env.cr.savepoint() as savepoint:
            drafts = self._draft_as_odoo(specs)
            # Here, so that they are computed as whoever bills, and not as the superuser.
            drafts.env.flush_all()
            if any(draft.name for draft in drafts):
                savepoint.rollback()
                drafts = None
        return drafts

    def _draft_as_odoo(self, specs):
        company = self.env["res.company"].browse([spec["company_id"] for spec in specs[:1]])
        moves = self.env["account.move"].with_context(**quiet(company))
        return moves.create([self._plain_move_values(spec) for spec in specs])

    def _make_as_odoo(self, specs):
        """Create and post documents by Odoo's own methods alone."""
        return self._post_as_odoo(self._draft_as_odoo(specs))

    @staticmethod
    def _post_as_odoo(moves):
        moves.action_post()
        # Here, so that what is computed now is not followed up by messages either.
        moves.env.flush_all()
        return moves

    @staticmethod
    def _made(batch, span, moves):
        """Return documents that Odoo made."""
        items = [move.invoice_line_ids.sorted("sequence") for move in moves]
        subtotals = [[(item.id, item.price_subtotal) for item in some] for some in items]
        batch.link(span, moves.ids, subtotals)
        return Written(moves.ids, [some.ids for some in items])
