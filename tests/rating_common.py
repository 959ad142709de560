"""A plan with rates, and calls as rows, for the tests of rating."""

from contextlib import contextmanager
from datetime import date, datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo.tools import SQL

from ..cdrs import rating_reference as reference
from ..cdrs.models.cdr_rate_band import WEEKDAYS
from ..cdrs.rating_choices import add_choices, prepare_choices
from ..cdrs.rating_sql import RATED_COLUMNS, SOURCE_COLUMNS, rated_select
from .common import BillingCase

ZONE = "Europe/London"
TYPES = {
    "call_time": "timestamp",
    "call_day": "date",
    "direction": "text",
    "identifier": "text",
    "destination": "text",
    "withheld": "bool",
    "answered": "bool",
    "seconds": "int",
    "cost": "numeric",
}


class RatingCase(BillingCase):
    """A British company with a tariff whose calls have a plan."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.country_id = cls.env.ref("base.uk")
        cls.company.resource_calendar_id.tz = ZONE
        cls.scheme = cls.make_scheme()
        cls.national = cls.make_class("National")
        cls.mobile = cls.make_class("Mobile")
        cls.plan = cls.make_plan()
        cls.tariff = cls.make_tariff(cls.scheme, rate_plan_id=cls.plan.id)
        cls.customer = cls.make_customer("Harbour Office")
        cls.service = cls.make_service(cls.customer, cls.tariff)

    @classmethod
    def make_class(cls, name, **values):
        """Return a rate class."""
        return cls.env["cdr.rate.class"].create(
            {"name": name, "company_id": cls.company.id, **values}
        )

    @classmethod
    def make_plan(cls, name="Calls", **values):
        """Return a plan without rates that rounds each call to four decimals."""
        return cls.env["cdr.rate.plan"].create(
            {"name": name, "company_id": cls.company.id, "rounding_digits": 4, **values}
        )

    @classmethod
    def make_rate(cls, prefix, price=0.06, plan=None, **values):
        """Return a rate that counts from 2026."""
        plan = plan or cls.plan
        return cls.env["cdr.rate"].create(
            {
                "plan_id": plan.id,
                "prefix": prefix,
                "name": prefix or "Anywhere",
                "class_id": cls.national.id,
                "price_minute": price,
                "date_from": date(2026, 1, 1),
                **values,
            }
        )

    @classmethod
    def make_number(cls, value, service=None, start=date(2026, 1, 1), **values):
        """Return an identifier of a service."""
        return cls.env["billing.service.identifier"].create(
            {
                "service_id": (service or cls.service).id,
                "value": value,
                "date_from": start,
                **values,
            }
        )

    @contextmanager
    def refused(self, error, text):
        """Expect an error whose message holds ``text``, and undo what led to it."""
        with self.assertRaises(error) as caught, self.env.cr.savepoint():
            yield
        self.env.invalidate_all(flush=False)
        self.assertIn(text, str(caught.exception))

    def call(self, destination="447700900123", seconds=60, **values):
        """Return a call as a row for a source."""
        moment = values.pop("call_time", datetime(2026, 3, 4, 12, 0))
        local = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(ZONE))
        return {
            "call_time": moment,
            "call_day": local.date(),
            "direction": "out",
            "identifier": "442079460000",
            "destination": destination,
            "withheld": False,
            "answered": True,
            "seconds": seconds,
            "cost": None,
            **values,
        }

    def rate(self, calls, *, chosen=False):
        """Rate calls and return what comes of each, as dicts in their order.

        :param chosen: by the choices of their numbers' starts, as an import does
        """
        prepared = self.env["cdr.rate.plan"]._prepare_rating(self.company)
        start_ids = [None] * len(calls)
        if chosen:
            starts = prepare_choices(self.env.cr)
            # Asked in two parts, as the parts of a file are.
            half = len(calls) // 2
            found = []
            for part in (calls[:half], calls[half:]):
                found += [starts[call["destination"]] for call in part]
                add_choices(self.env.cr, starts.take_new())
            start_ids = [int(start) if start else None for start in found]
        columns = list(
            zip(*([call[name] for name in SOURCE_COLUMNS] for call in calls), strict=True)
        )
        arrays = SQL(", ").join(
            SQL("%s::" + TYPES[name] + "[]", list(values))
            for name, values in zip(SOURCE_COLUMNS, columns, strict=True)
        )
        names = SQL(", ").join(map(SQL.identifier, SOURCE_COLUMNS))
        source = SQL(
            "SELECT * FROM unnest(%s, %s::int[]) WITH ORDINALITY AS call (%s, start_id, place)",
            arrays,
            start_ids,
            names,
        )
        # Numbers come as texts: Odoo's cursor makes floats of them.
        wanted = SQL(", ").join(
            SQL("amount::text") if name == "amount" else SQL.identifier(name)
            for name in RATED_COLUMNS
        )
        rows = self.env.execute_query(
            SQL(
                "SELECT %s FROM (%s) AS rated ORDER BY place",
                wanted,
                rated_select(source, prepared, chosen=chosen),
            )
        )
        found = [dict(zip(RATED_COLUMNS, row, strict=True)) for row in rows]
        for row in found:
            row["amount"] = row["amount"] and Decimal(row["amount"])
        return found

    # === THE REFERENCE'S VIEW OF WHAT IS STORED === #

    @staticmethod
    def exact(value):
        """Return a number as it is stored."""
        return Decimal(value or 0) if not isinstance(value, int) else value

    def reference_plan(self, plan):
        """Return a plan as the reference takes it."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT id, prefix, band_id, class_id, date_from, date_to, connect_fee::text,"
            " price_minute::text, initial_seconds, step_seconds, minimum::text"
            " FROM cdr_rate WHERE plan_id = %s",
            [plan.id],
        )
        rates = tuple(
            reference.Rate(*row[:6], reference.Price(*map(self.exact, row[6:])))
            for row in self.env.cr.fetchall()
        )
        bands = tuple(
            reference.Band(
                band.id,
                frozenset(number for number, day in enumerate(WEEKDAYS) if band[day]),
                round(band.hour_from * 60),
                round(band.hour_to * 60),
                band.holidays,
            )
            for band in plan.band_ids.sorted(lambda b: (b.sequence, b.id))
        )
        return reference.Plan(
            plan.id,
            plan.currency_id.id,
            plan.rounding,
            plan.rounding_digits,
            plan.unanswered,
            plan.withheld,
            bands,
            rates,
        )
