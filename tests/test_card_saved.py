"""Saved cards: who sees them, when they expire, and who is told."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, new_test_user, tagged

from .card_common import CardCase


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestSavedCards(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.make_card()

    def tell(self):
        self.env["payment.token"]._cron_tell_expiry()
        return self.env["mail.mail"].search([("model", "=", "payment.token")])

    def test_billing_users_write_the_expiry_as_it_is_printed(self):
        card = self.card.with_user(self.user)
        card.billing_expiry = "4/27"
        self.assertEqual(
            (card.billing_expiry, card.billing_expiry_date), ("04/2027", date(2027, 4, 30))
        )
        with self.assertRaisesRegex(ValidationError, "as printed"):
            card.billing_expiry = "next year"
        card.billing_expiry = False
        self.assertFalse(card.billing_expiry_date)
        admin = self.env.ref("base.user_admin")
        admin.company_ids += self.company
        with Form(card.with_user(admin), "payment.payment_token_form") as form:
            form.billing_expiry = "05/2027"
        self.assertEqual(card.billing_expiry, "05/2027")

    def test_of_a_card_they_write_nothing_else(self):
        card = self.card.with_user(self.user)
        for values in (
            {"active": False},
            {"provider_ref": "x"},
            {"partner_id": self.user.partner_id.id},
        ):
            with self.assertRaises(AccessError):
                card.write(values)
        with self.assertRaises(AccessError):
            card.create({"provider_id": self.provider.id})
        with self.assertRaises(AccessError):
            card.unlink()

    def test_customers_see_their_own_cards_and_others_none(self):
        theirs = self.make_card(self.make_payer("Other"))
        portal = new_test_user(self.env, "card_portal", groups="base.group_portal")
        portal.partner_id.parent_id = self.customer
        own = self.make_card(portal.partner_id, digits="5555")
        stranger = self.make_user("card_stranger", None)
        tokens = self.env["payment.token"]
        self.assertEqual(tokens.with_user(portal).search([]), own)
        self.assertFalse(tokens.with_user(stranger).search([("id", "in", (own + theirs).ids)]))
        self.assertLessEqual(own + theirs, tokens.with_user(self.user).search([]))
        for user in (portal, stranger):
            with self.assertRaises(AccessError):
                own.with_user(user).write({"billing_expiry": "04/2027"})
        company = self.make_company("Elsewhere")
        foreign = self.make_user(
            "card_foreign", "billing_operations.group_billing_user", company=company
        )
        foreign = tokens.with_user(foreign).with_context(allowed_company_ids=company.ids)
        self.assertFalse(foreign.search([("id", "in", (own + theirs).ids)]))

    def test_the_customers_button_opens_the_cards(self):
        partner = self.customer.with_user(self.user)
        self.assertEqual(partner.billing_card_count, 1)
        action = partner.action_open_billing_cards()
        self.assertEqual(self.env["payment.token"].search(action["domain"]), self.card)
        with self.assertRaises(AccessError):
            self.customer.with_user(self.make_user("no_billing_c", None)).billing_card_count  # noqa: B018

    def test_customers_are_told_once_that_a_card_expires(self):
        self.card.billing_expiry = "04/2026"
        self.assertFalse(self.tell(), "more than 30 days")
        with freeze_time("2026-04-01 08:00:00"):
            mail = self.tell()
            self.assertIn("04/2026", mail.subject)
            self.assertIn("/my/payment_method", mail.body_html)
            self.assertEqual(self.card.billing_expiry_told, date(2026, 4, 1))
            self.assertEqual(self.card.billing_expiry_state, "soon")
            self.assertEqual(self.tell(), mail)
            self.card.billing_expiry = "03/2026"
            self.assertEqual(self.tell(), mail, "it has expired already")
            self.assertEqual(self.card.billing_expiry_state, "expired")
            self.card.billing_expiry = "04/2026"
            self.assertEqual(len(self.tell()), 2, "a corrected date is told anew")

    def test_only_cards_that_are_charged_are_told_of(self):
        self.card.billing_expiry = "03/2026"
        self.customer.billing_payment_preference = "transfer"
        self.assertFalse(self.tell())
        self.customer.billing_payment_preference = "card"
        newer = self.make_card(digits="2222", billing_expiry="03/2026")
        mail = self.tell()
        self.assertEqual(mail.res_id, newer.id)

    def test_filters_find_cards_by_validity(self):
        self.card.billing_expiry = "02/2026"
        soon = self.make_card(digits="2222", billing_expiry="03/2026")
        valid = self.make_card(digits="3333", billing_expiry="03/2027")
        tokens = self.env["payment.token"].with_user(self.user)
        for state, card in (("expired", self.card), ("soon", soon), ("valid", valid)):
            self.assertEqual(tokens.search([("billing_expiry_state", "=", state)]), card)

    def test_the_customers_page_says_what_is_being_charged(self):
        invoice = self.make_invoice(amount=100)
        with self.card_provider("pending"):
            self.submit(self.make_payment_run())
        [record] = self.card.get_linked_records_info()
        self.assertEqual((record["name"], record["id"]), (invoice.name, invoice.id))


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestChargeAccess(CardCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.make_card()
        cls.make_invoice(amount=100)
        with cls.card_provider("silent"):
            cls.payment_run = cls.submit(cls.make_payment_run())
        cls.charge = cls.env["billing.card.charge"].search([("run_id", "=", cls.payment_run.id)])

    def test_others_neither_see_nor_move_charges(self):
        portal = new_test_user(self.env, "charge_portal", groups="base.group_portal")
        stranger = self.make_user("charge_stranger", None)
        company = self.make_company("Elsewhere")
        foreign = self.make_user(
            "charge_foreign", "billing_operations.group_billing_manager", company=company
        )
        for user in (portal, stranger, foreign):
            charge = self.charge.with_user(user).with_context(
                allowed_company_ids=user.company_ids.ids
            )
            for step in (
                "action_was_charged",
                "action_was_not_charged",
                "action_ask_provider",
                "action_give_up",
                "action_try_now",
                "action_ask_was_charged",
                "action_ask_try_now",
            ):
                with self.subTest(user=user.login, step=step), self.assertRaises(AccessError):
                    getattr(charge, step)()
            with self.assertRaises(AccessError):
                charge.read(["amount"])
        self.assertEqual(self.charge.state, "unknown")

    def test_billing_users_see_charges_and_write_none(self):
        charge = self.charge.with_user(self.user)
        self.assertEqual(charge.read(list(charge.fields_get()))[0]["state"], "unknown")
        with self.assertRaises(UserError):
            charge.write({"state": "done"})

    def test_the_lists_open(self):
        self.env.flush_all()
        for xmlid in ("billing_card_charge_action", "billing_card_action"):
            action = self.env.ref(f"billing_operations.{xmlid}")
            model = self.env[action.res_model].with_user(self.user)
            views = model.get_views([(False, "list"), (False, "form"), (False, "search")])
            self.assertIn("list", views["views"])
