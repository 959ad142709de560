"""Customers who pay in advance, for tests of wallets."""

from .common import BillingCase


class WalletCase(BillingCase):
    """A customer with an open, empty wallet; a user and a manager of the company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.user = cls.make_user("wallet_user", group % "user")
        cls.manager = cls.make_user("wallet_manager", group % "manager")
        cls.customer = cls.make_customer("Prepaid", email="prepaid@example.com")
        cls.wallet = cls.make_wallet(cls.customer)

    @classmethod
    def make_wallet(cls, partner, amount=0, **values):
        """Return a wallet of the customer with so much paid money in it."""
        wallet = cls.env["billing.wallet"].create(
            {"partner_id": partner.id, "company_id": cls.company.id, **values}
        )
        if amount:
            wallet._credit(amount, "Start")
        return wallet

    def debit(self, wallet, amount, **values):
        """Take money for something out of the wallet; return the transaction."""
        count = wallet.transaction_count
        return self.env["billing.wallet.transaction"]._book(
            [
                {
                    "wallet_id": wallet.id,
                    "kind": "debit",
                    "amount": -amount,
                    "source_key": f"test:{wallet.id}:{count}",
                    **values,
                }
            ]
        )

    def pockets(self, wallet):
        """(balance, granted) of a wallet as the database has them."""
        wallet.invalidate_recordset()
        return wallet.balance, wallet.granted_balance
