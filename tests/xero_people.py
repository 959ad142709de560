"""What people do in the stand-in of Xero, and what tests have go wrong there."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

from xero_python.accounting import models


class XeroPeople:
    """The part of `XeroServer` that tests call."""

    @staticmethod
    def make_tracking():
        """Return one tracking category with two options."""
        return [
            models.TrackingCategory(
                tracking_category_id=str(uuid.uuid4()),
                name="Region",
                status="ACTIVE",
                options=[
                    models.TrackingOption(
                        tracking_option_id=str(uuid.uuid4()), name=name, status="ACTIVE"
                    )
                    for name in ("North", "South")
                ],
            )
        ]

    # === WHAT TESTS DO === #

    def fault(self, path, what, method="PUT", times=1):
        """Have the next requests go wrong: ``drop_before`` and ``drop_after`` doing it, a status, or a
        function of the request's models."""
        self.faults.append([method, path, what, times])

    def authorize(self, challenge, redirect):
        """Return a code, as a person gets it who agrees."""
        code = uuid.uuid4().hex
        self.codes[code] = (challenge, redirect)
        return code

    def let_in(self):
        """Return tokens, as if somebody had logged in."""
        return self._new_tokens(True)

    def expire(self):
        """End all access tokens."""
        self.access = dict.fromkeys(self.access, 0)

    def add_contact(self, **values):
        """Put a contact there, as people there do."""
        contact = models.Contact(
            contact_id=str(uuid.uuid4()),
            contact_status="ACTIVE",
            updated_date_utc=datetime.now(UTC),
            **values,
        )
        self.contacts[contact.contact_id] = contact
        return contact

    def pay(self, number, amount, day=None, account="090", **values):
        """Have a payment come in for an invoice or a credit note."""
        found = [i for i in self.invoices.values() if i.invoice_number == number]
        notes = [c for c in self.credit_notes.values() if c.credit_note_number == number]
        paid = models.Payment(
            payment_id=str(uuid.uuid4()),
            date=day or date.today(),
            amount=Decimal(str(amount)),
            account=models.Account(code=account),
            status="AUTHORISED",
            payment_type="ACCRECPAYMENT" if found else "ARCREDITPAYMENT",
            updated_date_utc=datetime.now(UTC),
            reference=values.pop("reference", "Paid"),
            **values,
        )
        if found:
            invoice = found[0]
            paid.invoice = models.Invoice(
                invoice_id=invoice.invoice_id,
                invoice_number=number,
                currency_code=invoice.currency_code,
                type="ACCREC",
            )
            invoice.amount_paid = (invoice.amount_paid or Decimal()) + paid.amount
            invoice.amount_due = invoice.total - invoice.amount_paid
            invoice.updated_date_utc = datetime.now(UTC)
        else:
            note = notes[0]
            paid.credit_note = models.CreditNote(
                credit_note_id=note.credit_note_id,
                credit_note_number=number,
                currency_code=note.currency_code,
            )
            note.remaining_credit -= paid.amount
            note.updated_date_utc = datetime.now(UTC)
        self.payments[paid.payment_id] = paid
        return paid

    def delete_payment(self, payment):
        """Delete a payment there."""
        payment.status = "DELETED"
        payment.updated_date_utc = datetime.now(UTC)

    def void(self, number):
        """Void an invoice there."""
        for invoice in self.invoices.values():
            if invoice.invoice_number == number:
                invoice.status = "VOIDED"
                invoice.updated_date_utc = datetime.now(UTC)

    def numbers(self):
        """Return the numbers of all invoices, also twice."""
        return [invoice.invoice_number for invoice in self.invoices.values()]
