import logging

from psycopg2 import OperationalError

from odoo import models
from odoo.exceptions import UserError

from ...billing_tasks.crash_points import crash_point
from ...billing_tasks.exceptions import FatalTaskError, RetryTask, SkipTask
from ...billing_tasks.hooks import trying
from .not_written import NotWritten, ProvenWrong
from .proofs import Proofs

_logger = logging.getLogger(__name__)


class BillingBill(models.Model):
    """Invoicing and posting in one go (rated → posted)."""

    _inherit = "billing.bill"

    def _post_at_once(self, documents, zero):
        """Create and post the documents of a batch.

        Where that does not succeed nothing is done: drafts are made then, and posted after them,
        which finds out whose bill it is.

        :param documents, zero: from :meth:`_prepare_documents`
        :return: whether it was done
        """
        try:
            while True:
                try:
                    with trying(self.env.cr):
                        self._write_documents(documents, zero)
                    return True
                except ProvenWrong as proof:
                    # Documents of other batches are compared by it; this time Odoo makes the shape.
                    self.env["billing.invoice.proof"]._keep(proof.values)
        except (OperationalError, FatalTaskError, RetryTask, SkipTask):
            raise
        except UserError as reason:
            # The bill at fault says it in two steps.
            _logger.info("Bills of run %s are posted in two steps: %s", self.run_id.number, reason)
        except NotWritten as reason:
            self._note_two_steps(f"{reason}")
        except Exception as error:
            _logger.exception("Bills of run %s are posted in two steps", self.run_id.number)
            self._note_two_steps(f"{type(error).__name__}: {error}")
        return False

    def _draft_proofs(self, purpose):
        """Return what this process knows of the shapes of the run's drafts. They are not proven again
        by chance, so a setting of the company that is changed meanwhile has them proven anew."""
        known_since = self.company_id.write_date
        return Proofs.of(self.env.registry, (purpose, self.run_id.id, known_since))

    def _note_two_steps(self, reason):
        self.env["billing.invoice.proof"]._note(
            self.run_id,
            self.env._("A batch of bills was made by Odoo, in two steps: %s.", reason),
        )

    def _prepare_again(self, move):
        """Return the specification by which one of the bill's documents was made."""
        self.ensure_one()
        charges = self.env["billing.charge"].search([("move_id", "=", move.id)])
        charges = charges.sorted(lambda charge: charge.move_line_id.sequence)
        position, prices = move.fiscal_position_id, self._document_prices()
        addressee = self._addressees()[self.partner_id]._replace(position=position)
        lines = [prices.line(charge, position) for charge in charges]
        sign = 1 if move.move_type == "out_invoice" else -1
        return self._prepare_document(charges, sign, addressee, lines)

    def _write_documents(self, documents, zero):
        builder, run = self.env["billing.invoice.builder"], self.run_id
        specs = [spec for _bill, _charges, spec in documents]
        shaped = builder._shaped(specs)
        negative = [
            place for place, (_shape, v) in enumerate(shaped) if v and v["amount_total"] < 0
        ]
        if negative:
            documents = list(documents)
            for place in negative:
                documents[place] = self._turn_document(*documents[place])
            specs = [spec for _bill, _charges, spec in documents]
            shaped = builder._shaped(specs)

        def link(span, move_ids, items, *, again):
            self._link_documents(items, documents[span], move_ids, again=again)
            crash_point("writer.linked")

        made = builder._create_posted(specs, shaped, run, link)
        self.invalidate_recordset(["move_ids"])
        self._check_dates(made.move_ids, run.transaction_date)
        self._skip_undocumented(documents, zero)._set_posted()
        crash_point("writer.balanced")

    def _check_dates(self, move_ids, date):
        """:raise NotWritten: a document got another accounting date than its run asked for"""
        elsewhere = [("id", "in", move_ids), ("date", "!=", date)]
        if self.env["account.move"].search_count(elsewhere, limit=1):
            raise NotWritten("another accounting date")
