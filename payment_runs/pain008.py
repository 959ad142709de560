"""Direct debit files: what may stand in one, writing it, and checking it. No database, no ORM.

``sepaxml`` writes the debits, some at a time; what it does not know is added here, and the whole is
checked against the schema again. Files of the two versions differ in what banks take, not in what they say.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path

from lxml import etree

from .accounts import compact_iban, iban_problem, is_bic, is_creditor_id, needs_address
from .sepa_text import is_allowed, is_identifier

NEW_VERSION, OLD_VERSION = VERSIONS = ("pain.008.001.08", "pain.008.001.02")
SCHEMES = ("CORE", "B2B")
SEQUENCE_TYPES = ("FRST", "RCUR", "OOFF", "FNAL")
#: the schemes' largest amount, in cents
MOST_CENTS = 99_999_999_999
#: how many debits ``sepaxml`` is given at once: what it builds of them is large
AT_ONCE = 1000
#: the sum and the number of no debits
NO_TOTALS = Decimal(), 0
#: instead of the account from which was collected before
SAME_MANDATE = "SMNDA"


class MissingLibrary(Exception):
    """``sepaxml`` is not installed."""


class FileProblems(Exception):
    """A file cannot be written: ``problems`` are ``(place, code, value)``.

    The place is the number of a debit among those given, None for the file itself. Codes:
    ``version``, ``scheme``, ``message_id``, ``no_debits``, ``creditor_name``, ``creditor_id``,
    ``creditor_iban``, ``creditor_bic``, ``amount``, ``name``, ``iban``, ``bic``, ``reference``, ``twice``,
    ``mandate``, ``signed``, ``past``, ``sequence``, ``first_twice``, ``text``, ``address``, ``schema``.
    """

    def __init__(self, problems: list[tuple]):
        super().__init__("; ".join(f"{place}: {code} {value}" for place, code, value in problems))
        self.problems = problems


@dataclass(frozen=True)
class Creditor:
    """Who collects."""

    name: str
    creditor_id: str
    iban: str
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Debit:
    """One collection. Texts are made valid before, by ``sepa_text.py``."""

    reference: str
    cents: int
    name: str
    iban: str
    mandate: str
    signed: date
    sequence_type: str
    day: date
    text: str
    bic: str = ""
    #: ``street``, ``zip``, ``town``, ``country``: needed outside of the European Economic Area
    address: dict = field(default_factory=dict)
    #: what was announced otherwise: ``mandate``, ``account``, ``creditor_id``, ``creditor_name``
    amended: dict = field(default_factory=dict)


def write_file(
    version: str,
    scheme: str,
    message_id: str,
    created: datetime,
    creditor: Creditor,
    debits: list[Debit],
) -> bytes:
    """Return the file of one scheme, with a block for each sequence type and day.

    :raise FileProblems: something may not stand in a file
    :raise MissingLibrary: without ``sepaxml``
    """
    problems = [
        *_file_problems(version, scheme, message_id, creditor, debits),
        *(
            (place, code, value)
            for place, debit in enumerate(debits)
            for code, value in _debit_problems(debit, created.date())
        ),
        *_problems_among(debits),
    ]
    if problems:
        raise FileProblems(problems)
    content = BytesIO()
    for part in _parts(version, scheme, message_id, created, creditor, debits):
        content.write(part)
    check_file(content.getvalue(), version)
    return content.getvalue()


# === RULES === #


def _file_problems(version, scheme, message_id, creditor, debits):
    if version not in VERSIONS:
        yield None, "version", version
    if scheme not in SCHEMES:
        yield None, "scheme", scheme
    # Blocks are called after the file, with a number.
    if not is_identifier(message_id) or len(message_id) > 30:
        yield None, "message_id", message_id
    if not debits:
        yield None, "no_debits", ""
    if not is_allowed(creditor.name) or len(creditor.name) > 70:
        yield None, "creditor_name", creditor.name
    if not is_creditor_id(creditor.creditor_id):
        yield None, "creditor_id", creditor.creditor_id
    if iban_problem(creditor.iban):
        yield None, "creditor_iban", creditor.iban
    if (creditor.bic and not is_bic(creditor.bic)) or (version == OLD_VERSION and not creditor.bic):
        yield None, "creditor_bic", creditor.bic


def _debit_problems(debit, today):
    if not 1 <= debit.cents <= MOST_CENTS:
        yield "amount", str(Decimal(debit.cents) / 100)
    if not is_allowed(debit.name) or len(debit.name) > 70:
        yield "name", debit.name
    if iban_problem(debit.iban):
        yield "iban", debit.iban
    elif needs_address(debit.iban) and not (
        debit.address.get("town") and debit.address.get("country")
    ):
        yield "address", debit.name
    if any(value and not is_allowed(value) for value in debit.address.values()):
        yield "address", debit.name
    if debit.bic and not is_bic(debit.bic):
        yield "bic", debit.bic
    if not is_identifier(debit.reference):
        yield "reference", debit.reference
    if not is_identifier(debit.mandate):
        yield "mandate", debit.mandate
    if debit.signed > today:
        yield "signed", debit.signed.isoformat()
    if debit.day < today:
        yield "past", debit.day.isoformat()
    if debit.sequence_type not in SEQUENCE_TYPES:
        yield "sequence", debit.sequence_type
    if not is_allowed(debit.text) or len(debit.text) > 140:
        yield "text", debit.text


def _problems_among(debits):
    references = Counter(debit.reference for debit in debits)
    once = Counter((debit.mandate, debit.sequence_type) for debit in debits)
    for place, debit in enumerate(debits):
        if references[debit.reference] > 1:
            yield place, "twice", debit.reference
        kind = debit.sequence_type
        if kind in ("FRST", "OOFF", "FNAL") and once[debit.mandate, kind] > 1:
            yield place, "first_twice", debit.mandate


# === WRITING === #


def _parts(version, scheme, message_id, created, creditor, debits):
    """Yield the file piece by piece: what ``sepaxml`` writes of some debits at a time, put together
    to one block for each sequence type and day."""
    blocks = defaultdict(list)
    for debit in debits:
        blocks[debit.sequence_type, debit.day].append(debit)
    yield b"<?xml version='1.0' encoding='UTF-8'?>\n"
    for number, block in enumerate(blocks.values(), 1):
        for place in range(0, len(block), AT_ONCE):
            some = block[place : place + AT_ONCE]
            root = etree.fromstring(_export(version, scheme, creditor, some), _parser())
            _identify(root, version, message_id, created, number)
            _set_totals(root.find(".//{*}GrpHdr"), debits)
            _set_totals(root.find(".//{*}PmtInf"), block)
            _announce(root, version, some)
            head, middle, tail = _pieces(etree.tostring(root))
            if not place:
                # The file's beginning stands once, and the block's own after it.
                yield head if number == 1 else head[head.index(b"<PmtInf>") :]
            yield middle
        yield b"</PmtInf>"
    yield tail.removeprefix(b"</PmtInf>")


def _pieces(content):
    """Return what comes before the debits of a file with one block, the debits, and the rest."""
    first, last = content.index(b"<DrctDbtTxInf>"), content.rindex(b"</PmtInf>")
    return content[:first], content[first:last], content[last:]


def _set_totals(element, debits):
    element.find("{*}NbOfTxs").text = str(len(debits))
    euros, cents = divmod(sum(debit.cents for debit in debits), 100)
    element.find("{*}CtrlSum").text = f"{euros}.{cents:02}"


def _export(version, scheme, creditor, debits):
    try:
        from sepaxml import SepaDD
    except ImportError as error:
        raise MissingLibrary from error
    config = {
        "name": creditor.name,
        "IBAN": compact_iban(creditor.iban),
        "batch": True,
        "creditor_id": creditor.creditor_id,
        "currency": "EUR",
        "instrument": scheme,
    }
    if creditor.bic:
        config["BIC"] = creditor.bic
    # Texts are valid already, and exporting a second time would count everything twice.
    writer = SepaDD(config, schema=version, clean=False)
    for debit in debits:
        payment = {
            "name": debit.name,
            "IBAN": compact_iban(debit.iban),
            "amount": debit.cents,
            "type": debit.sequence_type,
            "collection_date": debit.day,
            "mandate_id": debit.mandate,
            "mandate_date": debit.signed,
            "description": debit.text,
            "endtoend_id": debit.reference,
        }
        if debit.bic:
            payment["BIC"] = debit.bic
        if needs_address(debit.iban):
            payment["address"] = _address(version, debit.address)
        writer.add_payment(payment)
    return writer.export(validate=False)


def _address(version, address):
    if version == OLD_VERSION:
        town = " ".join(filter(None, (address.get("zip"), address.get("town"))))
        lines = [line[:70] for line in (address.get("street"), town) if line]
        return {"country": address["country"], "lines": lines}
    names = {"street_name": "street", "postcode": "zip", "town": "town", "country": "country"}
    limits = {"postcode": 16, "town": 35}
    return {
        key: address[name][: limits.get(key, 70)]
        for key, name in names.items()
        if address.get(name)
    }


def _parser():
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


def _identify(root, version, message_id, created, number):
    """Put our own identifiers in the place of those that change with each export."""
    space = {"p": f"urn:iso:std:iso:20022:tech:xsd:{version}"}
    header = root.find(".//p:GrpHdr", space)
    header.find("p:MsgId", space).text = message_id
    header.find("p:CreDtTm", space).text = created.replace(microsecond=0).isoformat()
    root.find(".//p:PmtInf/p:PmtInfId", space).text = f"{message_id}-{number}"


def _announce(root, version, debits):
    """Announce what has changed since the last collection."""
    amended = {debit.reference: debit.amended for debit in debits if debit.amended}
    if not amended:
        return
    space = {"p": f"urn:iso:std:iso:20022:tech:xsd:{version}"}
    for debit in root.iterfind(".//p:DrctDbtTxInf", space):
        changes = amended.get(debit.findtext("p:PmtId/p:EndToEndId", None, space))
        if changes:
            _amend(debit.find("p:DrctDbtTx/p:MndtRltdInf", space), space["p"], changes)


def _amend(mandate, space, changes):
    def add(parent, *names, text=None):
        for name in names:
            parent = etree.SubElement(parent, f"{{{space}}}{name}")
        parent.text = text
        return parent

    add(mandate, "AmdmntInd", text="true")
    details = add(mandate, "AmdmntInfDtls")
    if changes.get("mandate"):
        add(details, "OrgnlMndtId", text=changes["mandate"])
    if changes.get("creditor_id"):
        original = add(details, "OrgnlCdtrSchmeId")
        if changes.get("creditor_name"):
            add(original, "Nm", text=changes["creditor_name"])
        other = add(original, "Id", "PrvtId", "Othr")
        add(other, "Id", text=changes["creditor_id"])
        add(other, "SchmeNm", "Prtry", text="SEPA")
    if changes.get("account"):
        add(details, "OrgnlDbtrAcct", "Id", "Othr", "Id", text=SAME_MANDATE)


# === CHECKING === #


@cache
def schema(version: str) -> etree.XMLSchema:
    """Return the schema of a version, which ``sepaxml`` ships."""
    try:
        import sepaxml
    except ImportError as error:
        raise MissingLibrary from error
    path = Path(sepaxml.__file__).parent / "schemas" / f"{version}.xsd"
    return etree.XMLSchema(etree.parse(str(path)))


def check_file(content: bytes, version: str) -> None:
    """Check a whole file: against the schema, and its sums and numbers against its debits.

    It is read anew, debit by debit, whatever wrote it.

    :raise FileProblems: it is not valid
    """
    space = f"{{urn:iso:std:iso:20022:tech:xsd:{version}}}"
    events = etree.iterparse(
        BytesIO(content),
        tag=[f"{space}{name}" for name in ("GrpHdr", "DrctDbtTxInf", "PmtInf", "Document")],
        schema=schema(version),
        resolve_entities=False,
        no_network=True,
        huge_tree=True,
    )
    header, block, total = (), NO_TOTALS, NO_TOTALS
    element = None
    try:
        for _event, element in events:
            if element.tag == f"{space}GrpHdr":
                header = _totals(element, space)
                continue
            if element.tag == f"{space}DrctDbtTxInf":
                block = _plus(block, (Decimal(element.findtext(f"{space}InstdAmt")), 1))
            elif element.tag == f"{space}PmtInf":
                _check_totals(_totals(element, space), block)
                total, block = _plus(total, block), NO_TOTALS
            element.clear()
    except (etree.LxmlError, ArithmeticError, TypeError, ValueError) as error:
        # Numbers are read before the schema has its say.
        raise FileProblems([(None, "schema", str(error))]) from error
    if element is None or element.tag != f"{space}Document":
        # A file that breaks off is read without an error.
        raise FileProblems([(None, "schema", "the end is missing")])
    _check_totals(header, total)


def _totals(element, space):
    number = int(element.findtext(f"{space}NbOfTxs"))
    return Decimal(element.findtext(f"{space}CtrlSum") or 0), number


def _plus(totals, others):
    return totals[0] + others[0], totals[1] + others[1]


def _check_totals(said, counted):
    if said != counted:
        raise FileProblems([(None, "schema", f"{said} ≠ {counted}")])
