"""GSMA TAP3: calls of roaming customers, as the networks that they visited send them. No database.

Needs the package ``pycrate``; without it such files cannot be read, which the file then says.
"""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from . import numbers
from .calls import CALL_COLUMNS, MAX_KEY, Calls
from .layout import Layout, LayoutProblem
from .parsing import Problem

#: TAP3 files are read as a whole
MAX_SIZE = 50 << 20
BATCH = 10_000


class TapReader:
    """Reads a TAP3 transfer batch (release 3.12); a record counts as a line.

    :ivar lines: how many records there were so far.
    """

    def __init__(self, layout: Layout, content):
        self.layout = layout
        self.content = content
        self.normalise = numbers.Normaliser.of(layout.country, layout.calling_code, "international")
        self.lines = 0

    def batches(self):
        """Yield ``(calls, problems)``, as ``TextReader.batches`` does."""
        batch = self._decoded()
        info = batch.get("accountingInfo") or {}
        decimals = int(info.get("tapDecimalPlaces") or 0)
        offsets = {
            item["utcTimeOffsetCode"]: _offset(item["utcTimeOffset"])
            for item in (batch.get("networkInfo") or {}).get("utcTimeOffsetInfo") or ()
        }
        calls: list = []
        problems: list = []
        for kind, record in batch.get("callEventDetails") or ():
            self.lines += 1
            reader = _KINDS.get(kind)
            if reader is None:
                continue
            try:
                calls.append(self._call(reader(record), decimals, offsets))
            except (KeyError, ValueError, TypeError, IndexError, UnicodeDecodeError) as error:
                why = f"{type(error).__name__}: {error}"
                problems.append(Problem(self.lines, f"{kind}: {why}"[:2000], "tap_record"))
            if len(calls) >= BATCH:
                yield Calls.of_rows(calls), problems
                calls, problems = [], []
        if calls or problems:
            yield Calls.of_rows(calls), problems

    def _decoded(self):
        try:
            from pycrate_asn1dir import TAP3
        except ImportError as error:
            raise LayoutProblem("no_library", package="pycrate") from error
        data = b""
        while chunk := self.content.take():
            data += chunk
            if len(data) > MAX_SIZE:
                raise LayoutProblem("not_tap", why=f"more than {MAX_SIZE >> 20} MB")
        interchange = TAP3.TAP_0312.DataInterChange
        try:
            interchange.from_ber(data)
            kind, value = interchange.get_val()
        except Exception as error:  # noqa: BLE001 - the decoder raises whatever it stumbles on
            raise LayoutProblem("not_tap", why=str(error)[:200]) from error
        if kind == "notification":
            # Says that there were no calls.
            return {}
        return value

    def _call(self, found, decimals, offsets):
        """Return the values of a call in the order of ``CALL_COLUMNS``."""
        call_time, call_day = self._clock(found["start"], offsets)
        other = found["caller"] if found["direction"] == "in" else found["callee"]
        destination = self.normalise[other]
        identifier = found["own"]
        seconds = int(found["seconds"] or 0)
        amount = Decimal(found["charge"]).scaleb(-decimals)
        key = f"{found['reference']}/{identifier}/{call_time}/{other}/{seconds}"
        values = {
            "line_number": self.lines,
            "record_key": key[:MAX_KEY],
            "call_time": call_time,
            "call_day": call_day,
            "direction": found["direction"],
            "caller": other if found["direction"] == "in" else identifier,
            "callee": identifier if found["direction"] == "in" else other,
            "identifier": identifier,
            "destination": destination,
            "withheld": not destination,
            "answered": True,
            "seconds": seconds,
            "cost": f"{amount:f}",
        }
        return tuple(values[name] for name in CALL_COLUMNS)

    def _clock(self, stamp, offsets):
        """Return a time stamp in UTC as text, and its day in the company's zone."""
        moment = datetime.strptime(_text(stamp["localTimeStamp"]), "%Y%m%d%H%M%S")
        moment = moment.replace(tzinfo=offsets[stamp["utcTimeOffsetCode"]]).astimezone(UTC)
        day = moment.astimezone(ZoneInfo(self.layout.company_zone)).date()
        return f"{moment:%Y-%m-%d %H:%M:%S}", f"{day}"


def _made(record):
    """Return what is needed of a call that a roaming customer made."""
    basic = record["basicCallInformation"]
    destination = basic.get("destination") or {}
    called = destination.get("calledNumber")
    callee = f"+{_digits(called)}" if called else _text(destination.get("dialledDigits") or b"")
    return {"direction": "out", "callee": callee, "caller": "", **_common(record, basic)}


def _received(record):
    """Return what is needed of a call that a roaming customer received."""
    basic = record["basicCallInformation"]
    calling = (basic.get("callOriginator") or {}).get("callingNumber")
    caller = f"+{_digits(calling)}" if calling else ""
    return {"direction": "in", "caller": caller, "callee": "", **_common(record, basic)}


def _common(record, basic):
    _kind, subscriber = basic["chargeableSubscriber"]
    own = subscriber.get("msisdn") or subscriber.get("imsi") or subscriber.get("min")
    charge = 0
    for used in record.get("basicServiceUsedList") or ():
        for information in used.get("chargeInformationList") or ():
            # Charge type 00 is the total of the others.
            charge += sum(
                int(detail.get("charge") or 0)
                for detail in information.get("chargeDetailList") or ()
                if _text(detail.get("chargeType") or b"") == "00"
            )
    return {
        "own": _digits(own),
        "start": basic["callEventStartTimeStamp"],
        "seconds": basic.get("totalCallEventDuration"),
        "charge": charge,
        "reference": _text(basic.get("callReference") or b""),
    }


def _digits(value):
    """Return the digits of packed ones; the filler of an odd number is left out."""
    return value.hex().rstrip("f")


def _text(value):
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _offset(value):
    """Return the zone of an offset such as +0100."""
    text = _text(value)
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timezone(timedelta(minutes=-minutes if text.startswith("-") else minutes))


#: the kinds of records that are calls; messages, data and others are passed over
_KINDS = {"mobileOriginatedCall": _made, "mobileTerminatedCall": _received}
