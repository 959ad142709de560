"""Databases of earlier versions: what an update makes of their rows."""

import importlib.util
from datetime import date
from pathlib import Path

from odoo.tests import tagged

from .test_ledger import LedgerCase

FOLDER = Path(__file__).resolve().parents[1] / "migrations"


def script(name):
    """Return a migration script as a module."""
    spec = importlib.util.spec_from_file_location(Path(name).stem.replace("-", "_"), FOLDER / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@tagged("post_install", "-at_install")
class TestLedgerMigration(LedgerCase):
    def migrate(self, name):
        self.env.flush_all()
        script(name).migrate(self.env.cr, "19.0.1.0.0")
        self.env.invalidate_all()

    def test_credits_find_the_charges_they_take_back(self):
        service = self.active(date(2026, 4, 1), disk=4)
        self.run_on(date(2026, 5, 1))
        service._change(date(2026, 4, 16), {"price": 60.0})
        service._change(date(2026, 4, 21), {"price": 90.0})
        names = ("credited_id", "charged_until", "invoiced_amount")
        before = service.charge_ids.sorted("id").read(names)
        self.assertTrue(any(row["charged_until"] for row in before))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE billing_charge SET credited_id = NULL, charged_until = NULL,"
            " invoiced_amount = NULL WHERE service_id = %s",
            [service.id],
        )
        self.migrate("19.0.1.1.0/post-ledger.py")
        self.assertEqual(service.charge_ids.sorted("id").read(names), before)
        service._terminate(date(2026, 4, 11))
        self.assertEqual(self.total(service), 10.0 + 2.0)

    def test_what_added_up_to_zero_is_settled_and_what_was_waived_stays_waived(self):
        service = self.active(date(2026, 4, 1))
        self.run_on(date(2026, 4, 1))
        service._terminate(date(2026, 4, 1))
        other = self.active(date(2026, 5, 1))
        run = self.run_on(date(2026, 5, 1))
        waived = self.active(date(2026, 5, 1))._rate(date(2026, 5, 1))
        waived._waive("Goodwill")
        netted = self.bill_of(run, self.customer).charge_ids
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE billing_charge charge SET state = 'waived', waive_reason = bill.error_message"
            " FROM billing_bill bill WHERE bill.id = charge.bill_id AND charge.id = ANY(%s)",
            [netted.ids],
        )
        self.migrate("19.0.1.1.0/post-ledger.py")
        self.assertEqual(set(netted.mapped("state")), {"settled"})
        self.assertEqual(waived.state, "waived")
        self.assertIn(other.charge_ids, netted)

    def test_setups_still_to_be_charged_keep_their_price(self):
        self.tariff.setup_price = 25.0
        service = self.active(date(2026, 4, 1))
        self.env.flush_all()
        self.env.cr.execute(
            "ALTER TABLE billing_service DROP CONSTRAINT billing_service_setup_has_product"
        )
        self.env.cr.execute(
            "UPDATE billing_service SET setup_price = NULL, setup_product_id = NULL WHERE id = %s",
            [service.id],
        )
        self.migrate("19.0.1.1.0/pre-setup.py")
        charge = service._rate(date(2026, 4, 1)).filtered(lambda c: c.kind == "setup")
        self.assertEqual((charge.amount, charge.product_id), (25.0, self.product))

    def test_steps_of_the_machine_are_marked_and_tasks_know_their_run_and_tries(self):
        run = self.make_run(self.make_cycle(self.scheme, name="Moved"))
        task = self.env["billing.task"].enqueue("run_report", run)
        self.env.cr.execute("UPDATE billing_task SET run_id = NULL, attempt_count = NULL")
        self.env.cr.execute(
            "UPDATE billing_task SET state = 'failed', retry_count = 5 WHERE id = %s", [task.id]
        )
        advance = self.env.ref("billing_operations.task_type_run_advance")
        self.env.cr.execute("UPDATE billing_task_type SET is_machine = FALSE")
        self.migrate("19.0.1.1.0/post-tasks.py")
        self.env.invalidate_all()
        self.assertTrue(advance.is_machine)
        self.assertEqual((task.run_id, task.attempt_count), (run, 6))
        self.assertFalse(self.env.ref("billing_operations.task_type_run_rate").is_machine)
