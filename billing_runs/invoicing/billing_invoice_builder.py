import logging

from odoo import models
from odoo.fields import Command

from .amounts import InvoiceAmounts
from .guards import needs_no_sync, shares_numbers
from .posting import CONTEXT_KEY as POSTING_KEY
from .posting import Posting
from .prepared import Preparation, quiet
from .values import InvoiceValues, NotPrepared

_logger = logging.getLogger(__name__)


class BillingInvoiceBuilder(models.AbstractModel):
    """Creates and posts customer invoices in batches.

    The invoices are equal to those of Odoo's own ``create`` and ``action_post`` in every stored
    column, but come without a message, a tracking value and a follower per invoice: the caller
    writes one message for the whole run. (Where the company's audit trail is restricted Odoo makes
    and logs them all.) Most invoices are *prepared*: all their values, taxes
    and payment terms are worked out beforehand for the whole batch and inserted once. The first of
    each shape is made by Odoo as well, and only where both are the same are the others prepared;
    what that does not cover goes the *plain* way, through Odoo's own code.

    Nothing here commits, changes the user or guesses the company.
    """

    _name = "billing.invoice.builder"
    _description = "Invoice Builder"

    # === DRAFTS === #

    def _create_invoices(self, specs, proofs=None, run=None):
        """Create one draft invoice per spec.

        :param list[dict] specs: all of one company. The keys are fields of ``account.move``
            (``move_type``, ``partner_id``, ``journal_id``, ``currency_id``, ``company_id``,
            ``invoice_date``, ``date``, …; many2one as ids) and ``lines``, a list of dicts with
            fields of ``account.move.line`` (``product_id``, ``name``, ``quantity``,
            ``price_unit``, ``discount``, ``tax_ids`` as ids, ``analytic_distribution``, …). A
            field that is left out gets Odoo's value. An ``invoice_date_due`` clears the payment
            term.
        :param proofs: what is known of shapes already, see :class:`~..writer.proofs.Proofs`
        :param run: the ``billing.run`` that is told which shapes only Odoo can make
        :return: ``account.move`` recordset, in the order of the specs
        :raise UserError: what Odoo refuses, for all specs at once
        """
        if any(spec["company_id"] != specs[0]["company_id"] for spec in specs):
            raise ValueError("The invoices of one call belong to one company.")
        ids = []
        # Numbers are given in the order of ids, so invoices are created in the order of the specs.
        for way, some in self._ways_of_drafts(specs, proofs):
            ids += getattr(self, f"_draft_by_{way}")(some, run).ids
        moves = self.env["account.move"].browse(ids)
        moves.flush_recordset()  # what is left to compute depends on this company and language
        return moves

    def _draft_prepared(self, documents):
        """Create drafts of which everything is known, in one go.

        :param list[dict] documents: complete values
        """
        moves = self.env["account.move"].with_context(**Preparation().context())
        return moves.create(documents)

    def _draft_plain(self, specs):
        """Create drafts by Odoo's own code alone."""
        company = self.env["res.company"].browse([spec["company_id"] for spec in specs[:1]])
        moves = self.env["account.move"].with_context(**quiet(company))
        return moves.create([self._plain_move_values(spec) for spec in specs])

    def _complete(self, company, specs):
        """Return the complete values of each spec's document, None where only Odoo can say them."""
        values = InvoiceValues(self.env, company, specs)
        amounts = InvoiceAmounts(self.env, company, values)
        result = []
        for spec in specs:
            try:
                move = values.move_values(spec)
                lines = [values.line_values(move, line) for line in spec["lines"]]
                result.append(amounts.complete(move, lines))
            except NotPrepared as reason:
                _logger.debug("An invoice goes the plain way: %s", reason)
                result.append(None)
        return result

    def _plain_move_values(self, spec):
        """Return the values that ``account.move.create`` takes for a spec."""
        vals = {name: value for name, value in spec.items() if name != "lines"}
        if vals.get("invoice_date_due"):
            vals["invoice_payment_term_id"] = False
        else:
            vals.pop("invoice_date_due", None)
        vals["invoice_line_ids"] = [
            Command.create(self._plain_line_values(line)) for line in spec["lines"]
        ]
        return vals

    def _plain_line_values(self, line):
        """Return the values that ``account.move.line.create`` takes for a line of a spec."""
        vals = dict(line)
        if "tax_ids" in vals:
            vals["tax_ids"] = [Command.set(vals["tax_ids"] or ())]
        return vals

    # === WHAT THEY WOULD COME TO === #

    def _untaxed_amounts(self, specs, proofs=None):
        """Return what the invoices of ``_create_invoices(specs)`` would come to.

        Only for a dry run: those that only Odoo can make are really created, and the first with
        the same taxes.

        :param proofs: what is known of such documents already
        :return: list of (amounts before tax, one a line; total with tax), both as on
            the document: positive on a credit note, too
        :raise UserError: what Odoo refuses, for all specs at once
        """
        results = []
        for way, some in self._ways_of_figures(specs, proofs):
            if way == "sets":
                results += [_figures_of_values(values) for _spec, _proof, values in some]
                continue
            made = [
                _figures_of_move(move)
                for move in self._draft_plain([spec for spec, _proof, _values in some])
            ]
            if way == "both":
                [(_spec, proof, values)] = some
                proof.equal = made == [_figures_of_values(values)]
            results += made
        return results

    # === POSTING === #

    def _post_invoices(self, moves):
        """Post draft invoices, as ``action_post`` does.

        Posters of one journal wait for each other from the first number to the end of the
        transaction, as with Odoo: post in a short one of its own, one journal at a time.

        :param moves: ``account.move`` drafts
        :return: the posted moves
        :raise UserError: what Odoo refuses, for all moves at once: nothing is posted then
        """
        if not moves:
            return moves
        posting = Posting(shares_numbers(self.env))
        context = {**quiet(moves.company_id), POSTING_KEY: posting}
        if needs_no_sync(self.env, moves):
            context["skip_invoice_sync"] = True
        # Odoo looks at these invoice by invoice, which would be a query each.
        moves.line_ids.fetch(["tax_ids", "tax_tag_ids"])
        self.env["res.partner"]._raise_ranks_together()
        moves.with_context(**context).action_post()
        self.env["res.partner"]._increase_customer_ranks(posting.customer_ranks)
        return moves


def _figures_of_values(values):
    """Return (amounts before tax, total with tax) of complete values, as on the document."""
    sign = 1 if values["move_type"] == "out_refund" else -1
    items = [command[2] for command in values["line_ids"]]
    amounts = [
        sign * item["amount_currency"] for item in items if item["display_type"] == "product"
    ]
    return amounts, values["amount_total"]


def _figures_of_move(move):
    """Return (amounts before tax, total with tax) of a document."""
    sign = 1 if move.move_type == "out_refund" else -1
    items = move.invoice_line_ids.sorted("sequence")
    items = items.filtered(lambda line: line.display_type == "product")
    return [sign * item.amount_currency for item in items], move.amount_total
