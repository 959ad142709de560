"""Price changes of services, as managers make them."""

from datetime import date

from freezegun import freeze_time

from odoo.fields import Command

from .common import ServiceCase

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


class PriceCase(ServiceCase):
    """A calendar-monthly tariff of 30 with an add-on at 2, and a manager. Today is 20 May 2026."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(freeze_time("2026-05-20 12:00:00"))
        cls.scheme = cls.make_scheme("Calendar")
        cls.tariff = cls.make_tariff(cls.scheme, 30.0, name="Web")
        cls.addon = cls.make_addon(cls.tariff, minimum=1.0)
        cls.customer.email = "customer@example.com"
        cls.manager = cls.make_user("price_manager", "billing_operations.group_billing_manager")
        cls.user = cls.make_user("price_user", "billing_operations.group_billing_user")
        cls.env["decimal.precision"].search([("name", "=", "Product Price")]).digits = 2

    @classmethod
    def make_change(cls, **values):
        """Return a draft: the tariff's price rises by 10 % on 1 June, unless said otherwise."""
        for name in ("tariff_ids", "service_ids", "category_ids", "addon_ids"):
            if name in values:
                values[name] = [Command.set(values[name].ids)]
        return cls.env["billing.price.change"].create(
            {
                "name": "Prices of June",
                "company_id": cls.company.id,
                "date": JUNE,
                "kind": "percent",
                "percent": 10.0,
                "tariff_ids": [Command.set(cls.tariff.ids)],
                "with_notice": False,
                **values,
            }
        )

    @classmethod
    def scheduled(cls, **values):
        """Return a scheduled price change."""
        change = cls.make_change(**values)
        change._work_out()
        change._schedule()
        return change

    def apply_on(self, change, day=JUNE):
        """Let the day of a change come, and have the scheduled action and its tasks do the rest."""
        with freeze_time(f"{day} 06:00:00"):
            self.env["billing.price.change"]._cron_price_changes()
            self.env["billing.task"]._run_inline(
                domain=[("type_id.code", "in", ("price_apply", "price_notices"))]
            )
        self.assertEqual(change.state, "applied", change.problem)

    def prices(self, change):
        """{(service, product): (old, new)} of the prices that change."""
        return {
            (line.service_id, line.product_id): (line.old_price, line.new_price)
            for line in change.line_ids
            if line.state != "left_out"
        }

    def reasons(self, change):
        """{service: why it is left out}"""
        return {line.service_id: line.reason for line in change.line_ids if line.reason}

    def rows(self, service, cutoff):
        """[(first day, end, amount)] of what a run with a cutoff would charge."""
        return [
            (row["period_start"], row["period_end"], float(row["amount"]))
            for row in service._preview_charges(cutoff)
        ]
