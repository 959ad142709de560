"""The ledger: states, links to invoices, voiding, waiving, and what the database refuses."""

from datetime import date

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestChargeStates(ServiceCase):
    def charges(self, start=date(2026, 1, 1), cutoff=date(2026, 1, 1), **values):
        return self.active(start, **values)._rate(cutoff)

    def test_an_invoiced_charge_knows_its_invoice(self):
        charges = self.charges(disk=3)
        move = self.invoice(charges)
        self.assertEqual(charges.move_id, move)
        self.assertEqual(set(charges.mapped("state")), {"invoiced"})
        self.assertEqual(charges.mapped("move_line_id.price_subtotal"), charges.mapped("amount"))

    def test_invoice_lines_of_part_periods_come_to_the_amount_of_their_charges(self):
        tariff = self.make_tariff(self.make_scheme(alignment="calendar"), price=9.99)
        service = self.active(date(2026, 1, 9), tariff, quantity=3.5, discount=12.5)
        charges = service._rate(date(2026, 3, 1))
        charges |= service._change(date(2026, 3, 8), {"quantity": 7})
        charges = charges.filtered(lambda charge: charge.amount > 0)
        self.invoice(charges)
        for charge in charges:
            self.assertEqual(charge.move_line_id.price_subtotal, charge.amount)

    def test_a_charge_is_not_invoiced_without_a_line(self):
        with self.assertRaisesRegex(UserError, "no invoice line"):
            self.charges()._mark_invoiced()

    def test_lines_may_be_linked_before_the_charges_are_marked(self):
        charge = self.charges()
        line = self.invoice(self.charges()).invoice_line_ids
        charge.move_line_id = line
        charge._mark_invoiced()
        self.assertEqual((charge.state, charge.move_id), ("invoiced", line.move_id))

    def test_reopening_takes_the_invoice_off_and_repeating_it_changes_nothing(self):
        charge = self.charges()
        self.invoice(charge)
        charge._reopen()
        charge._reopen()
        self.assertEqual((charge.state, charge.move_id.id), ("rated", False))

    def test_deleting_a_draft_invoice_gives_its_charges_back(self):
        charge = self.charges()
        self.invoice(charge).unlink()
        self.assertRecordValues(
            charge, [{"state": "rated", "move_line_id": False, "move_id": False}]
        )

    def test_an_accountant_without_billing_rights_may_delete_that_draft(self):
        charge = self.charges()
        move = self.invoice(charge)
        accountant = self.make_user("accountant", "account.group_account_invoice")
        move.with_user(accountant).unlink()
        self.assertEqual(charge.state, "rated")

    def test_a_waived_charge_has_a_reason_and_its_period_stays_charged(self):
        charge = self.charges()
        with self.assertRaisesRegex(UserError, "Say why"):
            charge._waive("  ")
        charge._waive(" Goodwill ")
        self.assertEqual((charge.state, charge.waive_reason), ("waived", "Goodwill"))
        self.assertFalse(charge.service_id._rate(date(2026, 1, 31)))

    def test_transitions_that_make_no_sense_say_so(self):
        waived, invoiced = self.charges(), self.charges()
        waived._waive("Goodwill")
        self.invoice(invoiced)
        for call, message in (
            (waived._mark_invoiced, "is waived and cannot become invoiced"),
            (waived._void, "is waived and cannot become void"),
            (invoiced._void, "is invoiced and cannot become void"),
            (lambda: invoiced._waive("x"), "is invoiced and cannot become waived"),
            (waived._reopen, "is waived and cannot become rated"),
        ):
            with self.assertRaisesRegex(UserError, message):
                call()


