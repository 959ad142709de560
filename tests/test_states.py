"""Every model with states: by its table alone, by its own methods alone, in people's words."""

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .every_model import EveryModelCase

MIXIN = "billing.state.mixin"
MODELS = {
    "accounting.export.connection",
    "accounting.export.item",
    "accounting.export.payment",
    "billing.bill",
    "billing.card.charge",
    "billing.charge",
    "billing.closing",
    "billing.cycle",
    "billing.delivery",
    "billing.error",
    "billing.job",
    "billing.mandate",
    "billing.overdue.notice",
    "billing.payment.line",
    "billing.payment.run",
    "billing.price.change",
    "billing.price.change.customer",
    "billing.price.change.line",
    "billing.print.bundle",
    "billing.run",
    "billing.run.report",
    "billing.run.undo",
    "billing.service",
    "billing.task",
    "billing.wallet",
    "cdr.archive",
    "cdr.file",
    "service.operation",
    "service.task",
}


@tagged("post_install", "-at_install")
class TestStates(EveryModelCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_records()
        mixin = cls.env.registry[MIXIN]
        cls.records = {
            name: cls.record_of(cls, cls.env[name]).with_env(cls.env)
            for name, model in cls.env.registry.items()
            if name != MIXIN and issubclass(model, mixin)
        }

    def each(self):
        """One record of every model with states."""
        self.assertTrue(all(self.records.values()))
        return [record for _name, record in sorted(self.records.items())]

    def labels(self, record):
        return dict(record._fields["state"]._description_selection(self.env))

    def in_state(self, record, state):
        """The same record as it would be in another state, in memory only."""
        return record.new({"state": state}, origin=record)

    def own_fields(self, record):
        """What people must not write; all fields where a model lets them write none."""
        names = record.with_user(self.manager)._own_names(record._fields)
        return sorted(name for name in names if record._fields[name].store)

    # === THE TABLE === #

    def test_every_model_with_a_state_that_people_see_moves_by_a_table(self):
        self.assertEqual(set(self.records), MODELS)

    def test_the_table_names_the_states_of_the_field(self):
        for record in self.each():
            with self.subTest(model=record._name):
                table = record._get_transitions()
                self.assertEqual(set(table), set(self.labels(record)))
                self.assertLessEqual(set().union(*table.values()), set(table))
                self.assertFalse([state for state, after in table.items() if state in after])
                self.assertEqual(
                    next(iter(table)), record.default_get(["state"])["state"], "starts elsewhere"
                )

    def test_what_the_table_does_not_name_is_refused_in_peoples_words(self):
        for record in self.each():
            with self.subTest(model=record._name):
                table, labels = record._get_transitions(), self.labels(record)
                for before, after in table.items():
                    for state in table.keys() - after - {before}:
                        here = self.in_state(record, before)
                        name = here.display_name
                        sentence = f"is {labels[before].lower()} and cannot become "
                        sentence += f"{labels[state].lower()}."
                        with self.assertRaises(UserError) as caught:
                            here._set_state(state)
                        self.assertTrue(str(caught.exception).endswith(sentence))
                        self.assertTrue(str(caught.exception).startswith(name))

    def test_what_the_table_names_is_let_through(self):
        for record in self.each():
            with self.subTest(model=record._name):
                for before, after in record._get_transitions().items():
                    for state in after:
                        here = self.in_state(record, before)
                        self.assertEqual(here._to_move(state), here)
                        with self.assertRaises(UserError):
                            here._to_move(state, sources=("elsewhere",))

    def test_repeating_a_transition_writes_nothing(self):
        for record in self.each():
            with self.subTest(model=record._name):
                with patch.object(type(record), "write", side_effect=AssertionError("written")):
                    self.assertFalse(record._set_state(record.state, {"state": record.state}))

    def test_an_addon_adds_states_by_its_own_rows(self):
        cycle = self.records["billing.cycle"]
        table = cycle._get_transitions()
        longer = {**table, "active": table["active"] | {"paused"}, "paused": {"active"}}
        here = self.in_state(cycle, "active")
        with patch.object(type(cycle), "_get_transitions", lambda self: longer):
            self.assertEqual(here._to_move("paused"), here)

    def test_state_and_values_are_written_at_once(self):
        bill = self.env["billing.bill"].search([("state", "=", "error")], limit=1)
        written = []
        write = type(bill).write
        with patch.object(
            type(bill), "write", lambda self, vals: written.append(vals) or write(self, vals)
        ):
            self.assertEqual(bill._set_state("pending", {"error_code": False}), bill)
        self.assertEqual(written, [{"state": "pending", "error_code": False}])
        self.assertFalse(bill._is_own())

    # === THE GUARD === #

    def test_nobody_writes_own_fields_over_rpc_whatever_the_context_says(self):
        for record in self.each():
            with self.subTest(model=record._name):
                keys = record._own().env.context.keys() - record.env.context.keys()
                self.assertEqual(len(keys), 1)
                names = self.own_fields(record)
                self.assertIn("state", names)
                states = [state for state in self.labels(record) if state != record.state]
                for name in names:
                    value = (
                        states[0] if name == "state" else record.read([name], load=None)[0][name]
                    )
                    for forged in (None, True, 1, "x", {"a": 1}):
                        context = dict.fromkeys(keys, forged) if forged else {}
                        with self.assertRaises(UserError, msg=name):
                            self.rpc(self.manager, record, "write", {name: value}, context=context)

    def test_what_a_models_own_methods_keep_no_other_code_writes_either(self):
        for record in self.each():
            with self.subTest(model=record._name):
                for name in record._own_fields:
                    with self.assertRaises(UserError, msg=name):
                        record.sudo().write({name: record[name]})
                record._own().write({"state": record.state})

    def test_a_record_that_always_starts_at_the_beginning_is_not_created_elsewhere(self):
        for record in self.each():
            with self.subTest(model=record._name):
                if record._get_start_text():
                    state = list(record._get_transitions())[-1]
                    with self.assertRaisesRegex(UserError, "starts as"):
                        record.create({"state": state})

    def test_own_fields_are_not_given_to_new_records_over_rpc(self):
        for name, field, values in (
            ("billing.service", "terms_from", {"partner_id": self.customer.id}),
            ("billing.run", "stage", {"cycle_id": self.records["billing.run"].cycle_id.id}),
            ("billing.run.undo", "confirmed_by_id", {"reason": "x"}),
        ):
            record = self.records[name]
            value = {"stage": "posting", "confirmed_by_id": self.manager.id}.get(
                field, "2026-01-01"
            )
            with self.subTest(model=name), self.assertRaises(UserError) as caught:
                model = record.browse().with_user(self.manager)
                call_kw(model, "create", [{**values, field: value}], {})
            self.assertNotIsInstance(caught.exception, AccessError)

    def test_mover_and_guard_cannot_be_called_over_rpc(self):
        for record in self.each():
            with self.subTest(model=record._name):
                for method in ("_set_state", "_to_move", "_own", "_is_own"):
                    with self.assertRaises(AccessError):
                        self.rpc(self.manager, record, method, "done")
