"""The days on which calls wait to be charged: none is forgotten, and charging touches no index."""

from datetime import date

from odoo.tests import tagged
from odoo.tools import SQL

from .usage_common import UsageCase

#: what charging writes of a call
CHARGED = ("state", "charge_id", "included_seconds", "counted_before", "charged_amount")


@tagged("post_install", "-at_install")
class TestOpenDays(UsageCase):
    def days(self):
        rows = self.env["cdr.open.day"].search([("company_id", "=", self.company.id)])
        return {row.day.day for row in rows}

    def clean(self):
        self.env["cdr.open.day"]._gc_open_days()
        return self.days()

    def waiting(self):
        """The days of calls that wait, by the calls themselves."""
        records = self.records.search(
            [("company_id", "=", self.company.id), ("state", "=", "rated")]
        )
        return {record.call_day.day for record in records}

    def test_days_stay_until_all_of_their_calls_are_charged(self):
        self.load(self.january(2), self.january(2), self.january(29))
        self.assertEqual(self.days(), {2, 29})
        self.billed()
        self.assertEqual(self.days(), {2, 29})
        self.assertEqual(self.clean(), {29})

    def test_days_that_nobody_told_of_are_added_and_said_in_the_log(self):
        self.load(self.january(2), self.january(9))
        self.env.cr.execute("DELETE FROM cdr_open_day WHERE extract(day FROM day) = 9")
        with self.assertLogs("odoo.addons.billing_operations.cdrs", "WARNING") as logs:
            self.assertEqual(self.clean(), {2, 9})
        self.assertIn(f"2026-01-09 (company {self.company.id})", logs.output[0])
        self.env.cr.execute("DELETE FROM cdr_open_day")
        # An update of the addon finds the calls that are there.
        self.env["cdr.open.day"].init()
        self.assertEqual(self.days(), {2, 9})

    def test_calls_in_error_have_their_day_once_they_have_a_price(self):
        self.load(self.january(5, destination="33140205000"))
        self.assertEqual(self.records.search([("file_id", "=", self.file.id)]).state, "error")
        self.assertEqual(self.clean(), set())
        self.make_rate("33", 0.3)
        self.records._rate([], self.company)
        self.assertEqual(self.days(), {5})
        self.assertEqual(self.usage(self.billed()).amount, 0.3)
        self.assertEqual(self.clean(), set())

    def test_voided_charges_bring_the_days_of_their_calls_back(self):
        self.load(self.january(2), self.january(9, "447700900123"))
        usage = self.usage(self.billed())
        self.assertEqual(self.clean(), set())
        usage[1]._void()
        self.assertEqual(self.days(), {9})
        self.assertEqual(self.usage(self.billed(2)).call_count, 1)

    def test_calls_that_are_made_or_changed_by_the_orm_have_their_day(self):
        self.load(self.january(2))
        record = self.records.search([("file_id", "=", self.file.id)])
        self.billed()
        self.clean()
        [values] = record.copy_data({"record_key": "again", "state": "rated", "charge_id": False})
        again = self.records.create(values)
        self.assertEqual(self.days(), {2})
        again.state = "ignored"
        self.assertEqual(self.clean(), set())
        again.state = "rated"
        self.assertEqual(self.days(), self.waiting())

    def test_days_far_apart_are_read_apart(self):
        self.env["cdr.open.day"]._add(
            self.company, [date(2001, 5, 1), date(2026, 1, 2), date(2026, 1, 20)]
        )
        domain = self.env["cdr.open.day"]._domain(self.company, date(2026, 12, 31))
        spans = [
            (condition.operator, condition.value)
            for condition in domain.iter_conditions()
            if condition.field_expr == "call_day" and condition.operator != "in"
        ]
        self.assertEqual(
            spans,
            [
                (">=", date(2001, 5, 1)),
                ("<=", date(2001, 5, 1)),
                (">=", date(2026, 1, 2)),
                ("<=", date(2026, 1, 20)),
            ],
        )

    def test_days_of_another_company_are_none_of_this_one(self):
        other = self.make_company("Other")
        self.env["cdr.open.day"]._add(other, [date(2026, 1, 2)])
        domain = self.env["cdr.open.day"]._domain(self.company, date(2026, 12, 31))
        self.load(self.january(2))
        self.assertFalse(self.records.search(domain))
        self.assertTrue(
            self.records.search(self.env["cdr.open.day"]._domain(self.company, date(2026, 12, 31)))
        )
        self.assertFalse(
            self.records.search(self.env["cdr.open.day"]._domain(self.company, date(2026, 1, 1)))
        )

    def test_no_index_of_calls_goes_by_what_charging_writes(self):
        # PostgreSQL writes calls in place only as long as this is so.
        rows = self.env.execute_query(
            SQL("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'cdr_record'")
        )
        self.assertGreater(len(rows), 3)
        for name, definition in rows:
            for column in CHARGED:
                self.assertNotRegex(definition, rf"\b{column}\b", name)

    def test_calls_are_charged_in_place(self):
        self.load(*(self.january(2 + number % 20) for number in range(200)))
        counted = SQL(
            "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid)"
            "  FROM pg_class WHERE oid = 'cdr_record'::regclass"
        )
        # On pages of their own, as an import leaves them: the ones here were rated in a second step.
        self.env.cr.execute(
            "CREATE TEMPORARY TABLE moved ON COMMIT DROP AS SELECT * FROM cdr_record WHERE file_id = %s",
            [self.file.id],
        )
        self.env.cr.execute("DELETE FROM cdr_record WHERE file_id = %s", [self.file.id])
        self.env.cr.execute("INSERT INTO cdr_record SELECT * FROM moved")
        [before] = self.env.execute_query(counted)
        self.assertEqual(self.usage(self.billed()).usage_calls, 200)
        [after] = self.env.execute_query(counted)
        self.assertEqual(after[0] - before[0], 200)
        self.assertGreater(after[1] - before[1], 190)
