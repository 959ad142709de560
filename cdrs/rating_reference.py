"""What a call costs, said in plain Python.

``rating_sql`` does the same for millions of calls at once; the tests hold both to the last digit of each
other. Here it is written to be read: the arithmetic behind one call's amount is explained by it.
"""

from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

#: decimals that amounts keep where it is the bill that is rounded
BILL_DIGITS = 10
SECONDS_A_MINUTE = 60


class Price(NamedTuple):
    """The numbers of a rate."""

    connect_fee: Decimal
    price_minute: Decimal
    initial_seconds: int
    step_seconds: int
    minimum: Decimal


class Rate(NamedTuple):
    """A version of a rate: the numbers that begin with a prefix, in one time band or in all."""

    id: int
    prefix: str
    band_id: int | None
    class_id: int
    date_from: date
    date_to: date | None
    price: Price


class Band(NamedTuple):
    """A time band: weekdays from 0 (Monday), minutes of the day, behaviour on public holidays."""

    id: int
    weekdays: frozenset
    minute_from: int
    minute_to: int
    holidays: str


class Plan(NamedTuple):
    """A rate plan with its bands, in the order in which they are asked."""

    id: int
    currency_id: int
    rounding: str
    rounding_digits: int
    unanswered: str
    withheld: str
    bands: tuple
    rates: tuple


class Number(NamedTuple):
    """Days on which a number belongs to a service, and is billed by one plan for each direction."""

    key: str
    date_from: date
    date_to: date | None
    service_id: int
    currency_id: int
    plan_out: int | None
    plan_in: int | None


class Call(NamedTuple):
    """A call as a carrier tells of it."""

    call_time: datetime
    call_day: date
    direction: str
    identifier: str
    destination: str
    withheld: bool
    answered: bool
    seconds: int
    cost: Decimal | None


class Rated(NamedTuple):
    """What rating says of a call."""

    state: str
    error_code: str | None
    service_id: int | None
    plan_id: int | None
    rate_id: int | None
    band_id: int | None
    billed_seconds: int | None
    amount: Decimal | None


def holds(start: date, end: date | None, day: date) -> bool:
    """Return whether a day lies in ``[start, end)``; without an end it goes on."""
    return start <= day and (end is None or day < end)


def billed_seconds(seconds: int, initial: int, step: int) -> int:
    """Return what an answered call is billed for: the first seconds, then whole steps."""
    if seconds <= initial:
        return initial
    return initial + -(-(seconds - initial) // step) * step


def round_half_up(amount: Decimal, digits: int) -> Decimal:
    """Return an amount of so many decimals."""
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def call_amount(price: Price, seconds: int) -> Decimal:
    """Return what so many billed seconds cost, with no more rounding than division needs."""
    amount = price.connect_fee + price.price_minute * seconds / SECONDS_A_MINUTE
    return max(amount, price.minimum)


def band_at(bands, moment: datetime, zone: str, holidays) -> int | None:
    """Return the id of the first band that holds a naive UTC moment, by the clock of ``zone``."""
    local = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    for band in bands:
        over_midnight = band.minute_to < band.minute_from
        before_midnight = minute >= band.minute_from
        if over_midnight:
            inside = before_midnight or minute < band.minute_to
        else:
            inside = before_midnight and minute < band.minute_to
        weekday = local.weekday()
        if over_midnight and not before_midnight:
            weekday = (weekday - 1) % 7
        if local.date() in holidays and band.holidays != "weekday":
            on_day = band.holidays == "all"
        else:
            on_day = weekday in band.weekdays
        if inside and on_day:
            return band.id
    return None


def find_rate(plan: Plan, destination: str, day: date, band_id: int | None) -> Rate | None:
    """Return the rate of the longest prefix that is valid, one of the band before one of all hours."""
    fitting = [
        rate
        for rate in plan.rates
        if destination.startswith(rate.prefix)
        and holds(rate.date_from, rate.date_to, day)
        and rate.band_id in (None, band_id)
    ]
    key = lambda rate: (len(rate.prefix), rate.band_id is not None)  # noqa: E731
    return max(fitting, key=key, default=None)


def rate_call(call: Call, numbers, plans: dict, zone: str, holidays) -> Rated:
    """Return what is owed for a call, or what keeps it from being rated."""

    def error(code, number=None, plan=None, band_id=None):
        service_id = number.service_id if number else None
        plan_id = plan.id if plan else None
        return Rated("error", code, service_id, plan_id, None, band_id, None, None)

    known = [number for number in numbers if number.key == call.identifier]
    number = next((n for n in known if holds(n.date_from, n.date_to, call.call_day)), None)
    if number is None:
        return error("number_inactive" if known else "unknown_number")
    plan_id = number.plan_in if call.direction == "in" else number.plan_out
    if plan_id is None:
        if call.direction == "in" and not call.cost:
            return Rated("ignored", None, number.service_id, *[None] * 5)
        return error("no_rate_plan", number)
    plan = plans[plan_id]
    band_id = band_at(plan.bands, call.call_time, zone, holidays)
    if plan.currency_id != number.currency_id:
        return error("currency_mismatch", number, plan, band_id)
    rate = find_rate(plan, call.destination, call.call_day, band_id)
    found = ("rated", None, number.service_id, plan.id, rate.id if rate else None, band_id)
    if (call.withheld and plan.withheld == "free") or (
        not call.answered and plan.unanswered == "free"
    ):
        return Rated(*found, 0, Decimal(0))
    if rate is None:
        return error("no_rate", number, plan, band_id)
    if not call.answered and plan.unanswered == "connect":
        seconds, amount = 0, rate.price.connect_fee
    else:
        seconds = billed_seconds(call.seconds, rate.price.initial_seconds, rate.price.step_seconds)
        amount = call_amount(rate.price, seconds)
    digits = plan.rounding_digits if plan.rounding == "call" else BILL_DIGITS
    return Rated(*found, seconds, round_half_up(amount, digits))
