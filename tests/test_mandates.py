"""Mandates: what is signed, by whom, how it changes and when it ends."""

from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import mute_logger

from .payment_common import CREDITOR_ID, IBANS, PaymentCase


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02")
class TestMandates(PaymentCase):
    def test_a_new_mandate_has_a_reference_and_waits_to_be_signed(self):
        mandate = self.make_mandate(active=False)
        self.assertRegex(mandate.reference, r"^M\d{6}$")
        self.assertEqual((mandate.state, mandate.sequence_type), ("draft", "FRST"))
        mandate.with_user(self.user).action_activate()
        self.assertEqual(mandate.state, "active")
        self.assertEqual(mandate.expiry_date, date(2029, 1, 1))

    def test_it_is_not_active_without_a_day_and_an_account(self):
        mandate = self.make_mandate(active=False, signed_date=False)
        with self.assertRaisesRegex(UserError, "which day"):
            mandate.action_activate()
        mandate = self.make_mandate(active=False, partner_bank_id=False)
        with self.assertRaisesRegex(ValidationError, "missing"):
            mandate.action_activate()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            mandate._own().write({"state": "active"})
            mandate.flush_recordset()

    def test_an_account_that_cannot_be_debited_is_refused(self):
        for iban, words in (("DE00123", "check digits"), ("TR330006100519786457841326", "country")):
            with self.assertRaisesRegex(ValidationError, words):
                self.make_mandate(iban=iban)

    def test_the_account_is_the_customers_own(self):
        other = self.make_customer("Birch Ltd")
        account = self.env["billing.mandate"]._account(other, IBANS[1])
        with self.assertRaisesRegex(ValidationError, "belongs to Birch Ltd"):
            self.make_mandate(partner_bank_id=account.id)

    def test_a_reference_is_given_once_in_a_company_whatever_its_letters(self):
        self.make_mandate(reference="Abc-1")
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.make_mandate(reference="aBC-1")
        with self.assertRaisesRegex(ValidationError, "cannot be the reference"):
            self.make_mandate(reference="with space")

    def test_it_is_not_signed_in_the_future(self):
        with self.assertRaisesRegex(ValidationError, "in the future"):
            self.make_mandate(signed_date=date(2026, 3, 3))

    def test_what_was_signed_does_not_change_by_hand(self):
        mandate = self.make_mandate()
        account = mandate._account(self.customer, IBANS[1])
        for values in (
            {"partner_bank_id": account.id},
            {"signed_date": date(2026, 1, 5)},
            {"scheme": "B2B"},
            {"reference": "X"},
        ):
            with self.assertRaisesRegex(UserError, "Use Amend"):
                mandate.with_user(self.user).write(values)
        with self.assertRaisesRegex(UserError, "Use the buttons"):
            mandate.with_user(self.user).write({"collection_count": 3})
        with self.assertRaisesRegex(UserError, "Revoke them"):
            mandate.with_user(self.user).unlink()
        self.make_mandate(active=False).with_user(self.user).unlink()

    def test_an_amendment_is_announced_once_it_was_collected_with(self):
        mandate = self.make_mandate()
        mandate._own().write({"collection_count": 1, **mandate._announced()})
        self.assertFalse(mandate.is_amended)
        dialog = Form(
            self.env["billing.mandate.amend"]
            .with_user(self.user)
            .with_context(default_mandate_id=mandate.id)
        )
        dialog.iban = "NL91 ABNA 0417 1643 00"
        dialog.reason = "Letter"
        dialog.save().action_apply()
        self.assertEqual(mandate.iban, "NL91ABNA0417164300")
        self.assertEqual(mandate._amendments(), {"announced_iban": IBANS[0]})
        self.assertIn("Letter", mandate.message_ids[:1].body)
        self.assertNotIn(IBANS[0], mandate.message_ids[:1].body)
        mandate._amend("Back", IBANS[0])
        self.assertFalse(mandate.is_amended)

    def test_an_amendment_changes_something_for_a_reason(self):
        mandate = self.make_mandate()
        with self.assertRaisesRegex(UserError, "Neither"):
            mandate._amend("Letter", IBANS[0])
        with self.assertRaisesRegex(UserError, "Say why"):
            mandate._amend(" ", IBANS[1])
        with self.assertRaisesRegex(ValidationError, "check digits"):
            mandate._amend("Letter", "DE00")
        with self.assertRaisesRegex(UserError, "Only active"):
            self.make_mandate(active=False)._amend("Letter", IBANS[1])

    def test_another_creditor_identifier_is_announced_with_the_name(self):
        mandate = self.make_mandate()
        mandate._own().write({"collection_count": 1, **mandate._announced()})
        self.company.billing_creditor_name = "Renamed Ltd"
        self.assertFalse(mandate.is_amended)
        self.company.billing_creditor_id = "AT61ZZZ01234567890"
        self.assertEqual(
            mandate._amendments(),
            {"announced_creditor_id": CREDITOR_ID, "announced_creditor_name": "Provider Ltd"},
        )

    def test_a_wrong_creditor_identifier_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "no SEPA creditor identifier"):
            self.company.billing_creditor_id = "DE97ZZZ09999999999"

    def test_it_expires_36_months_after_its_last_use(self):
        old = self.make_mandate(signed_date=date(2023, 3, 3))
        used = self.make_mandate(signed_date=date(2020, 1, 1), active=False)
        used._own().write({"last_collection_date": date(2025, 6, 1)})
        used.action_activate()
        blocked = self.make_mandate(signed_date=date(2023, 3, 3))
        blocked._block("closed")
        with freeze_time("2026-03-03"):
            self.env["billing.mandate"]._cron_expire()
        self.assertEqual((old.state, used.state, blocked.state), ("expired", "active", "expired"))
        self.assertEqual(old.ended_date, date(2026, 3, 3))
        with self.assertRaisesRegex(UserError, "36 months"):
            self.make_mandate(signed_date=date(2023, 3, 1))

    def test_what_is_revoked_never_comes_back(self):
        mandate = self.make_mandate()
        mandate.with_user(self.user).action_revoke()
        self.assertEqual((mandate.state, mandate.ended_date), ("revoked", date(2026, 3, 2)))
        with self.assertRaisesRegex(UserError, "cannot become active"):
            mandate.action_activate()

    def test_managers_unblock_what_a_return_has_blocked(self):
        mandate = self.make_mandate()
        mandate._block("Account closed")
        self.assertEqual(mandate.block_reason, "Account closed")
        with self.assertRaisesRegex(AccessError, "Only billing managers"):
            mandate.with_user(self.user).action_unblock()
        mandate.with_user(self.manager).action_unblock()
        self.assertEqual((mandate.state, mandate.block_reason), ("active", False))

    def test_the_last_collection_is_said_beforehand(self):
        mandate = self.make_mandate()
        mandate.with_user(self.user).action_mark_last()
        self.assertEqual(mandate.sequence_type, "FNAL")
        mandate.with_user(self.user).action_mark_not_last()
        self.assertEqual(mandate.sequence_type, "FRST")
        self.assertEqual(self.make_mandate(kind="one_off").sequence_type, "OOFF")

    def test_the_first_mandate_in_order_is_taken(self):
        later = self.make_mandate(sequence=20)
        first = self.make_mandate(iban=IBANS[1], sequence=5)
        mandates = self.env["billing.mandate"]
        day = date(2026, 3, 10)
        self.assertEqual(mandates._usable(self.customer, day), {self.customer.id: first})
        first.action_revoke()
        self.assertEqual(mandates._usable(self.customer, day), {self.customer.id: later})
        self.assertEqual(mandates._usable(self.customer, date(2029, 1, 1)), {})
        self.assertEqual(mandates._usable(self.env["res.partner"], day), {})

    def test_a_customer_counts_and_opens_its_mandates(self):
        mandate = self.make_mandate()
        customer = self.customer.with_user(self.user)
        self.assertEqual(customer.billing_mandate_count, 1)
        action = customer.action_open_billing_mandates()
        self.assertEqual(self.env["billing.mandate"].search(action["domain"]), mandate)

    def test_other_companies_do_not_see_it(self):
        mandate = self.make_mandate()
        company = self.make_company("Elsewhere")
        stranger = self.make_user(
            "elsewhere", "billing_operations.group_billing_manager", company=company
        )
        theirs = mandate.with_user(stranger).with_context(allowed_company_ids=company.ids)
        self.assertFalse(theirs.search([]))
        with self.assertRaises(AccessError):
            theirs.read(["reference"])
        with self.assertRaises(AccessError):
            theirs.action_revoke()

    def test_the_mandate_prints(self):
        mandate = self.make_mandate(scheme="B2B")
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("billing_operations.report_mandate", mandate.ids)[0]
            .decode()
        )
        for text in (mandate.reference, CREDITOR_ID, "Provider Ltd", "Alder Ltd", "not entitled"):
            self.assertIn(text, html)


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02")
class TestMandateImport(PaymentCase):
    HEAD = "Customer;IBAN;Reference;Signed;Last Collection\n"

    def dialog(self, *lines, user=None):
        return (
            self.env["billing.mandate.import"]
            .with_user(user or self.manager)
            .create({"file": self.as_file(self.HEAD + "\n".join(lines))})
        )

    def test_good_lines_become_mandates_and_bad_ones_say_why(self):
        self.make_mandate(reference="OLD")
        twins = [self.make_customer("Twin") for _number in range(2)]
        self.assertEqual(len(twins), 2)
        dialog = self.dialog(
            f"C1;{IBANS[1]};N-1;2025-06-01;2026-02-01",
            f"alder ltd;{IBANS[2]};N-2;2025-06-01;",
            f"Alder Ltd;{IBANS[2]};N-3;2020-06-01;",
            f"C1;{IBANS[2]};old;2025-06-01;",
            f"Nobody;{IBANS[2]};N-4;2025-06-01;",
            "Twin;DE00;N-5;2025-06-01;",
        )
        dialog.action_preview()
        self.assertEqual((dialog.good_count, dialog.problem_count), (2, 4))
        problems = {line.line_number: line.problem for line in dialog.line_ids if line.problem}
        self.assertIn("No customer", problems[3])
        self.assertIn("already", problems[5])
        self.assertIn("No customer", problems[6])
        self.assertIn("check digits", problems[7])
        self.assertIn("Several customers", problems[7])
        action = dialog.action_import()
        mandates = self.env["billing.mandate"].search(action["domain"], order="reference")
        self.assertEqual(mandates.mapped("reference"), ["N-1", "N-3"])
        self.assertEqual(mandates.mapped("state"), ["active", "expired"])
        self.assertEqual(mandates[0].sequence_type, "RCUR")
        self.assertEqual(mandates[0].announced_iban, IBANS[1])
        self.assertEqual(mandates[0].partner_id, self.customer)

    def test_a_second_import_of_the_same_file_changes_nothing(self):
        line = f"C1;{IBANS[1]};N-1;2025-06-01;"
        self.dialog(line).action_import()
        with self.assertRaisesRegex(UserError, "No line"):
            self.dialog(line).action_import()
        self.assertEqual(self.env["billing.mandate"].search_count([("reference", "=", "N-1")]), 1)

    def test_a_file_that_is_no_list_of_mandates_says_so(self):
        dialog = self.dialog()
        dialog.file = self.as_file("a;b\n")
        with self.assertRaisesRegex(UserError, "name the columns"):
            dialog.action_preview()
        dialog.file = False
        with self.assertRaisesRegex(UserError, "Choose the CSV file"):
            dialog.action_preview()

    def test_only_managers_import(self):
        with self.assertRaises(AccessError):
            self.dialog(user=self.user)


