from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import frozendict

from ...billing_tasks.dry_run import is_dry_run
from ..dates import shift_due_date
from ..posting import current_posting

# Proof that a run itself takes its documents back: an object no RPC call can forge.
UNDO = object()


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
        if self.env.context.get("billing_undo") is UNDO:
            return
        for move in self:
            if move.billing_bill_id:
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

    def _reverse_billed(self):
        """Cancel posted documents of a run by credit notes to the cent.

        The credit note is booked on the document's own date, at its own currency
        rate, so that nothing is left over; in a locked period on today's date.
        """
        notes = self.env["account.move"]
        for company, moves in self.grouped("company_id").items():
            today = company._billing_today()
            values = []
            for move in moves:
                locked = company._get_violated_lock_dates(move.date, True, move.journal_id)
                values.append(
                    {
                        "invoice_date": today if locked else move.invoice_date,
                        "date": today if locked else move.date,
                        "invoice_date_due": today if locked else move.invoice_date,
                        "invoice_currency_rate": move.invoice_currency_rate,
                        "billing_bill_id": move.billing_bill_id.id,
                        "ref": self.env._("Cancels %(number)s", number=move.name),
                    }
                )
            notes |= moves.with_context(tracking_disable=True)._reverse_moves(values, cancel=True)
        return notes
