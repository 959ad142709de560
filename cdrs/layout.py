"""What a carrier's files look like, as plain data. No database, no ORM."""

from dataclasses import dataclass


class LayoutProblem(Exception):
    """A file cannot be read with this layout at all.

    :param code: which problem, see ``line_texts.py``.
    :param values: what its text names.
    """

    def __init__(self, code: str, **values):
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True)
class Column:
    """Where one value of a call stands in a line.

    :param target: what it is: ``date``, ``time``, ``caller``, ``callee``, ``account``, ``seconds``, ``cost``,
        ``unique_id``, ``direction``, ``answered``; of fixed fees ``identifier``, ``description``, ``cost``,
        ``period_start``, ``period_end``.
    :param source: a column's number from 1, its name in the first line, or ``from-to`` of fixed-width
        lines (both from 1, both included).
    :param leg: 1, or 2 for the second call that a line may hold.
    """

    target: str
    source: str
    leg: int = 1
    date_format: str = ""


@dataclass(frozen=True)
class Layout:
    """How to read the files of a carrier."""

    kind: str = "csv"
    columns: tuple[Column, ...] = ()
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header_rows: int = 0
    #: only lines that begin with it are calls
    line_prefix: str = ""
    date_format: str = "%Y-%m-%d %H:%M:%S"
    zone: str = "UTC"
    #: the zone in which the day of a call is meant
    company_zone: str = "UTC"
    #: ``seconds``, ``minutes`` (may have decimals) or ``clock`` (h:mm:ss, or digits hhmmss)
    duration_unit: str = "seconds"
    #: ``units``, ``hundredths`` (pence, cents) or ``implied`` (so many last digits are decimals)
    cost_unit: str = "units"
    cost_decimals: int = 0
    decimal_mark: str = "."
    #: ``out``, ``in``, or ``column``: the column says so
    direction: str = "out"
    incoming_values: tuple[str, ...] = ()
    second_direction: str = "out"
    #: what the column *answered* says of answered calls; empty: a call of more than 0 s was answered
    answered_values: tuple[str, ...] = ()
    #: ``auto``, ``international`` (without +) or ``national``
    number_style: str = "auto"
    country: str = ""
    calling_code: str = ""

    def source_of(self, target: str, leg: int = 1) -> Column | None:
        """Return the column of a value, None where the lines do not hold it."""
        for column in self.columns:
            if column.target == target and column.leg == leg:
                return column
        return None
