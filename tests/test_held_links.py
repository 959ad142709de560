"""Links that the database does not look up row by row: it keeps what they name all the same."""

from datetime import date

import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..services.loose_many2one import HeldMany2one, LooseMany2one, drop_holds
from .prepaid_common import PrepaidCase

START = date(2026, 5, 1)


@tagged("post_install", "-at_install")
class TestHeldLinks(PrepaidCase):
    def links(self, kind):
        return [
            (model._table, field.name, self.env[field.comodel_name]._table)
            for model in self.env.registry.values()
            if model._auto and not model._abstract
            for field in model._fields.values()
            if isinstance(field, kind) and field.store and field.column_type
        ]

    def query(self, statement, *arguments):
        self.env.cr.execute(statement, arguments)
        return self.env.cr.fetchall()

    def foreign_keys(self, table):
        return self.query(
            "SELECT conrelid::regclass::text, attname FROM pg_constraint"
            " JOIN pg_attribute ON attrelid = conrelid AND conkey = ARRAY[attnum]"
            " WHERE contype = 'f' AND conrelid = %s::regclass",
            table,
        )

    def refused(self, statement, *arguments):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.IntegrityError) as caught,
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(statement, arguments)
        return caught.exception

    def make_day(self):
        """Debit a day of a service with an add-on; return its charges."""
        partner = self.make_prepaid_customer("Held", 100)
        self.service = self.make_service(partner, self.mobile, START)
        self.run = self.run_day(START)
        charges = self.service.charge_ids
        self.env.flush_all()
        self.assertTrue(charges.wallet_transaction_id)
        return charges

    def test_what_is_held_is_refused_by_the_table_at_the_other_end(self):
        held = self.links(HeldMany2one)
        self.assertIn(("billing_charge", "service_id", "billing_service"), held)
        self.assertIn(("billing_wallet_transaction", "run_id", "billing_run"), held)
        for table, column, other in held:
            with self.subTest(link=f"{table}.{column}"):
                name = f"hold_{table}_{column}"
                self.assertLess(len(name), 64)
                found = self.query(
                    "SELECT tgname FROM pg_trigger WHERE tgname = %s AND tgrelid = %s::regclass"
                    " AND tgenabled = 'O'",
                    name,
                    other,
                )
                self.assertEqual(found, [(name,)])

    def test_what_is_held_is_held_as_its_field_says(self):
        for model in self.env.registry.values():
            for field in model._fields.values():
                if isinstance(field, HeldMany2one):
                    with self.subTest(field=str(field)):
                        self.assertEqual(field.ondelete, "restrict")

    def test_an_update_of_an_older_database_makes_holds_of_its_foreign_keys(self):
        charge = self.make_day()
        field, table = charge._fields["service_id"], "billing_charge"
        self.env.cr.execute("DROP TRIGGER hold_billing_charge_service_id ON billing_service")
        self.env.cr.execute(
            "ALTER TABLE billing_charge ADD FOREIGN KEY (service_id)"
            " REFERENCES billing_service (id) ON DELETE RESTRICT"
        )
        self.env.cr.execute(
            "CREATE INDEX billing_service__rated_up_to_index ON billing_service (id)"
        )
        for _again in range(2):
            self.env.registry.init_models(self.env.cr, [charge._name, "billing.service"], {})
        self.assertNotIn((table, field.name), self.foreign_keys(table))
        self.assertIn((table, "product_id"), self.foreign_keys(table))
        self.test_what_is_held_is_refused_by_the_table_at_the_other_end()
        self.test_services_that_are_rated_move_without_an_index()

    def test_nothing_is_looked_up_row_by_row(self):
        for table, column, _other in self.links(LooseMany2one):
            with self.subTest(link=f"{table}.{column}"):
                self.assertNotIn((table, column), self.foreign_keys(table))

    def test_what_charges_and_debits_name_is_not_deleted(self):
        charge = self.make_day()
        wallet = charge.wallet_transaction_id.wallet_id
        # The other tables that name these rows are out of the way: the holds alone refuse.
        self.env.cr.execute("DELETE FROM billing_service_version WHERE TRUE")
        for table, record in (
            ("billing_service", self.service),
            ("billing_run", self.run),
            ("billing_wallet", wallet),
        ):
            with self.subTest(table=table):
                error = self.refused(f"DELETE FROM {table} WHERE id = %s", record.id)
                self.assertIn("is named by", str(error))
        for table, record in (
            ("product_product", charge.product_id),
            ("res_currency", charge.currency_id),
            ("res_company", charge.company_id),
        ):
            with self.subTest(table=table):
                self.refused(f"DELETE FROM {table} WHERE id = %s", record.id)

    def delete_whom_a_charge_names(self):
        """Return the error of deleting a customer whom nothing but a charge names."""
        charge = self.make_day()
        partner = self.make_customer("Once charged")
        self.env.cr.execute(
            "UPDATE billing_charge SET partner_id = %s WHERE id = %s", [partner.id, charge.id]
        )
        return self.refused("DELETE FROM res_partner WHERE id = %s", partner.id)

    def test_what_nothing_else_names_is_held_by_charges_alone(self):
        error = self.delete_whom_a_charge_names()
        self.assertEqual(
            (error.diag.table_name, error.diag.column_name), ("billing_charge", "partner_id")
        )
        other = self.make_customer("Never charged")
        other.unlink()
        self.assertFalse(other.exists())

    def test_people_are_told_which_link_is_in_the_way(self):
        error = self.delete_whom_a_charge_names()
        message = self.env["billing.charge"]._sql_error_to_message(error)
        self.assertIn("Another model is using the record", message)
        self.assertIn("'Charge' (billing.charge)", message)

    def test_a_transaction_of_a_wallet_that_is_not_there_is_refused(self):
        wallet = self.wallet
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(
                "INSERT INTO billing_wallet_transaction (wallet_id, company_id, currency_id, date,"
                " kind, amount, granted_amount, balance_after, source_key, reason)"
                " VALUES (%s, %s, %s, now(), 'credit', 1, 0, 1, 'nowhere', 'x')",
                [2**31 - 1, wallet.company_id.id, wallet.currency_id.id],
            )

    def test_the_holds_go_with_the_addon(self):
        def holds():
            return self.query("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'hold\\_%%'")[0][0]

        self.assertGreaterEqual(holds(), len(self.links(HeldMany2one)))
        with self.env.cr.savepoint() as savepoint:
            drop_holds(self.env)
            self.assertEqual(holds(), 0)
            savepoint.rollback()

    def test_services_that_are_rated_move_without_an_index(self):
        indexes = self.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'billing_service'")
        for (definition,) in indexes:
            self.assertNotIn("rated_up_to", definition)
            self.assertNotIn("next_billing_date", definition)
