"""A company that charges saved cards, and a card provider whose answers tests choose."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.fields import Command

from .payment_common import PaymentCase


class CardCase(PaymentCase):
    """A company with a provider that saves cards; customers who pay by card."""

    @classmethod
    def make_collector(cls):
        super().make_collector()
        cls.method = cls.env.ref("payment.payment_method_unknown")
        cls.provider = cls.make_card_provider(cls.company, cls.journal)
        cls.method.write({"active": True, "support_tokenization": True})
        cls.customer.billing_payment_preference = "card"
        cls.env["billing.task"].search([]).unlink()

    @classmethod
    def make_card_provider(cls, company, journal, **values):
        """Return a provider of a company that saves cards."""
        provider = cls.env["payment.provider"].create(
            {
                "name": "Cards",
                "code": "none",
                "state": "test",
                "allow_tokenization": True,
                "company_id": company.id,
                "payment_method_ids": [Command.set(cls.method.ids)],
                **values,
            }
        )
        kind = cls.env["account.payment.method"].sudo()
        kind = kind.search([("code", "=", "none")], limit=1) or kind.create(
            {"name": "None", "code": "none", "payment_type": "inbound"}
        )
        journal.inbound_payment_method_line_ids = [
            Command.create({"payment_method_id": kind.id, "payment_provider_id": provider.id})
        ]
        provider.journal_id = journal
        return provider

    @classmethod
    def make_card(cls, partner=None, digits="1111", provider=None, **values):
        """Return a saved card of a customer."""
        provider = provider or cls.provider
        return cls.env["payment.token"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": cls.method.id,
                "partner_id": (partner or cls.customer).id,
                "payment_details": digits,
                "provider_ref": f"card {digits}",
                **values,
            }
        )

    @classmethod
    def make_payer(cls, name="Payer", **values):
        """Return a customer who pays by card."""
        return super().make_payer(name, **{"billing_payment_preference": "card", **values})

    @classmethod
    def make_payment_run(cls, select=True, **values):
        """Return a payment run by card as the user would prepare it."""
        return super().make_payment_run(select, **{"method": "card", **values})

    @classmethod
    @contextmanager
    def card_provider(cls, *answers):
        """Have the provider answer each charge in turn, the last answer over and over.

        An answer is a function of the transaction, or the name of a state; yields the list of the
        references that were charged.
        """
        charged = []
        answers = list(answers or ("done",))

        def send(transaction):
            charged.append(transaction.reference)
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if callable(answer):
                return answer(transaction)
            return getattr(cls, f"answer_{answer}")(transaction)

        with patch.object(cls.env.registry["payment.transaction"], "_send_payment_request", send):
            yield charged

    @staticmethod
    def answer_done(transaction):
        transaction._set_done()

    @staticmethod
    def answer_pending(transaction):
        transaction._set_pending()

    @staticmethod
    def answer_declined(transaction):
        transaction._set_error("Do not honour")

    @staticmethod
    def answer_silent(transaction):
        """The provider takes the request and says nothing."""

    @staticmethod
    def answer_lost(transaction):
        """The card is charged, and the answer is lost on its way."""
        raise ConnectionResetError("the answer was lost")

    @classmethod
    def work(cls, run=None):
        """Do all tasks about cards here and now."""
        codes = ("collect_card", "book_card_payments", "payment_notices")
        cls.env["billing.task"]._run_inline(domain=[("type_id.code", "in", codes)], limit=100)
        cls.env.invalidate_all()

    def tick(self):
        """Do what the scheduled action does every quarter of an hour, and its tasks."""
        self.env["billing.card.charge"]._cron_charge()
        self.work()

    def charges(self, run):
        """The charges of a run, in the order in which they were made."""
        charges = self.env["billing.card.charge"].search([("run_id", "=", run.id)], order="id")
        charges.invalidate_recordset()
        return charges
