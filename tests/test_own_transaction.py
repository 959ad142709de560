"""What stands whatever becomes of the transaction that asks for it, and what leaves no trace."""

from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.tests import TransactionCase, tagged

from ..billing_tasks.hooks import trying
from ..billing_tasks.journal import WorkerJournal
from ..billing_tasks.own_transaction import own_transaction

KEY = "billing_operations.test_own_transaction"


@tagged("post_install", "-at_install")
class TestOwnTransaction(TransactionCase):
    @contextmanager
    def rolled_back(self, **context):
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, context)
            cr.rollback()

    def kept(self):
        with self.rolled_back() as env:
            return env["ir.config_parameter"].get_param(KEY)

    def forget(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["ir.config_parameter"].search([("key", "=", KEY)]).unlink()

    def test_what_a_task_keeps_stands_when_the_task_is_rolled_back(self):
        self.addCleanup(self.forget)
        journal = WorkerJournal(self.registry)
        with (
            self.rolled_back(billing_task_journal=journal) as env,
            own_transaction(env["ir.config_parameter"]) as parameters,
        ):
            parameters.set_param(KEY, "kept")
        self.assertEqual(self.kept(), "kept")

    def test_outside_of_tasks_it_belongs_to_the_transaction_that_asks(self):
        with (
            self.rolled_back() as env,
            own_transaction(env["ir.config_parameter"]) as parameters,
        ):
            parameters.set_param(KEY, "kept")
        self.assertFalse(self.kept())


@tagged("post_install", "-at_install")
class TestTrying(TransactionCase):
    def test_what_fails_leaves_neither_rows_nor_hooks(self):
        hooks = self.env.cr.postcommit
        functions = list(hooks._funcs)
        counts, names, places = {1: 1}, ["first"], {1}
        before = {"counts": counts, "names": names, "places": places, "number": 1}
        hooks.data.update(before)
        self.addCleanup(lambda: [hooks.data.pop(key, None) for key in (*before, "more")])
        with self.assertRaises(ZeroDivisionError), trying(self.env.cr):
            self.env["ir.config_parameter"].set_param(KEY, "tried")
            hooks.add(self.fail)
            counts[2] = 1
            counts[1] = 5
            names.append("second")
            places.add(2)
            hooks.data["number"] = 2
            hooks.data["more"] = {}
            _ = 1 / 0
        self.assertFalse(self.env["ir.config_parameter"].get_param(KEY))
        self.assertEqual(list(hooks._funcs), functions)
        self.assertEqual({key: hooks.data[key] for key in before}, before)
        self.assertNotIn("more", hooks.data)
        # Hooks that are registered hold on to these.
        self.assertIs(hooks.data["counts"], counts)
        self.assertIs(hooks.data["names"], names)
        self.assertIs(hooks.data["places"], places)
        self.assertEqual((counts, names, places), ({1: 1}, ["first"], {1}))

    def test_what_succeeds_keeps_both(self):
        hooks = self.env.cr.postcommit
        self.addCleanup(hooks.data.pop, "kept", None)
        with trying(self.env.cr):
            self.env["ir.config_parameter"].set_param(KEY, "tried")
            hooks.data["kept"] = 1
        self.assertEqual(self.env["ir.config_parameter"].get_param(KEY), "tried")
        self.assertEqual(hooks.data["kept"], 1)
