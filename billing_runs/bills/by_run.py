"""Proof that a run itself deletes its documents: an object that no RPC call can forge."""

_RUN = object()


def by_run(records):
    """Return the same documents for a run's own methods, which keep bill and charges in step."""
    return records.with_context(billing_by_run=_RUN)


def is_by_run(env):
    """Return whether a run's own method is at work."""
    return env.context.get("billing_by_run") is _RUN
