"""What the calls of a file come to, counted while they are read. No database, no ORM."""

from collections import Counter
from datetime import date
from decimal import Decimal, localcontext

from .calls import CALL_COLUMNS, Calls

DAY, SECONDS, COST = map(CALL_COLUMNS.index, ("call_day", "seconds", "cost"))
#: digits that sums keep: no file has enough calls to need more
DIGITS = 60


class Totals:
    """Counts calls, their seconds, their cost and their days."""

    def __init__(self):
        self.calls = self.seconds = 0
        self.cost = Decimal(0)
        self._days = Counter()

    def add(self, calls: Calls):
        """Count some calls."""
        self.calls += len(calls)
        self.seconds += sum(calls.columns[SECONDS])
        self._days.update(calls.columns[DAY])
        with localcontext() as context:
            context.prec = DIGITS
            self.cost += sum(map(Decimal, filter(None, calls.columns[COST])))

    def all_days(self) -> list[str]:
        """Return the days on which there are calls."""
        return list(self._days)

    def days(self) -> tuple[date | None, date | None, date | None]:
        """Return the first day, the last day, and the first day of the month that has most calls."""
        if not self._days:
            return None, None, None
        months = Counter()
        for day, count in self._days.items():
            months[date.fromisoformat(day).replace(day=1)] += count
        most = min(months, key=lambda month: (-months[month], month))
        return date.fromisoformat(min(self._days)), date.fromisoformat(max(self._days)), most
