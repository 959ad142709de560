"""Causes are gathered, corrected and accepted; fixing one rates its calls and no others."""

from datetime import date, datetime, timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .rating_common import RatingCase

DAY = date(2026, 3, 4)


class ErrorCase(RatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.user = cls.make_user("error_user", group % "user")
        cls.manager = cls.make_user("error_manager", group % "manager")
        cls.carrier = cls.make_carrier()
        cls.file = cls.make_file()
        cls.make_number("+44 20 7946 0000")
        cls.make_rate("44", 0.6)

    @classmethod
    def make_carrier(cls, name="Long Lines", **values):
        """Return a carrier of the company."""
        return cls.env["cdr.carrier"].create({"name": name, "company_id": cls.company.id, **values})

    @classmethod
    def make_file(cls, carrier=None, **values):
        """Return a file of the carrier."""
        return cls.env["cdr.file"].create(
            {"name": "march.csv", "carrier_id": (carrier or cls.carrier).id, **values}
        )

    @classmethod
    def make_records(cls, *calls, **values):
        """Store unrated calls and return them."""
        dollar = cls.company.currency_id.id
        last = cls.env.execute_query(SQL("SELECT COALESCE(max(id), 0) FROM cdr_record"))[0][0]
        ids = []
        for number, call in enumerate(calls, last + 1):
            row = {
                "company_id": cls.company.id,
                "carrier_id": cls.carrier.id,
                "file_id": cls.file.id,
                "line_number": number,
                "record_key": f"call-{number}",
                "call_time": datetime(2026, 3, 4, 12) + timedelta(seconds=number),
                "call_day": DAY,
                "direction": "out",
                "identifier": "442079460000",
                "destination": "447700900123",
                "answered": True,
                "withheld": False,
                "seconds": 60,
                "cost": 0.1,
                "cost_currency_id": dollar,
                "state": "unrated",
                **values,
                **call,
            }
            ids += cls.env.execute_query(
                SQL(
                    "INSERT INTO cdr_record (%s) VALUES %s RETURNING id",
                    SQL(", ").join(map(SQL.identifier, row)),
                    tuple(row.values()),
                )
            )
        cls.env["cdr.record"].invalidate_model()
        return cls.env["cdr.record"].browse([row[0] for row in ids])

    def rate_all(self):
        return self.env["cdr.record"]._rate([], self.company)

    def errors(self, **values):
        domain = [("company_id", "=", self.company.id)]
        return self.env["billing.error"].search(
            domain + [(name, "=", value) for name, value in values.items()], order="id"
        )

    def run_tasks(self):
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "cdr_rate")])
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestBillingErrors(ErrorCase):
    def test_one_row_a_cause_with_calls_cost_and_days(self):
        self.make_records(
            {"identifier": "442079460001"},
            {"identifier": "442079460001", "call_day": date(2026, 3, 9), "cost": None},
            {"identifier": "442079460002", "cost": 0.4},
            {"destination": "12025550100"},
            {"destination": "12025559999"},
            {},
        )
        self.assertEqual(self.rate_all(), {"error": 5, "rated": 1})
        rows = [
            (e.code, e.record_count, round(e.cost, 2), e.is_cost_partial, e.first_date, e.last_date)
            for e in self.errors().sorted(lambda e: (e.code, e.key))
        ]
        self.assertEqual(
            rows,
            [
                ("no_rate", 2, 0.2, False, DAY, DAY),
                ("unknown_number", 2, 0.1, True, DAY, date(2026, 3, 9)),
                ("unknown_number", 1, 0.4, False, DAY, DAY),
            ],
        )
        no_rate = self.errors(code="no_rate")
        self.assertEqual((no_rate.prefix, no_rate.plan_id), ("1202555", self.plan))
        self.assertIn("442079460002", self.errors(identifier="442079460002").display_name)

    def test_another_import_joins_the_open_cause(self):
        self.make_records({"identifier": "442079460001"})
        self.rate_all()
        self.make_records({"identifier": "442079460001"})
        self.rate_all()
        self.assertEqual(self.errors().mapped("record_count"), [2])

    def test_fixing_one_cause_rates_only_its_calls_and_may_open_the_next(self):
        first, second = self.make_records(
            {"identifier": "442079460001", "destination": "12025550100"},
            {"identifier": "442079460002"},
        )
        self.rate_all()
        cause = self.errors(identifier="442079460001")
        self.make_number("+44 20 7946 0001")
        self.make_number("+44 20 7946 0002")
        cause.with_user(self.manager).action_reprocess()
        self.run_tasks()
        self.assertEqual(cause.state, "resolved")
        self.assertEqual(first.error_code, "no_rate")
        self.assertEqual(first.error_id.code, "no_rate")
        self.assertEqual(second.error_code, "unknown_number")
        self.assertEqual(self.errors(identifier="442079460002").state, "open")

    def test_a_cause_that_comes_again_is_a_new_row(self):
        self.make_records({"identifier": "442079460001"})
        self.rate_all()
        number = self.make_number("+44 20 7946 0001")
        self.errors()._reprocess()
        number.unlink()
        self.make_records({"identifier": "442079460001"})
        self.rate_all()
        self.assertEqual(self.errors().mapped("state"), ["resolved", "open"])

    def test_assigning_the_number_suggests_its_neighbours(self):
        other = self.make_service(self.make_customer("Quay Office"), self.tariff)
        self.make_number("+44 161 496 0001", other)
        [record] = self.make_records({"identifier": "442079460001"})
        self.rate_all()
        cause = self.errors()
        action = cause.with_user(self.manager).action_assign()
        wizard = (
            self.env["billing.error.assign"]
            .with_user(self.manager)
            .with_context(**action["context"])
            .create({})
        )
        self.assertEqual(wizard.service_id.id, self.service.id)
        self.assertEqual((wizard.number, wizard.date_from), ("+442079460001", DAY))
        self.assertNotIn(other.id, wizard.suggested_ids.ids)
        wizard.action_apply()
        self.run_tasks()
        self.assertEqual((record.state, record.service_id), ("rated", self.service))
        self.assertEqual(cause.state, "resolved")

    def test_adding_the_rate_starts_with_what_the_numbers_have_in_common(self):
        [record] = self.make_records({"destination": "882161234"})
        self.rate_all()
        cause = self.errors()
        wizard = (
            self.env["billing.error.rate"]
            .with_user(self.manager)
            .create(
                {
                    "error_id": cause.id,
                    "name": "Satellite",
                    "class_id": self.national.id,
                    "price_minute": 4.5,
                }
            )
        )
        self.assertEqual((wizard.prefix, wizard.date_from), ("882161234", DAY))
        wizard.prefix = "8821"
        wizard.action_apply()
        self.run_tasks()
        self.assertEqual((record.state, record.rate_id.prefix), ("rated", "8821"))
        self.assertAlmostEqual(record.amount, 4.5)

    def test_extending_the_dates_lets_calls_before_find_the_service(self):
        number = self.make_number("+44 20 7946 0005", start=date(2026, 3, 10))
        [record] = self.make_records({"identifier": "442079460005"})
        self.rate_all()
        cause = self.errors(code="number_inactive")
        wizard = (
            self.env["billing.error.dates"].with_user(self.manager).create({"error_id": cause.id})
        )
        self.assertEqual((wizard.identifier_id.id, wizard.date_from), (number.id, DAY))
        wizard.action_apply()
        self.run_tasks()
        self.assertEqual(record.state, "rated")

    def test_what_is_accepted_is_not_billed_and_reported_by_reason(self):
        [record] = self.make_records({"identifier": "442079460001"})
        self.rate_all()
        cause = self.errors()
        with self.refused(UserError, "Say in the note"):
            cause._accept("other")
        wizard = (
            self.env["billing.error.accept"]
            .with_user(self.manager)
            .create({"error_ids": cause.ids, "reason": "test"})
        )
        self.assertEqual(wizard.record_count, 1)
        wizard.action_apply()
        self.env.invalidate_all()
        self.assertEqual((cause.state, cause.accept_reason), ("accepted", "test"))
        self.assertEqual((record.state, record.error_id), ("ignored", cause))
        self.assertEqual(self.rate_all(), {})
        cause.with_user(self.manager).action_reopen()
        self.run_tasks()
        self.assertEqual((cause.state, record.state), ("open", "error"))

    def test_lines_that_cannot_be_read_are_one_cause_a_file(self):
        lines = self.env["cdr.file.line"]
        values = {
            "file_id": self.file.id,
            "carrier_id": self.carrier.id,
            "company_id": self.company.id,
            "code": "bad_time",
            "reason": "The time cannot be read.",
        }
        lines.create([{**values, "line_number": number, "text": "x"} for number in (3, 4)])
        self.env["billing.error"]._collect_later(self.company)
        self.run_tasks()
        cause = self.errors()
        self.assertEqual(
            (cause.code, cause.record_count, cause.file_id), ("malformed", 2, self.file)
        )
        self.assertEqual((cause.first_line, cause.last_line), (3, 4))
        cause._accept("carrier")
        self.env["billing.error"]._collect(self.company)
        self.assertEqual(self.errors().mapped("state"), ["accepted"])

    # === RE-RATING === #

    def test_the_difference_is_shown_before_calls_are_rated_again(self):
        [record] = self.make_records({})
        self.rate_all()
        record.rate_id._replace(DAY, {"price_minute": 0.9})
        action = record.with_user(self.manager).action_rerate()
        wizard = (
            self.env["cdr.record.rerate"]
            .with_user(self.manager)
            .with_context(**action["context"])
            .create({})
        )
        with self.refused(UserError, "Look at what changes first"):
            wizard.action_apply()
        wizard.action_preview()
        self.assertIn("difference $ 0.30", wizard.result.replace("\xa0", " "))
        self.assertAlmostEqual(record.amount, 0.6)
        wizard.action_apply()
        self.run_tasks()
        self.assertAlmostEqual(record.amount, 0.9)

    def test_charged_and_ignored_calls_are_left_alone(self):
        charged, ignored = self.make_records({"state": "charged"}, {"state": "ignored"})
        self.assertEqual(self.rate_all(), {})
        self.assertEqual((charged.state, ignored.state), ("charged", "ignored"))

    def test_a_call_shows_the_arithmetic_that_priced_it(self):
        self.make_rate("49", 0.6, connect_fee=0.05, initial_seconds=30, step_seconds=6)
        self.make_rate("33", 0.06, minimum=0.5)
        plain, fee, least = self.make_records(
            {}, {"destination": "4930123", "seconds": 31}, {"destination": "33123"}
        )
        self.rate_all()
        self.assertEqual(plain.arithmetic, "60 s × 0.6 / 60 s = 0.6")
        self.assertEqual(fee.arithmetic, "36 s × 0.6 / 60 s + connect fee 0.05 = 0.41")
        self.assertEqual(least.arithmetic, "60 s × 0.06 / 60 s, but at least 0.5")

    def test_what_priced_a_call_is_not_deleted(self):
        [record] = self.make_records({})
        self.rate_all()
        for priced_by in (record.rate_id, record.plan_id, record.class_id):
            with self.refused(UserError, "cannot be deleted"):
                priced_by.unlink()

    # === RIGHTS === #

    def test_users_see_errors_and_managers_work_on_them(self):
        self.make_records({"identifier": "442079460001"})
        self.rate_all()
        cause = self.errors()
        seen = cause.with_user(self.user)
        self.assertEqual(seen.record_count, 1)
        for method in ("action_reprocess", "action_assign", "action_accept", "action_reopen"):
            with self.refused(AccessError, "Only billing managers"):
                getattr(seen, method)()
        with self.refused(AccessError, ""):
            seen.department_id = False
        with self.refused(UserError, "counted by the system"):
            cause.with_user(self.manager).record_count = 0
        with self.refused(AccessError, ""):
            cause.with_user(self.manager).unlink()

    def test_another_companys_errors_are_not_seen(self):
        self.make_records({"identifier": "442079460001"})
        self.rate_all()
        other = self.make_company("Other Provider")
        stranger = self.make_user("stranger", "billing_operations.group_billing_manager", other)
        for model in ("billing.error", "cdr.rate", "cdr.rate.plan", "cdr.margin.report"):
            found = self.env[model].with_user(stranger).with_company(other)
            found = found.with_context(allowed_company_ids=other.ids).search([])
            self.assertFalse(found, model)

    def test_users_read_rates_and_managers_keep_them(self):
        rates = self.env["cdr.rate"]
        self.assertTrue(rates.with_user(self.user).search([("plan_id", "=", self.plan.id)]))
        for model in ("cdr.rate", "cdr.rate.plan", "cdr.rate.class", "cdr.rate.band"):
            self.assertFalse(self.env[model].with_user(self.user).has_access("write"), model)
            self.assertTrue(self.env[model].with_user(self.manager).has_access("create"), model)

    def test_nothing_happens_to_no_errors(self):
        errors = self.env["billing.error"]
        self.assertEqual(errors._reprocess(), {})
        errors._recount()
        errors._accept("test")
        self.assertEqual(self.env["cdr.fixed.fee"]._match(), {})
