"""Many rows in one statement."""

from collections.abc import Iterable, Iterator

from odoo.tools import SQL, split_every

ROWS = 1000


def values_of(rows: Iterable[tuple]) -> Iterator[SQL]:
    """Yield what follows ``VALUES``, some rows at a time."""
    for some in split_every(ROWS, rows, list):
        yield SQL(", ").join(SQL("%s", tuple(row)) for row in some)
