"""The mark under which the builder creates records whose values are complete."""

CONTEXT_KEY = "billing_prepared_invoices"
_MARK = object()

# No message, no follower and no tracking per invoice: the caller writes one message for the whole
# batch.
QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
}

# Odoo's own switches for entries that come with all their items.
PREPARED = {
    **QUIET,
    CONTEXT_KEY: _MARK,
    "skip_invoice_sync": True,
    "skip_invoice_line_sync": True,
    "skip_analytic_sync": True,
}


def is_prepared(env):
    """Return whether the running ``create`` is the builder's own. The mark is an object, so that
    no call from outside can set it."""
    return env.context.get(CONTEXT_KEY) is _MARK
