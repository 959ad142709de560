"""What the customer's page of calls shows. The page itself is in ``controllers``."""

import re
from datetime import date
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
    "cost": "charged_amount desc, id",
    "duration": "seconds desc, id",
}
#: as many digits tell a number from others
FEWEST_DIGITS = 3
#: calls whose other side kept its number to itself
WITHHELD = Domain("direction", "=", "in") & Domain("withheld", "=", True)


def search_domain(text: str) -> Domain:
    """Return the domain of the calls that a customer's search finds: by number, destination, service
    or day. A number that was withheld is not found by it."""
    if not text:
        return Domain.TRUE
    shown = [("callee", "ilike", text), ("rate_id.name", "ilike", text)]
    shown += [("service_id.number", "ilike", text)]
    other = [("caller", "ilike", text)]
    digits = re.sub(r"\D", "", text)
    if len(digits) >= FEWEST_DIGITS and re.fullmatch(r"[\d\s+()/.\-]+", text):
        digits = digits.removeprefix("00")
        shown.append(("identifier", "ilike", digits))
        other.append(("destination", "ilike", digits))
    found = Domain.OR(Domain([leaf]) for leaf in shown)
    found |= ~WITHHELD & Domain.OR(Domain([leaf]) for leaf in other)
    try:
        found |= Domain("call_day", "=", date.fromisoformat(text))
    except ValueError:
        return found
    return found


def found_calls(invoice, search: str) -> dict:
    """Return what a search finds of an invoice's calls: ``domain``, ``count``, ``seconds`` and
    ``amount``; without a search, all."""
    domain = invoice._calls_domain() & search_domain(search)
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
            "cost": env._("Dearest first"),
            "duration": env._("Longest first"),
        },
        "count": calls["count"],
        "duration": clock(calls["seconds"]),
        "amount": texts.number(money),
        "currency": invoice.currency_id,
    }
