"""Rating services: what is charged, once, whatever the order and the batches."""

import random
from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from . import naive_billing
from .common import ServiceCase

RATING = "odoo.addons.billing_operations.services.models.billing_service_rating"


@tagged("post_install", "-at_install")
class TestRating(ServiceCase):
    def test_a_month_in_advance_is_charged_from_its_first_day(self):
        service = self.active(date(2026, 1, 31))
        self.assertFalse(service._rate(date(2026, 1, 30)))
        charges = service._rate(date(2026, 1, 31))
        self.assertEqual(
            self.money(charges), [("recurring", date(2026, 1, 31), date(2026, 2, 28), 30.0)]
        )
        self.assertEqual(service.rated_up_to, date(2026, 2, 28))
        self.assertRecordValues(
            charges,
            [
                {
                    "partner_id": self.customer.id,
                    "company_id": self.company.id,
                    "currency_id": self.company.currency_id.id,
                    "product_id": self.product.id,
                    "quantity": 1.0,
                    "price_unit": 30.0,
                    "discount": 0.0,
                    "state": "rated",
                    "price_includes_tax": False,
                    "source_key": f"service:{service.id}:recurring:2026-01-31",
                }
            ],
        )

    def test_rating_again_charges_nothing(self):
        service = self.active(disk=3)
        self.assertEqual(len(service._rate(date(2026, 3, 1))), 6)
        self.assertFalse(service._rate(date(2026, 3, 1)))

    def test_a_lost_note_of_what_was_rated_does_not_charge_twice(self):
        service = self.active()
        service._rate(date(2026, 3, 1))
        service._own().rated_up_to = date(2026, 1, 1)
        self.assertFalse(service._rate(date(2026, 3, 1)))
        self.assertEqual(service.rated_up_to, date(2026, 4, 1))

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_a_charge_that_overlaps_another(self):
        service = self.active()
        charge = service._rate(date(2026, 1, 1))
        service._own().rated_up_to = date(2026, 1, 10)
        with self.assertRaisesRegex(Exception, "recurring_without_overlap"):
            with self.cr.savepoint():
                service._rate(date(2026, 1, 10))
        self.assertEqual(service.charge_ids, charge)

    def test_arrears_are_charged_when_the_month_is_over(self):
        scheme = self.make_scheme(alignment="anniversary", timing="arrears")
        service = self.active(date(2026, 1, 15), self.make_tariff(scheme, price=31.0))
        self.assertEqual(service.next_billing_date, date(2026, 2, 14))
        self.assertFalse(service._rate(date(2026, 2, 13)))
        self.assertEqual(len(service._rate(date(2026, 2, 14))), 1)

    def test_a_first_part_month_costs_its_days(self):
        tariff = self.make_tariff(self.make_scheme(alignment="calendar"), price=31.0)
        service = self.active(date(2026, 1, 20), tariff)
        self.assertEqual(
            self.money(service._rate(date(2026, 2, 1))),
            [
                ("recurring", date(2026, 1, 20), date(2026, 2, 1), 12.0),
                ("recurring", date(2026, 2, 1), date(2026, 3, 1), 31.0),
            ],
        )

    def test_a_started_month_costs_all_of_it_where_parts_are_not_billed(self):
        scheme = self.make_scheme(alignment="calendar", proration="none")
        service = self.active(date(2026, 1, 20), self.make_tariff(scheme, price=31.0))
        service._change(date(2026, 1, 20), {"date_end": date(2026, 2, 10)})
        service._rate(date(2026, 12, 31))
        self.assertEqual(self.total(service), 62.0)

    def test_quantity_price_and_discount_are_rounded_once(self):
        service = self.active(quantity=3, price=0.33, discount=33.33)
        charge = service._rate(date(2026, 1, 1))
        self.assertEqual(charge.amount, 0.66)  # 3 × 0.33 × 0.6667 = 0.660033
        self.assertEqual((charge.quantity, charge.price_unit, charge.discount), (3, 0.33, 33.33))

    def test_a_fully_discounted_service_shows_a_line_of_zero(self):
        charge = self.active(discount=100)._rate(date(2026, 1, 1))
        self.assertEqual((charge.amount, charge.price_unit), (0.0, 30.0))

    def test_a_service_without_price_has_no_recurring_charge(self):
        service = self.active(tariff=self.make_tariff(self.scheme, price=0.0))
        self.assertFalse(service._rate(date(2026, 3, 1)))
        self.assertEqual(service.rated_up_to, date(2026, 4, 1))

    def test_only_addons_beyond_what_is_included_are_charged(self):
        self.assertEqual(
            self.money(self.active(disk=3)._rate(date(2026, 1, 1))),
            [
                ("recurring", date(2026, 1, 1), date(2026, 2, 1), 30.0),
                ("addon", date(2026, 1, 1), date(2026, 2, 1), 4.0),
            ],
        )
        self.assertEqual(len(self.active(disk=1)._rate(date(2026, 1, 1))), 1)

    def test_setup_is_charged_once(self):
        self.tariff.setup_price = 15.0
        service = self.active(date(2026, 1, 10))
        charges = service._rate(date(2026, 1, 10))
        self.assertEqual(charges.mapped("kind"), ["setup", "recurring"])
        self.assertEqual(charges[0].amount, 15.0)
        self.assertEqual(charges[0].source_key, f"service:{service.id}:setup")
        self.assertNotIn("setup", service._rate(date(2026, 6, 1)).mapped("kind"))

    def test_setup_is_charged_at_once_even_in_arrears(self):
        scheme = self.make_scheme(alignment="anniversary", timing="arrears")
        service = self.active(tariff=self.make_tariff(scheme, setup_price=15.0))
        self.assertEqual(service.next_billing_date, date(2026, 1, 1))
        self.assertEqual(service._rate(date(2026, 1, 1)).mapped("kind"), ["setup"])
        self.assertEqual(service.next_billing_date, date(2026, 1, 31))

    def test_a_service_billed_elsewhere_before_starts_where_that_ended(self):
        self.tariff.setup_price = 15.0
        service = self.order(rated_up_to=date(2026, 4, 1))
        service._activate(date(2025, 1, 1))
        self.assertEqual(
            self.money(service._rate(date(2026, 4, 1))),
            [("recurring", date(2026, 4, 1), date(2026, 5, 1), 30.0)],
        )

    def test_a_cutoff_in_the_future_bills_ahead(self):
        service = self.active()
        self.assertEqual(len(service._rate(date(2026, 12, 31))), 12)
        self.assertEqual(service.rated_up_to, date(2027, 1, 1))

    def test_the_due_domain_finds_exactly_the_services_with_something_to_bill(self):
        arrears = self.make_tariff(
            self.make_scheme(alignment="anniversary", timing="arrears", interval_unit="year")
        )
        services = self.env["billing.service"]
        for day in (1, 10, 20):
            services |= self.active(date(2026, 1, day))
            services |= self.active(date(2025, 1, day), arrears)
        for cutoff in (date(2026, 1, 1), date(2026, 1, 9), date(2026, 1, 15), date(2026, 12, 31)):
            due = services.search(services._due_domain(cutoff)) & services
            self.assertEqual(due, services.filtered(lambda s, day=cutoff: s._preview_charges(day)))

    def test_the_next_billing_date_is_the_same_after_rating_as_computed_anew(self):
        self.tariff.setup_price = 5.0
        services = self.active(date(2026, 1, 31)) | self.active(date(2026, 2, 3))
        for cutoff in (date(2026, 1, 31), date(2026, 4, 2)):
            services._rate(cutoff)
            stored = services.mapped("next_billing_date")
            services._compute_next_billing_date()
            self.assertEqual(services.mapped("next_billing_date"), stored)

    def test_the_preview_shows_what_rating_charges_and_writes_nothing(self):
        self.tariff.setup_price = 15.0
        service = self.active(date(2026, 1, 31), disk=4)
        preview = service._preview_charges(date(2026, 3, 15))
        self.assertFalse(service.charge_ids)
        self.assertEqual(service.next_billing_amount, 51.0)
        charges = service._rate(date(2026, 3, 15))
        self.assertEqual(
            [(row["source_key"], float(row["amount"]), row["name"]) for row in preview],
            [(charge.source_key, charge.amount, charge.name) for charge in charges],
        )

    def test_the_text_is_in_the_customers_language_with_the_last_day_included(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.product.with_context(lang="fr_FR").name = "Hébergement"
        self.customer.lang = "fr_FR"
        service = self.active(name="acme.example")
        charge = service._rate(date(2026, 1, 1))
        self.assertEqual(
            charge.name, f"Hébergement, {service.number} acme.example, 01/01/2026 - 31/01/2026"
        )

    def test_prices_of_products_with_tax_included_say_so(self):
        tax = self.make_tax("20% included", 20, price_include_override="tax_included")
        tariff = self.make_tariff(self.scheme, product_id=self.make_product("Gross", tax).id)
        self.assertTrue(tariff.price_includes_tax)
        self.assertTrue(self.active(tariff=tariff)._rate(date(2026, 1, 1)).price_includes_tax)

    def test_services_that_cannot_be_rated_say_why(self):
        krona = self.env.ref("base.ISK")
        krona.active = True
        archived, gone = self.active(), self.active()
        fine = self.active(tariff=self.make_tariff(self.scheme, currency_id=krona.id))
        archived._own().tariff_id = self.make_tariff(
            self.scheme, product_id=self.make_product("Old").id
        )
        archived.product_id.active = False
        gone.partner_id = self.make_customer("Gone", active=False)
        services = archived | gone | fine
        self.assertEqual(
            {service: code for service, (code, _text) in services._check_ratable().items()},
            {archived: "product_archived", gone: "partner_archived"},
        )
        with self.assertRaisesRegex(UserError, archived.number):
            services._rate(date(2026, 1, 1))
        self.assertFalse(fine.charge_ids)
        krona.active = False
        self.assertEqual(fine._check_ratable()[fine][0], "currency_archived")

    def test_services_of_two_companies_are_not_rated_together(self):
        company = self.make_company("Sister")
        tariff = self.tariff.copy(
            {
                "company_id": company.id,
                "addon_ids": False,
                "term_scheme_id": self.scheme.copy({"company_id": company.id}).id,
            }
        )
        sister = self.env["billing.service"].create(
            {"partner_id": self.customer.id, "company_id": company.id, "tariff_id": tariff.id}
        )
        with self.assertRaisesRegex(UserError, "one company at a time"):
            (self.active() | sister)._rate(date(2026, 1, 1))

    def test_rating_may_be_killed_before_the_first_insert(self):
        with patch(f"{RATING}.crash_point") as crash_point:
            self.active()._rate(date(2026, 1, 1))
        crash_point.assert_called_once_with("rating.before_insert")

    def test_a_row_written_in_bulk_equals_one_created_by_the_orm(self):
        self.tariff.setup_price = 9.99
        service = self.active(date(2026, 1, 31), disk=3, quantity=3, discount=7.5)
        cutoff = date(2026, 2, 28)
        end = service._change(date(2026, 1, 31), {"date_end": date(2026, 3, 10)})
        self.assertFalse(end)
        rows = service._preview_charges(cutoff)
        charges = service._rate(cutoff)
        self.assertEqual(len(charges), len(rows))
        for row in rows:
            row["source_key"] += ":orm"
            row["kind"] = "usage" if row["kind"] in ("recurring", "addon") else row["kind"]
        created = self.env["billing.charge"].create(rows)
        created.flush_recordset()
        skip = {"id", "source_key", "kind", "create_date", "write_date"}
        self.env.cr.execute(
            "SELECT * FROM billing_charge WHERE id = ANY(%s) ORDER BY id", [(charges | created).ids]
        )
        found = self.env.cr.dictfetchall()
        for bulk, orm in zip(found[: len(rows)], found[len(rows) :], strict=True):
            for name in set(bulk) - skip:
                self.assertEqual(bulk[name] or None, orm[name] or None, name)

    def test_rating_takes_no_more_queries_for_many_services_than_for_few(self):
        counts = []
        for size in (5, 50):
            services = self.env["billing.service"].create(
                [
                    {"partner_id": self.customer.id, "tariff_id": self.tariff.id}
                    for _index in range(size)
                ]
            )
            services._activate(date(2026, 1, 1))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            services._rate(date(2026, 1, 1))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])


