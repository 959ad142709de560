"""Prices changed by sets come to what the change of single services in Python comes to."""

from datetime import date
from decimal import Decimal

from freezegun import freeze_time
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from ..services.price_rules import PriceRule, PriceStep, monthly_amount, months_of, new_price
from ..services.proration import smallest_coin, to_decimal
from .price_common import PriceCase

TERMS = (
    {"timing": "advance"},
    {"timing": "arrears"},
    {"timing": "arrears", "alignment": "anniversary"},
    {"timing": "advance", "proration": "none"},
    {"timing": "advance", "interval_number": 3},
    {"timing": "arrears", "interval_unit": "week"},
)
SERVICE = st.fixed_dictionaries(
    {
        "terms": st.integers(0, len(TERMS) - 1),
        "start": st.dates(date(2026, 1, 1), date(2026, 6, 20)),
        "own": st.sampled_from([0.0, 0.0, 12.34]),
        "quantity": st.sampled_from([1.0, 2.5, 3.0]),
        "discount": st.sampled_from([0.0, 12.5]),
        "disk": st.integers(0, 3),
        "rated": st.dates(date(2026, 4, 1), date(2026, 7, 31)),
        "rated_after": st.booleans(),
        "change": st.sampled_from([None, None, date(2026, 5, 10)]),
        "suspend": st.sampled_from([None, None, date(2026, 5, 15)]),
    }
)


@tagged("post_install", "-at_install")
class TestEquality(PriceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tariffs = [
            cls.make_tariff(cls.make_scheme(f"S{n}", **terms), 29.95 + n, name=f"T{n}")
            for n, terms in enumerate(TERMS)
        ]
        for tariff in cls.tariffs:
            cls.make_addon(tariff, minimum=1.0)

    def build(self, spec):
        tariff = self.tariffs[spec["terms"]]
        values = {"price": spec["own"], "quantity": spec["quantity"], "discount": spec["discount"]}
        if spec["disk"]:
            line = {"addon_id": tariff.addon_ids.id, "quantity": spec["disk"]}
            values["addon_line_ids"] = [Command.create(line)]
        service = self.make_service(self.customer, tariff, spec["start"], **values)
        if not spec["rated_after"]:
            service._rate(spec["rated"])
        if spec["change"] and spec["change"] > service.date_start:
            service._change(spec["change"], {"quantity": spec["quantity"] + 1})
        if spec["suspend"] and spec["suspend"] > service.date_start:
            service._suspend(spec["suspend"], "client")
        return service

    def outcome(self, services):
        """What is to be the same: charges, terms, and what comes next."""
        self.env.invalidate_all()
        return [
            (
                sorted(
                    (c.kind, c.period_start, c.period_end, c.full_price, c.amount)
                    for c in service.charge_ids
                ),
                service.rated_up_to,
                service.terms_from,
                service.unit_price,
                service.addon_line_ids.mapped("price"),
                service.next_billing_date,
                [
                    (v.date_from, v.date_to, v.price, [line[3:] for line in v._price_lines()])
                    for v in service.version_ids.sorted("date_from")
                ],
                [
                    (row["period_start"], row["period_end"], row["amount"])
                    for row in service._preview_charges(date(2026, 9, 30))
                ],
            )
            for service in services
        ]

    def one_by_one(self, services, day, percent):
        """The plain reference: the prices of each service by themselves."""
        coin = smallest_coin(self.company.currency_id)
        rule = PriceRule("percent", Decimal(percent))
        for service in services:
            if service.terms_count and service.terms_from > day:
                continue
            steps = {}
            prices = {0: service.unit_price}
            prices |= {line.id: line.price for line in service.addon_line_ids}
            for key, price in prices.items():
                old = to_decimal(price)
                steps[key] = PriceStep(old, new_price(old, rule, "cent", coin, 2))
            service._reprice(day, steps)
            service._own().write({"price": float(steps[0].new)})
            for line in service.addon_line_ids.with_env(service._own().env):
                line.own_price = float(steps[line.id].new)

    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),  # each try takes a second
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(
        specs=st.lists(SERVICE, min_size=1, max_size=3),
        day=st.dates(date(2026, 5, 21), date(2026, 7, 10)),
        percent=st.integers(1, 60),
    )
    def test_by_sets_and_one_by_one_services_pay_the_same(self, specs, day, percent):
        outcomes = []
        for by_sets in (True, False):
            with self.cr.savepoint() as savepoint:
                services = self.env["billing.service"].union(*map(self.build, specs))
                if by_sets:
                    change = self.make_change(
                        scope="service",
                        service_ids=services,
                        date=day,
                        percent=percent,
                        addons="all",
                        own_prices="change",
                    )
                    change._work_out()
                    self.check_lines(change, percent)
                    with freeze_time(f"{day} 06:00:00"):
                        if change.line_ids.filtered(lambda line: line.state == "draft"):
                            change._schedule()
                            change._apply()
                else:
                    self.one_by_one(services, day, percent)
                outcomes.append(self.outcome(services))
                savepoint.rollback()
        self.assertEqual(*outcomes)

    def check_lines(self, change, percent):
        """Every line by plain arithmetic."""
        rule = PriceRule("percent", Decimal(percent))
        coin = smallest_coin(self.company.currency_id)
        for line in change.line_ids.filtered(lambda line: not line.reason):
            old = to_decimal(
                line.addon_line_id.price if line.addon_line_id else line.service_id.unit_price
            )
            new = new_price(old, rule, "cent", coin, 2)
            self.assertEqual((line.old_price, line.new_price), (float(old), float(new)))
            scheme = line.service_id.term_scheme_id
            months = months_of(scheme.interval_number, scheme.interval_unit)
            discount = 0 if line.addon_line_id else line.service_id.discount
            for price, amount in ((old, line.old_monthly), (new, line.new_monthly)):
                expected = monthly_amount(
                    price, to_decimal(line.quantity), to_decimal(discount), months, coin
                )
                self.assertEqual(amount, float(expected))
