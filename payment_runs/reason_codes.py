"""The reasons for which banks reject and return direct debits, in words. No database, no ORM."""

from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

REASONS = {
    "AC01": _lt("the account number is wrong"),
    "AC04": _lt("the account is closed"),
    "AC06": _lt("the account is blocked"),
    "AC13": _lt("a consumer's account cannot be debited business to business"),
    "AG01": _lt("direct debits are forbidden on this account"),
    "AG02": _lt("the sequence type or the transaction code is wrong"),
    "AM04": _lt("the account did not hold enough"),
    "AM05": _lt("the same debit was presented before"),
    "BE05": _lt("the creditor identifier is wrong"),
    "CNOR": _lt("the creditor's bank is not registered for direct debits"),
    "CURR": _lt("the currency is wrong"),
    "CUST": _lt("recalled by the creditor"),
    "DNOR": _lt("the debtor's bank is not registered for direct debits"),
    "DUPL": _lt("a duplicate, recalled by the creditor"),
    "ED05": _lt("settlement failed"),
    "FF01": _lt("the file's format is wrong"),
    "FF05": _lt("the scheme is wrong"),
    "FOCR": _lt("returned at the creditor's own request"),
    "MD01": _lt("there is no valid mandate"),
    "MD02": _lt("data of the mandate are missing or wrong"),
    "MD06": _lt("the customer wants the money back"),
    "MD07": _lt("the account's holder has died"),
    "MS02": _lt("the customer refused"),
    "MS03": _lt("the bank gives no reason"),
    "RC01": _lt("the BIC is wrong"),
    "RR01": _lt("regulation: the debtor's account is missing"),
    "RR02": _lt("regulation: the debtor's name or address is missing"),
    "RR03": _lt("regulation: the creditor's name or address is missing"),
    "RR04": _lt("regulatory reasons"),
    "SL01": _lt("the customer's bank lets this creditor collect nothing"),
    "TECH": _lt("a technical problem, recalled by the creditor"),
    "TM01": _lt("the file came too late"),
}
#: after these nothing may be collected with the mandate until somebody has cleared it up
BLOCKING = frozenset({"AC01", "AC04", "AC06", "AC13", "AG01", "MD01", "MD07", "SL01"})
#: what the customer answers for: a return fee may be charged
FEE_CODES = frozenset({"AC04", "AC06", "AM04", "MS02", "MS03"})


def reason_text(env, code: str | None) -> str:
    """Return a reason in words, with its code; a code that is not listed stands for itself."""
    code = (code or "").strip().upper()
    if not code:
        return env._("no reason given")
    text = REASONS.get(code)
    return f"{env._(text)} ({code})" if text else env._("reason %s", code)