@tagged("post_install", "-at_install")
class TestOrderAndBatches(ServiceCase):
    """The same customers end up with the same charges however the runs are cut."""

    def services(self, seed):
        rng = random.Random(seed)
        services = self.env["billing.service"]
        for number in range(6):
            scheme = self.make_scheme(
                f"Terms {seed} {number}",
                interval_number=rng.choice([1, 1, 2, 3]),
                interval_unit=rng.choice(["day", "week", "month", "year"]),
                timing=rng.choice(["advance", "arrears"]),
                alignment=rng.choice(["anniversary", "calendar"]),
                anchor_day=rng.randint(1, 7),
            )
            tariff = self.make_tariff(scheme, price=round(rng.uniform(1, 99), 2))
            services |= self.active(
                date(2026, 1, 1) + timedelta(days=rng.randint(0, 60)),
                tariff,
                quantity=rng.randint(1, 4),
                discount=rng.choice([0, 0, 12.5]),
            )
            if rng.random() < 0.5:
                service = services[-1]
                end = service.date_start + timedelta(days=rng.randint(1, 90))
                service._change(service.date_start, {"date_end": end})
        return services

    def found(self, services):
        return [
            [
                (charge.kind, charge.period_start, charge.period_end, charge.amount)
                for charge in service.charge_ids.sorted("period_start")
            ]
            for service in services
        ]

    def test_order_and_batching_of_runs_do_not_change_the_charges(self):
        last = date(2026, 5, 31)
        for seed in range(4):
            with self.subTest(seed=seed):
                together = self.services(seed)
                together._rate(last)
                apart = self.services(seed)
                rng = random.Random(seed + 100)
                for offset in sorted(rng.sample(range(150), 5)):
                    batch = apart.browse(rng.sample(apart.ids, 3))
                    batch._rate(date(2026, 1, 1) + timedelta(days=offset))
                for service_id in rng.sample(apart.ids, len(apart)):
                    apart.browse(service_id)._rate(last)
                self.assertEqual(self.found(together), self.found(apart))

    def test_charges_agree_with_walking_from_day_to_day(self):
        last = date(2026, 5, 31)
        services = self.services(seed=42)
        services._rate(last)
        for service in services:
            scheme = service.term_scheme_id
            expected = [
                (
                    "recurring",
                    start,
                    end,
                    float(
                        naive_billing.cost(
                            service.tariff_id.price,
                            service.quantity,
                            service.discount,
                            start,
                            end,
                            full_start,
                            full_end,
                        )
                    ),
                )
                for start, end, full_start, full_end in naive_billing.periods(
                    scheme._get_schedule(service.date_start),
                    service.date_start,
                    service.date_end,
                    last,
                    scheme.timing,
                )
            ]
            self.assertEqual(self.found(service), [expected])
