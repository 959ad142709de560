"""What a monitoring system is told: plain figures, and what follows from them."""

import hmac

OK, WARNING, FAILING = "ok", "warning", "failing"
#: seconds after which work that is due and that nobody begins is a warning, and a failure
LATE, TOO_LATE = 300, 1800
#: seconds within which a worker has to have looked at the queue
SEEN = 300


def is_key(given: str | None, wanted: str | None) -> bool:
    """Return whether what was given is the key, in a time that says nothing of how much of it was
    right. Without a key set nothing is."""
    given, wanted = (given or "").encode(), (wanted or "").encode()
    return hmac.compare_digest(given, wanted) and bool(wanted)


def problems(figures: dict) -> dict:
    """Return ``{what: OK, WARNING or FAILING}`` of what is looked at.

    :param dict figures: from ``billing.task._health_figures``: ``queue`` with ``oldest_due_seconds``,
        ``failed`` and ``lost`` (counts), ``workers`` with ``wanted``, ``busy`` (counts) and
        ``seen_seconds`` (None where none ever came), and what floors above add: a part with
        ``failed`` counts against it
    """
    queue, workers = figures["queue"], figures["workers"]
    waited = queue["oldest_due_seconds"]
    found = {
        "queue": FAILING if waited > TOO_LATE else WARNING if waited > LATE else OK,
        "tasks": WARNING if queue["failed"] or queue["lost"] else OK,
        "workers": OK,
    }
    seen = workers["seen_seconds"]
    if not workers["wanted"]:
        found["workers"] = WARNING
    elif not workers["busy"] and (seen is None or seen > SEEN):
        found["workers"] = FAILING
    for name, part in figures.items():
        if name not in ("queue", "workers"):
            found[name] = WARNING if part.get("failed") else OK
    return found


def worst(found: dict) -> str:
    """Return the worst of what :func:`problems` found."""
    return max(found.values(), key=(OK, WARNING, FAILING).index, default=OK)
