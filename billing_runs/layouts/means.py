"""How a document will be paid without its customer's doing anything. Plain Python."""

from datetime import date
from typing import NamedTuple

#: what the standards call a direct debit within SEPA (UNTDID 4461)
SEPA_DIRECT_DEBIT = "59"
#: a payment by card
BANK_CARD = "48"
#: letters of an account that bills show at its beginning and end
SHOWN = 4


class PaymentMeans(NamedTuple):
    """How a document will be paid, as its PDF and its structured invoice say it."""

    #: what the standards call it (UNTDID 4461)
    code: str
    #: one sentence for the customer, in the customer's language
    note: str
    #: day on which it is collected
    day: date | None = None
    #: reference of the mandate
    mandate: str = ""
    #: who collects, as the scheme numbers creditors
    creditor: str = ""
    #: account that it is collected from
    account: str = ""

    def masked_account(self) -> str:
        """Return the account as bills show it: they pass through many hands."""
        account = "".join(self.account.split())
        if len(account) <= 2 * SHOWN:
            return account
        return f"{account[:SHOWN]} … {account[-SHOWN:]}"
