"""Prepaid cycles and runs: what they ask for, rate, debit and estimate, and their exceptions."""

from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2.errors import CheckViolation, UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .prepaid_common import MAY, PrepaidCase


@tagged("post_install", "-at_install")
class TestPrepaidCycle(PrepaidCase):
    @mute_logger("odoo.sql_db")
    def test_a_company_has_one_active_prepaid_cycle(self):
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.make_prepaid_cycle(name="Another")
        self.cycle.action_archive_cycle()
        self.make_prepaid_cycle(name="Another")

    @mute_logger("odoo.sql_db")
    def test_prepaid_cycles_recur_every_day(self):
        with self.assertRaises(CheckViolation), self.env.cr.savepoint():
            self.cycle.recurrence_unit = "month"
            self.env.flush_all()

    def test_the_active_one_is_not_deleted(self):
        with self.assertRaisesRegex(UserError, "while it is active"):
            self.cycle.unlink()
        self.cycle.action_draft()
        self.cycle.unlink()

    def test_without_an_active_cycle_there_is_no_run(self):
        self.cycle.action_draft()
        with self.assertRaisesRegex(ValidationError, "is not active"):
            self.make_run(self.cycle, MAY)

    def test_no_run_comes_by_the_calendar_of_the_cycle(self):
        self.env["billing.cycle"]._cron_create_due_runs()
        self.assertFalse(self.cycle.run_ids)

    def test_postpaid_terms_and_jobs_are_refused(self):
        postpaid = self.make_scheme("Postpaid")
        with self.assertRaisesRegex(ValidationError, "other classification"):
            self.make_run(self.cycle, MAY, term_scheme_ids=[Command.set(postpaid.ids)])
        job = self.env["billing.job"].create(
            {
                "partner_id": self.customer.id,
                "line_ids": [
                    Command.create({"product_id": self.product.id, "name": "x", "price_unit": 1})
                ],
            }
        )
        with self.assertRaisesRegex(ValidationError, "not from wallets"):
            self.make_run(self.cycle, MAY, job_ids=[Command.set(job.ids)])

    def test_terms_and_classifications_are_required(self):
        run = self.make_run(self.cycle, MAY, partner_category_ids=[Command.clear()])
        with self.assertRaisesRegex(UserError, "Customer Classifications"):
            run.action_request()

    def test_a_run_is_edited_and_deleted_until_it_is_executed(self):
        run = self.make_run(self.cycle, MAY)
        run.cutoff_date = date(2026, 5, 2)
        run.copy().unlink()
        run._execute()
        self.assertEqual(run.state, "completed")
        with self.assertRaises(UserError):
            run.cutoff_date = MAY
        with self.assertRaises(UserError):
            run.unlink()


