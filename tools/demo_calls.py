"""The month of calls of the demo's telephone company: writes the files in data/demo/calls.

    python tools/demo_calls.py

They come out the same every time. Numbers are those that regulators keep for fiction, or of the ranges
next to them."""

import csv
import io
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parents[1] / "data/demo/calls"
SEED = 2026
FIRST, END = date(2026, 9, 1), date(2026, 10, 1)

#: number, calls in September, first day
LINES = [
    ("+441614960101", 46, FIRST),
    ("+441614960102", 31, FIRST),
    ("+441614960103", 14, FIRST),
    ("+441614960140", 6, FIRST),
    ("+441614960141", 5, FIRST),
    ("+441614960144", 12, FIRST),
    ("+441614960301", 24, FIRST),
    ("+353209150101", 16, FIRST),
    ("+441134960130", 19, FIRST),
    ("+441134960150", 18, date(2026, 9, 5)),
    ("+441134960153", 15, FIRST),
    ("+441134960154", 13, FIRST),
    ("+441134960155", 17, FIRST),
    ("+441174960120", 9, date(2026, 9, 18)),
    ("+441174960122", 8, date(2026, 9, 15)),
    ("+441174960161", 12, FIRST),
    ("+441174960163", 21, FIRST),
    ("+441174960165", 11, FIRST),
]
#: numbers that no service has
UNKNOWN = [("+441614960104", 9, FIRST), ("+441174960199", 4, date(2026, 9, 8))]
#: login of a trunk, calls in September, and at the end of August
TRUNKS = [("beacon-trunk", 34, 5), ("harbour-trunk", 58, 9), ("vessel-trunk", 21, 3),
          ("ferry-trunk", 26, 4)]  # fmt: skip
#: beginnings of numbers called, digits that follow, how often, what the carrier takes a minute
DESTINATIONS = [
    ("4420794600", 2, 30, "0.0040"),
    ("4411349601", 2, 18, "0.0040"),
    ("447700900", 3, 26, "0.0310"),
    ("35320915", 4, 8, "0.0180"),
    ("3319900", 5, 5, "0.0150"),
    ("4930231250", 2, 4, "0.0140"),
    ("120255501", 2, 4, "0.0090"),
]
#: satellite telephones, for which no plan has a rate
SATELLITE = [("+441134960153", "+881622480017", datetime(2026, 9, 9, 11, 4, 20), 95, "6.1750"),
             ("+441134960153", "+881622480017", datetime(2026, 9, 22, 15, 41, 7), 210, "13.6500")]  # fmt: skip
#: number, description, cost of September; one that matches nothing, and one above what is charged
FEES = [
    ("+44 161 496 0101", "Line rental", "6.20"),
    ("+44 161 496 0103", "Line rental", "6.20"),
    ("+44 161 496 0140", "Line rental", "6.20"),
    ("+44 161 496 0141", "Second number", "0.40"),
    ("+44 161 496 0144", "Line rental", "6.20"),
    ("+44 161 496 0301", "Line rental, four lines", "24.80"),
    ("+44 113 496 0130", "Line rental", "6.20"),
    ("+44 113 496 0152", "Line rental", "8.10"),
    ("+44 113 496 0153", "Line rental", "6.20"),
    ("+44 113 496 0154", "Line rental", "6.20"),
    ("+44 113 496 0155", "Line rental", "6.20"),
    ("+44 117 496 0161", "Line rental", "6.20"),
    ("+44 161 496 0177", "Line rental", "6.20"),
]


def pick(chance, weighted):
    """One of some rows; the third value of each says how often it is meant to come."""
    place = chance.random() * sum(row[2] for row in weighted)
    for row in weighted:
        place -= row[2]
        if place < 0:
            return row
    return weighted[-1]


def call(chance, first, end):
    """(time of a call, number called with its country, seconds, what a minute costs)."""
    day = first + timedelta(days=int(chance.random() * (end - first).days))
    second = int(8.5 * 3600 + chance.random() * 9 * 3600)
    moment = datetime.combine(day, time()) + timedelta(seconds=second)
    prefix, digits, _weight, cost = pick(chance, DESTINATIONS)
    number = prefix + f"{int(chance.random() * 10**digits):0{digits}}"
    # Most are short, a few long; one in nine is not answered.
    seconds = 0 if chance.random() < 0.11 else int(8 + 900 * chance.random() ** 3)
    return moment, number, seconds, cost


def table(rows, head=()):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([*([head] if head else []), *rows])
    return buffer.getvalue()


def weekly(chance):
    """{name: content}: the carrier's files of September, in its generic form."""
    rows = [
        (moment, caller, f"+{callee}", seconds, f"{float(cost) * seconds / 60:.4f}")
        for caller, count, first in LINES + UNKNOWN
        for moment, callee, seconds, cost in (call(chance, first, END) for _ in range(count))
    ]
    rows += [(moment, caller, callee, *rest) for caller, callee, moment, *rest in SATELLITE]
    files = {}
    for number, (start, end) in enumerate(((1, 8), (8, 15), (15, 22), (22, 31)), 1):
        part = sorted(row for row in rows if start <= row[0].day < end)
        files[f"northway-2026-09-{number}.csv"] = table(
            [(*row, f"NW9{number}{place:04}") for place, row in enumerate(part, 1)],
            ("date", "caller", "callee", "seconds", "cost", "id"),
        )
    return files


def dialled(number):
    """A number as people at home dial it."""
    return f"0{number[2:]}" if number.startswith("44") else f"00{number}"


def exchange(chance, first, end, counts):
    """The content of the exchange's own file, in the form of Asterisk."""
    calls = sorted(
        (*call(chance, first, end)[:3], login) for login, count in counts for _ in range(count)
    )
    rows = []
    for place, (moment, callee, seconds, login) in enumerate(calls, 1):
        ring = 4 + place % 9
        answer = moment + timedelta(seconds=ring)
        ended = answer + timedelta(seconds=seconds)
        source = f"PJSIP/{login}-{place:08x}"
        rows.append(
            (
                login, login.partition("-")[0], dialled(callee), "from-trunk", login, source,
                f"PJSIP/northway-{place:08x}", "Dial", "", moment, answer if seconds else "", ended,
                seconds + ring, seconds, "ANSWERED" if seconds else "NO ANSWER", "DOCUMENTATION",
                f"{int((moment - datetime(1970, 1, 1)).total_seconds())}.{place}",
            )
        )  # fmt: skip
    return table(rows)


def files():
    """{name: content} of all files."""
    chance = Random(SEED)
    found = weekly(chance)
    found["exchange-2026-09.csv"] = exchange(
        chance, FIRST, END, [(login, count) for login, count, _late in TRUNKS]
    )
    found["exchange-2026-08-late.csv"] = exchange(
        chance, date(2026, 8, 28), FIRST, [(login, late) for login, _count, late in TRUNKS]
    )
    found["northway-fees-2026-09.csv"] = table(
        [(number, text, cost, FIRST, END - timedelta(days=1)) for number, text, cost in FEES],
        ("number", "description", "cost", "from", "to"),
    )
    return found


def busy_month(count):
    """The content of a file of so many calls of the same lines, to measure with."""
    chance = Random(SEED + 1)
    rows = []
    for place in range(count):
        caller = LINES[place % len(LINES)][0]
        moment, callee, seconds, cost = call(chance, date(2026, 9, 20), END)
        rows.append(
            (
                moment,
                caller,
                f"+{callee}",
                seconds,
                f"{float(cost) * seconds / 60:.4f}",
                f"M{place}",
            )
        )
    return table(rows, ("date", "caller", "callee", "seconds", "cost", "id"))


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
