from odoo import api, models
from odoo.fields import Domain
from odoo.tools import format_date

from .standing import SHOWN_STATES, Standing


class BillingBill(models.Model):
    """Bills as their customers see them: posted ones alone, and how each stands, in words."""

    _inherit = "billing.bill"

    @api.model
    def _bills_of(self, customer):
        """Return the bills that a customer has, of all companies, the newest first.

        :param customer: the company or person whose contacts share its account
        """
        domain = Domain("partner_id.commercial_partner_id", "=", customer.id)
        domain &= Domain("state", "in", SHOWN_STATES)
        # What was taken back before it was posted was never the customer's.
        posted = Domain("move_ids", "any", [("state", "=", "posted")])
        domain &= posted | (Domain("balance_date", "!=", False) & Domain("state", "!=", "undone"))
        bills = self.with_context(active_test=False).search(domain)
        return bills.sorted(lambda bill: (bill._customer_date(), bill.id), reverse=True)

    def _customer_date(self):
        """Return the date of a bill as its customer knows it."""
        self.ensure_one()
        return self.run_id.invoice_date or (self.balance_date or self.create_date).date()

    def _customer_documents(self):
        """Return the posted documents of bills, credit notes that somebody made of them later among
        them; invoices first."""
        moves = self.move_ids | self.move_ids.reversal_move_ids
        moves = moves.filtered(lambda move: move.state == "posted" and move.is_sale_document())
        return moves.sorted(lambda move: (move.move_type, move.invoice_date, move.id))

    def _customer_name(self, documents=None):
        """Return what a bill is called: by its documents' numbers, else by its date."""
        self.ensure_one()
        documents = self._customer_documents() if documents is None else documents
        names = documents.filtered(lambda move: move.billing_bill_id == self).mapped("name")
        return ", ".join(names) or self.env._(
            "Bill of %s", format_date(self.env, self._customer_date())
        )

    def _standings(self):
        """Return ``{bill: Standing}``, in words of the environment's language."""
        documents = {bill: bill._customer_documents() for bill in self}
        every = self.env["account.move"].union(*documents.values())
        collections = every._billing_collections()
        paying = every._being_paid_online()
        return {bill: bill._standing(documents[bill], collections, paying) for bill in self}

    def _standing(self, documents, collections, paying):
        currency = self.currency_id
        open_ones = documents.filtered(lambda move: not currency.is_zero(move.amount_residual))
        invoices = open_ones.filtered(lambda move: move.move_type == "out_invoice")
        amount = currency.round(
            sum(invoices.mapped("amount_residual"))
            - sum((open_ones - invoices).mapped("amount_residual"))
        )
        if currency.compare_amounts(amount, 0) <= 0:
            return self._settled(documents, amount)
        days = [day for day in (move._next_due() for move in invoices) if day]
        due = min(days, default=None)
        found = [collections[move] for move in invoices if move in collections]
        notes = tuple(dict.fromkeys(collection.note for collection in found))
        if invoices <= paying:
            return Standing("processing", self.env._("Payment is being processed"), amount, due)
        if len(found) == len(invoices):
            text = self._collected_text(found)
            return Standing("collected", text, amount, due, notes)
        code, text = self._due_text(documents, amount, due)
        return Standing(code, text, amount, due, notes)

    def _settled(self, documents, amount):
        """Return how a bill stands of which nothing is to be paid."""
        currency = self.currency_id
        if self.state == "undone":
            return Standing("undone", self.env._("Taken back"), amount)
        if not documents:
            return Standing("none", self.env._("No document"))
        if not currency.is_zero(amount):
            text = self.env._("Credit of %s", currency.format(-amount))
            return Standing("credit", text, amount)
        invoices = documents.filtered(lambda move: move.move_type == "out_invoice")
        states = set(invoices.mapped("payment_state"))
        if not invoices:
            return Standing("credited", self.env._("Set off"))
        if states == {"reversed"}:
            return Standing("credited", self.env._("Credited in full"))
        if "in_payment" in states:
            return Standing("processing", self.env._("Payment is being processed"))
        return Standing("paid", self.env._("Paid"))

    def _collected_text(self, collections):
        if any(collection.under_way for collection in collections):
            return self.env._("Being collected")
        days = {collection.day for collection in collections}
        if len(days) == 1 and None not in days:
            return self.env._("Collected on %s", format_date(self.env, days.pop()))
        return self.env._("Collected by us")

    def _due_text(self, documents, amount, due):
        """Return code and words of a bill that its customer has to pay."""
        env = self.env
        today = self.company_id._billing_today()
        total = sum(
            move.amount_total if move.move_type == "out_invoice" else -move.amount_total
            for move in documents
        )
        if due and due < today:
            return "overdue", env._("Overdue since %s", format_date(env, due))
        partly = self.currency_id.compare_amounts(amount, total) < 0
        code = "partly" if partly else "open"
        if due == today:
            return code, env._("Partly paid, due today") if partly else env._("Due today")
        if due:
            day = format_date(env, due)
            return code, (
                env._("Partly paid, due on %s", day) if partly else env._("Due on %s", day)
            )
        return code, env._("Partly paid") if partly else env._("Open")

    def _customer_files(self):
        """Return ``{document: attachments}`` that customers may have of the bills: the PDF as it was
        delivered, the structured invoice where there is one, and annexes."""
        found = {}
        for move in self._customer_documents():
            files = move.invoice_pdf_report_id
            if "ubl_cii_xml_id" in move._fields:
                files |= move.ubl_cii_xml_id
            found[move] = files | move.billing_call_annex_ids
        return found