@tagged("post_install", "-at_install")
class TestVoid(ServiceCase):
    def test_voided_periods_are_rated_again(self):
        service = self.active(disk=3)
        charges = service._rate(date(2026, 3, 1))
        later = charges.filtered(lambda charge: charge.period_start >= date(2026, 2, 1))
        later._void()
        later._void()
        self.assertEqual(service.rated_up_to, date(2026, 2, 1))
        self.tariff.price = 40.0
        self.assertEqual(len(service._rate(date(2026, 3, 1))), 4)
        self.assertEqual(self.total(service), 34.0 + 44.0 + 44.0)

    def test_a_hole_in_the_middle_is_filled_without_charging_the_rest_again(self):
        service = self.active()
        charges = service._rate(date(2026, 3, 1))
        charges.sorted("period_start")[0]._void()
        self.assertEqual(
            self.money(service._rate(date(2026, 3, 1))),
            [("recurring", date(2026, 1, 1), date(2026, 2, 1), 30.0)],
        )
        self.assertEqual(service.rated_up_to, date(2026, 4, 1))

    def test_a_voided_setup_is_charged_again(self):
        self.tariff.setup_price = 5.0
        service = self.active()
        service._rate(date(2026, 1, 1)).filtered(lambda c: c.kind == "setup")._void()
        self.assertEqual(service._rate(date(2026, 1, 1)).mapped("kind"), ["setup"])

    def test_what_lies_before_the_last_change_is_not_voided(self):
        service = self.active()
        service._rate(date(2026, 1, 1))
        service._change(date(2026, 2, 1), {"price": 60})
        with self.assertRaisesRegex(UserError, "before the last change"):
            service.charge_ids._void()

    def test_days_suspended_after_they_were_billed_are_not_voided(self):
        service = self.active()
        charges = service._rate(date(2026, 2, 1)).sorted("period_start")
        service._suspend(date(2026, 1, 11), "client")
        service._resume(date(2026, 1, 21))
        with self.assertRaisesRegex(UserError, "was suspended after they had been billed"):
            charges[0]._void()
        charges[1]._void()
        self.assertEqual(charges.mapped("state"), ["rated", "void"])

    def test_a_charge_and_its_credit_are_voided_together(self):
        service = self.active(date(2026, 4, 1))
        charge = service._rate(date(2026, 4, 1))
        service._terminate(date(2026, 4, 16))
        with self.assertRaisesRegex(UserError, "belong together"):
            charge._void()
        service.charge_ids._void()
        service._rate(date(2026, 5, 1))
        self.assertEqual(self.total(service), 15.0)

    def test_an_adjustment_by_hand_is_waived_instead(self):
        row = self.env["billing.charge"]._adjustment_row(
            self.customer, self.active(), self.product, date(2026, 1, 5), -7, "Sorry", "Outage"
        )
        charge = self.env["billing.charge"]._insert_rows([row])
        self.assertEqual((charge.amount, charge.quantity, charge.price_unit), (-7.0, -1.0, 7.0))
        with self.assertRaisesRegex(UserError, "Waive it instead"):
            charge._void()


