"""Included minutes and tiers: what rated calls of a month are charged with.

Pure arithmetic without the ORM; ``allowances_sql`` does the same by sets. Calls are taken in the order of
time, those that were charged before come first.

The owner of a pool of included minutes is the service, or the customer where the allowance is shared.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from .rating_reference import SECONDS_A_MINUTE, round_half_up


class Allowance(NamedTuple):
    """Included seconds a calendar month; no classes: those that no other allowance names."""

    id: int
    seconds: int
    class_ids: frozenset
    shared: bool


class Tier(NamedTuple):
    """A price a minute from so many seconds of a class on."""

    class_id: int
    seconds_from: int
    price_minute: Decimal


class Terms(NamedTuple):
    """What a plan includes, and to how many decimals a call's amount is rounded."""

    digits: int
    allowances: tuple
    tiers: tuple


class UsedCall(NamedTuple):
    """A rated call; ``charged_included`` are the included seconds of one that was charged before,
    None where it has not been."""

    id: int
    call_time: object
    month: object
    service_id: int
    partner_id: int
    plan_id: int
    class_id: int
    billed_seconds: int
    amount: Decimal
    charged_included: int | None


class ChargedCall(NamedTuple):
    """What a call is charged with: the seconds that were included, and the amount for the others."""

    id: int
    included_seconds: int
    amount: Decimal


def allowance_of(allowances: Iterable[Allowance], class_id: int) -> Allowance | None:
    """Return the allowance that a class draws on."""
    rest = None
    for allowance in allowances:
        if class_id in allowance.class_ids:
            return allowance
        if not allowance.class_ids:
            rest = allowance
    return rest


def charge_calls(calls: Iterable[UsedCall], terms: dict[int, Terms]) -> list[ChargedCall]:
    """Return what the calls that have not been charged before are charged with.

    :param terms: by plan; a plan without terms includes nothing
    """
    left: dict = {}
    counted: dict = defaultdict(int)
    charged = []
    for call in sorted(calls, key=lambda c: (c.charged_included is None, c.call_time, c.id)):
        plan = terms.get(call.plan_id)
        allowance = allowance_of(plan.allowances, call.class_id) if plan else None
        included = 0
        if allowance:
            owner = call.partner_id if allowance.shared else -call.service_id
            pool = (allowance.id, owner, call.month)
            rest = left.setdefault(pool, allowance.seconds)
            included = call.charged_included
            if included is None:
                included = min(rest, call.billed_seconds)
            left[pool] = max(rest - included, 0)
        counter = (call.service_id, call.plan_id, call.class_id, call.month)
        before = counted[counter]
        counted[counter] += call.billed_seconds - included
        if call.charged_included is None:
            amount = _amount(call, included, before, plan) if plan else call.amount
            charged.append(ChargedCall(call.id, included, amount))
    return charged


def _amount(call: UsedCall, included: int, before: int, terms: Terms) -> Decimal:
    """What the seconds beyond the included ones cost, when ``before`` were counted for tiers."""
    tiers = sorted(t for t in terms.tiers if t.class_id == call.class_id)
    if not call.billed_seconds or not (tiers or included):
        return call.amount
    after = before + call.billed_seconds - included
    first = tiers[0].seconds_from if tiers else after
    own = max(min(after, first) - before, 0)
    amount = call.amount * own / call.billed_seconds
    for number, tier in enumerate(tiers):
        end = tiers[number + 1].seconds_from if number + 1 < len(tiers) else after
        seconds = max(min(after, end) - max(before, tier.seconds_from), 0)
        amount += tier.price_minute * seconds / SECONDS_A_MINUTE
    return round_half_up(amount, terms.digits)
