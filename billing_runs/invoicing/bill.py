from odoo import models
from odoo.exceptions import UserError
from odoo.tools.mail import plaintext2html

from ...billing_tasks.crash_points import crash_point
from ...services.invoice_line import InvoiceLine
from ..bills.by_run import by_run
from .lines import line_amount


class BillingBill(models.Model):
    """Invoicing: the charges of a bill become draft invoices (rated → invoiced), or posted ones where
    nobody is to look at drafts."""

    _inherit = "billing.bill"

    def _invoice(self):
        """Create the draft invoices and credit notes of rated bills."""
        sheets = self._worksheets()
        todo = self - self._refuse_by(self._invoicing_problems(sheets))
        crash_point("invoicing.before_insert")
        todo._isolate(lambda bills: bills._invoice_batch(sheets), "invoicing_failed")

    def _refuse_by(self, problems):
        """Put the bills in ``{bill: (code, message)}`` in error and return them."""
        refused = self.browse()
        for bill, (code, message) in problems.items():
            bill._set_error(code, message)
            refused |= bill
        return refused

    def _invoice_batch(self, sheets=None):
        documents, zero = self._prepare_documents(sheets)
        if documents and self.run_id._posts_at_once() and self._post_at_once(documents, zero):
            return
        moves = self._create_drafts(documents)
        if any(move.amount_total < 0 for move in moves):
            moves, documents = self._turn_negative_documents(moves, documents)
        items = [
            [(line.id, line.price_subtotal) for line in move.invoice_line_ids.sorted("sequence")]
            for move in moves
        ]
        self._link_documents(items, documents, moves.ids)
        self._skip_undocumented(documents, zero)._set_state("invoiced")

    def _create_drafts(self, documents):
        """Create the drafts of (bill, charges, spec); shapes are proven once a run and process."""
        return self.env["billing.invoice.builder"]._create_invoices(
            [spec for _bill, _charges, spec in documents], self._draft_proofs("drafts"), self.run_id
        )

    def _skip_undocumented(self, documents, zero):
        """Skip the bills whose charges make no document and return the others.

        :param documents, zero: from :meth:`_prepare_documents`
        """
        documented = self.browse().concat(*(bill for bill, _charges, _spec in documents))
        message = self.env._("The charges add up to zero: there is nothing to invoice.")
        # Left open they would pile up and print on a later invoice to no effect.
        zero._settle()
        (self - documented)._set_skipped("zero_total", message)
        return documented

    def _prepare_documents(self, sheets=None):
        """Return the documents to create, and the charges that make none.

        Charges that add up to zero make none.

        :param dict sheets: from :meth:`_worksheets`, where it is known
        :return: (list of (bill, charges, spec), recordset of charges)
        """
        sheets = sheets or self._worksheets()
        documents, zero = [], self.env["billing.charge"]
        for bill in self:
            addressee = sheets[bill].addressee
            for charges, position, lines, sign in sheets[bill].documents:
                if sign:
                    to = addressee._replace(position=position)
                    spec = bill._prepare_document(charges, sign, to, lines)
                    documents.append((bill, charges, spec))
                else:
                    zero |= charges
        return documents, zero

    def _prepare_document(self, charges, sign, addressee, lines):
        """Return the invoice builder's specification of one document.

        :param int sign: 1 for an invoice, -1 for a credit note
        :param addressee: from :meth:`_addressees`
        :param lines: the charges' ``DocumentLine``
        """
        self.ensure_one()
        run = self.run_id
        company = self.company_id
        term, due_date = self._payment_terms(charges)
        return {
            "move_type": "out_invoice" if sign > 0 else "out_refund",
            "company_id": company.id,
            "partner_id": addressee.address.id,
            "partner_shipping_id": addressee.delivery.id,
            "fiscal_position_id": addressee.position.id,
            "journal_id": run.cycle_id.journal_id.id,
            "currency_id": self.currency_id.id,
            "invoice_date": run.invoice_date,
            "date": run.transaction_date,
            "invoice_payment_term_id": term.id,
            "invoice_date_due": due_date,
            "billing_due_shift": run._due_shift() if term else 0,
            "invoice_origin": run.number,
            "billing_bill_id": self.id,
            "billing_message": self._message(),
            "lines": [
                {
                    "sequence": number,
                    "product_id": line.product.id,
                    "name": charge.name,
                    "quantity": line.quantity,
                    "price_unit": sign * line.price_unit,
                    "discount": line.discount,
                    **line.as_billed(),
                }
                for number, (charge, line) in enumerate(zip(charges, lines, strict=True), start=1)
            ],
        }

    def _message(self):
        """Return the message on the invoice: the run's, else the customer's own."""
        self.ensure_one()
        message = self.run_id._message_in_language(self.partner_id.lang)
        own = self._partner().billing_invoice_message
        return message or (plaintext2html(own) if own else False)

    def _payment_terms(self, charges):
        """Return ``(payment term, due date)`` of a document; one of them is empty.

        The run's own due date wins; then the customer's term, then the billing
        terms' one where all charges agree on it, then the cycle's due rule. The
        run may move all but the first.
        """
        run = self.run_id
        none = self.env["account.payment.term"]
        if run.due_date:
            return none, run.due_date
        term = self._partner().property_payment_term_id
        if not term:
            terms = charges.service_id.tariff_id.term_scheme_id.payment_term_id
            term = terms if len(terms) == 1 else none
        if term:
            return term, None
        return none, run._due_date_without_terms()

    def _turn_negative_documents(self, moves, documents):
        """Create anew, as credit notes, the documents whose total with tax is negative.

        Rare: charges that net above zero before tax and below it with tax.
        """
        turned = {}
        for index, (move, (bill, charges, spec)) in enumerate(zip(moves, documents, strict=True)):
            if move.amount_total < 0:
                turned[index] = self._turn_document(bill, charges, spec)
        wrong = moves.browse().concat(*(moves[index] for index in turned))
        by_run(wrong).unlink()
        created = self._create_drafts(turned.values())
        replaced = dict(zip(turned, created, strict=True))
        moves = moves.browse().concat(
            *(replaced.get(index, move) for index, move in enumerate(moves))
        )
        return moves, [turned.get(index, entry) for index, entry in enumerate(documents)]

    def _turn_document(self, bill, charges, spec):
        """Return (bill, charges, spec) of the credit note in place of an invoice, or back."""
        turned = "out_refund" if spec["move_type"] == "out_invoice" else "out_invoice"
        lines = [line | {"price_unit": -line["price_unit"]} for line in spec["lines"]]
        return bill, charges, spec | {"move_type": turned, "lines": lines}

    def _link_documents(self, items, documents, move_ids, *, again=False):
        """Tie every charge to its invoice line, which may come into its table after it.

        :param items: for each document the ids and subtotals of its items, those of its charges
            first, in their order
        :param move_ids: the ids of the documents
        :param again: some are tied already, to lines of documents that were not made after all
        """
        links, amounts = {}, {}
        # After a proof nothing is known of the charges, and one after the other all would be read.
        charges = self.env["billing.charge"].concat(*(some for _bill, some, _spec in documents))
        charges.fetch(["amount", "state"])
        self.browse().concat(*(bill for bill, _some, _spec in documents)).fetch(["currency_id"])
        for move_id, some, (bill, charges, spec) in zip(move_ids, items, documents, strict=True):
            sign = 1 if spec["move_type"] == "out_invoice" else -1
            currency, some = bill.currency_id, some[: len(charges)]
            for charge, item, line in zip(charges, some, spec["lines"], strict=True):
                links[charge.id] = InvoiceLine(*item, move_id)
                figures = line["quantity"], sign * line["price_unit"], line["discount"]
                amount = line_amount(*figures, currency.round)
                same = amount == charge.amount or not currency.compare_amounts(
                    amount, charge.amount
                )
                amounts[charge.id] = None if same else amount
        charges = self.env["billing.charge"].browse(links)
        charges._mark_invoiced(links, again=again, document_amount=amounts)

    # === AFTER POSTING === #

    def _check_documents(self):
        """Check that posting kept what the run asked for.

        :raise UserError: a document got another accounting date
        """
        for move in self.move_ids:
            if move.date != move.billing_bill_id.run_id.transaction_date:
                raise UserError(
                    self.env._(
                        "%(invoice)s would be booked on %(date)s instead of %(wanted)s.",
                        invoice=move.display_name,
                        date=move.date,
                        wanted=move.billing_bill_id.run_id.transaction_date,
                    )
                )
