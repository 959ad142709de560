from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import frozendict

from ...billing_tasks.dry_run import is_dry_run
from ..bills.by_run import is_by_run
from ..cycles.dates import shift_due_date
from ..invoicing.posting import current_posting
from ..invoicing.prepared import quiet


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "billing.prepared.mixin", "billing.run.counted.mixin"]

    billing_bill_id = fields.Many2one(
        "billing.bill",
        "Bill",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    billing_message = fields.Html(
        "Invoice Message", copy=False, help="Printed on the invoice by its billing run."
    )
    billing_due_shift = fields.Integer(
        "Due Dates Moved By",
        readonly=True,
        copy=False,
        help="By how many days the billing run moved the due dates that the payment terms give.",
    )

    @api.depends("billing_due_shift")
    def _compute_needed_terms(self):
        """Move every instalment of the payment terms."""
        result = super()._compute_needed_terms()
        for move in self:
            if move.billing_due_shift and move.invoice_payment_term_id and move.needed_terms:
                move.needed_terms = move._shift_terms(move.needed_terms)
        return result

    def _shift_terms(self, terms):
        self.ensure_one()
        first = self.invoice_date or self.date
        shifted = {}
        for key, values in terms.items():
            due = shift_due_date(key["date_maturity"], self.billing_due_shift, first)
            key = frozendict({**key, "date_maturity": due})
            if key in shifted:
                for name in ("balance", "amount_currency"):
                    shifted[key][name] += values[name]
            else:
                shifted[key] = dict(values)
        return shifted

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        """A draft that replaces a billed invoice may go: that one has its charges again."""
        if is_by_run(self.env):
            return
        for move in self:
            if move.billing_bill_id and not move.billing_replaces_id:
                raise UserError(
                    self.env._(
                        "%(invoice)s belongs to billing run %(run)s and cannot be deleted by"
                        " itself.",
                        invoice=move.display_name,
                        run=move.billing_bill_id.run_id.number,
                    )
                )

    def _get_next_sequence_format(self):
        """Ask once for the invoices of one posting that Odoo numbers alike.

        Odoo searches a reference and the highest number for every invoice, though from the second
        on the number itself comes from the transaction's cache behind the lock of the first.
        """
        posting = current_posting(self.env)
        if not posting or not posting.shares_numbers:
            return super()._get_next_sequence_format()
        if not self._get_sequence_cache() and not is_dry_run(self.env):
            posting.number_formats.clear()  # the lock's cache is gone, so the numbers are too
        key = (
            self.journal_id,
            self.company_id,
            self.date,
            self.move_type in ("out_refund", "in_refund"),
            self.journal_id.is_self_billing and self.commercial_partner_id,
            bool(self.origin_payment_id),
        )
        if key not in posting.number_formats:
            posting.number_formats[key] = super()._get_next_sequence_format()
        number_format, values = posting.number_formats[key]
        return number_format, dict(values)

    # === WHAT BECOMES OF BILLED DOCUMENTS === #

    def write(self, vals):
        if "state" in vals:
            self._check_not_undone(vals["state"])
            self._check_not_given_again(vals["state"])
        return super().write(vals)

    def _check_not_undone(self, state):
        """Refuse to change documents that were taken back, and what credits them: a later run
        bills what they billed. Credit notes of people that are drafts may be cancelled."""
        for move in self.filtered(lambda move: move.state != state):
            move = move.sudo()
            bill = move.billing_bill_id or move.reversed_entry_id.billing_bill_id
            harmless = not move.billing_bill_id and (move.state, state) == ("draft", "cancel")
            if bill.undo_id and not harmless:
                raise UserError(
                    self.env._(
                        "%(invoice)s was taken back by the undo of billing run %(run)s, and what"
                        " it billed is left to later runs: it cannot be changed any more.",
                        invoice=move.display_name,
                        run=bill.run_id.number,
                    )
                )

    def _check_not_given_again(self, state):
        """Refuse to bring a credit note back whose credits were left to later runs."""
        for move in self.filtered(lambda move: move.state != state):
            move = move.sudo()
            refund = move if move.billing_bill_id else move.reversed_entry_id
            if refund.move_type != "out_refund" or not refund.billing_bill_id:
                continue  # nearly all that runs post
            reversed_by = refund.reversal_move_ids.filtered(lambda note: note.state == "posted")
            gone = refund.state == "cancel" or bool(reversed_by)
            if gone and not refund._bills_charges():
                raise UserError(
                    self.env._(
                        "%(note)s was cancelled, and what it gave back is left to later runs: it"
                        " cannot be brought back.",
                        note=refund.display_name,
                    )
                )

    def _hand_note_domain(self):
        """A run's own credit notes are followed up by its undo."""
        return super()._hand_note_domain() & Domain("billing_bill_id", "=", False)

    def _take_over_charges(self):
        """An invoice that replaces one of a run belongs to the same bill."""
        for move in self:
            move.billing_bill_id = move.billing_replaces_id.billing_bill_id
            move.billing_message = move.billing_replaces_id.billing_message
        return super()._take_over_charges()

    def _is_credited_in_full(self) -> bool:
        """Whether posted credit notes have taken all of this document back.

        A note that is a draft again, or reversed, stays reconciled with it but credits nothing.
        """
        self.ensure_one()
        drafts = self.reversal_move_ids.filtered(lambda note: note.state == "draft")
        held = drafts.filtered(lambda note: note.payment_state != "not_paid")
        void = self.reversal_move_ids.filtered(
            lambda note: note.state == "posted" and note._is_reversed()
        )
        return self.payment_state == "reversed" and not held and not void

    def _reverse_billed(self):
        """Cancel posted documents of a run by credit notes to the cent.

        The credit note is booked on the document's own date, at its own currency
        rate, so that nothing is left over; in a locked period on today's date. Of a
        document that somebody has credited in part, what is left is credited.
        """
        notes = self.env["account.move"]
        for company, moves in self.grouped("company_id").items():
            today = company._billing_today()
            credited = moves.filtered(lambda move: move._hand_notes())
            context = quiet(company)
            whole = (moves - credited).with_context(**context)
            values = [move._prepare_reversal(today) for move in whole]
            notes |= whole._reverse_moves(values, cancel=True)
            for move in credited.with_context(**context):
                notes |= move._reverse_what_is_left(move._prepare_reversal(today))
        return notes

    def _prepare_reversal(self, today):
        self.ensure_one()
        locked = self.company_id._get_violated_lock_dates(self.date, True, self.journal_id)
        return {
            "invoice_date": today if locked else self.invoice_date,
            "date": today if locked else self.date,
            "invoice_date_due": today if locked else self.invoice_date,
            "invoice_currency_rate": self.invoice_currency_rate,
            "billing_bill_id": self.billing_bill_id.id,
            "ref": self.env._("Cancels %(number)s", number=self.name),
        }

    def _reverse_what_is_left(self, values):
        """Credit what credit notes made by hand have left of a document.

        The credit note takes all lines back and charges those of the other credit notes again, so
        that it comes to the difference in every account and tax.
        """
        self.ensure_one()
        by_hand = self._hand_notes()
        note = self._reverse_moves([values])
        again = by_hand.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        note.write(
            {
                "invoice_line_ids": [
                    Command.create(
                        {
                            "sequence": 1000,
                            "product_id": line.product_id.id,
                            "name": line.name,
                            "account_id": line.account_id.id,
                            "analytic_distribution": line.analytic_distribution,
                            "quantity": -line.quantity,
                            "price_unit": line.price_unit,
                            "discount": line.discount,
                            "tax_ids": [Command.set(line.tax_ids.ids)],
                        }
                    )
                    for line in again
                ]
            }
        )
        self.line_ids.remove_move_reconcile()
        note._post(soft=False)
        receivable = (self | by_hand | note).line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled
        )
        for items in receivable.grouped("account_id").values():
            items.reconcile()
        return note
