"""Which sequence type a collection has, and how long a mandate lives. No database, no ORM."""

from datetime import date

from dateutil.relativedelta import relativedelta

#: a mandate that is not used for so long expires
UNUSED_MONTHS = 36


def sequence_type(kind: str, count: int, is_last: bool) -> str:
    """Return the sequence type of a mandate's next collection.

    :param kind: ``one_off`` or ``recurrent``
    :param count: how many collections were submitted and not rejected
    :param is_last: somebody said that none follows
    """
    if kind == "one_off":
        return "OOFF"
    if is_last:
        return "FNAL"
    return "RCUR" if count else "FRST"


def sequence_types(kind: str, count: int, is_last: bool, number: int) -> list[str]:
    """Return the sequence types of several collections of one mandate on one day.

    A first or last collection is one only; a one-off mandate is for one alone, so the rest gets none.
    """
    types = []
    for place in range(number):
        last = place == number - 1
        if kind == "one_off" and (place or count):
            types.append("")
        else:
            types.append(sequence_type(kind, count + place, is_last and last))
    return types


def expires_on(signed: date, last_used: date | None) -> date:
    """Return the first day on which a mandate cannot be used any more."""
    return max(filter(None, (signed, last_used))) + relativedelta(months=UNUSED_MONTHS)
