"""How one call came to its amount, step by step.

Pure arithmetic without the ORM. ``cdrs.rating_reference`` says what a call costs and ``cdrs.allowances``
what it is charged with; here each step on the way is told, in their order and with their numbers. Where
the steps do not lead to what is stored, that is told as well: a plan was changed since, or somebody
changed the call.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from ...cdrs.rating_reference import (
    SECONDS_A_MINUTE,
    Price,
    billed_seconds,
    call_amount,
    round_half_up,
)


class Facts(NamedTuple):
    """A call that was rated, as it is stored; the last three only where it was charged."""

    seconds: int
    answered: bool
    withheld: bool
    billed_seconds: int
    amount: Decimal
    included_seconds: int = 0
    counted_before: int | None = None
    charged_amount: Decimal | None = None


class Rules(NamedTuple):
    """What a plan says of calls of one class; tiers are ``(from so many seconds, price a minute)``."""

    unanswered: str
    withheld: str
    digits: int
    tiers: tuple = ()


class Step(NamedTuple):
    """One step: its kind, and the numbers in it by name."""

    kind: str
    numbers: dict


class Explanation(NamedTuple):
    """The steps to an amount; what they come to, before and after it was charged; and whether that is
    what is stored."""

    steps: tuple
    amount: Decimal
    charged_amount: Decimal | None
    agrees: bool


def explain(call: Facts, price: Price | None, rules: Rules) -> Explanation:
    """Return how a rated call came to its amount.

    :param price: of the rate that priced it; None where a free call needed none
    """
    steps, seconds, amount = _rated(call, price, rules)
    charged = None
    if call.charged_amount is not None:
        more, charged = _charged(call, seconds, amount, rules)
        steps += more
    agrees = (seconds, amount, charged) == (
        call.billed_seconds,
        call.amount,
        call.charged_amount,
    ) and call.included_seconds <= seconds
    return Explanation(tuple(steps), amount, charged, agrees)


def _rated(call: Facts, price: Price | None, rules: Rules) -> tuple[list[Step], int, Decimal]:
    if call.withheld and rules.withheld == "free":
        return [Step("withheld", {})], 0, Decimal(0)
    if not call.answered and rules.unanswered == "free":
        return [Step("unanswered", {})], 0, Decimal(0)
    if price is None:
        return [Step("no_rate", {})], 0, Decimal(0)
    if not call.answered and rules.unanswered == "connect":
        amount = round_half_up(price.connect_fee, rules.digits)
        return [Step("connect", {"fee": price.connect_fee, "amount": amount})], 0, amount
    seconds = billed_seconds(call.seconds, price.initial_seconds, price.step_seconds)
    plain = price.connect_fee + price.price_minute * seconds / SECONDS_A_MINUTE
    steps = [
        Step(
            "time",
            {
                "seconds": call.seconds,
                "initial": price.initial_seconds,
                "step": price.step_seconds,
                "steps": (seconds - price.initial_seconds) // price.step_seconds,
                "billed": seconds,
            },
        ),
        Step(
            "price",
            {
                "fee": price.connect_fee,
                "price": price.price_minute,
                "billed": seconds,
                "amount": plain,
            },
        ),
    ]
    exact = call_amount(price, seconds)
    if exact != plain:
        steps.append(Step("minimum", {"minimum": price.minimum}))
    amount = round_half_up(exact, rules.digits)
    if amount != exact:
        steps.append(Step("rounded", {"digits": rules.digits, "amount": amount}))
    return steps, seconds, amount


def _charged(
    call: Facts, seconds: int, amount: Decimal, rules: Rules
) -> tuple[list[Step], Decimal]:
    """Return the steps by which included minutes and tiers make a call's charge of its amount."""
    included = call.included_seconds
    tiers = sorted(rules.tiers)
    if not seconds or not (tiers or included):
        return [], amount
    left = seconds - included
    steps = []
    if included:
        steps.append(Step("included", {"included": included, "billed": seconds, "left": left}))
    before = call.counted_before or 0
    after = before + left
    first = tiers[0][0] if tiers else after
    own = max(min(after, first) - before, 0)
    exact = amount * own / seconds
    if own and own != seconds:
        steps.append(
            Step("share", {"amount": amount, "own": own, "billed": seconds, "share": exact})
        )
    for number, (start, price) in enumerate(tiers):
        part = _seconds_between(before, after, start, _end(tiers, number, after))
        if part:
            cost = price * part / SECONDS_A_MINUTE
            numbers = {"seconds": part, "start": start, "price": price, "amount": cost}
            steps.append(Step("tier", numbers))
            exact += cost
    charged = round_half_up(exact, rules.digits)
    if charged != exact:
        steps.append(Step("rounded", {"digits": rules.digits, "amount": charged}))
    return steps, charged


def _end(tiers: Sequence, number: int, after: int) -> int:
    """Return where a tier ends: where the next begins, the last one not at all."""
    return tiers[number + 1][0] if number + 1 < len(tiers) else after


def _seconds_between(before: int, after: int, start: int, end: int) -> int:
    """Return how many of the seconds counted from ``before`` to ``after`` lie in ``[start, end)``."""
    return max(min(after, end) - max(before, start), 0)
