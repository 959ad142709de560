"""A company whose calls a run charges, for the tests of what comes of them."""

from datetime import date, datetime

from odoo.tools import SQL

from .rating_common import RatingCase


class UsageCase(RatingCase):
    """A number, two rates, a carrier whose file holds what ``load`` stores, and a cycle."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number = cls.make_number("+44 20 7946 0000")
        cls.make_rate("44", 0.06)
        cls.make_rate("447", 0.12, class_id=cls.mobile.id)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.records = cls.env["cdr.record"]
        cls.carrier = cls.env["cdr.carrier"].create({"name": "Trunk", "company_id": cls.company.id})
        cls.file = cls.env["cdr.file"].create(
            {"name": "march.csv", "carrier_id": cls.carrier.id, "company_id": cls.company.id}
        )
        cls.placed = 0

    def load(self, *calls):
        """Store calls, unrated, and rate them."""
        for call in calls:
            type(self).placed += 1
            row = {
                **call,
                "company_id": self.company.id,
                "carrier_id": self.carrier.id,
                "file_id": self.file.id,
                "line_number": self.placed,
                "record_key": f"key {self.placed}",
                "state": "unrated",
            }
            self.env.cr.execute(
                SQL(
                    "INSERT INTO cdr_record (%s) VALUES (%s)",
                    SQL(", ").join(map(SQL.identifier, row)),
                    SQL(", ").join(SQL("%s", value) for value in row.values()),
                )
            )
        self.records._rate([("state", "=", "unrated")], self.company)

    def january(self, day, destination="442079461111", seconds=60, **values):
        return self.call(destination, seconds, call_time=datetime(2026, 1, day, 12), **values)

    def billed(self, month=1, stage="rating"):
        run = self.make_run(self.cycle, date(2026, month, 28))
        run.cutoff_date = date(2026, month, 28)
        run._execute(stage)
        return run

    def usage(self, run):
        charges = self.env["billing.charge"].search(
            [("run_id", "=", run.id), ("kind", "=", "usage")], order="id"
        )
        return charges.sorted(lambda charge: charge.usage_class_id.id)
