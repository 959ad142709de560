"""Direct debits that come back: by the bank's messages, and by hand."""

import gzip
import io
import zipfile
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .payment_common import CREDITOR_ID, IBANS, PaymentCase
from .payment_messages import camt, pain_002


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestReturns(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.payers, cls.invoices = [], []
        for number, amount in enumerate((100, 50, 20)):
            payer = cls.make_payer(f"Payer {number}")
            scheme = "B2B" if number == 2 else "CORE"
            cls.make_mandate(payer, IBANS[number], scheme=scheme)
            cls.payers.append(payer)
            cls.invoices.append(cls.make_invoice(payer, amount=amount))
        cls.run_ = cls.submit(cls.make_payment_run())
        cls.lines = cls.run_.with_env(cls.env).line_ids.sorted("id")

    def setUp(self):
        super().setUp()
        self.enterContext(freeze_time("2026-03-18 08:00:00"))

    def take(self, content, name="message.xml", user=None):
        """Import a message as the user would; return what came of it."""
        user = user or self.user
        attachment = (
            self.env["ir.attachment"].with_user(user).create({"name": name, "raw": content})
        )
        dialog = self.env["billing.payment.return.import"].with_user(user)
        action = dialog.create(
            {"attachment_ids": [Command.set(attachment.ids)], "company_id": self.company.id}
        ).action_import()
        self.env.invalidate_all()
        return self.env["billing.payment.return"].search(action["domain"])

    def results(self, message):
        return message.line_ids.mapped("state")

    def residuals(self):
        return [invoice.amount_residual for invoice in self.invoices]

    def test_a_statement_reopens_exactly_the_invoices_that_came_back(self):
        line = self.lines[0]
        message = self.take(camt([(line.reference, "AM04", 100, 3)]))
        self.assertEqual((message.kind, self.results(message)), ("camt.053", ["applied"]))
        self.assertEqual(self.residuals(), [100, 0, 0])
        self.assertEqual([i.payment_state for i in self.invoices], ["not_paid", "paid", "paid"])
        self.assertEqual((line.state, line.return_code, line.bank_fee), ("returned", "AM04", 3))
        self.assertEqual(line.message, "the account did not hold enough (AM04): Note")
        self.assertEqual(line.return_date, date(2026, 3, 18))
        self.assertEqual(self.run_.failed_amount, 100)
        self.assertEqual(self.run_.state, "submitted", "two are not settled yet")
        self.run_.action_complete()
        self.assertEqual(self.run_.state, "partly_failed")

    def test_the_payment_is_reversed_and_stays(self):
        line = self.lines[0]
        self.take(camt([(line.reference, "AM04", 100, 0)]))
        payment = line.payment_id
        self.assertEqual((payment.state, payment.move_id.state), ("rejected", "posted"))
        reversal = line.return_move_id
        self.assertEqual((reversal.state, reversal.date), ("posted", date(2026, 3, 18)))
        self.assertEqual(reversal.reversed_entry_id, payment.move_id)
        for item in payment.move_id.line_ids:
            opposite = reversal.line_ids.filtered(lambda o, i=item: o.account_id == i.account_id)
            self.assertEqual(opposite.balance, -item.balance)
            self.assertTrue(item.reconciled and opposite.reconciled)

    def test_a_second_import_changes_nothing(self):
        content = camt([(self.lines[0].reference, "AM04", 100, 0)])
        self.take(content)
        entries = self.env["account.move"].search_count([("company_id", "=", self.company.id)])
        self.assertEqual(self.results(self.take(content)), ["known"])
        self.assertEqual(
            self.results(self.take(camt([(self.lines[0].reference, "MD06", 100, 0)], "camt.054"))),
            ["known"],
        )
        self.assertEqual(
            self.env["account.move"].search_count([("company_id", "=", self.company.id)]), entries
        )
        self.assertEqual(self.lines[0].return_code, "AM04")

    def test_the_same_return_twice_in_a_message_counts_once(self):
        row = (self.lines[0].reference, "AM04", 100, 0)
        self.assertEqual(self.results(self.take(camt([row, row]))), ["applied", "known"])
        self.assertEqual(self.residuals(), [100, 0, 0])

    def test_what_came_back_by_hand_is_known_to_the_message(self):
        action = self.lines[0].with_user(self.user).action_come_back()
        form = Form(
            self.env[action["res_model"]].with_user(self.user).with_context(**action["context"])
        )
        form.code = "MD06"
        form.note = "Letter of the bank"
        form.save().action_apply()
        self.assertEqual((self.lines[0].state, self.residuals()[0]), ("returned", 100))
        self.assertIn("Letter of the bank", self.lines[0].message)
        message = self.take(camt([(self.lines[0].reference, "MD06", 100, 0)]))
        self.assertEqual(self.results(message), ["known"])
        with self.assertRaisesRegex(UserError, "Only what was submitted"):
            self.lines[0].action_come_back()

    def test_an_unknown_reference_says_so(self):
        message = self.take(camt([("NOTPROVIDED", "AM04", 9, 0)]))
        self.assertEqual((self.results(message), message.problem_count), (["unknown"], 1))
        self.assertEqual(self.residuals(), [0, 0, 0])

    def test_another_amount_account_or_creditor_is_left_to_people(self):
        reference = self.lines[0].reference
        for state, content in (
            ("amount", camt([(reference, "AM04", 99, 0)])),
            ("foreign", camt([(reference, "AM04", 100, 0)], account=IBANS[3])),
            ("foreign", camt([(reference, "AM04", 100, 0)], creditor="AT61ZZZ01234567890")),
            ("foreign", pain_002([(reference, "AM04", "100")], account=IBANS[3])),
        ):
            self.assertEqual(self.results(self.take(content)), [state])
        self.assertEqual(self.residuals(), [0, 0, 0])
        good = camt([(reference, "AM04", 100, 0)], creditor=CREDITOR_ID)
        self.assertEqual(self.results(self.take(good)), ["applied"])

    def test_a_return_counts_for_its_company_only(self):
        other = self.make_company("Elsewhere")
        stranger = self.make_user(
            "elsewhere", "billing_operations.group_billing_user", company=other
        )
        returns = self.env["billing.payment.return"].with_user(stranger)
        returns = returns.with_context(allowed_company_ids=other.ids)
        message = returns._import(other, "x", camt([(self.lines[0].reference, "AM04", 100, 0)]))
        self.assertEqual(self.results(message), ["foreign"])
        self.assertEqual(self.residuals(), [0, 0, 0])

    def test_mandates_are_blocked_on_the_codes_that_demand_it(self):
        self.take(
            camt(
                [
                    (self.lines[0].reference, "AC04", 100, 0),
                    (self.lines[1].reference, "AM04", 50, 0),
                ]
            )
        )
        mandates = self.lines.mandate_id.sorted("id")
        self.assertEqual(mandates.mapped("state"), ["blocked", "active", "active"])
        self.assertIn("the account is closed", mandates[0].block_reason)
        self.assertEqual(mandates[0].collection_count, 1)

    def test_what_the_bank_never_took_was_no_first_collection(self):
        line = self.lines[0]
        self.assertEqual(line.mandate_id.sequence_type, "RCUR")
        self.take(pain_002([(line.reference, "TM01", "100")]))
        self.assertEqual(line.state, "rejected")
        self.assertEqual(line.mandate_id.sequence_type, "FRST")
        self.assertFalse(line.mandate_id.announced_iban)
        self.assertEqual(self.residuals(), [100, 0, 0])

    def test_a_whole_file_can_be_rejected(self):
        core = self.run_.with_env(self.env).file_ids.filtered(lambda file: file.scheme == "CORE")
        message = self.take(pain_002(message=core.message_id, group="RJCT", reason="FF01"))
        self.assertEqual(self.results(message), ["applied", "applied"])
        self.assertEqual(self.lines.mapped("state"), ["rejected", "rejected", "submitted"])
        self.assertEqual(self.residuals(), [100, 50, 0])

    def test_a_block_can_be_rejected(self):
        core = self.run_.with_env(self.env).file_ids.filtered(lambda file: file.scheme == "CORE")
        block = f"{core.message_id}-1"
        self.take(pain_002(message=core.message_id, group="PART", block=block, reason="AG02"))
        self.assertEqual(self.lines.mapped("state"), ["rejected", "rejected", "submitted"])
        message = self.take(pain_002(message=core.message_id, block=f"{core.message_id}-7"))
        self.assertEqual(self.results(message), ["unknown"])

    def test_what_came_back_can_be_collected_again(self):
        self.take(camt([(self.lines[0].reference, "AM04", 100, 0)]))
        run = self.submit(self.make_payment_run(wanted_date=date(2026, 4, 8)))
        self.assertEqual(self.states(run), {100: "submitted"})
        self.assertEqual(self.residuals(), [0, 0, 0])

    def test_money_that_counted_as_come_can_come_back(self):
        self.run_.action_complete()
        self.assertEqual(self.run_.state, "done")
        self.take(camt([(self.lines[0].reference, "MD06", 100, 0)]))
        self.assertEqual((self.run_.state, self.residuals()), ("partly_failed", [100, 0, 0]))

    def test_the_banks_statement_keeps_what_it_has_matched(self):
        """The whole batch came in one amount, which was matched before one collection came back."""
        items = self.lines.payment_id.move_id.line_ids
        outstanding = items.filtered(lambda item: item.balance > 0)
        entry = self.env["account.move"].create(
            {
                "journal_id": self.journal.id,
                "line_ids": [
                    Command.create(
                        {
                            "account_id": outstanding.account_id.id,
                            "balance": -170.0,
                            "name": "Batch",
                        }
                    ),
                    Command.create(
                        {"account_id": self.journal.default_account_id.id, "balance": 170.0}
                    ),
                ],
            }
        )
        entry.action_post()
        batch = entry.line_ids.filtered(lambda item: item.balance < 0)
        (outstanding + batch).reconcile()
        self.take(camt([(self.lines[0].reference, "AM04", 100, 0)]))
        self.assertTrue(batch.reconciled)
        self.assertEqual(self.residuals(), [100, 0, 0])
        waiting = self.lines[0].return_move_id.line_ids.filtered(
            lambda item: item.account_id == outstanding.account_id
        )
        self.assertEqual((waiting.reconciled, waiting.balance), (False, -100))

    def test_a_fee_is_charged_where_the_company_wants_one(self):
        self.company.write(
            {"billing_return_fee": 7.5, "billing_return_fee_product_id": self.product.id}
        )
        self.take(
            camt(
                [
                    (self.lines[0].reference, "AM04", 100, 0),
                    (self.lines[1].reference, "MD06", 50, 0),
                ]
            )
        )
        charges = self.env["billing.charge"].search([("source_key", "=like", "return_fee:%")])
        self.assertEqual((charges.partner_id, charges.amount), (self.payers[0], 7.5))

    def test_packed_messages_are_unpacked_within_limits(self):
        content = camt([(self.lines[0].reference, "AM04", 100, 0)])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a.xml", content)
            archive.writestr("b.xml", camt([(self.lines[1].reference, "AM04", 50, 0)]))
        messages = self.take(packed.getvalue(), "messages.zip")
        self.assertEqual(self.results(messages), ["applied", "applied"])
        self.assertEqual(self.results(self.take(gzip.compress(content), "a.xml.gz")), ["known"])
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.xml", b" " * (65 << 20))
        with self.assertRaises(UserError):
            self.take(bomb.getvalue(), "bomb.zip")

    def test_what_is_no_message_says_so(self):
        with self.assertRaisesRegex(UserError, "it is no XML"):
            self.take(b"name;iban")
        with self.assertRaisesRegex(UserError, "document type"):
            self.take(
                b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document>&a;</Document>'
            )
        with self.assertRaisesRegex(UserError, "Choose at least one file"):
            self.env["billing.payment.return.import"].create({}).action_import()

    def test_only_billing_users_import(self):
        stranger = self.make_user("no_billing", None)
        with self.assertRaises(AccessError):
            self.env["billing.payment.return"].with_user(stranger)._import(self.company, "x", b"")
        with self.assertRaises(AccessError):
            self.take(b"", user=stranger)

    def test_what_is_submitted_and_not_booked_yet_can_be_rejected(self):
        self.make_invoice(self.payers[0], amount=10)
        run = self.make_payment_run(wanted_date=date(2026, 4, 8))
        run.action_confirm()
        run.sudo()._submit()
        line = run.line_ids
        self.take(pain_002([(line.reference, "TM01", "10")]))
        self.work(run)
        self.assertEqual((line.state, line.payment_id.id), ("rejected", False))
        self.assertEqual(run.state, "partly_failed")