@tagged("post_install", "-at_install")
class TestMandatePortal(PaymentCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.mandate = self.make_mandate(active=False, partner_bank_id=False, signed_date=False)
        self.link = self.mandate._make_sign_link()
        self.path = self.link[self.link.index("/my/") :]
        self.token = self.path.partition("token=")[2]

    def page(self, path=None):
        self.env.flush_all()
        return self.url_open(path or self.path)

    def sign(self, csrf=None, **form):
        self.env.flush_all()
        self.authenticate(None, None)
        if csrf is None:
            page = self.page().text
            csrf = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        data = {
            "token": self.token,
            "csrf_token": csrf,
            "name": "Ann Alder",
            "iban": IBANS[2],
            "agree": "1",
            **form,
        }
        response = self.url_open(f"/my/mandates/{self.mandate.id}/sign", data=data)
        self.env.invalidate_all()
        return response

    def test_the_link_opens_it_and_nothing_else_does(self):
        self.authenticate(None, None)
        page = self.page()
        self.assertIn(CREDITOR_ID, page.text)
        self.assertIn("8 weeks", page.text)
        self.assertEqual(page.headers["Cache-Control"], "no-store")
        for path in (f"/my/mandates/{self.mandate.id}", f"/my/mandates/{self.mandate.id}?token=x"):
            self.assertNotIn(CREDITOR_ID, self.page(path).text)
        self.mandate.sudo().sign_until = "2026-01-01"
        self.assertNotIn(CREDITOR_ID, self.page().text)

    def test_signing_puts_name_day_and_place_on_record(self):
        page = self.sign(holder="Alder Holding", bic="")
        self.assertIn("is signed", page.text)
        mandate = self.mandate
        self.assertEqual((mandate.state, mandate.signed_name), ("active", "Ann Alder"))
        self.assertTrue(mandate.signed_ip and mandate.signed_moment and mandate.signed_date)
        self.assertEqual(mandate.iban, IBANS[2])
        self.assertEqual(mandate.partner_bank_id.acc_holder_name, "Alder Holding")
        self.assertNotIn(CREDITOR_ID, self.page().text, "the link is used up")

    def test_the_address_when_signed_has_no_empty_lines(self):
        self.mandate.partner_id.sudo().write({"street": "1 Hill", "street2": False, "city": "Cork"})
        self.sign()
        lines = self.mandate.signed_address.split("\n")
        self.assertEqual(lines[0], "1 Hill")
        self.assertTrue(all(lines), lines)

    def test_what_cannot_be_taken_is_said_and_nothing_is_signed(self):
        self.assertIn("check digits", self.sign(iban="DE00").text)
        self.assertIn("Write your name", self.sign(name=" ").text)
        self.assertIn("agree", self.sign(agree="").text)
        self.assertEqual(self.mandate.state, "draft")
        self.assertFalse(self.mandate.partner_bank_id)

    @mute_logger("odoo.http")
    def test_a_form_of_another_page_is_refused(self):
        self.assertEqual(self.sign(csrf="wrong").status_code, 400)
        self.assertEqual(self.mandate.state, "draft")

    def test_a_wrong_link_signs_nothing(self):
        self.sign(token="wrong")
        self.assertEqual(self.mandate.state, "draft")

    def test_it_is_signed_once(self):
        self.sign()
        with self.assertRaisesRegex(UserError, "signed already"):
            self.mandate._sign("Ann", IBANS[3])

    def test_the_mail_has_the_link(self):
        action = self.mandate.with_user(self.user).action_ask_to_sign()
        composer = self.env[action["res_model"]].with_context(**action["context"]).create({})
        self.assertIn(self.token, composer.body)
