from odoo import models


class BillingBill(models.Model):
    """What keeps a bill from being invoiced: where Odoo would bill on in silence, and what it
    would refuse only when posting. The pre-billing report runs the same checks."""

    _inherit = "billing.bill"

    def _invoicing_problems(self, sheets=None):
        """Return ``{bill: (code, message)}`` of the bills that must not be invoiced.

        :param dict sheets: from :meth:`_worksheets`, where it is known
        """
        problems = {}
        if not self:
            return problems
        run = self.run_id
        company_problem = run._document_problem()
        unrated = run._currencies_without_rate(self.currency_id)
        sheets = sheets or self._worksheets()
        known = {}
        for bill in self:
            problem = company_problem or (bill.currency_id in unrated and bill._rate_problem())
            for planned in sheets[bill].documents:
                position, credit = planned.position, planned.sign < 0
                problem = (
                    problem
                    or bill._customer_problem(
                        sheets[bill].addressee.address, position, credit, known
                    )
                    or bill._product_problem(planned.lines, position, credit, known)
                )
            if problem:
                problems[bill] = problem
        return problems

    def _customer_problem(self, address, position, credit, known):
        """Return ``(code, message)`` of the customer's own problem, or None.

        :param address: where the invoice goes
        :param position: the fiscal position of that address
        :param bool credit: the charges net below zero
        :param dict known: cache of what was asked so far
        """
        partner = self._partner()
        if not partner.active or not address.active:
            return "partner_archived", self.env._(
                "Customer %(customer)s is archived. Unarchive it, or end its services.",
                customer=partner.display_name,
            )
        receivable = partner.commercial_partner_id.property_account_receivable_id
        receivable = position.map_account(receivable) if position else receivable
        if not receivable or not receivable.active:
            return "no_receivable_account", self.env._(
                "Customer %(customer)s has no receivable account in use. Set one on its"
                " Accounting tab.",
                customer=partner.display_name,
            )
        bank_account = not credit and self._archived_bank_account(partner, known)
        if bank_account:
            return "bank_archived", self.env._(
                "Bank account %(account)s, to which %(customer)s pays, is archived. Unarchive it,"
                " or choose another payment method for the customer or your company.",
                account=bank_account.display_name,
                customer=partner.display_name,
            )
        return self.run_id._currency_problem(receivable, self.currency_id)

    def _archived_bank_account(self, partner, known):
        """Return the account printed on the invoice where it is archived, or None.

        :param dict known: cache of the accounts found so far
        """
        method = chosen = partner.property_inbound_payment_method_line_id
        if chosen not in known:
            if not method:
                company = self.company_id
                own = company.partner_id.with_company(company)
                # Alone: with it all that is kept for each company would be read.
                own.fetch(["property_inbound_payment_method_line_id"])
                method = own.property_inbound_payment_method_line_id
            account = method.journal_id.bank_account_id
            known[chosen] = account if account and not account.active else None
        return known[chosen]

    def _rate_problem(self):
        return "no_currency_rate", self.env._(
            "There is no rate of %(currency)s on or before %(date)s. Enter one under"
            " Accounting, Currencies.",
            currency=self.currency_id.name,
            date=self.run_id.invoice_date,
        )

    def _product_problem(self, lines, position, credit, known):
        """Return the first problem of the products on a document of the bill, or None.

        :param lines: its ``DocumentLine``
        :param dict known: cache of what was asked so far
        """
        run, currency = self.run_id, self.currency_id
        for line in lines:
            named, ask = (line.product, position, credit, currency), run._product_problem
            if line.source:
                named += (line.source.account_id, line.taxes)
                ask = run._taken_back_problem
            key = tuple(value if value is credit else value._ids for value in named)
            if key not in known:
                known[key] = ask(*named)
            if known[key]:
                return known[key]
        return None
