"""What happens to customers, accounts, invoices and files while a collection is under way."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged

from .payment_common import IBANS, PaymentCase
from .payment_messages import camt


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestMeanwhile(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mandate = cls.make_mandate()
        cls.invoice = cls.make_invoice(amount=100)
        cls.other = cls.make_payer("Birch Ltd")
        cls.make_mandate(cls.other, IBANS[1])
        cls.second = cls.make_invoice(cls.other, amount=50)

    def confirmed(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.work(run)
        return run

    def submitted(self, run):
        run.action_submit()
        self.work(run)
        return run

    def test_an_invoice_that_was_cancelled_is_left_out_as_changed(self):
        run = self.confirmed()
        self.invoice.button_draft()
        self.invoice.button_cancel()
        self.submitted(run)
        self.assertEqual(self.states(run), {100: "changed", 50: "submitted"})
        self.assertEqual(run.sudo().file_ids.amount, 50)
        self.assertFalse(self.mandate.collection_count)

    def test_an_invoice_that_was_credited_is_left_out_as_paid(self):
        run = self.confirmed()
        refund = self.invoice._reverse_moves([{"invoice_date": date(2026, 3, 2)}], cancel=True)
        self.assertEqual((refund.state, self.invoice.payment_state), ("posted", "reversed"))
        self.submitted(run)
        self.assertEqual(self.states(run), {100: "paid", 50: "submitted"})

    def test_what_drops_out_after_the_confirmation_is_counted_and_shown(self):
        run = self.confirmed()
        self.assertEqual(run.excluded_count, 0)
        self.mandate.action_revoke()
        self.submitted(run)
        self.assertEqual((run.line_count, run.excluded_count, run.total_amount), (1, 1, 50))
        lines = self.env["billing.payment.line"].search(run.action_open_left_out()["domain"])
        self.assertEqual(lines.mapped("error_code"), ["no_mandate"])

    def test_an_archived_account_is_not_debited(self):
        run = self.confirmed()
        self.mandate.partner_bank_id.active = False
        self.assertEqual(self.states(self.submitted(run)), {100: "account", 50: "submitted"})
        self.assertEqual(self.states(self.make_payment_run()), {100: "account"})

    def test_an_archived_customer_pays_what_is_open(self):
        self.customer.active = False
        run = self.submitted(self.confirmed())
        self.assertEqual(set(run.line_ids.mapped("state")), {"submitted"})
        self.assertEqual(self.invoice.payment_state, "paid")

    def test_each_customer_reads_in_the_own_language_that_the_day_has_moved(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.other.lang = "de_DE"
        run = self.make_payment_run(wanted_date=date(2026, 4, 3))
        run.action_confirm()
        self.work(run)
        mails = self.env["mail.mail"].search([("model", "=", "billing.payment.line")])
        bodies = {mail.recipient_ids: mail.body_html for mail in mails}
        for day in ("04/03/2026", "04/07/2026"):
            self.assertIn(day, bodies[self.customer])
            self.assertNotIn(day, bodies[self.other])
        self.assertIn("Your Collection", bodies[self.customer])
        for day in ("03.04.2026", "07.04.2026"):
            self.assertIn(day, bodies[self.other])

    def test_a_return_names_no_collection_by_card(self):
        run = self.submitted(self.confirmed())
        line = run.sudo().line_ids.filtered(lambda line: line.move_id == self.invoice)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE billing_payment_line SET method = 'card' WHERE id = %s", [line.id]
        )
        self.env.invalidate_all()
        message = (
            self.env["billing.payment.return"]
            .with_user(self.user)
            ._import(self.company, "camt.xml", camt([(line.reference, "AM04", 100, 0)]))
        )
        self.assertEqual(message.line_ids.mapped("state"), ["unknown"])
        self.assertEqual(line.state, "submitted")


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestMerge(PaymentCase):
    """Customers who are one and the same are merged while something is collected."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mandate = cls.make_mandate()
        cls.invoice = cls.make_invoice(amount=100)
        cls.kept = cls.make_payer("Alder Limited")

    def merge(self):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.customer | self.kept).ids, self.kept, extra_checks=False)
        self.env.invalidate_all()
        self.assertFalse(self.customer.exists())

    def test_mandate_and_pending_collection_follow(self):
        run = self.make_payment_run()
        run.action_confirm()
        self.merge()
        self.assertEqual(self.mandate.partner_id, self.kept)
        self.assertEqual(self.mandate.partner_bank_id.partner_id, self.kept)
        run.action_submit()
        self.work(run)
        self.assertEqual(self.states(run), {100: "submitted"})
        self.assertEqual(run.line_ids.partner_id, self.kept)
        self.assertEqual(self.invoice.payment_state, "paid")

    def test_of_accounts_with_one_number_one_stays_with_both_mandates(self):
        theirs = self.make_mandate(self.kept, IBANS[0])
        another = self.make_mandate(iban=IBANS[1], sequence=20)
        run = self.make_payment_run()
        run.action_confirm()
        self.merge()
        accounts = self.kept.bank_ids
        self.assertEqual(set(accounts.mapped("sanitized_acc_number")), {IBANS[0], IBANS[1]})
        self.assertEqual(len(accounts), 2)
        self.assertEqual(self.mandate.partner_bank_id, theirs.partner_bank_id)
        self.assertEqual(another.partner_bank_id.sanitized_acc_number, IBANS[1])
        run.action_submit()
        self.work(run)
        self.assertEqual(self.states(run), {100: "submitted"})
        self.assertEqual(run.line_ids.mandate_id, self.mandate)

    def test_an_archived_account_comes_back_where_the_other_was_in_use(self):
        theirs = self.make_mandate(self.kept, IBANS[0])
        theirs.partner_bank_id.active = False
        self.merge()
        self.assertTrue(self.mandate.partner_bank_id.active)


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestSecondDownload(PaymentCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_mandate()
        cls.make_invoice()
        run = cls.submit(cls.make_payment_run())
        cls.treasurer = cls.make_user(
            "treasurer",
            "billing_operations.group_billing_user,billing_operations.group_payment_files",
        )
        cls.file = run.with_user(cls.treasurer).file_ids

    def test_it_asks_also_where_the_screen_is_older_than_the_first(self):
        first = self.file.action_download()
        self.assertEqual(first["type"], "ir.actions.act_url")
        self.env.flush_all()
        self.authenticate("treasurer", "treasurer")
        content = self.url_open(first["url"]).content
        self.env.invalidate_all()
        dialog = (
            self.env["billing.question"]
            .with_user(self.treasurer)
            .browse(self.file.action_download()["res_id"])
        )
        text = dialog.text.replace("\xa0", " ")
        for part in (self.file.name, "1 collection", "100.00 €", "once", self.treasurer.name):
            self.assertIn(part, text)
        again = dialog.action_confirm()
        self.env.flush_all()
        self.assertEqual(self.url_open(again["url"]).content, content)
        self.env.invalidate_all()
        self.assertEqual(self.file.download_count, 2)
        self.assertIn("2 times", self.file._again_text())

    def test_it_is_for_members_alone_too(self):
        with self.assertRaisesRegex(AccessError, "Payment Files"):
            self.file.with_user(self.user).action_download_again()
