"""What became of a request to a card provider. No database, no ORM.

Odoo's ``payment`` turns every failed request into a ``ValidationError``, and with it the transaction
into an error. Whether the card was charged all the same is told apart here by what caused it.
"""

from requests.exceptions import ConnectionError as LostConnection
from requests.exceptions import ConnectTimeout, HTTPError, Timeout
from urllib3.exceptions import MaxRetryError, NewConnectionError

#: key of the context under which a charge watches its requests
WATCH = "billing_card_watch"


class AnswerLost(Exception):
    """The request may have reached the provider, its answer did not come."""


class OtherAmount(Exception):
    """The provider speaks of another amount than the one it was asked for."""


class NotReached(Exception):
    """The provider certainly knows nothing of the charge."""


class Watch:
    """Counts the requests of one charge. Only an object made here counts, so that no context that
    comes from outside can pretend to be one."""

    def __init__(self, amount_only=False):
        self.requests = 0
        #: it is only being checked whether the provider speaks of the same amount
        self.amount_only = amount_only


def causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and those that led to it, the last one first."""
    found = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def is_not_reached(error: BaseException) -> bool:
    """Return whether no connection came about: nothing was sent."""
    for cause in causes(error):
        if isinstance(cause, ConnectTimeout | NewConnectionError):
            return True
        if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
            return True
    return False


def is_lost(error: BaseException) -> bool:
    """Return whether the request may have been carried out although it failed here: the connection
    broke, the time was up, or something between here and there failed."""
    for cause in causes(error):
        if isinstance(cause, HTTPError):
            response = cause.response
            return response is None or response.status_code >= 500 or response.status_code == 408
        if isinstance(cause, LostConnection | Timeout):
            return True
    return False
