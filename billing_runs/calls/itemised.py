"""The calls that a document bills, one row each: for its annex and for files to download."""

from collections import namedtuple
from itertools import count
from zoneinfo import ZoneInfo

from odoo.tools import SQL

from ..usage.texts import clock
from .csv_cells import csv_parts
from .texts import CallTexts

#: calls that are read at once
AT_ONCE = 2_000
_numbers = count(1)
Row = namedtuple(
    "Row",
    "service time direction caller callee destination rate_class seconds billed included amount",
)


class ItemisedCalls:
    """Reads the calls of documents by sets: many thousands take little memory.

    Numbers that were withheld stay so.
    """

    def __init__(self, moves, domain):
        """
        :param moves: of one company, with the reader's language in the context
        :param domain: of their calls
        """
        self.env = moves.env
        self.zone = ZoneInfo(moves.company_id._billing_zone())
        self.texts = CallTexts(self.env)
        self.lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        self._query = self.env["cdr.record"].sudo()._search(domain)

    def __iter__(self):
        """Yield a :class:`Row` for each call, service by service in the order of time."""
        cr = self.env.cr
        columns = SQL(
            """
            service.number, cdr_record.call_time, cdr_record.direction, cdr_record.caller,
            cdr_record.callee, cdr_record.withheld, rate.name, rate_class.name,
            cdr_record.seconds, cdr_record.billed_seconds, cdr_record.included_seconds,
            COALESCE(cdr_record.charged_amount, cdr_record.amount)::text
            """
        )
        # Left open where somebody stops reading: it ends with the transaction.
        name = SQL.identifier(f"billing_itemised_{next(_numbers)}")
        cr.execute(
            SQL(
                "DECLARE %s NO SCROLL CURSOR FOR"
                " SELECT %s FROM %s"
                " LEFT JOIN billing_service AS service ON service.id = cdr_record.service_id"
                " LEFT JOIN cdr_rate AS rate ON rate.id = cdr_record.rate_id"
                " LEFT JOIN cdr_rate_class AS rate_class ON rate_class.id = cdr_record.class_id"
                " WHERE %s"
                " ORDER BY service.number, cdr_record.call_time, cdr_record.id",
                name,
                columns,
                self._query.from_clause,
                self._query.where_clause or SQL("TRUE"),
            )
        )
        while True:
            cr.execute(SQL("FETCH %s FROM %s", AT_ONCE, name))
            rows = cr.fetchall()
            if not rows:
                break
            yield from map(self._row, rows)
        cr.execute(SQL("CLOSE %s", name))

    def _row(self, found):
        (service, time, direction, caller, callee, withheld, name, class_name, *numbers) = found
        seconds, billed, included, amount = numbers
        names = class_name or {}
        return Row(
            service or "",
            time.replace(tzinfo=ZoneInfo("UTC")).astimezone(self.zone),
            direction,
            "" if withheld and direction == "in" else caller or "",
            callee or "",
            name or "",
            names.get(self.env.lang) or names.get("en_US") or "",
            seconds or 0,
            billed or 0,
            included or 0,
            amount or "0",
        )

    # === CSV === #

    def csv(self, currency):
        """Return the calls as a CSV file; see ``csv_parts``."""
        return b"".join(self.csv_parts(currency))

    def csv_separators(self):
        """Return decimal point and separator of CSV files, as the language's spreadsheets have them:
        a comma in numbers goes with a semicolon between cells, a point with a comma."""
        point = self.lang.decimal_point or "."
        return point, ";" if point == "," else ","

    def csv_parts(self, currency):
        """Return the parts of the calls' CSV file, some calls each: UTF-8, one line of headings, times as
        2026-01-31 09:30:00 by the company's clock, in each cell nothing that a spreadsheet would run."""
        env = self.env
        point, separator = self.csv_separators()
        head = (
            env._("Service"),
            env._("Time"),
            env._("Direction"),
            env._("From"),
            env._("To"),
            env._("Destination"),
            env._("Rate Class"),
            env._("Seconds"),
            env._("Billed Seconds"),
            env._("Included Seconds"),
            env._("Amount %s", currency.name),
        )
        directions = self.directions()

        def lines():
            yield head
            for row in self:
                yield (
                    *row[:1],
                    row.time.strftime("%Y-%m-%d %H:%M:%S"),
                    directions[row.direction],
                    *row[3:10],
                    self.plain(row.amount).replace(".", point),
                )

        return csv_parts(lines(), separator)

    def directions(self):
        """Return what people read for the directions of calls."""
        return dict(self.env["cdr.record"]._fields["direction"]._description_selection(self.env))

    @staticmethod
    def plain(amount: str) -> str:
        """Return an amount without needless zeros at its end, with two decimals at least."""
        whole, _point, decimals = amount.partition(".")
        return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"

    def cells(self, row):
        """Return what stands in an annex about a call: time, from, to, destination, duration,
        amount."""
        time = f"{self.texts.day(row.time.date())} {row.time:%H:%M:%S}"
        amount = self.plain(row.amount).replace(".", self.lang.decimal_point or ".")
        return [time, row.caller, row.callee, row.destination, clock(row.seconds), amount]
