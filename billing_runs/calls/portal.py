"""What the customer's page of calls shows. The page itself is in ``controllers``."""

import re
from datetime import date, datetime
from decimal import Decimal

from odoo.fields import Domain

from ..usage.texts import clock
from .texts import CallTexts

#: calls on one page
PAGE = 50
#: in which order calls can be looked at
ORDERS = {
    "time": "call_time, id",
    "newest": "call_time desc, id desc",
    "number": "callee, call_time, id",
    "cost": "charged_amount desc, id",
    "duration": "seconds desc, id",
}
#: as many digits tell a number from others
FEWEST_DIGITS = 3
#: calls whose other side kept its number to itself
WITHHELD = Domain("direction", "=", "in") & Domain("withheld", "=", True)


def day_of(text: str, date_format: str = "") -> date | None:
    """Return the day that a text means, written as on the page or as 2026-01-31; else None."""
    for form in filter(None, ("%Y-%m-%d", date_format)):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def search_domain(text: str, date_format: str = "") -> Domain:
    """Return the domain of the calls that a customer's search finds: by number, destination, class,
    service or day. A number that was withheld is not found by it.

    :param str date_format: how the customer's language writes days
    """
    if not text:
        return Domain.TRUE
    shown = [("callee", "ilike", text), ("rate_id.name", "ilike", text)]
    shown += [("class_id.name", "ilike", text), ("service_id.number", "ilike", text)]
    other = [("caller", "ilike", text)]
    digits = re.sub(r"\D", "", text)
    if len(digits) >= FEWEST_DIGITS and re.fullmatch(r"[\d\s+()/.\-]+", text):
        # Kept with the country code, which a local number has a zero in place of.
        digits = digits.lstrip("0") or digits
        shown.append(("identifier", "ilike", digits))
        other.append(("destination", "ilike", digits))
    found = Domain.OR(Domain([leaf]) for leaf in shown)
    found |= ~WITHHELD & Domain.OR(Domain([leaf]) for leaf in other)
    if day := day_of(text, date_format):
        found |= Domain("call_day", "=", day)
    return found


def found_calls(invoice, search: str) -> dict:
    """Return what a search finds of an invoice's calls: ``domain``, ``count``, ``seconds`` and
    ``amount``; without a search, all."""
    lang = invoice.env["res.lang"]._get_data(code=invoice.env.lang or "en_US")
    domain = invoice._calls_domain() & search_domain(search, lang.date_format)
    [(count, seconds, amount)] = invoice.env["cdr.record"]._read_group(
        domain, [], ["__count", "seconds:sum", "charged_amount:sum"]
    )
    return {"domain": domain, "count": count, "seconds": seconds or 0, "amount": amount or 0}


def page_values(invoice, calls: dict, sortby: str, offset: int) -> dict:
    """Return what a page of calls shows."""
    env = invoice.env
    texts = CallTexts(env)
    records = env["cdr.record"].search(
        calls["domain"], order=ORDERS[sortby], limit=PAGE, offset=offset
    )
    explained = records._explain()
    zone = invoice.company_id._billing_zone()
    money = Decimal(repr(float(calls["amount"])))
    return {
        "calls": [
            {
                "record": record,
                "time": record._local_time(zone),
                "caller": "" if record.direction == "in" and record.withheld else record.caller,
                "duration": clock(record.seconds),
                "amount": texts.number(Decimal(repr(record.charged_amount))),
                "rows": texts.rows(record, explained[record]) if record in explained else [],
            }
            for record in records
        ],
        "orders": {
            "time": env._("Oldest first"),
            "newest": env._("Newest first"),
            "number": env._("By number called"),
            "cost": env._("Dearest first"),
            "duration": env._("Longest first"),
        },
        "count": calls["count"],
        "duration": clock(calls["seconds"]),
        "amount": texts.number(money),
        "currency": invoice.currency_id,
    }