@tagged("post_install", "-at_install")
class TestLedgerConstraints(ServiceCase):
    def vals(self, **values):
        return {
            "name": "Charge",
            "partner_id": self.customer.id,
            "company_id": self.company.id,
            "currency_id": self.company.currency_id.id,
            "kind": "usage",
            "product_id": self.product.id,
            "period_start": date(2026, 1, 1),
            "period_end": date(2026, 1, 2),
            "quantity": 1.0,
            "price_unit": 1.0,
            "amount": 1.0,
            "source_key": "test:1",
            **values,
        }

    def refuse(self, constraint, **values):
        with self.assertRaisesRegex(IntegrityError, constraint), self.cr.savepoint():
            self.env["billing.charge"].create(self.vals(**values)).flush_recordset()

    @mute_logger("odoo.sql_db")
    def test_a_source_is_charged_once_in_a_company(self):
        charge = self.env["billing.charge"].create(self.vals())
        self.refuse("source_once")
        charge._waive("Goodwill")
        self.refuse("source_once")
        self.assertFalse(self.env["billing.charge"]._insert_rows([self.vals()]))

    @mute_logger("odoo.sql_db")
    def test_a_void_charge_leaves_its_source_free(self):
        self.env["billing.charge"].create(self.vals())._void()
        self.env.flush_all()
        self.env["billing.charge"].create(self.vals())

    @mute_logger("odoo.sql_db")
    def test_recurring_charges_of_a_service_never_overlap(self):
        service = self.active()
        service._rate(date(2026, 1, 1))
        overlap = {
            "kind": "recurring",
            "service_id": service.id,
            "period_start": date(2026, 1, 31),
            "period_end": date(2026, 2, 5),
        }
        self.refuse("recurring_without_overlap", **overlap)
        self.env["billing.charge"].create(self.vals(**overlap | {"period_start": date(2026, 2, 1)}))

    def day_of(self, service, start, end, **values):
        """Return values of a settled charge of days of a service."""
        return self.vals(
            kind="recurring",
            service_id=service.id,
            period_start=date(2026, 1, start),
            period_end=date(2026, 1, end),
            full_start=date(2026, 1, 1),
            full_end=date(2026, 2, 1),
            **{"state": "settled", "source_key": f"test:{start}:{end}", **values},
        )

    @mute_logger("odoo.sql_db")
    def test_days_that_were_settled_are_not_charged_again(self):
        service, other = self.active(), self.active()
        charges = self.env["billing.charge"]
        charges.create([self.day_of(service, day, day + 1) for day in (4, 5, 9)])
        charges.create(self.day_of(service, 6, 9, state="rated"))
        charges.create(self.day_of(other, 1, 20, source_key="other"))
        self.env.flush_all()
        for start, end, state in (
            *((5, 6, "settled"), (3, 5, "settled"), (8, 9, "settled"), (3, 10, "settled")),
            *((4, 5, "rated"), (3, 5, "rated"), (9, 12, "rated"), (1, 31, "rated")),
        ):
            with self.subTest(start=start, end=end, state=state):
                values = self.day_of(service, start, end, state=state, source_key="new")
                self.refuse("recurring_(without_overlap|once)", **values)
        charges.create(self.day_of(service, 1, 4) | {"source_key": "before"})
        charges.create(self.day_of(service, 10, 12, state="rated") | {"source_key": "after"})
        self.env.flush_all()

    @mute_logger("odoo.sql_db")
    def test_days_that_one_statement_charges_twice_are_refused(self):
        service = self.active()
        rows = [self.day_of(service, start, end) for start, end in ((1, 3), (7, 9), (2, 5))]
        with self.assertRaisesRegex(IntegrityError, "without_overlap"), self.cr.savepoint():
            self.env["billing.charge"].create(rows).flush_recordset()

    @mute_logger("odoo.sql_db")
    def test_charges_are_not_moved_onto_days_that_were_settled(self):
        service = self.active()
        charges = self.env["billing.charge"].create(
            [
                self.day_of(service, 1, 3),
                self.day_of(service, 5, 9, state="rated"),
                self.day_of(service, 2, 4, state="void"),
            ]
        )
        self.env.flush_all()
        settled, later, void = charges
        for charge, values in (
            (later, {"period_start": date(2026, 1, 2)}),
            (settled, {"period_end": date(2026, 1, 6)}),
            (void, {"state": "rated"}),
        ):
            with self.assertRaisesRegex(IntegrityError, "without_overlap"), self.cr.savepoint():
                charge.write(values)
                charge.flush_recordset()
            charge.invalidate_recordset()
        settled.charged_until = date(2026, 1, 2)
        self.env.flush_all()
        void.write({"state": "rated"})
        self.env.flush_all()

    @mute_logger("odoo.sql_db")
    def test_days_that_were_taken_back_are_free(self):
        service = self.active()
        charge = self.env["billing.charge"].create(self.day_of(service, 1, 5))
        charge.charged_until = date(2026, 1, 3)
        self.env.flush_all()
        self.refuse("without_overlap", **self.day_of(service, 2, 4))
        again = self.env["billing.charge"].create(self.day_of(service, 3, 5))
        again.charged_until = date(2026, 1, 3)
        self.env.flush_all()
        self.env["billing.charge"].create(self.day_of(service, 3, 4))
        self.env.flush_all()

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_impossible_charges(self):
        for constraint, values in (
            ("period_ordered", {"period_end": date(2026, 1, 1)}),
            ("recurring_has_service", {"kind": "setup"}),
            ("job_has_job", {"kind": "job"}),
            ("invoiced_has_line", {"state": "invoiced"}),
            ("waived_has_reason", {"state": "waived"}),
        ):
            with self.subTest(constraint=constraint):
                self.refuse(constraint, **values)

    def test_a_charge_keeps_to_its_company(self):
        sister = self.make_company("Sister")
        with self.assertRaises(UserError):
            self.env["billing.charge"].create(
                self.vals(company_id=sister.id, service_id=self.active().id)
            )

    def test_every_declared_constraint_and_index_exists(self):
        declared = {
            constraint.full_name(model)
            for model in (self.env[name] for name in self.env if name.startswith("billing."))
            for constraint in model._table_objects.values()
        }
        self.env.cr.execute(
            "SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes"
        )
        missing = declared - {name for [name] in self.env.cr.fetchall()}
        self.assertFalse(missing)


@tagged("post_install", "-at_install")
class TestMoney(ServiceCase):
    def test_an_amount_with_too_many_digits_is_rounded_by_its_currency(self):
        yen = self.env.ref("base.JPY")
        yen.active = True
        tariff = self.make_tariff(self.scheme, price=99.5, currency_id=yen.id)
        charge = self.active(tariff=tariff)._rate(date(2026, 1, 1))
        self.assertEqual((charge.amount, charge.currency_id), (100.0, yen))
