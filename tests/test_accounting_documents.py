"""What of Odoo's customers and invoices is sent: amounts, mappings, what is missing, and whose it is."""

from datetime import date
from decimal import Decimal

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .accounting_common import AccountingCase

D = Decimal


@tagged("post_install", "-at_install")
class TestDocuments(AccountingCase):
    def setUp(self):
        super().setUp()
        self.connection = self.make_connection()
        self.item = self.sent_customer(self.customer)

    def sent_customer(self, partner):
        item = (
            self.env["accounting.export.item"]
            ._own()
            .create(
                {
                    "connection_id": self.connection.id,
                    "kind": "customer",
                    "partner_id": partner.id,
                    "reference": f"r{partner.id}",
                }
            )
        )
        item._set_state("sent", {"other_id": f"there {partner.id}"})
        return item

    def document(self, move):
        return self.connection._documents(move)[move.id]

    def problem(self, move):
        made = self.document(move)
        self.assertIsInstance(made, Exception)
        return made.code

    def test_an_invoice_has_its_own_totals(self):
        move = self.make_invoice(3.35, 3.35, 3.35, 20.0)
        made = self.document(move)
        self.assertEqual((made.kind, made.number, made.currency), ("invoice", move.name, "USD"))
        self.assertEqual(made.customer, f"there {self.customer.id}")
        self.assertEqual((made.date, made.due_date), (date(2026, 2, 1), date(2026, 3, 1)))
        self.assertIsNone(made.rate)
        self.assertEqual(made.untaxed, D("30.05"))
        self.assertEqual(made.total, D(f"{move.amount_total:.2f}"))
        self.assertEqual({line.account for line in made.lines}, {"200"})
        self.assertEqual({line.tax_type for line in made.lines}, {"OUTPUT2"})

    def test_a_credit_note_is_positive_and_says_so(self):
        move = self.make_invoice(100.0, refund=True)
        made = self.document(move)
        self.assertEqual((made.kind, made.total), ("credit", D("115.00")))

    def test_quantities_discounts_and_negative_lines_come_to_the_same(self):
        move = self.make_invoice(10.0, post=False)
        move.invoice_line_ids.write({"quantity": 3, "discount": 33.333})
        move.invoice_line_ids = [
            Command.create(
                {
                    "product_id": self.product.id,
                    "quantity": 7,
                    "price_unit": 1.005,
                    "tax_ids": [Command.clear()],
                }
            ),
            Command.create(
                {
                    "product_id": self.product.id,
                    "name": "Back",
                    "price_unit": -5.0,
                    "tax_ids": [Command.set(self.tax.ids)],
                }
            ),
            Command.create({"display_type": "line_section", "name": "Not sent"}),
        ]
        move.action_post()
        made = self.document(move)
        self.assertEqual(len(made.lines), 3)
        self.assertEqual(made.total, D(f"{move.amount_total:.2f}"))
        for line in made.lines:
            self.assertEqual(round(line.quantity * line.unit_price, 2), line.amount)

    def test_prices_with_tax_are_sent_without(self):
        inside = self.make_tax("15% inside", 15, price_include_override="tax_included")
        self.map(self.connection, "tax", tax_id=inside.id, code="OUTPUT2")
        move = self.make_invoice(9.99, 9.99, 9.99, post=False)
        move.invoice_line_ids.tax_ids = inside
        move.action_post()
        made = self.document(move)
        self.assertEqual(made.total, D(f"{move.amount_total:.2f}"))
        self.assertEqual(made.untaxed, D(f"{move.amount_untaxed:.2f}"))

    def test_another_currency_has_its_rate(self):
        eur = self.env.ref("base.EUR")
        eur.active = True
        self.env["res.currency.rate"].create(
            {
                "name": date(2026, 1, 1),
                "currency_id": eur.id,
                "company_id": self.company.id,
                "rate": 0.8,
            }
        )
        move = self.make_invoice(100.0, currency_id=eur.id)
        made = self.document(move)
        self.assertEqual((made.currency, made.rate), ("EUR", D("0.800000")))
        self.assertEqual(made.total, D("115.00"))

    def test_a_reverse_charge_has_no_tax_to_send(self):
        shares = [
            Command.create({"repartition_type": "base"}),
            Command.create({"repartition_type": "tax", "factor_percent": 100}),
            Command.create({"repartition_type": "tax", "factor_percent": -100}),
        ]
        reverse = self.make_tax(
            "Reverse",
            15,
            invoice_repartition_line_ids=shares,
            refund_repartition_line_ids=shares,
        )
        self.map(self.connection, "tax", tax_id=reverse.id, code="REVERSE")
        move = self.make_invoice(100.0, post=False)
        move.invoice_line_ids.tax_ids = reverse
        move.action_post()
        made = self.document(move)
        self.assertEqual((made.tax, made.total), (D("0.00"), D("100.00")))

    def test_what_cannot_be_sent_says_why(self):
        other = self.make_customer("Birch")
        self.assertEqual(self.problem(self.make_invoice(partner=other)), "customer")
        self.assertEqual(self.problem(self.make_invoice(post=False)), "not_posted")
        two = self.make_invoice(post=False)
        two.invoice_line_ids.tax_ids = self.tax | self.make_tax("City 1%", 1)
        two.action_post()
        self.assertEqual(self.problem(two), "taxes")
        self.connection.account_mapping_ids.unlink()
        made = self.document(self.make_invoice())
        self.assertEqual(made.code, "account")
        self.assertIn("411100", str(made))

    def test_lines_of_one_account_tax_and_tracking_are_one_line_where_wanted(self):
        self.connection.line_detail = "summed"
        move = self.make_invoice(1.11, 2.22, 3.33)
        made = self.document(move)
        self.assertEqual(len(made.lines), 1)
        self.assertEqual(made.total, D(f"{move.amount_total:.2f}"))

    def test_analytic_accounts_are_tracked_where_wanted(self):
        plan = self.env["account.analytic.plan"].create({"name": "Regions"})
        north, south = self.env["account.analytic.account"].create(
            [{"name": name, "plan_id": plan.id} for name in ("North", "South")]
        )
        move = self.make_invoice(100.0, post=False)
        move.invoice_line_ids.analytic_distribution = {str(north.id): 60, str(south.id): 40}
        move.action_post()
        self.assertEqual(len(self.document(move).lines), 1)
        self.connection.use_tracking = True
        self.assertEqual(self.problem(move), "tracking")
        found = self.connection._unmapped([("id", "=", move.id)])
        self.assertEqual({(kind, count) for kind, _name, count in found}, {("tracking", 1)})
        for account in (north, south):
            self.map(
                self.connection,
                "tracking",
                analytic_account_id=account.id,
                category="Region",
                code=account.name,
            )
        made = self.document(move)
        self.assertEqual(
            [(line.amount, line.tracking) for line in made.lines],
            [(D("60.00"), (("Region", "North"),)), (D("40.00"), (("Region", "South"),))],
        )
        self.assertEqual(made.total, D("115.00"))
        self.assertEqual(self.connection._unmapped([("id", "=", move.id)]), [])

    def test_what_is_not_mapped_is_named_before_sending(self):
        first, second = self.make_invoice(), self.make_invoice()
        other = self.make_tax("Sales 7%", 7)
        second.button_draft()
        second.invoice_line_ids.tax_ids = other
        second.action_post()
        self.connection.account_mapping_ids.unlink()
        text = self.connection._unmapped_text(
            self.connection._unmapped([("id", "in", (first | second).ids)])
        )
        self.assertIn("411100 Hosting Sales (2 documents)", text)
        self.assertIn("Sales 7% (1 document)", text)
        self.assertIn(text, self.connection._invoices_question())
        self.connection.invalidate_recordset()
        self.assertEqual(self.connection.unmapped_text, text)