@tagged("post_install", "-at_install")
class TestPrepaidRuns(PrepaidCase):
    def test_a_day_is_debited_with_tax_and_settled(self):
        self.wallet._credit(50, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        run = self.run_day(MAY)
        self.assertEqual((run.state, run.wallet_transaction_count), ("completed", 1))
        charge = service.charge_ids
        self.assertEqual((charge.amount, charge.state), (1.11, "settled"))
        self.assertTrue(charge.price_includes_tax)
        debit = charge.wallet_transaction_id
        self.assertEqual((debit.amount, debit.run_id, debit.service_id), (-1.11, run, service))
        self.assertEqual(self.wallet.balance, 48.89)
        self.assertEqual(service.rated_up_to, date(2026, 5, 2))
        self.assertFalse(run.bill_count)
        self.assertFalse(charge.bill_id)

    def test_the_days_of_a_month_come_to_the_price_of_an_invoice(self):
        self.wallet._credit(50, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        self.run_days(MAY, 31)
        self.assertEqual(self.debited(self.customer), 34.5)

    def test_missed_days_are_caught_up_and_no_day_is_debited_twice(self):
        self.wallet._credit(50, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        for day in (1, 9, 9, 4, 31):
            self.run_day(date(2026, 5, day))
        self.assertEqual(self.debited(self.customer), 34.5)
        self.assertEqual(service.rated_up_to, date(2026, 6, 1))

    def test_fiscal_positions_count(self):
        export = self.env["account.fiscal.position"].create(
            {"name": "Export", "company_id": self.company.id}
        )
        none = self.make_tax("None", 0, fiscal_position_ids=[Command.set(export.ids)])
        none.original_tax_ids = self.tax
        abroad = self.make_prepaid_customer("Abroad", 100)
        abroad.property_account_position_id = export
        self.wallet._credit(50, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        self.make_service(abroad, self.mobile, MAY)
        self.run_day(date(2026, 5, 31))
        self.assertEqual((self.debited(self.customer), self.debited(abroad)), (34.5, 30.0))

    def test_set_up_and_add_ons_are_debited_with_their_service(self):
        self.mobile.setup_price = 10
        addon = self.env["billing.tariff.addon"].create(
            {"tariff_id": self.mobile.id, "product_id": self.product.id, "price": 3.1}
        )
        self.wallet._credit(100, "Top-up")
        service = self.make_service(
            self.customer,
            self.mobile,
            None,
            addon_line_ids=[Command.create({"addon_id": addon.id, "quantity": 2})],
        )
        service._activate(MAY)
        run = self.run_day(date(2026, 5, 31))
        self.assertEqual(self.debited(self.customer), 11.5 + 34.5 + 7.13)
        self.assertEqual(run.wallet_transaction_count, 1)
        self.run_day(date(2026, 6, 30))
        self.assertEqual(self.debited(self.customer), 11.5 + 2 * (34.5 + 7.13))

    def test_periods_that_are_not_prorated_are_debited_on_their_first_day(self):
        packs = self.make_scheme("Packs", classification="prepaid", proration="none")
        self.cycle.term_scheme_ids += packs
        service = self.make_service(self.customer, self.make_tariff(packs, 30.0), MAY)
        self.wallet._credit(100, "Top-up")
        self.run_day(MAY)
        self.assertEqual(self.debited(self.customer), 34.5)
        self.assertEqual(service.rated_up_to, date(2026, 6, 1))
        self.run_day(date(2026, 5, 31))
        self.assertEqual(self.debited(self.customer), 34.5)
        self.run_day(date(2026, 6, 1))
        self.assertEqual(self.debited(self.customer), 69.0)

    def test_granted_money_is_spent_first(self):
        self.wallet._credit(50, "Top-up")
        self.wallet._grant(1, "Welcome")
        self.make_service(self.customer, self.mobile, MAY)
        self.run_day(MAY)
        self.assertEqual(self.pockets(self.wallet), (49.89, 0.0))

    def test_a_run_goes_up_to_rating_and_on(self):
        self.wallet._credit(50, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        run = self.make_run(self.cycle, MAY)
        run._execute("rating")
        self.assertEqual((run.state, run.stage), ("requested", "rating"))
        self.assertEqual(service.charge_ids.state, "rated")
        self.assertEqual(self.wallet.balance, 50.0)
        run._execute()
        self.assertEqual(run.state, "completed")
        self.assertEqual(self.wallet.balance, 48.89)

    def test_a_prepaid_run_is_not_rehearsed(self):
        with self.assertRaisesRegex(UserError, "up to Rating instead"):
            self.make_run(self.cycle, MAY).action_rehearse()

    def test_people_request_a_run_at_once_and_see_nothing_of_invoices(self):
        self.wallet._credit(50, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        run = self.make_run(self.cycle, MAY).with_user(self.user)
        self.assertEqual(run._get_steps(), ["request"])
        run.action_request()
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", "billing.run"), ("res_id", "=", run.id)]
        )
        self.assertEqual((run.state, run.progress), ("completed", 100.0))
        self.assertEqual(run._get_steps(), [])

    def test_results_are_counted_from_transactions(self):
        for n in range(3):
            partner = self.make_prepaid_customer(f"C{n}", 100)
            self.make_service(partner, self.mobile, MAY)
            self.make_service(partner, self.mobile, MAY)
        run = self.run_day(MAY)
        results = {r.stage: (r.entities, r.documents, r.amounts) for r in run.result_ids}
        self.assertEqual(results["rating"], (6, 6, {"USD": "6.66"}))
        self.assertEqual(results["debit"], (3, 6, {"USD": "6.66"}))
        self.assertEqual(results["estimation"][:2], (3, 3))
        action = run.action_view_wallet_transactions()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(len(found), 6)
        self.assertIn("Wallet transactions: 6.", "".join(run.message_ids.mapped("body")))

    def test_no_postpaid_run_takes_prepaid_charges_and_the_other_way_round(self):
        postpaid = self.make_scheme("Postpaid")
        cycle = self.make_cycle(postpaid, name="Postpaid")
        billed = self.make_service(self.customer, self.make_tariff(postpaid, 10.0), MAY)
        service = self.make_service(self.customer, self.mobile, MAY)
        self.run_day(MAY)
        self.make_run(cycle, MAY)._execute("posting")
        self.assertEqual(service.charge_ids.state, "rated")
        self.assertEqual(billed.charge_ids.state, "invoiced")
        self.wallet._credit(500, "Top-up")
        self.run_day(MAY)
        self.assertEqual(service.charge_ids.state, "settled")
        self.assertFalse(self.wallet.transaction_ids.filtered(lambda t: t.service_id == billed))

    def test_between_postpaid_and_prepaid_nothing_may_be_open(self):
        postpaid = self.make_tariff(self.make_scheme("Postpaid"), 10.0)
        service = self.make_service(self.customer, self.mobile, MAY)
        self.run_day(MAY)
        day = date(2026, 5, 2)
        with self.assertRaisesRegex(UserError, "is rated up to"):
            service._change(day, {"tariff_id": postpaid.id})
        self.wallet._credit(50, "Top-up")
        self.run_day(MAY)
        with self.assertRaisesRegex(UserError, "is rated up to"):
            service._change(date(2026, 5, 3), {"tariff_id": postpaid.id})
        service._change(day, {"tariff_id": postpaid.id})
        self.assertEqual(service.classification, "postpaid")

    def test_a_change_of_the_price_counts_from_the_next_day(self):
        self.wallet._credit(100, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        self.run_day(date(2026, 5, 10))
        service._change(date(2026, 5, 5), {"price": 60.0})
        self.run_day(date(2026, 5, 31))
        gone = round(34.5 * 10 / 31, 2)
        self.assertEqual(self.debited(self.customer), round(gone + 69 - round(690 / 31, 2), 2))

    def test_what_is_credited_comes_back_into_the_wallet(self):
        self.wallet._credit(100, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        self.run_day(date(2026, 5, 10))
        service._terminate(date(2026, 5, 9))
        self.run_day(date(2026, 5, 11))
        self.assertAlmostEqual(100 - self.wallet.balance, round(34.5 * 8 / 31, 2))
        self.assertFalse(service.charge_ids.filtered(lambda charge: charge.state == "rated"))


@tagged("post_install", "-at_install")
class TestPrepaidExceptions(PrepaidCase):
    def exception(self, run, partner):
        bill = self.bill_of(run, partner)
        return bill.error_code, bill.error_message

    def test_a_debit_that_does_not_fit_is_not_made_and_taken_after_a_top_up(self):
        self.wallet._credit(1, "Too little")
        service = self.make_service(self.customer, self.mobile, MAY)
        run = self.run_day(MAY)
        code, message = self.exception(run, self.customer)
        self.assertEqual((run.state, code), ("failed", "insufficient_funds"))
        self.assertIn("1.11", message)
        self.assertEqual((self.wallet.balance, service.charge_ids.state), (1.0, "rated"))
        self.wallet._credit(10, "Top-up")
        second = self.run_day(date(2026, 5, 2))
        self.assertEqual((second.state, second.exception_count), ("completed", 0))
        self.assertAlmostEqual(self.wallet.balance, 11 - 2.23)
        self.assertEqual(set(service.charge_ids.mapped("state")), {"settled"})

    def test_services_are_debited_whole_in_the_order_of_their_ids(self):
        dear = self.make_tariff(self.prepaid, 600.0, name="Dear")
        first = self.make_service(self.customer, self.mobile, MAY)
        second = self.make_service(self.customer, dear, MAY)
        third = self.make_service(self.customer, self.mobile, MAY)
        self.wallet._credit(10, "Top-up")
        run = self.run_day(MAY)
        self.assertEqual(run.state, "completed_with_errors")
        self.assertAlmostEqual(self.wallet.balance, 10 - 2 * 1.11)
        states = [s.charge_ids.state for s in (first, second, third)]
        self.assertEqual(states, ["settled", "rated", "settled"])

    def test_the_credit_limit_can_be_used(self):
        self.wallet.credit_limit = 5
        self.make_service(self.customer, self.mobile, MAY)
        self.assertEqual(self.run_day(date(2026, 5, 4)).state, "completed")
        self.assertEqual(self.wallet.balance, -4.45)
        self.assertEqual(self.run_day(date(2026, 5, 5)).state, "failed")

    def test_each_cause_has_its_code(self):
        self.env.ref("base.EUR").active = True
        without = self.make_customer("None", category_id=[Command.set(self.category.ids)])
        euros = self.make_customer("Euros", category_id=[Command.set(self.category.ids)])
        self.make_wallet(euros, 50, currency_id=self.env.ref("base.EUR").id)
        locked = self.make_prepaid_customer("Locked", 50)
        self.wallet_of(locked)._lock_wallet("Fraud")
        self.wallet._credit(50, "Top-up")
        for partner in (without, euros, locked, self.customer):
            self.make_service(partner, self.mobile, MAY)
        run = self.run_day(MAY)
        self.assertEqual(run.state, "completed_with_errors")
        self.assertEqual(self.exception(run, without)[0], "no_wallet")
        self.assertEqual(self.exception(run, euros)[0], "currency_mismatch")
        self.assertEqual(self.exception(run, locked)[0], "wallet_locked")
        self.assertEqual(run.exception_count, 3)
        self.assertEqual(self.bill_of(run, self.customer), self.env["billing.bill"])

    def test_exceptions_are_run_again_after_the_fix(self):
        service = self.make_service(self.customer, self.mobile, MAY)
        run = self.run_day(MAY)
        self.assertEqual(run.state, "failed")
        self.wallet._credit(50, "Top-up")
        run.action_run_again()
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", "billing.run"), ("res_id", "=", run.id)]
        )
        self.assertEqual((run.state, run.exception_count), ("completed", 0))
        self.assertEqual(service.charge_ids.state, "settled")

    def test_an_archived_product_is_an_exception_of_its_customer(self):
        old = self.make_tariff(self.prepaid, 30.0, product_id=self.make_product("Old").id)
        self.make_service(self.customer, old, MAY)
        fine = self.make_prepaid_customer("Fine", 50)
        self.make_service(fine, self.mobile, MAY)
        old.product_id.active = False
        run = self.run_day(MAY)
        self.assertEqual(self.exception(run, self.customer)[0], "product_archived")
        self.assertEqual(self.debited(fine), 1.11)


@tagged("post_install", "-at_install")
class TestRecurringPrepaid(PrepaidCase):
    def work(self):
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", "billing.run")])

    def test_a_recurring_run_bills_its_own_day_and_requests_the_next(self):
        self.wallet._credit(100, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        with freeze_time("2026-05-03 04:00:00"):
            run = self.make_run(self.cycle, MAY, is_recurring=True)
            run._execute()
            self.assertEqual(run.cutoff_date, date(2026, 5, 3))
            self.assertEqual(service.rated_up_to, date(2026, 5, 4))
            successor = run.successor_id
            self.assertEqual(successor.state, "requested")
            self.assertEqual(str(successor.scheduled_date), "2026-05-04 04:00:00")
        # Two days on which nothing ran are caught up by it.
        with freeze_time("2026-05-06 09:00:00"):
            self.work()
            self.assertEqual(
                (successor.state, successor.cutoff_date), ("completed", date(2026, 5, 6))
            )
            self.assertEqual(self.debited(self.customer), round(34.5 * 6 / 31, 2))
            self.assertEqual(str(successor.successor_id.scheduled_date), "2026-05-07 04:00:00")

    def test_a_one_time_run_has_no_successor(self):
        run = self.run_day(MAY)
        self.assertFalse(run.successor_id)


@tagged("post_install", "-at_install")
class TestSetsAndSingles(PrepaidCase):
    """By sets and one by one: the same charges, to the last column."""

    NAMES = (
        *("name", "partner_id", "currency_id", "kind", "product_id", "addon_line_id"),
        *("period_start", "period_end", "full_start", "full_end", "full_price", "quantity"),
        *("price_unit", "discount", "amount", "price_includes_tax", "state"),
    )

    def build(self, name):
        partner = self.make_prepaid_customer(name, 0)
        yearly = self.make_scheme(
            f"Yearly {name}",
            classification="prepaid",
            interval_unit="year",
            alignment="anniversary",
        )
        weekly = self.make_scheme(
            f"Weekly {name}", classification="prepaid", interval_unit="week", anchor_day=3
        )
        packs = self.make_scheme(f"Packs {name}", classification="prepaid", proration="none")
        monthly = self.make_scheme(
            f"Monthly {name}", classification="prepaid", alignment="anniversary"
        )
        self.cycle.term_scheme_ids += yearly + weekly + packs + monthly
        services = self.env["billing.service"]
        for number, scheme in enumerate((yearly, weekly, packs, monthly, self.prepaid)):
            tariff = self.make_tariff(scheme, 19.99, name="T")
            addon = self.env["billing.tariff.addon"].create(
                {
                    "tariff_id": tariff.id,
                    "product_id": self.product.id,
                    "price": 1.23,
                    "included": 1.0,
                }
            )
            service = self.make_service(
                partner,
                tariff,
                None,
                name="Line",
                quantity=number + 1,
                discount=10 if number % 2 else 0,
                date_end=date(2026, 6, 20) if number == 3 else False,
                addon_line_ids=[Command.create({"addon_id": addon.id, "quantity": 3})],
            )
            service._activate(date(2026, 1, 31))
            services += service
        services[1]._suspend(date(2026, 3, 15), "client")
        return services

    def rows(self, services):
        rows = []
        for number, service in enumerate(services):
            for charge in service.charge_ids.sorted(lambda c: (c.period_start, c.kind)):
                row = charge.read(self.NAMES, load=None)[0]
                row["name"] = row["name"].replace(service.number, "NUMBER")
                row["service"], row["addon_line_id"] = number, bool(row["addon_line_id"])
                row["partner_id"] = row["id"] = None
                rows.append(row)
        return rows

    def test_sets_charge_what_single_services_are_charged(self):
        one, other = self.build("One"), self.build("Other")
        days = [date(2026, 2, 3), date(2026, 2, 3), date(2026, 3, 20), date(2026, 8, 1)]
        for day in days:
            run = self.make_run(self.cycle, day, partner_ids=[Command.set(one.partner_id.ids)])
            run._execute("rating")
            other._rate(day)
            self.assertEqual(self.rows(one), self.rows(other))
            for name in ("rated_up_to", "next_billing_date"):
                self.assertEqual(one.mapped(name), other.mapped(name))
        self.assertGreater(len(self.rows(one)), 20)
        keys = [
            [c.source_key.replace(f":{s.id}:", ":X:") for c in s.charge_ids.sorted("period_start")]
            for s in (one[4], other[4])
        ]
        self.assertEqual(
            [k for k in keys[0] if "addon" not in k], [k for k in keys[1] if "addon" not in k]
        )


@tagged("post_install", "-at_install")
class TestEstimation(PrepaidCase):
    def test_the_estimate_is_the_day_on_which_the_money_runs_out(self):
        self.wallet._credit(10, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        self.make_service(self.customer, self.make_tariff(self.prepaid, 10.0), MAY)
        self.run_day(MAY)
        estimated = self.wallet.depletion_date
        day, run = MAY, None
        while not run or run.state == "completed":
            day += timedelta(days=1)
            run = self.run_day(day)
        self.assertEqual(estimated, day)
        self.assertEqual(self.wallet.estimated_date, day)
        self.assertEqual(self.wallet.depletion_date, day + timedelta(days=1))

    def test_a_run_without_estimation_leaves_the_estimates(self):
        self.wallet._credit(10, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        run = self.run_day(MAY, enable_estimation=False)
        self.assertEqual((run.stage, run.state), ("debit", "completed"))
        self.assertFalse(self.wallet.estimated_date)

    def test_what_lasts_beyond_the_horizon_has_no_estimate(self):
        self.wallet._credit(1000, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        self.run_day(MAY)
        self.assertFalse(self.wallet.depletion_date)
        self.assertEqual(self.wallet.estimated_date, MAY)
