"""The mark under which the builder creates records whose values are complete."""

CONTEXT_KEY = "billing_preparation"

# No message, no follower and no tracking per invoice: the caller writes one message for the
# whole batch.
QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
}


def quiet(companies) -> dict:
    """Return the context in which entries of companies are made. Where an audit trail is restricted each
    of them is logged, as Odoo does it."""
    return {} if any(companies.mapped("restrictive_audit_trail")) else QUIET


class Preparation:
    """One ``create`` of prepared invoices, and what its records share.

    Lives in the context as an object, so that no call from outside can set it.
    """

    def __init__(self):
        #: {(model, names of the values that are given): default values of the others}
        self.defaults = {}
        #: {(model, name of a field, value): record with nothing but that value}
        self.dummies = {}

    def context(self):
        """Return the context to create in, with Odoo's own switches for entries that come with
        all their items."""
        return {
            **QUIET,
            CONTEXT_KEY: self,
            "skip_invoice_sync": True,
            "skip_invoice_line_sync": True,
            "skip_analytic_sync": True,
        }


def current_preparation(env) -> Preparation | None:
    """Return the :class:`Preparation` that is going on, if the builder is creating invoices."""
    preparation = env.context.get(CONTEXT_KEY)
    return preparation if isinstance(preparation, Preparation) else None