@tagged("post_install", "-at_install")
class TestMappings(AccountingCase):
    def test_each_record_is_mapped_once(self):
        connection = self.make_connection()
        for kind, values in (
            ("account", {"account_id": self.income.id}),
            ("tax", {"tax_id": self.tax.id}),
            ("tax", {}),
        ):
            with (
                self.subTest(kind=kind),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.map(connection, kind, code="x", **values)

    def test_a_mapping_names_what_its_kind_says(self):
        connection = self.make_connection()
        for kind, values in (
            ("account", {"tax_id": self.tax.id}),
            ("account", {}),
            ("journal", {"account_id": self.income.id}),
            ("tracking", {}),
        ):
            with (
                self.subTest(kind=kind),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.map(connection, kind, code="x", **values)

    def test_accounts_of_another_company_are_refused(self):
        other = self.make_company("Other Provider")
        foreign = self.env["account.account"].search(
            [("company_ids", "in", other.ids), ("account_type", "=", "income")], limit=1
        )
        connection = self.make_connection()
        with self.assertRaises(UserError):
            self.map(connection, "account", account_id=foreign.id, code="1")
        tax = self.env["account.tax"].search([("company_id", "=", other.id)], limit=1)
        with self.assertRaises(UserError):
            self.map(connection, "tax", tax_id=tax.id, code="1")


@tagged("post_install", "-at_install")
class TestRights(AccountingCase):
    def setUp(self):
        super().setUp()
        self.connection = self.make_connection()
        self.move = self.make_invoice()

    def test_a_company_works_with_one_connection(self):
        other = self.make_connection("xero", active=False)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            other._set_state("active")
        self.connection.with_user(self.administrator).action_close()
        other._set_state("active")
        self.assertEqual(self.connection._of_company(self.company), other)

    def test_managers_map_and_administrators_connect(self):
        as_user = self.connection.with_user(self.user)
        as_manager = self.connection.with_user(self.manager)
        as_manager.date_from = date(2026, 1, 2)
        as_manager.account_mapping_ids.code = "201"
        with self.assertRaises(AccessError):
            as_user.date_from = date(2026, 1, 3)
        with self.assertRaises(AccessError):
            as_user.account_mapping_ids.code = "202"
        for values in (
            {"client_id": "x"},
            {"scopes": "x"},
            {"grant": "client"},
            {"client_secret": "x"},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                as_manager.write(values)
        for name in ("action_connect", "action_disconnect", "action_close", "action_choose_tenant"):
            for person in (as_user, as_manager):
                with self.subTest(name=name), self.assertRaises(AccessError):
                    getattr(person, name)()

    def test_secrets_are_read_by_nobody(self):
        connection = self.make_connection("xero", active=False)
        secret = connection._secret()
        self.assertTrue(connection.has_secret)
        for person in (self.user, self.manager, self.administrator):
            with self.assertRaises(AccessError):
                secret.with_user(person).read(["client_secret"])
            with self.assertRaises(AccessError):
                self.env["accounting.export.login"].with_user(person).search([])
        seen = connection.with_user(self.administrator).read()[0]
        self.assertFalse(seen["client_secret"])
        self.assertNotIn("client-password", str(seen))
        with self.assertRaises(AccessError):
            connection.with_user(self.manager).read(["client_secret"])

    def test_nobody_writes_states_or_items_by_hand(self):
        self.connection.with_user(self.user).action_send_customers()
        item = self.items("customer")
        for person in (self.user, self.manager, self.administrator):
            with self.assertRaises(UserError):
                self.connection.with_user(person).state = "draft"
            with self.assertRaises(UserError):
                item.with_user(person).state = "sent"
            with self.assertRaises(UserError):
                item.with_user(person).copy()
            with self.assertRaises(UserError):
                self.env["accounting.export.payment"].with_user(person).create({})
        with self.assertRaises(UserError):
            item.sudo().write({"other_id": "x"})

    def test_another_company_sees_and_sends_nothing(self):
        other = self.make_company("Other Provider")
        stranger = self.make_user(
            "export_stranger", "billing_operations.group_billing_manager", other
        )
        self.connection.with_user(self.user).action_send_customers()
        item = self.items("customer")
        for record in (self.connection, item, self.connection.mapping_ids[0]):
            mine = record.with_user(stranger).with_context(allowed_company_ids=other.ids)
            self.assertFalse(mine.search([]))
            with self.assertRaises(AccessError):
                mine.read(["display_name"])
        foreign = self.connection.with_user(stranger).with_context(allowed_company_ids=other.ids)
        for name in ("action_send_customers", "action_send_invoices", "action_fetch_payments"):
            with self.subTest(name=name), self.assertRaises(AccessError):
                getattr(foreign, name)()
        run = self.env["billing.run"].with_company(other)
        self.assertFalse(self.env["accounting.export.connection"]._of_company(other))
        self.assertTrue(run is not None)

    def test_people_without_billing_see_nothing(self):
        nobody = self.make_user("export_nobody", None)
        for model in ("connection", "item", "payment", "file", "mapping", "choice", "candidate"):
            records = self.env[f"accounting.export.{model}"].with_user(nobody)
            with self.subTest(model=model), self.assertRaises(AccessError):
                records.search([])

    def test_what_was_sent_stays_on_record(self):
        self.connection.with_user(self.user).action_send_customers()
        self.work()
        item = self.items("customer")
        self.assertEqual(item.state, "sent")
        with self.assertRaises(UserError):
            item.unlink()
        with self.assertRaises(UserError):
            self.connection.kind = "xero"
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.connection.unlink()
