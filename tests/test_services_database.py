"""What services ask of the database: its extension, and locks between two connections."""

from datetime import date
from types import SimpleNamespace

from psycopg2.errors import InsufficientPrivilege, LockNotAvailable, SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from ..services.hooks import create_extensions


@tagged("post_install", "-at_install")
class TestExtension(TransactionCase):
    def test_the_extension_is_created_where_it_is_missing(self):
        create_extensions(self.env)
        self.env.cr.execute("SELECT count(*) FROM pg_extension WHERE extname = 'btree_gist'")
        self.assertEqual(self.env.cr.fetchone(), (1,))

    @mute_logger("odoo.sql_db")
    def test_a_role_that_may_not_create_it_is_told_who_must_do_what(self):
        class Cursor:
            """A cursor of a role without the right, on a database without the extension."""

            dbname = "company"
            savepoint = self.env.cr.savepoint

            def execute(self, query):
                if query.startswith("CREATE"):
                    raise InsufficientPrivilege("permission denied")

            def fetchone(self):
                return None

        env = SimpleNamespace(cr=Cursor(), _=self.env._)
        with self.assertRaisesRegex(UserError, "CREATE EXTENSION btree_gist in database company"):
            create_extensions(env)


@tagged("post_install", "-at_install")
class TestTwoConnections(TransactionCase):
    """Two workers rate one service: the second waits, then finds nothing left to charge."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"tracking_disable": True})
            product = env["product.product"].create({"name": "Locks", "type": "service"})
            scheme = env["billing.term.scheme"].create({"name": "Locks"})
            tariff = env["billing.tariff"].create(
                {
                    "name": "Locks",
                    "product_id": product.id,
                    "term_scheme_id": scheme.id,
                    "price": 30.0,
                }
            )
            partner = env["res.partner"].create({"name": "Locks"})
            service = env["billing.service"].create(
                {"partner_id": partner.id, "tariff_id": tariff.id}
            )
            service._activate(date(2026, 1, 1))
            self.service_id = service.id
            made = (service, tariff, scheme, partner, product.product_tmpl_id)
            self.made = [(record._table, record.id) for record in made]
        self.addCleanup(self.clean)

    def clean(self):
        with self.registry.cursor() as cr:
            cr.execute("DELETE FROM billing_charge WHERE service_id = %s", [self.service_id])
            for table, record_id in self.made:
                cr.execute(f"DELETE FROM {table} WHERE id = %s", [record_id])

    def service(self, cr):
        return api.Environment(cr, SUPERUSER_ID, {})["billing.service"].browse(self.service_id)

    @mute_logger("odoo.sql_db")
    def test_the_second_waits_for_the_first(self):
        with self.registry.cursor() as first, self.registry.cursor() as second:
            self.assertEqual(len(self.service(first)._rate(date(2026, 1, 1))), 1)
            second.execute("SET LOCAL lock_timeout = '200ms'")
            with self.assertRaises(LockNotAvailable):
                self.service(second)._rate(date(2026, 1, 1))
            second.rollback()
            first.commit()
            self.assertFalse(self.service(second)._rate(date(2026, 1, 1)))

    @mute_logger("odoo.sql_db")
    def test_one_that_looked_before_the_first_was_done_must_look_again(self):
        with self.registry.cursor() as first, self.registry.cursor() as second:
            self.assertEqual(self.service(second).rated_up_to, date(2026, 1, 1))
            self.service(first)._rate(date(2026, 1, 1))
            first.commit()
            with self.assertRaises(SerializationFailure):
                self.service(second)._rate(date(2026, 1, 1))
            second.rollback()
            self.assertFalse(self.service(second)._rate(date(2026, 1, 1)))
