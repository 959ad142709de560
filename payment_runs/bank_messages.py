"""What banks say of direct debits: pain.002, camt.053 and camt.054. No database, no ORM.

Nothing outside of the message is ever read: no entities, no document types, no network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

#: no message is larger, unpacked
LARGEST = 64 << 20
KINDS = {
    "CstmrPmtStsRpt": "pain.002",
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
}
#: what camt calls direct debits that came back, where it gives no reason
RETURN_FAMILIES = frozenset({"UPDD", "RRTN", "PRDD", "ARET"})


class MessageProblem(Exception):
    """A file is no message that can be read.

    Codes: ``too_large``, ``not_xml``, ``doctype``, ``other``: ``value`` names the message it is.
    """

    def __init__(self, code: str, value: str = ""):
        super().__init__(f"{code} {value}")
        self.code = code
        self.value = value


@dataclass(frozen=True)
class Answer:
    """What a message says of one collection, of one block, or of a whole file.

    :param kind: ``rejected``: the bank did not take it; ``returned``: taken, and given back.
    :param scope: ``line``, ``block`` or ``file``.
    :param reference: the collection's own reference, else the block's or the file's.
    :param amounts: what the collection came to, each way that the message says it.
    :param fee: what the banks took for it, apart from the amount.
    """

    kind: str
    scope: str
    reference: str
    code: str = ""
    text: str = ""
    day: date | None = None
    amounts: tuple[Decimal, ...] = ()
    currency: str = ""
    fee: Decimal = Decimal()
    account: str = ""
    creditor_id: str = ""
    mandate: str = ""


def read_message(content: bytes) -> tuple[str, list[Answer]]:
    """Return ``(which message it is, what it says)``.

    :raise MessageProblem: it cannot be read
    """
    if len(content) > LARGEST:
        raise MessageProblem("too_large", str(LARGEST >> 20))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MessageProblem("not_xml", str(error)[:200]) from error
    if root.getroottree().docinfo.doctype:
        raise MessageProblem("doctype")
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    body = root[0] if len(root) else root
    kind = KINDS.get(body.tag)
    if root.tag != "Document" or not kind:
        raise MessageProblem("other", str(body.tag)[:80])
    if kind == "pain.002":
        return kind, list(_statuses(body))
    return kind, [answer for report in body if report.tag in ("Stmt", "Ntfctn", "Rpt")
                  for answer in _entries(report)]  # fmt: skip


def _text(element, path):
    return (element.findtext(path) or "").strip()


def _decimal(text):
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError):
        return None
    return value if value.is_finite() else None


def _day(*texts):
    for text in texts:
        try:
            return date.fromisoformat((text or "").strip()[:10])
        except ValueError:
            continue
    return None


# === PAIN.002 === #


def _statuses(body) -> Iterator[Answer]:
    day = _day(_text(body, "GrpHdr/CreDtTm"))
    group = body.find("OrgnlGrpInfAndSts")
    message = _text(body, "OrgnlGrpInfAndSts/OrgnlMsgId")
    if group is not None and _text(group, "GrpSts") == "RJCT":
        yield Answer("rejected", "file", message, *_reason(group), day=day)
        return
    for block in body.iterfind("OrgnlPmtInfAndSts"):
        if _text(block, "PmtInfSts") == "RJCT":
            reference = _text(block, "OrgnlPmtInfId")
            yield Answer("rejected", "block", reference, *_reason(block), day=day)
            continue
        for row in block.iterfind("TxInfAndSts"):
            if _text(row, "TxSts") == "RJCT":
                yield _rejected(row, day)


def _reason(element):
    code = _text(element, "StsRsnInf/Rsn/Cd") or _text(element, "StsRsnInf/Rsn/Prtry")
    return code, _text(element, "StsRsnInf/AddtlInf")


def _rejected(row, day):
    amount = row.find("OrgnlTxRef/Amt/InstdAmt")
    value = _decimal(amount.text) if amount is not None else None
    return Answer(
        "rejected",
        "line",
        _text(row, "OrgnlEndToEndId"),
        *_reason(row),
        day=day,
        amounts=(value,) if value is not None else (),
        currency=amount.get("Ccy", "") if amount is not None else "",
        account=_text(row, "OrgnlTxRef/CdtrAcct/Id/IBAN"),
        creditor_id=_text(row, "OrgnlTxRef/CdtrSchmeId/Id/PrvtId/Othr/Id"),
        mandate=_text(row, "OrgnlTxRef/MndtRltdInf/MndtId"),
    )


# === CAMT === #


def _entries(report) -> Iterator[Answer]:
    account = _text(report, "Acct/Id/IBAN")
    for entry in report.iterfind("Ntry"):
        # What was announced only is told again when it is booked.
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
        if status in ("PDNG", "INFO", "FUTR"):
            continue
        details = entry.findall("NtryDtls/TxDtls")
        for detail in details:
            if _is_return(entry, detail):
                yield _returned(entry, detail, account, alone=len(details) == 1)


def _is_return(entry, detail):
    way = _text(detail, "CdtDbtInd") or _text(entry, "CdtDbtInd")
    if way != "DBIT":
        return False
    if detail.find("RtrInf") is not None:
        return True
    families = {_text(element, "BkTxCd/Domn/Fmly/SubFmlyCd") for element in (entry, detail)}
    return bool(families & RETURN_FAMILIES)


def _returned(entry, detail, account, alone):
    fee = Decimal()
    for element in (detail, entry) if alone else (detail,):
        charges = [
            value
            for path in ("Chrgs/Rcrd/Amt", "Chrgs/Amt", "Chrgs/TtlChrgsAndTaxAmt")
            for value in map(_decimal, (found.text for found in element.iterfind(path)))
            if value is not None
        ]
        if charges:
            fee = (
                max(charges)
                if element.find("Chrgs/Rcrd") is None
                else sum(
                    value
                    for value in map(_decimal, (a.text for a in element.iterfind("Chrgs/Rcrd/Amt")))
                    if value is not None
                )
            )
            break
    amounts, currency = [], ""
    paths = ["AmtDtls/InstdAmt/Amt", "AmtDtls/TxAmt/Amt", "Amt"]
    for element, path in [(detail, path) for path in paths] + ([(entry, "Amt")] if alone else []):
        found = element.find(path)
        value = _decimal(found.text) if found is not None else None
        if value is not None:
            currency = currency or found.get("Ccy", "")
            amounts += [value] + ([value - fee] if fee else [])
    code = _text(detail, "RtrInf/Rsn/Cd") or _text(detail, "RtrInf/Rsn/Prtry")
    return Answer(
        "returned",
        "line",
        _text(detail, "Refs/EndToEndId"),
        code,
        _text(detail, "RtrInf/AddtlInf"),
        day=_day(_text(entry, "BookgDt/Dt"), _text(entry, "BookgDt/DtTm")),
        amounts=tuple(dict.fromkeys(amounts)),
        currency=currency,
        fee=fee,
        account=account,
        creditor_id=_text(detail, "RltdPties/Cdtr/Pty/Id/PrvtId/Othr/Id")
        or _text(detail, "RltdPties/Cdtr/Id/PrvtId/Othr/Id"),
        # Its name is misspelt in some banks' messages.
        mandate=_text(detail, "Refs/MndtId") or _text(detail, "Refs/MntId"),
    )
