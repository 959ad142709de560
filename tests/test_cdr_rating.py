"""Calls are matched to services and rated by sets, and come to what the rates say."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.errors import ExclusionViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..cdrs import rating_reference as reference
from .rating_common import ZONE, RatingCase

KEY = "442079460000"


@tagged("post_install", "-at_install")
class TestCallRating(RatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number = cls.make_number("+44 20 7946 0000")

    def one(self, *args, **values):
        [result] = self.rate([self.call(*args, **values)])
        return result

    # === RATES === #

    def test_the_longest_prefix_counts(self):
        self.make_rate("")
        self.make_rate("44")
        mobile = self.make_rate("447", 0.12, class_id=self.mobile.id)
        self.make_rate("4479")
        result = self.one("447700900123", 90)
        self.assertEqual(result["rate_id"], mobile.id)
        self.assertEqual(result["class_id"], self.mobile.id)
        self.assertEqual(result["amount"], Decimal("0.1800"))
        self.assertEqual(result["state"], "rated")
        self.assertEqual(result["partner_id"], self.customer.id)
        self.assertEqual(result["identifier_id"], self.number.id)

    def test_a_version_counts_on_its_days_and_the_longest_valid_one_is_taken(self):
        short = self.make_rate("44")
        long = self.make_rate("447", date_to=date(2026, 3, 4))
        before = self.one(call_time=datetime(2026, 3, 3, 12))
        on_the_day = self.one(call_time=datetime(2026, 3, 4, 12))
        self.assertEqual(before["rate_id"], long.id)
        self.assertEqual(on_the_day["rate_id"], short.id)

    def test_connect_fee_first_seconds_steps_and_minimum_make_the_amount(self):
        self.make_rate("44", 0.6, connect_fee=0.05, initial_seconds=30, step_seconds=6, minimum=0.4)
        self.assertEqual(self.one(seconds=0)["billed_seconds"], 30)
        self.assertEqual(self.one(seconds=31)["billed_seconds"], 36)
        self.assertEqual(self.one(seconds=31)["amount"], Decimal("0.4100"))
        self.assertEqual(self.one(seconds=1)["amount"], Decimal("0.4000"))

    def test_short_codes_extensions_and_sip_names_are_rated_by_what_was_dialled(self):
        anywhere = self.make_rate("")
        service_code = self.make_rate("118118", 1.5)
        extension = self.make_rate("*", 0)
        for dialled, rate in (
            ("118118", service_code),
            ("4711", anywhere),
            ("bob@pbx.lan", anywhere),
            ("*100#", extension),
        ):
            self.assertEqual(self.one(dialled)["rate_id"], rate.id, dialled)

    def test_a_call_is_rounded_half_up_where_the_plan_rounds_calls(self):
        self.plan.rounding_digits = 2
        self.make_rate("44", 0.01, initial_seconds=30)
        self.assertEqual(self.one(seconds=30)["amount"], Decimal("0.01"))
        self.plan.rounding = "bill"
        self.assertEqual(self.one(seconds=30)["amount"], Decimal("0.005"))
        self.assertEqual(self.one(seconds=31)["amount"], Decimal("0.0051666667"))

    def test_unanswered_calls_follow_the_plan(self):
        self.make_rate("44", connect_fee=0.1, initial_seconds=60, minimum=1)
        found = {}
        for rule in ("free", "connect", "rate"):
            self.plan.unanswered = rule
            result = self.one(seconds=0, answered=False)
            found[rule] = (result["billed_seconds"], result["amount"])
        self.assertEqual(
            found, {"free": (0, 0), "connect": (0, Decimal("0.1")), "rate": (60, Decimal("1"))}
        )

    def test_calls_with_a_withheld_number_are_free_where_the_plan_says_so(self):
        self.make_rate("44", 0.6)
        self.assertEqual(self.one(withheld=True)["amount"], Decimal("0.6"))
        self.plan.withheld = "free"
        self.assertEqual(self.one(withheld=True)["amount"], 0)
        self.assertEqual(self.one(withheld=True)["state"], "rated")

    # === TIME BANDS === #

    def make_band(self, name, **values):
        return self.env["cdr.rate.band"].create({"plan_id": self.plan.id, "name": name, **values})

    def test_a_call_is_rated_by_the_band_in_which_it_begins_by_the_companys_clock(self):
        evening = self.make_band("Evening", hour_from=19, hour_to=7)
        day_rate = self.make_rate("44", 0.6)
        evening_rate = self.make_rate("44", 0.3, band_id=evening.id)
        # In July the clock in London is an hour ahead of UTC.
        for moment, rate in (
            (datetime(2026, 7, 1, 17, 59, 59), day_rate),
            (datetime(2026, 7, 1, 18, 0), evening_rate),
            (datetime(2026, 7, 2, 5, 59), evening_rate),
            (datetime(2026, 7, 2, 6, 0), day_rate),
            # Monday to Friday: Friday's evening goes on until Saturday morning.
            (datetime(2026, 7, 4, 5, 0), evening_rate),
            (datetime(2026, 7, 5, 5, 0), day_rate),
        ):
            self.assertEqual(self.one(call_time=moment)["rate_id"], rate.id, moment)
        self.assertEqual(self.one(call_time=datetime(2026, 7, 1, 18))["band"], "Evening")

    def test_the_longest_prefix_goes_before_the_band(self):
        evening = self.make_band("Evening", hour_from=12, hour_to=24)
        self.make_rate("44", 0.3, band_id=evening.id)
        longer = self.make_rate("447", 0.6)
        self.assertEqual(self.one()["rate_id"], longer.id)

    def test_public_holidays_come_from_the_companys_working_schedule(self):
        weekend = self.make_band(
            "Weekend",
            **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), False),
            saturday=True,
            sunday=True,
            holidays="all",
        )
        cheap = self.make_rate("44", 0.1, band_id=weekend.id)
        dear = self.make_rate("44", 0.6)
        moment = datetime(2026, 5, 25, 12)  # a Monday
        self.assertEqual(self.one(call_time=moment)["rate_id"], dear.id)
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Spring Bank Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                # A day in London, in UTC.
                "date_from": datetime(2026, 5, 24, 23),
                "date_to": datetime(2026, 5, 25, 22, 59, 59),
            }
        )
        self.assertEqual(self.company._billing_holidays(), [date(2026, 5, 25)])
        self.assertEqual(self.one(call_time=moment)["rate_id"], cheap.id)
        self.assertEqual(self.one(call_time=moment + timedelta(days=1))["rate_id"], dear.id)

    # === WHO PAYS === #

    def test_a_number_belongs_to_the_service_that_has_it_on_the_day_of_the_call(self):
        self.make_rate("44")
        other = self.make_service(self.make_customer("Quay Office"), self.tariff)
        self.number._close(date(2026, 3, 10))
        self.make_number("0044 20 7946 0000", other, date(2026, 3, 10))
        before = self.one(call_time=datetime(2026, 3, 9, 12))
        after = self.one(call_time=datetime(2026, 3, 10, 12))
        self.assertEqual([before["service_id"], after["service_id"]], [self.service.id, other.id])

    def test_a_number_written_nationally_is_found_by_its_international_digits(self):
        self.make_rate("44")
        national = self.make_number("020 7946 0001")
        self.assertEqual(national.usage_key, "442079460001")
        self.assertEqual(self.one(identifier="442079460001")["service_id"], self.service.id)

    def test_two_spellings_of_a_number_cannot_belong_to_two_services(self):
        other = self.make_service(self.make_customer("Quay Office"), self.tariff)
        with mute_logger("odoo.sql_db"), self.refused(ExclusionViolation, "in_usage"):
            self.make_number("020 7946 0000", other)

    def test_the_terms_of_the_calls_day_name_customer_and_plan(self):
        dear = self.make_plan("Dear")
        cheap_rate = self.make_rate("44", 0.1)
        dear_rate = self.make_rate("44", 1.0, plan=dear)
        tariff = self.make_tariff(self.scheme, name="Dear", rate_plan_id=dear.id)
        self.service._change(date(2026, 3, 10), {"tariff_id": tariff.id})
        heir = self.make_customer("Heir")
        self.service._change(date(2026, 3, 20), {"partner_id": heir.id})
        found = [self.one(call_time=datetime(2026, 3, day, 12)) for day in (9, 10, 19, 20)]
        self.assertEqual(
            [(row["rate_id"], row["partner_id"]) for row in found],
            [
                (cheap_rate.id, self.customer.id),
                (dear_rate.id, self.customer.id),
                (dear_rate.id, self.customer.id),
                (dear_rate.id, heir.id),
            ],
        )

    def test_a_service_can_have_a_plan_of_its_own(self):
        own = self.make_plan("Own")
        self.make_rate("44", 0.6)
        rate = self.make_rate("44", 0.2, plan=own)
        self.service.rate_plan_id = own
        self.assertEqual(self.one()["rate_id"], rate.id)

    def test_incoming_calls_are_rated_by_the_plan_for_incoming_calls(self):
        self.make_rate("", 0.6)
        incoming = self.make_plan("Freephone", direction="in")
        rate = self.make_rate("", 0.2, plan=incoming)
        self.tariff.incoming_rate_plan_id = incoming
        self.assertEqual(self.one(direction="in")["rate_id"], rate.id)

    def test_incoming_calls_without_a_plan_are_not_charged_unless_they_cost_something(self):
        self.make_rate("", 0.6)
        free, dear = self.rate(
            [self.call(direction="in"), self.call(direction="in", cost=Decimal("0.01"))]
        )
        self.assertEqual((free["state"], free["error_code"]), ("ignored", None))
        self.assertEqual((dear["state"], dear["error_code"]), ("error", "no_rate_plan"))
        self.plan.direction = "both"
        self.assertEqual(self.one(direction="in")["state"], "rated")

    # === WHAT CANNOT BE RATED === #

    def test_what_is_missing_is_the_cause(self):
        self.make_rate("44")
        ended = self.make_service(self.make_customer("Ended"), self.tariff)
        self.make_number("+44 20 7946 0009", ended, date_to=date(2026, 2, 1))
        bare = self.make_service(
            self.make_customer("Bare"), self.make_tariff(self.scheme, name="Bare")
        )
        self.make_number("+44 20 7946 0008", bare)
        rows = self.rate(
            [
                self.call(identifier="442079469999"),
                self.call(identifier="442079460009"),
                self.call(identifier="442079460008"),
                self.call("12025550123"),
                self.call("882161234"),
                self.call("118118"),
            ]
        )
        self.assertEqual(
            [(row["error_code"], row["error_key"]) for row in rows],
            [
                ("unknown_number", "442079469999"),
                ("number_inactive", "442079460009"),
                ("no_rate_plan", f"{bare.tariff_id.id}:out"),
                ("no_rate", f"{self.plan.id}:1"),
                ("no_rate", f"{self.plan.id}:882"),
                ("no_rate", f"{self.plan.id}:118118"),
            ],
        )
        self.assertEqual({row["state"] for row in rows}, {"error"})
        self.assertEqual({row["amount"] for row in rows}, {None})

    def test_an_ended_service_has_no_calls(self):
        self.make_rate("44")
        self.service._terminate(date(2026, 3, 1))
        self.assertEqual(self.one()["error_code"], "number_inactive")
        before = self.one(call_time=datetime(2026, 2, 28, 12))
        self.assertEqual(before["service_id"], self.service.id)

    def test_nothing_of_another_company_is_found(self):
        self.make_rate("44")
        other = self.make_company("Other Provider")
        prepared = self.env["cdr.rate.plan"]._prepare_rating(other)
        self.assertEqual(prepared.lengths, ())
        self.env.cr.execute("SELECT count(*) FROM cdr_rating_number")
        self.assertEqual(self.env.cr.fetchone(), (0,))


@tagged("post_install", "-at_install")
class TestRates(RatingCase):
    def test_a_price_is_never_overwritten(self):
        rate = self.make_rate("447")
        with self.refused(UserError, "Use New Price"):
            rate.price_minute = 0.5
        rate.write({"price_minute": 0.06, "name": "Mobile"})
        self.assertEqual(rate.name, "Mobile")

    def test_a_new_price_begins_a_version_and_ends_the_one_before(self):
        rate = self.make_rate("447", date_to=date(2026, 12, 1))
        new = rate._replace(date(2026, 4, 1), {"price_minute": 0.07})
        self.assertEqual((rate.date_to, rate.price_minute), (date(2026, 4, 1), 0.06))
        self.assertEqual(
            (new.prefix, new.date_from, new.date_to, new.price_minute),
            ("447", date(2026, 4, 1), date(2026, 12, 1), 0.07),
        )
        with self.refused(UserError, "does not count"):
            rate._replace(date(2026, 5, 1), {"price_minute": 0.08})

    def test_the_database_refuses_two_versions_on_one_day(self):
        self.make_rate("447")
        with mute_logger("odoo.sql_db"), self.refused(ExclusionViolation, "one_version_a_day"):
            self.make_rate("+44 7", date_from=date(2026, 6, 1))

    def test_prefixes_are_kept_in_one_spelling(self):
        self.assertEqual(self.make_rate("00 44-79").prefix, "4479")
        self.assertEqual(self.make_rate(False).prefix, "")

    def test_a_plan_in_another_currency_is_refused(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        plan = self.make_plan("Euro", currency_id=euro.id)
        with self.refused(ValidationError, "in EUR"):
            self.tariff.rate_plan_id = plan
        with self.refused(ValidationError, "in EUR"):
            self.plan.currency_id = euro

    def test_a_plan_for_one_direction_is_refused_for_the_other(self):
        incoming = self.make_plan("Incoming", direction="in")
        with self.refused(ValidationError, "for incoming calls"):
            self.tariff.rate_plan_id = incoming
        with self.refused(ValidationError, "for outgoing calls"):
            self.tariff.incoming_rate_plan_id = self.make_plan("Outgoing")

    def test_a_class_is_named_in_one_allowance(self):
        values = {"plan_id": self.plan.id, "name": "x", "minutes": 10}
        allowances = self.env["cdr.rate.allowance"]
        allowances.create({**values, "class_ids": self.mobile.ids})
        with self.refused(ValidationError, "twice"):
            allowances.create({**values, "class_ids": (self.mobile | self.national).ids})
        allowances.create(values)
        with self.refused(ValidationError, "two allowances without"):
            allowances.create(values)


# === SQL AND PYTHON SAY THE SAME === #

PREFIXES = ("", "4", "44", "447", "4479", "1", "49", "118118", "*")
DESTINATIONS = (
    *("447911123456", "447700900123", "442079460000", "493012345", "12025550123"),
    *("118118", "*100#", "bob@pbx.lan", "", "4", "882161234"),
)
DAYS = (date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 20), date(2026, 4, 1))
money = st.integers(0, 2_000_000).map(lambda number: number / 1_000_000)
rate_rows = st.fixed_dictionaries(
    {
        "prefix": st.sampled_from(PREFIXES),
        "band": st.sampled_from((None, 0, 1)),
        "span": st.sampled_from(((0, None), (0, 2), (1, 3), (2, None), (3, None))),
        "connect_fee": money,
        "price_minute": money,
        "initial_seconds": st.sampled_from((0, 1, 7, 30, 60)),
        "step_seconds": st.sampled_from((1, 6, 7, 60)),
        "minimum": st.one_of(st.just(0), money),
    }
)
plan_rows = st.fixed_dictionaries(
    {
        "rounding": st.sampled_from(("call", "bill")),
        "rounding_digits": st.integers(0, 6),
        "unanswered": st.sampled_from(("free", "connect", "rate")),
        "withheld": st.sampled_from(("free", "rate")),
    }
)
band_rows = st.fixed_dictionaries(
    {
        "days": st.sets(st.integers(0, 6), min_size=1),
        "hours": st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(
            lambda hours: hours[0] != hours[1]
        ),
        "holidays": st.sampled_from(("weekday", "all", "none")),
    }
)
call_rows = st.fixed_dictionaries(
    {
        "call_time": st.datetimes(datetime(2026, 2, 25), datetime(2026, 4, 5)),
        "direction": st.sampled_from(("out", "out", "in")),
        "identifier": st.sampled_from((KEY, KEY, "442079460001", "442079460002", "nobody", "")),
        "destination": st.sampled_from(DESTINATIONS),
        "withheld": st.booleans(),
        "answered": st.sampled_from((True, True, False, None)),
        "seconds": st.one_of(st.integers(0, 200), st.integers(0, 100_000)),
        "cost": st.sampled_from((None, Decimal(0), Decimal("0.02"))),
    }
)


@tagged("post_install", "-at_install")
class TestRatingEqualsReference(RatingCase):
    def make_random_plan(self, values, bands, rates, **more):
        plan = self.make_plan(**values, **more)
        band_ids = []
        for number, row in enumerate(bands):
            days = {
                day: index in row["days"]
                for index, day in enumerate(
                    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
                )
            }
            start, end = row["hours"]
            band = self.env["cdr.rate.band"].create(
                {
                    **days,
                    "plan_id": plan.id,
                    "name": f"Band {number}",
                    "hour_from": start,
                    "hour_to": end,
                    "holidays": row["holidays"],
                }
            )
            band_ids.append(band.id)
        taken = []
        for row in rates:
            row = dict(row)
            start, end = row.pop("span")
            band = row.pop("band")
            band_id = band_ids[band] if band is not None and band < len(band_ids) else False
            end = len(DAYS) if end is None else end
            if any(
                (row["prefix"], band_id) == key and start < other_end and other_start < end
                for key, other_start, other_end in taken
            ):
                continue
            taken.append(((row["prefix"], band_id), start, end))
            self.make_rate(
                row.pop("prefix"),
                row.pop("price_minute"),
                plan,
                band_id=band_id,
                date_from=DAYS[start],
                date_to=DAYS[end] if end < len(DAYS) else False,
                **row,
            )
        return plan

    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(
        st.lists(
            st.tuples(plan_rows, st.lists(band_rows, max_size=2), st.lists(rate_rows)),
            min_size=2,
            max_size=2,
        ),
        st.lists(call_rows, min_size=1, max_size=40),
        st.sets(st.sampled_from(DAYS)),
    )
    def test_sql_equals_the_reference_to_the_last_digit(self, plans, calls, holidays):
        with self.env.cr.savepoint() as savepoint:
            self.check_random(plans, calls, holidays)
            savepoint.rollback()
        self.env.invalidate_all(flush=False)

    def check_random(self, plans, calls, holidays):
        outgoing = self.make_random_plan(*plans[0], name="Out", direction="out")
        incoming = self.make_random_plan(*plans[1], name="In", direction="in")
        self.tariff.write({"rate_plan_id": outgoing.id, "incoming_rate_plan_id": incoming.id})
        half = self.make_service(
            self.make_customer("Half"),
            self.make_tariff(self.scheme, name="Half", rate_plan_id=outgoing.id),
            start=date(2026, 3, 5),
        )
        moved = date(2026, 3, 15)
        self.make_number(KEY)
        self.make_number("442079460001", date_to=moved)
        self.make_number("442079460001", half, moved)
        self.make_number("442079460002", half)
        for day in holidays:
            self.env["resource.calendar.leaves"].create(
                {
                    "name": "Holiday",
                    "calendar_id": self.company.resource_calendar_id.id,
                    "company_id": self.company.id,
                    "date_from": datetime(day.year, day.month, day.day, 10),
                    "date_to": datetime(day.year, day.month, day.day, 11),
                }
            )
        dollar = self.company.currency_id.id
        full = (self.service.id, dollar, outgoing.id, incoming.id)
        half_terms = (half.id, dollar, outgoing.id, None)
        start = date(2026, 1, 1)
        numbers = [
            reference.Number(KEY, start, None, *full),
            reference.Number("442079460001", start, moved, *full),
            reference.Number("442079460001", moved, None, *half_terms),
            reference.Number("442079460002", date(2026, 3, 5), None, *half_terms),
        ]
        by_id = {plan.id: self.reference_plan(plan) for plan in (outgoing, incoming)}
        names = {band.id: band.name for band in (outgoing | incoming).band_ids}
        calls = [self.call(**row) for row in calls]
        joined = self.rate(calls)
        self.assertEqual(self.rate(calls, chosen=True), joined)
        for call, found in zip(calls, joined, strict=True):
            wanted = reference.rate_call(
                reference.Call(**call), numbers, by_id, ZONE, frozenset(holidays)
            )
            wanted = wanted._asdict()
            wanted["band"] = names.get(wanted.pop("band_id"))
            self.assertEqual({name: found[name] for name in wanted}, wanted, call)
