"""A company whose months are closed, for the tests of month-ends."""

from collections import defaultdict
from datetime import date

from freezegun import freeze_time

from odoo.fields import Command

from .common import ServiceCase
from .usage_common import UsageCase

JANUARY, MARCH, APRIL, MAY = (date(2026, month, 1) for month in (1, 3, 4, 5))


class ClosingMixin:
    """What test cases of companies with month-ends need. Today is 5 May 2026: April is over."""

    @classmethod
    def start_closing(cls):
        cls.enterClassContext(freeze_time("2026-05-05 12:00:00"))
        cls.set_up_closing(cls.company)
        cls.user = cls.make_user("closing_user", "billing_operations.group_billing_user")
        cls.manager = cls.make_user("closing_manager", "billing_operations.group_billing_manager")

    @classmethod
    def set_up_closing(cls, company):
        accounts = cls.env["account.account"].with_company(company)
        values = {}
        for name, kind in (("accrued", "asset_current"), ("deferred", "liability_current")):
            values[f"billing_{name}_account_id"] = accounts.create(
                {
                    "name": name,
                    "code": f"77{len(values)}001",
                    "account_type": kind,
                    "company_ids": [Command.set(company.ids)],
                }
            )
        values["billing_closing_journal_id"] = cls.env["account.journal"].search(
            [("type", "=", "general"), ("company_id", "=", company.id)], limit=1
        )
        company.write({name: record.id for name, record in values.items()})

    def closing(self, month=APRIL, **values):
        """Return a counted month-end."""
        closing = self.env["billing.closing"].create(
            {"company_id": self.company.id, "month": month, **values}
        )
        closing._count()
        return closing

    def counted(self, closing):
        """[(kind, first day, days counted, amount)] of the lines in order."""
        return [
            (line.kind, line.period_start, line.counted_days, line.counted_amount)
            for line in closing.line_ids.sorted(lambda line: (line.period_start, line.id))
        ]

    def bill(self, day):
        """Have a run bill and post everything as of a day."""
        run = self.make_run(self.cycle, day)
        run.write({"invoice_date": day, "transaction_date": day, "cutoff_date": day})
        run._execute("posting")
        return run

    def invoices(self, run):
        return self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])

    def balances(self, moves):
        """{(day, account): balance} of posted entries."""
        found = defaultdict(float)
        for line in moves.filtered(lambda move: move.state == "posted").line_ids:
            found[line.date, line.account_id] += line.balance
        return {key: round(value, 2) for key, value in found.items() if round(value, 2)}


class ClosingCase(ClosingMixin, ServiceCase):
    """A company with accounts for month-ends, and services of all kinds of terms."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_closing()
        cls.yearly = cls.make_scheme("Yearly", interval_unit="year")
        cls.arrears = cls.make_scheme("Arrears", timing="arrears", alignment="anniversary")
        cls.year = cls.make_tariff(cls.yearly, 365.0, name="A year")
        cls.post = cls.make_tariff(cls.arrears, 30.0, name="In arrears")
        cls.cycle = cls.make_cycle(cls.yearly | cls.arrears | cls.scheme)

    @property
    def income(self):
        return self.product.product_tmpl_id.get_product_accounts()["income"]


class ClosingUsageCase(ClosingMixin, UsageCase):
    """A company with accounts for month-ends, whose customers make calls."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_closing()
