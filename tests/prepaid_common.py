"""Prepaid services, and runs that debit their wallets."""

from datetime import date, timedelta

from odoo.fields import Command

from .wallet_common import WalletCase

MAY = date(2026, 5, 1)


class PrepaidCase(WalletCase):
    """A tariff of 30 a month, prepaid: 34.50 with tax, billed from a wallet by the day."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.category = cls.env["res.partner.category"].create({"name": "Prepaid"})
        cls.customer.category_id = cls.category
        cls.prepaid = cls.make_scheme("Prepaid", classification="prepaid")
        cls.mobile = cls.make_tariff(cls.prepaid, 30.0, name="Mobile")
        cls.cycle = cls.make_prepaid_cycle()

    @classmethod
    def make_prepaid_cycle(cls, **values):
        """Return the active prepaid cycle of the company."""
        return cls.make_cycle(
            cls.env["billing.term.scheme"].search(
                [("classification", "=", "prepaid"), ("company_id", "=", cls.company.id)]
            ),
            **{
                "name": "Prepaid",
                "run_type": "prepaid",
                "recurrence_unit": "day",
                "partner_category_ids": [Command.set(cls.category.ids)],
                **values,
            },
        )

    @classmethod
    def make_prepaid_customer(cls, name, amount=0, **values):
        """Return a customer with a wallet that holds so much."""
        partner = cls.make_customer(name, category_id=[Command.set(cls.category.ids)], **values)
        cls.make_wallet(partner, amount)
        return partner

    def wallet_of(self, partner):
        return self.env["billing.wallet"].search([("partner_id", "=", partner.id)])

    def run_day(self, day, **values):
        """Execute a run that bills as of a day; return it."""
        run = self.make_run(self.cycle, day, **values)
        run._execute()
        return run

    def run_days(self, day, count):
        return [self.run_day(day + timedelta(days=n)) for n in range(count)]

    def debited(self, partner):
        """What was debited from the customer's wallet, in all."""
        transactions = self.wallet_of(partner).transaction_ids
        debits = transactions.filtered(lambda t: t.kind == "debit")
        return round(-sum(debits.mapped("amount")), 2)
