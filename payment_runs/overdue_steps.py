"""Which step follows for an overdue invoice. No database, no ORM."""

from datetime import date
from typing import NamedTuple


class Step(NamedTuple):
    """What is done so many days after the due date, or after so many failed collections (0: never
    because of them)."""

    id: int
    days: int
    failures: int = 0


class Done(NamedTuple):
    """A step that was taken, and the days that it stood for."""

    step: int
    day: date
    days: int


def next_step(
    steps: list[Step], done: list[Done], overdue: int, failures: int, today: date
) -> Step | None:
    """Return the one step to take now, None where it is not time for any.

    Steps follow each other, one at a time: between two of them lie as many days as between their
    places, so that an invoice that is found late is reminded of before anything is switched off. Failed
    collections lead to their step at once, past those before it.
    """
    taken = {one.step for one in done}
    last = max(done, key=lambda one: (one.days, one.day), default=None)
    ahead = [
        step
        for step in sorted(steps, key=lambda step: (step.days, step.id))
        if step.id not in taken and (last is None or step.days >= last.days)
    ]
    for step in ahead:
        if step.failures and failures >= step.failures:
            return step
    if not ahead or overdue < ahead[0].days:
        return None
    if last and (today - last.day).days < ahead[0].days - last.days:
        return None
    return ahead[0]
