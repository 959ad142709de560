"""Charging saved cards: once, whatever becomes of the answer."""

from datetime import date
from unittest.mock import patch

import requests
from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .card_common import CardCase

DAY = date(2026, 3, 2)


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestCharging(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.make_card()
        cls.invoice = cls.make_invoice(amount=100)

    def collect(self, *answers, **values):
        """A submitted run whose charges the provider has answered."""
        run = self.make_payment_run(**values)
        with self.card_provider(*answers) as self.charged:
            self.submit(run)
        return run

    def test_a_card_is_charged_and_the_invoice_is_paid(self):
        run = self.collect("done")
        [charge] = self.charges(run)
        self.assertEqual(self.charged, [charge.reference])
        self.assertEqual((charge.state, charge.card), ("done", self.card.display_name))
        self.assertEqual((run.state, run.collected_amount), ("done", 100))
        self.assertEqual(self.states(run), {100: "done"})
        self.assertEqual((self.invoice.payment_state, self.invoice.amount_residual), ("paid", 0))
        payment = run.sudo().line_ids.payment_id
        self.assertEqual(payment, charge.payment_id)
        self.assertEqual(
            (payment.amount, payment.payment_transaction_id.reference, payment.date),
            (100, charge.reference, DAY),
        )
        self.assertEqual(self.invoice.matched_payment_ids, payment)

    def test_nothing_more_is_charged_or_booked_afterwards(self):
        run = self.collect("done")
        [charge] = self.charges(run)
        transaction = charge.sudo().transaction_id
        with self.card_provider("done") as charged:
            transaction._post_process()
            transaction._set_done()
            charge.sudo()._enqueue()
            charge.sudo()._enqueue_booking()
            self.tick()
        self.assertEqual(charged, [])
        payments = self.env["account.payment"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(payments, charge.payment_id)

    def test_the_provider_finishes_a_pending_charge_later(self):
        run = self.collect("pending")
        [charge] = self.charges(run)
        self.assertEqual((charge.state, run.state), ("pending", "submitted"))
        self.assertEqual(self.invoice.amount_residual, 100)
        charge.sudo().transaction_id._set_done()
        self.work()
        self.assertEqual((charge.state, run.state), ("done", "done"))
        self.assertEqual(self.invoice.payment_state, "paid")

    def test_odoos_own_post_processing_may_come_first(self):
        run = self.collect("pending")
        transaction = self.charges(run).sudo().transaction_id
        transaction._set_done()
        transaction._post_process()
        self.env.invalidate_all()
        self.assertEqual(self.states(run), {100: "done"})
        self.work()
        self.assertEqual(
            self.env["account.payment"].search_count([("partner_id", "=", self.customer.id)]), 1
        )

    def test_a_pending_charge_that_is_declined_later_is_tried_again(self):
        run = self.collect("pending")
        self.charges(run).sudo().transaction_id._set_error("Insufficient funds")
        first, second = self.charges(run)
        self.assertEqual((first.state, first.message), ("declined", "Insufficient funds"))
        self.assertEqual((second.state, second.planned_date), ("waiting", date(2026, 3, 5)))

    def test_what_stays_pending_too_long_is_left_to_a_person(self):
        run = self.collect("pending")
        with freeze_time("2026-03-08 08:00:00"):
            self.tick()
            self.assertEqual(self.charges(run).state, "pending")
        with freeze_time("2026-03-10 08:00:00"):
            self.tick()
            self.assertEqual(self.charges(run).state, "unknown")

    def test_a_declined_card_is_tried_again_on_schedule_and_then_given_up(self):
        run = self.make_payment_run()
        with self.card_provider("declined") as charged:
            self.submit(run)
            [line] = run.sudo().line_ids
            self.assertEqual(line.state, "submitted")
            self.assertEqual(line.next_try_date, date(2026, 3, 5))
            self.assertIn("Do not honour. Tried again on 03/05/2026", line.message)
            for day, tries in (("04", 1), ("05", 2), ("09", 2), ("10", 3), ("16", 3), ("17", 4)):
                with freeze_time(f"2026-03-{day} 08:00:00"):
                    self.tick()
                    self.assertEqual(len(charged), tries, day)
        self.assertEqual(len(set(charged)), 4, "each try has its own reference")
        self.assertEqual((line.state, line.error_code), ("rejected", "declined"))
        self.assertEqual((run.state, run.failed_amount), ("partly_failed", 100))
        mail = self.env["mail.mail"].search([("model", "=", "billing.payment.line")])
        self.assertIn(self.invoice.name, mail.subject)
        self.assertIn("/my/payment_method", mail.body_html)
        last = self.charges(run)[-1]
        self.assertEqual(last.activity_ids.user_id, self.user)
        self.assertIn("declined", dict(last._fields["state"].selection))

    def test_a_customer_on_another_card_by_then_is_charged_on_it(self):
        run = self.collect("declined")
        other = self.make_card(digits="2222")
        with freeze_time("2026-03-05 08:00:00"), self.card_provider("done"):
            self.tick()
        self.assertEqual(self.charges(run)[-1].token_id, other)
        self.assertEqual(run.state, "done")

    def test_what_was_paid_meanwhile_is_not_tried_again(self):
        run = self.collect("declined")
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        ).create({"payment_date": DAY}).action_create_payments()
        with freeze_time("2026-03-05 08:00:00"), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual(charged, [])
        self.assertEqual(self.states(run), {100: "paid"})
        self.assertEqual(self.charges(run)[-1].code, "paid")
        self.assertEqual(run.state, "done")

    def test_a_removed_or_expired_card_is_not_tried_again(self):
        for change in ({"active": False}, {"billing_expiry": "02/2026"}):
            with self.subTest(change=change):
                card = self.make_card(digits="3333") if not self.card.active else self.card
                invoice = self.make_invoice(amount=10)
                run = self.make_payment_run()
                run.action_confirm()
                card.write(change)
                run.action_submit()
                with self.card_provider("done") as charged:
                    self.work()
                self.assertEqual(charged, [])
                code = "no_card" if "active" in change else "card_expired"
                line = run.sudo().line_ids.filtered(lambda line, i=invoice: line.move_id == i)
                self.assertEqual((line.state, line.error_code), ("rejected", code))
                self.assertFalse(line.next_try_date)

    def test_a_provider_that_is_not_set_up_costs_no_customer_a_try(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.provider.allow_tokenization = False
        run.action_submit()
        with self.card_provider("done") as charged:
            self.work()
            [charge] = self.charges(run)
            self.assertEqual((charge.state, charged), ("waiting", []))
            self.assertIn("not set up", charge.message)
            self.assertEqual(self.states(run), {100: "submitted"})
            self.provider.allow_tokenization = True
            with freeze_time("2026-03-02 08:20:00"):
                self.tick()
        self.assertEqual((charge.state, charged), ("done", [charge.reference]))
        self.assertFalse(self.env["mail.mail"].search([("model", "=", "billing.payment.line")]))

    def test_a_decline_that_turns_out_as_charged_is_booked_and_stops_the_next_try(self):
        run = self.collect("declined")
        first, second = self.charges(run)
        first.sudo().transaction_id._set_done()
        self.work()
        self.assertEqual((first.state, second.state), ("done", "cancelled"))
        self.assertEqual(self.invoice.payment_state, "paid")
        self.assertEqual(run.state, "done")

    def test_even_after_it_was_given_up(self):
        self.company.billing_card_retry_days = False
        run = self.collect("declined")
        self.assertEqual(run.state, "partly_failed")
        self.charges(run).sudo().transaction_id._set_done()
        self.work()
        self.assertEqual(self.states(run), {100: "done"})
        self.assertEqual(self.invoice.payment_state, "paid")

    # === UNKNOWN === #

    @mute_logger("odoo.addons.billing_operations.billing_tasks.models.billing_task_attempt")
    def lose(self):
        """A run whose charge was made, its answer lost."""
        run = self.collect("lost")
        self.assertEqual(self.charges(run).state, "sending")
        self.retry()
        return run

    def retry(self):
        """Do the tasks anew that ended in an error."""
        tasks = self.env["billing.task"].search([("state", "=", "error")])
        self.env.cr.execute(
            "UPDATE billing_task SET delay_date = now() AT TIME ZONE 'UTC' - interval '2 years'"
            " WHERE id = ANY(%s)",
            [tasks.ids],
        )
        self.env.invalidate_all()
        with self.card_provider("done") as self.charged:
            self.work()

    def test_a_lost_answer_is_unknown_and_never_tried_again_by_itself(self):
        run = self.lose()
        [charge] = self.charges(run)
        self.assertEqual((charge.state, self.states(run)), ("unknown", {100: "unknown"}))
        self.assertEqual(charge.activity_ids.user_id, self.user)
        self.assertEqual((run.unknown_charge_count, run.state), (1, "submitted"))
        for day in ("03", "05", "20"):
            with freeze_time(f"2026-03-{day} 08:00:00"), self.card_provider("done") as charged:
                self.tick()
                self.assertEqual(charged, [])
        self.assertEqual(self.states(self.make_payment_run()), {100: "elsewhere"})

    def test_a_person_says_that_it_was_charged(self):
        run = self.lose()
        charge = self.charges(run).with_user(self.user)
        dialog = self.env["billing.question"].browse(charge.action_ask_was_charged()["res_id"])
        self.assertIn("1 charge, 100.00", dialog.text.replace("\xa0", " "))
        dialog.with_user(self.user).action_confirm()
        self.work()
        self.assertEqual((charge.state, run.state), ("done", "done"))
        self.assertEqual(self.invoice.payment_state, "paid")
        self.assertFalse(charge.activity_ids)
        self.assertIn(self.user.name, charge.message)
        with self.assertRaisesRegex(UserError, "Pending, Unknown"):
            charge.action_was_not_charged()

    def test_a_person_says_that_it_was_not_charged(self):
        run = self.lose()
        first = self.charges(run).with_user(self.user)
        self.assertIn(
            "pays twice",
            self.env["billing.question"].browse(first.action_ask_was_not_charged()["res_id"]).text,
        )
        first.action_was_not_charged()
        first, second = self.charges(run)
        self.assertEqual((first.state, first.code), ("declined", "not_charged"))
        self.assertEqual((second.state, self.states(run)), ("waiting", {100: "submitted"}))
        asked = second.with_user(self.user).action_ask_try_now()
        question = self.env["billing.question"].browse(asked["res_id"])
        self.assertIn("1 charge, 100.00\xa0€ in all", question.text)
        question.with_user(self.user).action_confirm()
        with self.card_provider("done") as charged:
            self.work()
        self.assertEqual(charged, [second.reference])
        self.assertEqual(run.state, "done")

    def test_the_provider_says_later_what_became_of_it(self):
        for state in ("done", "error"):
            with self.subTest(state=state), self.cr.savepoint() as savepoint:
                run = self.lose()
                transaction = self.charges(run).sudo().transaction_id
                transaction._set_done() if state == "done" else transaction._set_error("No")
                self.work()
                self.assertEqual(
                    self.charges(run)[0].state, {"error": "declined"}.get(state, state)
                )
                savepoint.rollback()
                self.env.invalidate_all()

    def test_the_provider_is_asked_where_it_can_say(self):
        run = self.lose()
        charge = self.charges(run).with_user(self.user)
        self.assertFalse(charge.can_ask_provider)
        self.assertIn("cannot say", charge.action_ask_provider()["params"]["message"])
        self.assertEqual(charge.state, "unknown")
        registry = self.env.registry
        with (
            self.patched(registry["payment.provider"], "_can_tell_of_charges", lambda self: True),
            self.patched(
                registry["payment.transaction"], "_ask_about_charge", lambda self: {"state": "done"}
            ),
        ):
            self.env.invalidate_all()
            self.assertTrue(charge.can_ask_provider)
            self.assertIn("1 charge", charge.action_ask_provider()["params"]["message"])
        self.work()
        self.assertEqual((charge.state, self.invoice.payment_state), ("done", "paid"))

    @mute_logger("odoo.addons.billing_operations.billing_tasks.models.billing_task_attempt")
    def test_a_worker_asks_before_it_leaves_a_charge_to_a_person(self):
        run = self.collect("lost")
        registry = self.env.registry
        with self.patched(
            registry["payment.transaction"], "_ask_about_charge", lambda self: {"state": "never"}
        ):
            self.retry()
        [charge] = self.charges(run)
        self.assertEqual((charge.state, self.charged), ("waiting", []))
        with freeze_time("2026-03-02 08:20:00"), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual((charged, charge.state), ([charge.reference], "done"))

    def test_a_provider_that_says_nothing_leaves_it_unknown(self):
        run = self.collect("silent")
        self.assertEqual(self.charges(run).state, "unknown")

    def test_another_amount_is_no_decline(self):
        def other(transaction):
            with self.patched(
                self.env.registry["payment.transaction"],
                "_extract_amount_data",
                lambda self, data: {"amount": 1.0, "currency_code": "EUR"},
            ):
                transaction._process("none", {})

        run = self.collect(other)
        [charge] = self.charges(run)
        self.assertEqual(charge.state, "unknown")
        self.assertIn("amount", charge.message)

    def patched(self, *args):
        return patch.object(*args)

    # === REQUESTS === #

    def ask(self, error):
        """What becomes of a charge whose request ends with an error of the network."""

        def send(transaction):
            def request(*args, **kwargs):
                if isinstance(error, int):
                    response = requests.Response()
                    response.status_code = error
                    response._content = b"{}"
                    return response
                raise error

            with self.patched(requests, "request", request):
                transaction._send_api_request("POST", "https://cards.example/charge", json={})
            transaction._set_done()

        run = self.collect(send)
        return run

    @mute_logger(
        "odoo.addons.billing_operations.billing_tasks.models.billing_task_attempt",
        "odoo.addons.payment.models.payment_provider",
    )
    def test_only_what_the_provider_said_is_a_decline(self):
        refused = requests.exceptions.ConnectTimeout("no way there")
        for error, state in (
            (requests.exceptions.ReadTimeout("too long"), "unknown"),
            (requests.exceptions.ConnectionError("reset"), "unknown"),
            (502, "unknown"),
            (402, "declined"),
            (200, "done"),
            (refused, "waiting"),
        ):
            with self.subTest(error=error), self.cr.savepoint() as savepoint:
                run = self.ask(error)
                self.retry()
                charge = self.charges(run)[0]
                self.assertEqual((charge.state, self.charged), (state, []))
                savepoint.rollback()
                self.env.invalidate_all()

    @mute_logger("odoo.addons.payment.models.payment_provider")
    def test_a_provider_that_was_not_reached_is_tried_again_with_the_same_reference(self):
        run = self.ask(requests.exceptions.ConnectTimeout("no way there"))
        [charge] = self.charges(run)
        with freeze_time("2026-03-02 08:10:00"), self.card_provider("done") as charged:
            self.tick()
            self.assertEqual(charged, [])
        with freeze_time("2026-03-02 08:16:00"), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual((charged, charge.state), ([charge.reference], "done"))
        self.assertEqual(len(self.charges(run)), 1)

    # === THE DATABASE === #

    def test_one_try_at_a_time(self):
        run = self.collect("pending")
        [charge] = self.charges(run)
        values = charge.sudo().copy_data()[0]
        for change in ({}, {"reference": "other"}):
            vals = {**values, "reference": charge.reference, **change}
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
                with self.cr.savepoint():
                    charge._make([vals])
                    self.env.flush_all()

    def test_what_odoo_refuses_to_book_is_said_and_tried_again(self):
        def refuse(self, **values):
            raise ValidationError("The period is locked.")

        with self.patched(self.env.registry["account.payment"], "action_post", refuse):
            run = self.collect("done")
        [charge] = self.charges(run)
        self.assertEqual((charge.state, charge.problem), ("done", "The period is locked."))
        self.assertEqual(self.states(run), {100: "submitted"})
        self.assertEqual(self.states(self.make_payment_run()), {100: "elsewhere"})
        self.tick()
        self.assertEqual((charge.problem, self.invoice.payment_state), (False, "paid"))
        self.assertEqual(run.state, "done")

    def test_people_do_not_write_or_delete_charges(self):
        run = self.collect("pending")
        charge = self.charges(run).with_user(self.manager)
        for step in (
            lambda: charge.write({"message": "x"}),
            lambda: charge.unlink(),
            lambda: charge.create({"reference": "x"}),
        ):
            with self.assertRaises(UserError):
                step()
