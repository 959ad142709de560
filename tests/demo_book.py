"""What the demo's run of 1 October must bill, worked out with plain dates and Decimals.

Reads the demo's CSV files; what happened after the past runs is retold here in `EVENTS`. Nothing of
the addon is called: a mistake in its arithmetic cannot hide behind the same mistake here.
"""

import csv
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "demo"
LAST_RUN, THIS_RUN = date(2026, 9, 1), date(2026, 10, 1)
COUNTRY = {"hosting": "base.ie", "telephony": "base.uk"}
RATE = Decimal("0.15")
TAX_INCLUDED = {"shop", "home"}
TAX_FREE = {"domain", "directory"}

CANCELLED = {"violet_web_business"}
# Activated after the last run although it started before: nothing of it was billed yet.
LATE = {"reed_vps_8"}
# Too low to be billed in any past month: everything waits since the first of them.
WAITING = {"yew_web_start", "aster_web_start"}
# service: (what, first day, new terms or last day)
EVENTS = {
    "oak_vps_2": ("change", date(2026, 9, 16), {"price": "16"}),
    "pine_vps_2": ("change", date(2026, 9, 21), {"quantity": "3"}),
    "quince_vps_2": ("change", date(2026, 9, 11), {"tariff": "vps_8"}),
    "rowan_vps_2": ("change", date(2026, 9, 8), {"backup": "3"}),
    "lock_line": ("change", date(2026, 9, 16), {"price": "11"}),
    "vessel_sip": ("change", date(2026, 9, 15), {"channel": "20"}),
    "ferry_sip": ("change", date(2026, 9, 10), {"channel": "12"}),
    "delta_seat": ("change", date(2026, 9, 24), {"quantity": "8"}),
    "thistle_vps_2": ("suspend", date(2026, 9, 20), date.max),
    "teasel_backup": ("suspend", date(2026, 9, 18), date.max),
    "islet_line": ("suspend", date(2026, 9, 12), date.max),
    "sedge_backup": ("suspend", date(2026, 9, 5), date(2026, 9, 20)),
    "willow_vps_8": ("end", date(2026, 9, 10), None),
    "yarrow_vps": ("end", date(2026, 9, 16), None),
    "nautical_sip": ("end", date(2026, 9, 5), None),
    "jetty_line": ("end", date(2026, 9, 30), None),
}
# The plans that tariffs have for calls.
PLANS = {"line": "business", "home": "home", "sip": "trunk", "line_eur": "business_eur"}
# Delivered before the last run, or not done yet.
JOBS_NOT_BILLED = {"primrose", "fennel"}
ADJUSTMENTS = [("hosting", "tansy", "EUR", "-43.00"), ("hosting", "rush", "EUR", "17.35")]
# customer: (company, rule, minimum, fee)
LOW = {
    "yew": ("hosting", "skip", "25", None),
    "aster": ("hosting", "skip", "10", None),
    "bracken": ("hosting", "pad", "10", None),
    "clover": ("hosting", "fee", "10", "2.50"),
    "pier": ("telephony", "pad", "12", None),
}


