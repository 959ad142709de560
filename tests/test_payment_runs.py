"""Payment runs by direct debit: what is collected, told, written, booked, and by whom."""

from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import mute_logger

from ..payment_runs.netting import Credit, Item, net
from .payment_common import IBANS, PaymentCase
from .test_payment_files import read

DAY = date(2026, 3, 16)


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestSelection(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mandate = cls.make_mandate()

    def test_open_invoices_of_those_who_pay_that_way_are_taken(self):
        self.make_invoice(amount=100)
        self.make_invoice(amount=20, due=date(2026, 3, 17))
        self.make_invoice(self.make_customer("By transfer"), amount=30)
        self.make_invoice(self.make_payer("Without mandate"), amount=40)
        held = self.make_payer("Held", billing_collection_hold=True)
        self.make_mandate(held, IBANS[1])
        self.make_invoice(held, amount=50)
        run = self.make_payment_run()
        self.assertEqual(self.states(run), {100: "draft", 40: "no_mandate", 50: "hold"})
        self.assertEqual((run.to_collect_count, run.total_amount), (1, 100))
        [line] = run.line_ids.filtered(lambda line: line.state == "draft")
        self.assertEqual((line.mandate_id, line.sequence_type), (self.mandate, "FRST"))
        self.assertEqual(line.collection_date, DAY)

    def test_limits_leave_out_other_invoices(self):
        self.make_invoice(amount=100)
        self.make_invoice(amount=7)
        self.make_invoice(amount=30, invoice_date=date(2026, 1, 31))
        self.make_invoice(amount=40, due=date(2026, 4, 1))
        other = self.make_payer("Other")
        self.make_mandate(other, IBANS[1])
        self.make_invoice(other, amount=60)
        run = self.make_payment_run(
            minimum_invoice_date=date(2026, 2, 1),
            minimum_amount=10,
            partner_ids=[Command.set(self.customer.ids)],
        )
        self.assertEqual(self.states(run), {100: "draft", 7: "small"})
        run.write({"due_date_to": False, "partner_ids": [Command.clear()]})
        run.action_select()
        self.assertEqual(self.states(run), {100: "draft", 7: "small", 40: "draft", 60: "draft"})

    def test_a_limit_to_a_deleted_customer_collects_from_nobody(self):
        self.make_invoice(amount=100)
        gone = self.make_payer("Gone")
        run = self.make_payment_run(partner_ids=[Command.set(gone.ids)])
        gone.unlink()
        run.action_select()
        self.assertEqual(self.states(run), {})
        self.assertIn("Gone", run.lost_limits)
        run.action_forget_lost_limits()
        run.action_select()
        self.assertEqual(self.states(run), {100: "draft"})

    def test_a_hold_ends_on_its_last_day(self):
        self.customer.write({"billing_collection_hold": True, "billing_collection_hold_until": DAY})
        self.make_invoice()
        run = self.make_payment_run()
        self.assertEqual(self.states(run), {100: "hold"})
        run.wanted_date = date(2026, 3, 17)
        run.action_select()
        self.assertEqual(self.states(run), {100: "draft"})

    def test_credits_and_part_payments_are_taken_off_first(self):
        self.make_invoice(amount=100, due=date(2026, 2, 10))
        self.make_invoice(amount=50, due=date(2026, 2, 20))
        self.make_invoice(amount=130, move_type="out_refund")
        run = self.make_payment_run()
        self.assertEqual(self.states(run), {100: "covered", 50: "draft"})
        [line] = run.line_ids.filtered(lambda line: line.state == "draft")
        self.assertEqual((line.amount, line.credited), (20, 30))

    def test_each_instalment_is_a_line_of_its_own(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two parts",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (10, 80)
                ],
            }
        )
        self.make_invoice(invoice_payment_term_id=term.id, invoice_date_due=False)
        run = self.make_payment_run()
        self.assertEqual(run.line_ids.mapped("amount"), [50])
        self.submit(run)
        other = self.make_payment_run(due_date_to=False)
        self.assertEqual(other.line_ids.mapped("amount"), [50])
        self.assertNotEqual(other.line_ids.move_line_id, run.line_ids.move_line_id)

    def test_a_mandate_begins_once_and_one_for_one_collection_takes_one(self):
        for amount in (100, 20):
            self.make_invoice(amount=amount)
        once = self.make_payer("Once")
        self.make_mandate(once, IBANS[1], kind="one_off")
        self.make_invoice(once, amount=30)
        self.make_invoice(once, amount=40)
        run = self.make_payment_run()
        kinds = {line.move_id.amount_total: line.sequence_type for line in run.line_ids}
        self.assertEqual(kinds, {100: "FRST", 20: "RCUR", 30: "OOFF", 40: False})
        self.assertEqual(self.states(run)[40], "one_off")

    def test_an_account_far_away_needs_an_address(self):
        swiss = self.make_payer("Arve SA")
        self.make_mandate(swiss, "CH9300762011623852957")
        self.make_invoice(swiss, amount=30)
        run = self.make_payment_run()
        self.assertEqual(self.states(run), {30: "address"})
        swiss.write({"city": "Genève", "country_id": self.env.ref("base.ch").id})
        run.action_select()
        self.assertEqual(self.states(run), {30: "draft"})

    def test_people_leave_lines_out_and_take_them_back(self):
        self.make_invoice()
        run = self.make_payment_run()
        line = run.line_ids
        line.action_exclude()
        run.action_select()
        self.assertEqual(self.states(run), {100: "by_hand"})
        run.line_ids.action_include()
        self.assertEqual(self.states(run), {100: "draft"})
        self.customer.billing_collection_hold = True
        run.action_select()
        with self.assertRaisesRegex(UserError, "left out by hand"):
            run.line_ids.action_include()

    def test_a_closed_day_moves_to_the_next_open_one_and_says_so(self):
        form = Form(self.env["billing.payment.run"].with_user(self.user))
        form.wanted_date = date(2026, 4, 3)
        self.assertIn("04/07/2026", form.date_text)
        run = form.save()
        self.assertEqual((run.collection_date, run.payment_date), (date(2026, 4, 7),) * 2)
        self.company.billing_debit_target = False
        run.wanted_date = date(2026, 4, 4)
        self.assertEqual(run.collection_date, date(2026, 4, 4))

    def test_only_euros_are_debited(self):
        with self.assertRaisesRegex(UserError, "in euros"):
            self.make_payment_run(currency_id=self.env.ref("base.USD").id)

    def test_other_companies_do_not_see_it(self):
        self.make_invoice()
        run = self.make_payment_run()
        company = self.make_company("Elsewhere")
        stranger = self.make_user(
            "elsewhere", "billing_operations.group_billing_manager", company=company
        )
        theirs = run.with_user(stranger).with_context(allowed_company_ids=company.ids)
        lines = self.env["billing.payment.line"].with_env(theirs.env).browse(run.line_ids.ids)
        for records in (theirs, lines):
            self.assertFalse(records.search([("id", "in", records.ids)]))
            with self.assertRaises(AccessError):
                records.read(["state"])
        with self.assertRaises(AccessError):
            theirs.action_select()


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestSubmission(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mandate = cls.make_mandate()
        cls.other = cls.make_payer("Birch Ltd")
        cls.firm = cls.make_mandate(cls.other, IBANS[1], scheme="B2B")
        cls.invoice = cls.make_invoice(amount=100)
        cls.second = cls.make_invoice(cls.other, amount=50)

    def file(self, run, scheme="CORE"):
        return read(self.content(run, scheme))

    def content(self, run, scheme="CORE"):
        files = run.with_env(self.env).file_ids
        return files.filtered(lambda file: file.scheme == scheme)._give_out()

    def test_a_confirmed_run_is_fixed_and_told(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.work(run)
        self.assertEqual(run.state, "confirmed")
        mails = self.env["mail.mail"].search([("model", "=", "billing.payment.line")])
        self.assertEqual(len(mails), 2)
        body = mails.filtered(lambda mail: self.customer in mail.recipient_ids).body_html
        for text in (
            "100.00",
            "03/16/2026",
            self.mandate.reference,
            "DE98ZZZ09999999999",
            "DE02 …",
        ):
            self.assertIn(text, body)
        self.assertNotIn(IBANS[0], body)
        self.assertTrue(all(run.line_ids.mapped("notice_date")))
        with self.assertRaisesRegex(UserError, "fixed once the run is confirmed"):
            run.wanted_date = date(2026, 4, 1)
        with self.assertRaisesRegex(UserError, "in the state Draft"):
            run.action_select()

    def test_what_tells_customers_and_posts_asks_first_with_its_figures(self):
        self.make_invoice(amount=100)
        self.make_invoice(amount=50)
        run = self.make_payment_run()

        def agree(action):
            dialog = self.env["billing.question"].browse(getattr(run, action)()["res_id"])
            text = dialog.with_user(self.user).text
            dialog.with_user(self.user).action_confirm()
            self.work(run)
            return text.replace("\xa0", " ")

        text = agree("action_ask_confirm")
        for part in ("4 invoices", "300.00 €", "2 customers by e-mail"):
            self.assertIn(part, text)
        self.assertEqual(run.state, "confirmed")
        self.assertIn(
            "post the payments of 4 invoices, 300.00 € in all", agree("action_ask_submit")
        )
        self.assertEqual(run.state, "submitted")
        self.assertIn("300.00 €", agree("action_ask_complete"))
        self.assertEqual(run.state, "done")

    def test_customers_are_told_once(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.work(run)
        run.sudo()._send_notices(run.line_ids.partner_id.ids)
        self.assertEqual(
            self.env["mail.mail"].search_count([("model", "=", "billing.payment.line")]), 2
        )

    def test_there_is_time_to_tell_customers_and_the_bank(self):
        run = self.make_payment_run(wanted_date=date(2026, 3, 13))
        with self.assertRaisesRegex(UserError, "03/16/2026 or later"):
            run.action_confirm()
        self.company.billing_prenotification_days = 1
        run.action_confirm()
        with freeze_time("2026-03-12 12:00:00"), self.assertRaisesRegex(UserError, "too late"):
            run.action_submit()

    def test_what_the_settings_lack_is_said(self):
        run = self.make_payment_run()
        self.company.billing_debit_journal_id = False
        with self.assertRaisesRegex(UserError, "the bank journal"):
            run.action_confirm()

    def test_nothing_to_collect_is_said(self):
        run = self.make_payment_run(select=False)
        with self.assertRaisesRegex(UserError, "nothing to collect"):
            run.action_confirm()

    def test_an_invoice_is_in_one_live_collection(self):
        run, late = self.make_payment_run(), self.make_payment_run()
        run.action_confirm()
        third = self.make_payment_run()
        self.assertEqual(self.states(third), {100: "elsewhere", 50: "elsewhere"})
        with self.assertRaises(UserError):
            late.action_confirm()
        line = late.sudo().line_ids[0]
        self.assertEqual(line.error_code, False)
        line._own().write({"reference": "X"})
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            line._own().write({"state": "confirmed"})
            line.flush_recordset()
        run.action_cancel()
        late.action_confirm()
        self.assertEqual(late.state, "confirmed")

    def test_an_invoice_changes_at_will_until_the_run_is_confirmed(self):
        run = self.make_payment_run()
        line, other = run.line_ids.sorted(lambda line: line.move_id != self.invoice)
        self.invoice.button_draft()
        self.env.flush_all()
        remove = "DELETE FROM account_move_line WHERE id = %s"
        self.env.cr.execute(remove, [line.move_line_id.id])
        self.env.invalidate_all()
        self.assertFalse(line.move_line_id)
        run.action_confirm()
        self.assertEqual((line.error_code, other.state), ("changed", "confirmed"))
        self.env.flush_all()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.env.cr.execute(remove, [other.move_line_id.id])

    def test_submitting_writes_a_file_for_each_scheme_and_books_payments(self):
        run = self.submit(self.make_payment_run())
        self.assertEqual((run.state, run.problem), ("submitted", False))
        self.assertEqual(run.file_ids.mapped("line_count"), [1, 1])
        said = self.file(run)
        self.assertEqual((said["sum"], said["number"]), (100, 1))
        self.assertEqual(said["blocks"][0]["day"], "2026-03-16")
        line = run.line_ids.filtered(lambda line: line.move_id == self.invoice)
        self.assertEqual(said["blocks"][0]["rows"][0]["reference"], line.reference)
        self.assertEqual(self.file(run, "B2B")["sum"], 50)
        for invoice in (self.invoice, self.second):
            self.assertEqual((invoice.payment_state, invoice.amount_residual), ("paid", 0))
        payment = line.payment_id
        self.assertEqual((payment.date, payment.amount), (DAY, 100))
        self.assertIn(line.reference, payment.memo)
        self.assertEqual(self.invoice.matched_payment_ids, payment)
        outstanding = payment.move_id.line_ids.filtered("debit").account_id
        self.assertNotEqual(outstanding, self.journal.default_account_id)
        self.assertEqual((run.payment_count, run.collected_amount), (2, 150))

    def test_mandates_go_on_with_each_collection(self):
        run = self.submit(self.make_payment_run())
        self.assertEqual(self.mandate.sequence_type, "RCUR")
        self.assertEqual(self.mandate.last_collection_date, DAY)
        self.assertEqual(self.mandate.announced_iban, IBANS[0])
        self.mandate._amend("Letter", IBANS[2])
        self.mandate.action_mark_last()
        self.make_invoice(amount=10)
        run = self.submit(self.make_payment_run())
        content = self.content(run).decode()
        self.assertIn("<SeqTp>FNAL</SeqTp>", content)
        self.assertIn("SMNDA", content)
        self.assertEqual(self.mandate.state, "ended")
        self.assertFalse(self.mandate.is_amended)
        self.assertEqual(run.line_ids.mandate_before["announced_iban"], IBANS[0])

    def test_credits_are_reconciled_before_the_rest_is_debited(self):
        refund = self.make_invoice(amount=30, move_type="out_refund")
        run = self.submit(self.make_payment_run())
        line = run.line_ids.filtered(lambda line: line.move_id == self.invoice)
        self.assertEqual((line.amount, line.payment_id.amount), (70, 70))
        self.assertEqual((self.invoice.payment_state, refund.payment_state), ("paid", "paid"))

    def test_what_was_paid_meanwhile_is_not_debited(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.make_invoice(amount=30, move_type="out_refund")
        self.make_invoice(self.other, amount=50, move_type="out_refund")
        run.action_submit()
        self.work(run)
        self.assertEqual(self.states(run), {100: "submitted", 50: "paid"})
        self.assertEqual(self.file(run)["sum"], 70)
        self.assertEqual(self.invoice.payment_state, "paid")
        self.assertEqual(self.second.amount_residual, 50)

    def test_a_mandate_that_was_revoked_meanwhile_is_not_used(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.mandate.action_revoke()
        run.action_submit()
        self.work(run)
        self.assertEqual(self.states(run), {100: "no_mandate", 50: "submitted"})
        self.assertEqual(self.invoice.amount_residual, 100)

    def test_a_file_that_cannot_be_written_changes_nothing(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.company.billing_pain_version = "pain.008.001.02"
        self.journal.bank_account_id.bank_id = False
        run.action_submit()
        self.work(run)
        self.assertEqual(run.state, "confirmed")
        self.assertIn("BIC of the bank journal", run.problem)
        self.assertEqual(self.mandate.collection_count, 0)
        self.assertFalse(run.line_ids.payment_id)
        self.company.billing_pain_version = "pain.008.001.08"
        run.action_submit()
        self.work(run)
        self.assertEqual((run.state, run.problem), ("submitted", False))

    def test_a_run_is_submitted_once_and_posted_once(self):
        run = self.submit(self.make_payment_run())
        run.sudo()._submit()
        run.sudo()._post_lines(run.sudo().line_ids)
        self.assertEqual(len(run.sudo().file_ids), 2)
        self.assertEqual(
            self.env["account.payment"].search_count([("partner_id", "=", self.other.id)]), 1
        )
        with self.assertRaisesRegex(UserError, "in the state Confirmed"):
            run.action_submit()

    def test_a_run_is_cancelled_at_will_before_it_is_submitted(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.work(run)
        run.action_draft()
        self.assertEqual(set(run.line_ids.mapped("state")), {"draft"})
        run.action_confirm()
        run.action_cancel()
        self.assertEqual(set(run.line_ids.mapped("state")), {"cancelled"})
        self.assertEqual(self.invoice.amount_residual, 100)
        submitted = self.submit(self.make_payment_run())
        with self.assertRaisesRegex(UserError, "cannot become cancelled"):
            submitted.action_cancel()
        with self.assertRaisesRegex(UserError, "Only drafts can be deleted"):
            submitted.unlink()

    def test_money_counts_as_come_some_days_later(self):
        run = self.submit(self.make_payment_run())
        runs = self.env["billing.payment.run"]
        with freeze_time("2026-03-20"):
            runs._cron_settle()
        self.assertEqual(run.state, "submitted")
        with freeze_time("2026-03-21"):
            runs._cron_settle()
        self.assertEqual(run.state, "done")
        self.assertEqual(set(run.line_ids.mapped("state")), {"done"})

    def test_every_number_opens_what_it_counts(self):
        self.make_invoice(self.make_payer("Without mandate"), amount=40)
        run = self.submit(self.make_payment_run())
        lines = self.env["billing.payment.line"]
        for number, method in (("line_count", "lines"), ("excluded_count", "left_out")):
            action = getattr(run, f"action_open_{method}")()
            self.assertEqual(lines.search_count(action["domain"]), run[number])
        action = run.action_open_payments()
        self.assertEqual(self.env["account.payment"].search_count(action["domain"]), 2)


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestDownload(PaymentCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_mandate()
        cls.make_invoice()
        cls.payment_run = cls.submit(cls.make_payment_run())
        cls.file = cls.payment_run.with_env(cls.env).file_ids
        cls.treasurer = cls.make_user(
            "treasurer",
            "billing_operations.group_billing_user,billing_operations.group_payment_files",
        )

    def get(self, login):
        self.env.flush_all()
        self.authenticate(login, login)
        return self.url_open(f"/billing_operations/payment_file/{self.file.id}")

    def test_the_right_of_its_own_downloads_the_same_bytes_each_time(self):
        first, second = self.get("treasurer"), self.get("treasurer")
        self.assertEqual(first.status_code, 200)
        self.assertEqual(first.content, second.content)
        self.assertIn("PR", first.headers["Content-Disposition"])
        self.env.invalidate_all()
        self.assertEqual(self.file.download_ids.user_id, self.treasurer)
        self.assertEqual(self.file.download_count, 2)
        self.assertIn("downloaded", self.payment_run.sudo().message_ids[:1].body)

    def test_others_get_nothing_and_leave_no_trace(self):
        for login in ("payment_user", "payment_manager"):
            self.assertEqual(self.get(login).status_code, 404)
            with self.assertRaisesRegex(AccessError, "Payment Files"):
                self.file.with_user(
                    self.env["res.users"].search([("login", "=", login)])
                ).action_download()
        self.env.invalidate_all()
        self.assertEqual(self.file.download_count, 0)

    def test_the_content_comes_by_no_other_way(self):
        file = self.file.with_user(self.treasurer)
        with self.assertRaises(AccessError):
            file.read(["content"])
        self.authenticate("treasurer", "treasurer")
        page = self.url_open(f"/web/content/billing.payment.file/{file.id}/content")
        self.assertNotIn("CstmrDrctDbtInitn", page.text)
        attachments = self.env["ir.attachment"].with_user(self.treasurer)
        found = attachments.search([("res_model", "=", file._name), ("res_field", "=", "content")])
        for attachment in found:
            with self.assertRaises(AccessError):
                attachment.read(["raw"])


class TestNetting(PaymentCase):
    def test_the_oldest_items_take_the_oldest_credits(self):
        items = [
            Item(1, 7, date(2026, 2, 1), 100),
            Item(2, 7, date(2026, 1, 1), 50),
            Item(3, 8, date(2026, 1, 1), 10),
        ]
        left, pairs = net(items, [Credit(20, 7, 70), Credit(10, 7, 20), Credit(30, 9, 99)])
        self.assertEqual(left, {2: 0, 1: 60, 3: 10})
        self.assertEqual(pairs, [(2, 10, 20), (2, 20, 30), (1, 20, 40)])
        self.assertEqual(net([], []), ({}, []))
