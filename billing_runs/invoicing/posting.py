"""What the invoices posted in one call share."""

from collections import defaultdict

CONTEXT_KEY = "billing_posting"

#: where Odoo keeps until the commit by how much customers are to be raised: ``{id: by how much}``
RANKS = "account.res.partner.increase_rank.customer_rank"


class Posting:
    """One call of the builder's posting: what it learns for one invoice serves the others.

    Lives in the context as an object, so that no call from outside can set it.
    """

    def __init__(self, shares_numbers):
        """:param bool shares_numbers: whether nobody but Odoo decides on numbers"""
        self.shares_numbers = shares_numbers
        #: {what decides on the number's format: what ``_get_next_sequence_format`` returns}
        self.number_formats = {}
        #: {id of a partner: number of invoices posted}
        self.customer_ranks = defaultdict(int)


def current_posting(env) -> Posting | None:
    """Return the :class:`Posting` that is going on, if the builder is posting."""
    posting = env.context.get(CONTEXT_KEY)
    return posting if isinstance(posting, Posting) else None