def read(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8") as file:
        return {short(row["id"]): row for row in csv.DictReader(file)}


def short(xml_id):
    """demo_service_oak_vps_2 → oak_vps_2"""
    return xml_id.split("_", 2)[2]


def cents(amount):
    return Decimal(amount).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def day(text):
    return date.fromisoformat(text) if text else None


def month_later(first, months):
    """The same day some months later, or the last one of a shorter month."""
    count = first.year * 12 + first.month - 1 + months
    after = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    last = (after - timedelta(days=1)).day
    return date(count // 12, count % 12 + 1, min(first.day, last))


def full_periods(scheme, start):
    """The periods of a scheme around and after a service's start, without end."""
    number, unit = int(scheme["interval_number"]), scheme["interval_unit"]
    assert scheme["anchor_day"] == "1"
    origin = date(2020, 1, 1) if scheme["alignment"] == "calendar" else start
    count = 0
    while True:
        if unit == "week":
            yield tuple(origin + timedelta(days=7 * number * n) for n in (count, count + 1))
        else:
            months = number * {"month": 1, "year": 12}[unit]
            yield month_later(origin, months * count), month_later(origin, months * (count + 1))
        count += 1


def part(price, period, start, end):
    """Cost of some days of a period; the parts of a period add up to its price to the cent."""
    days = (period[1] - period[0]).days

    def until(moment):
        return cents(price * (moment - period[0]).days / days)

    return until(end) - until(start)


class Book:
    """The demo data as its CSV files tell it, and the bills that follow."""

    def __init__(self):
        self.customers = read("res.partner")
        self.schemes = read("billing.term.scheme")
        self.tariffs = read("billing.tariff")
        self.addons = read("billing.tariff.addon")
        self.services = read("billing.service")
        self.quantities = defaultdict(dict)
        for row in read("billing.service.addon").values():
            addon = short(row["addon_id/id"])
            self.quantities[short(row["service_id/id"])][addon] = row["quantity"]

    def bills(self):
        """{(company, customer, currency): (untaxed, total)}, credit notes negative."""
        charges = defaultdict(list)
        for name, row in self.services.items():
            tariff = self.tariffs[short(row["tariff_id/id"])]
            scheme = self.schemes[short(tariff["term_scheme_id/id"])]
            if name in CANCELLED or scheme["classification"] == "prepaid":
                continue
            key = (
                short(row["company_id/id"]),
                short(row["partner_id/id"]),
                tariff["currency_id/id"].removeprefix("base."),
            )
            charges[key] += self.service_charges(name, row, tariff, scheme)
        for company, customer, currency, amount in ADJUSTMENTS:
            charges[company, customer, currency].append((Decimal(amount), "engineer"))
        self.add_jobs(charges)
        self.add_calls(charges)
        for customer, (company, rule, minimum, fee) in LOW.items():
            [key] = [key for key in charges if key[:2] == (company, customer)]
            total = sum(amount for amount, _product in charges[key])
            missing = Decimal(minimum) - total
            if missing > 0 and rule == "skip":
                del charges[key]
            elif missing > 0:
                charges[key].append((missing if rule == "pad" else Decimal(fee), "minimum"))
        bills = {key: self.with_tax(key, lines) for key, lines in charges.items() if lines}
        return {key: amounts for key, amounts in bills.items() if any(amounts)}

    def add_jobs(self, charges):
        lines = read("billing.job.line").values()
        for name, job in read("billing.job").items():
            if name in JOBS_NOT_BILLED:
                continue
            key = (
                short(job["company_id/id"]),
                short(job["partner_id/id"]),
                job["currency_id/id"].removeprefix("base."),
            )
            for line in lines:
                if line["job_id/id"] == job["id"]:
                    off = 1 - Decimal(line["discount"] or 0) / 100
                    amount = Decimal(line["quantity"]) * Decimal(line["price_unit"]) * off
                    charges[key].append((cents(amount), short(line["product_id/id"])))

    def add_calls(self, charges):
        """Usage: one amount a service and rate class, rounded once."""
        sums = defaultdict(Decimal)
        for service, rate_class, _seconds, amount in self.rated_calls():
            sums[service, rate_class] += amount
        for (service, _class), amount in sums.items():
            row = self.services[service]
            tariff = self.tariffs[short(row["tariff_id/id"])]
            currency = tariff["currency_id/id"].removeprefix("base.")
            key = short(row["company_id/id"]), short(row["partner_id/id"]), currency
            charges[key].append((cents(amount), "calls"))

    def rated_calls(self):
        """Yield (service, rate class, billed seconds, amount) of every call that can be billed."""
        rates, allowances = read("cdr.rate"), read("cdr.rate.allowance")
        digits = {name: row["rounding_digits"] for name, row in read("cdr.rate.plan").items()}
        owners = {
            row["value"].lstrip("+").replace(" ", ""): short(row["service_id/id"])
            for row in read("billing.service.identifier").values()
        }
        used = defaultdict(int)
        for moment, caller, callee, seconds in sorted(self.calls()):
            service = owners.get(caller)
            if not service:
                continue
            plan = PLANS[short(self.services[service]["tariff_id/id"])]
            fitting = [
                row
                for row in rates.values()
                if short(row["plan_id/id"]) == plan and callee.startswith(row["prefix"])
            ]
            if not fitting:
                continue
            rate = max(fitting, key=lambda row: len(row["prefix"]))
            rate_class = short(rate["class_id/id"])
            if not seconds:
                yield service, rate_class, 0, Decimal(0)
                continue
            first, step = int(rate["initial_seconds"]), int(rate["step_seconds"])
            billed = first + max(-(-(seconds - first) // step), 0) * step
            coin = Decimal(1).scaleb(-int(digits[plan]))
            amount = Decimal(rate["connect_fee"]) + Decimal(rate["price_minute"]) * billed / 60
            amount = amount.quantize(coin, rounding=ROUND_HALF_UP)
            for row in allowances.values():
                classes = [short(name) for name in row["class_ids/id"].split(",")]
                if short(row["plan_id/id"]) == plan and rate_class in classes:
                    pool = service, row["id"], moment[:7]
                    included = min(int(row["minutes"]) * 60 - used[pool], billed)
                    used[pool] += included
                    amount = amount * (billed - included) / billed
                    amount = amount.quantize(coin, rounding=ROUND_HALF_UP)
            yield service, rate_class, billed, amount

    @staticmethod
    def calls():
        """Yield (time, caller, number called, seconds) of all files, each number in digits."""
        for path in (FOLDER / "calls").glob("northway-2*.csv"):
            with path.open(encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    caller, callee = row["caller"].lstrip("+"), row["callee"].lstrip("+")
                    yield row["date"], caller, callee, int(row["seconds"])
        for path in (FOLDER / "calls").glob("exchange-*.csv"):
            with path.open(encoding="utf-8") as file:
                for row in csv.reader(file):
                    callee = row[2][2:] if row[2].startswith("00") else f"44{row[2][1:]}"
                    yield row[9], row[0], callee, int(row[13])

    def prices(self, name, row, changes):
        """[(price of a full period, product)] of a service and its add-ons."""
        old, new = short(row["tariff_id/id"]), changes.get("tariff", short(row["tariff_id/id"]))
        tariff = self.tariffs[new]
        price = Decimal(changes.get("price") or row["price"]) or Decimal(tariff["price"])
        quantity = Decimal(changes.get("quantity") or row["quantity"])
        off = 1 - Decimal(row["discount"]) / 100
        lines = [(price * quantity * off, short(tariff["product_id/id"]))]
        for addon, count in self.quantities[name].items():
            product = addon.removeprefix(old + "_")
            offer = self.addons[f"{new}_{product}"]
            extra = Decimal(changes.get(product, count)) - Decimal(offer["included"])
            if extra > 0:
                lines.append((extra * Decimal(offer["price"]), product))
        return lines

    def service_charges(self, name, row, tariff, scheme):
        """[(amount, product)] that this run bills for a service."""
        what, since, until = EVENTS.get(name, (None, date.max, None))
        start, end = day(row["date_start"]), day(row["date_end"]) or date.max
        rated = day(row["rated_up_to"]) or start
        old = self.prices(name, row, {})
        new = old
        if what == "change":
            new = self.prices(name, row, until)
        elif what == "end":
            new = []
        charges = []
        unbilled = name in LATE | WAITING
        if not row["rated_up_to"] and start <= THIS_RUN and (unbilled or start > LAST_RUN):
            charges.append((Decimal(tariff["setup_price"]), short(tariff["product_id/id"])))
        for period in full_periods(scheme, start):
            first, last = max(period[0], rated), min(period[1], end)
            if first > THIS_RUN:
                break
            if first >= last:
                continue
            billed = self.due(scheme, first, last) <= LAST_RUN and not unbilled
            if billed:
                # Paid before: only what changed since is settled.
                if what in ("change", "end") and since < last:
                    charges += [(-part(p, period, since, last), product) for p, product in old]
                    charges += [(part(p, period, since, last), product) for p, product in new]
                continue
            if what == "suspend":
                pieces = [(first, min(last, since), old), (max(first, until), last, old)]
            else:
                pieces = [(first, min(last, since), old), (max(first, since), last, new)]
            for piece_start, piece_end, lines in pieces:
                if piece_start >= piece_end or self.due(scheme, piece_start, piece_end) > THIS_RUN:
                    continue
                if scheme["proration"] == "none":
                    charges += [(cents(price), product) for price, product in lines]
                else:
                    charges += [
                        (part(price, period, piece_start, piece_end), product)
                        for price, product in lines
                    ]
        return [charge for charge in charges if charge[0]]

    @staticmethod
    def due(scheme, first, last):
        """In advance a period is due on its first day, in arrears on its last one."""
        return first if scheme["timing"] == "advance" else last - timedelta(days=1)

    def with_tax(self, key, charges):
        """(untaxed, total) of the charges: hosting rounds the tax once, telephony per line."""
        company, customer, _currency = key
        rate = RATE if self.customers[customer]["country_id/id"] == COUNTRY[company] else Decimal(0)
        untaxed = tax = Decimal(0)
        for amount, product in charges:
            if product in TAX_FREE:
                line_tax = Decimal(0)
            elif product in TAX_INCLUDED:
                line_tax = amount - amount / (1 + rate)
            else:
                line_tax = amount * rate
            if company == "telephony":
                line_tax = cents(line_tax)
            untaxed += amount - (line_tax if product in TAX_INCLUDED else 0)
            tax += line_tax
        return cents(untaxed), cents(untaxed) + cents(tax)
