"""What holds for every limit of every model: it stays, whatever becomes of its records."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCase

ADDON = "billing_operations"
MIXIN = "billing.limited.mixin"
# Every other many2many field of the addon's models, and why it limits nothing.
NOT_LIMITS = {
    "billing.tariff.portal_target_ids": "none lets nothing through",
    "billing.price.change.addon_ids": "narrows a change that is looked at before it is applied",
    "billing.price.change.category_ids": "narrows a change that is looked at before it is applied",
    "billing.price.change.service_ids": "narrows a change that is looked at before it is applied",
    "billing.price.change.tariff_ids": "narrows a change that is looked at before it is applied",
    "payment.transaction.billing_credit_line_ids": "what is paid",
    "accounting.export.again.item_ids": "what is acted on",
    "billing.charge.waive.wizard.charge_ids": "what is acted on",
    "billing.service.status.wizard.service_ids": "what is acted on",
    "billing.delivery.resend.delivery_ids": "what is acted on",
    "billing.task.priority.task_ids": "what is acted on",
    "billing.run.undo.paid_move_ids": "computed",
    "service.task.secret_ids": "computed",
    "service.task.dialog.candidate_ids": "computed",
    "service.task.dialog.offered_department_ids": "computed",
    "service.task.dialog.lacking_user_ids": "computed",
    "cdr.rate.allowance.class_ids": "its classes cannot be deleted, archived ones count",
    "billing.error.dates.candidate_ids": "computed",
    "billing.error.assign.suggested_ids": "computed",
    "billing.error.accept.error_ids": "what is acted on",
    "cdr.record.rerate.record_ids": "what is acted on",
    "cdr.upload.attachment_ids": "what is acted on",
    "cdr.file.ignore.file_ids": "what is acted on",
    "billing.run.cdr.ignore.carrier_ids": "what is acted on",
    "billing.run.cdr.ignore.offered_ids": "computed",
    "billing.run.cdr.ignored.file_ids": "what was acted on",
    "billing.payment.return.hand.line_ids": "what is acted on",
    "billing.payment.return.import.attachment_ids": "what is acted on",
    "account.move.billing_call_annex_ids": "files that belong to it",
    "account.bank.statement.line.billing_call_annex_ids": "files of its entry",
    "account.move.billing_wallet_transaction_ids": "what is entered",
    "account.bank.statement.line.billing_wallet_transaction_ids": "what its entry has",
}


@tagged("post_install", "-at_install")
class TestLimitedMixin(BillingCase):
    """What holds for every limit of every model, those added later among them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 17.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customer = cls.make_customer("Customer of the run")

    def limits(self):
        for model in sorted(self.env.registry.descendants([MIXIN], "_inherit") - {MIXIN}):
            for name in self.env[model]._limit_fields:
                yield model, name

    def holder(self, model, **values):
        """A new record of a model that has limits."""
        if model == "billing.run":
            return self.env[model].create(
                {**self.cycle._prepare_run_dates(date(2026, 3, 1)), "cycle_id": self.cycle.id}
                | values
            )
        values = {
            "billing.cycle": {"name": f"Cycle {self.env[model].search_count([])}"},
            "billing.run.undo": {"run_id": self.make_run(self.cycle).id, "reason": "Test"},
            "billing.delivery.send": {"run_id": self.make_run(self.cycle).id},
            "billing.payment.run": {"company_id": self.company.id},
            "billing.overdue.step": {"name": "Reminder"},
        }[model] | values
        return self.env[model].create(values)

    def choice(self, model, name):
        """A new record that the limit can be set to, and that nothing else needs."""
        field = self.env[model]._fields[name]
        made = self.env[field.comodel_name].search_count([])
        match field.comodel_name:
            case "res.partner":
                return self.make_customer(f"Customer {made}")
            case "res.partner.category":
                return self.env["res.partner.category"].create({"name": f"Tag {made}"})
            case "hr.department":
                return self.env["hr.department"].create({"name": f"Department {made}"})
            case "billing.term.scheme":
                return self.make_scheme(f"Terms {made}")
            case "billing.service":
                return self.make_service(self.customer, self.tariff, start=None)
            case "billing.job":
                return self.env["billing.job"].create({"partner_id": self.customer.id})
            case "billing.criterion":
                [(_field, _operator, kind)] = field.domain
                return self.env["billing.criterion"].create(
                    {"kind": kind, "code": f"{made}:day", "name": f"Criterion {made}"}
                )
        raise AssertionError(f"say how to make a {field.comodel_name}")

    def each(self):
        """Every limit, with a record that has it and the two records it is set to."""
        for model, name in self.limits():
            with self.subTest(model=model, limit=name):
                chosen = self.choice(model, name) + self.choice(model, name)
                holder = self.holder(model, **{name: [Command.set(chosen.ids)]})
                yield holder, name, chosen

    def test_every_many2many_of_the_addon_is_a_limit_or_is_known_to_be_none(self):
        limits = {f"{model}.{name}" for model, name in self.limits()}
        found = set()
        for model in self.env.registry.values():
            for name, field in model._fields.items():
                own = ADDON in getattr(field, "_modules", ())
                if field.type == "many2many" and own and model._module == ADDON:
                    found.add(f"{model._name}.{name}")
        self.assertGreater(len(limits), 15)
        self.assertEqual(found, limits | set(NOT_LIMITS))

    def test_limits_see_archived_records(self):
        for model, name in self.limits():
            with self.subTest(model=model, limit=name):
                self.assertIs(self.env[model]._fields[name].context.get("active_test"), False)

    def test_a_deleted_record_still_limits_and_is_named(self):
        for holder, name, chosen in self.each():
            ids, names = chosen.ids, chosen.mapped("display_name")
            chosen[0].sudo().unlink()
            self.assertEqual(holder._limit_ids(name), ids)
            self.assertEqual(len(holder._limit_records(name)), 1)
            self.assertIn(names[0], holder.lost_limits)
            self.assertNotIn(names[1], holder.lost_limits)
            chosen[1].sudo().unlink()
            self.assertFalse(holder[name])
            self.assertEqual(holder._limit_ids(name), ids)
            self.assertFalse(holder._limit_records(name))
            self.assertIn("lets nothing through", holder.lost_limits)

    def test_an_archived_record_still_limits(self):
        for holder, name, chosen in self.each():
            if not chosen._active_name:
                continue
            chosen.active = False
            self.env.flush_all()
            self.env.invalidate_all()
            self.assertEqual(holder._limit_ids(name), chosen.ids)
            self.assertEqual(holder[name].ids, chosen.ids)
            self.assertFalse(holder.has_deleted_limits)

    def test_only_emptying_the_field_takes_a_limit_away(self):
        for holder, name, chosen in self.each():
            holder.write({name: [Command.unlink(chosen[0].id)]})
            self.assertEqual(holder._limit_ids(name), chosen[1].ids)
            chosen[1].sudo().unlink()
            self.assertEqual(holder._limit_ids(name), [chosen[1].id])
            holder.write({name: [Command.clear()]})
            self.assertIsNone(holder._limit_ids(name))
            self.assertFalse(holder.lost_limits)

    def test_lost_records_can_be_taken_out_of_a_limit(self):
        for holder, name, chosen in self.each():
            chosen[0].sudo().unlink()
            holder.action_forget_lost_limits()
            self.assertEqual(holder._limit_ids(name), chosen[1].ids)
            self.assertFalse(holder.has_deleted_limits)
            chosen[1].sudo().unlink()
            holder.action_forget_lost_limits()
            self.assertIsNone(holder._limit_ids(name))

    def test_a_copy_is_limited_like_its_original(self):
        for holder, name, chosen in self.each():
            if holder._transient:
                continue
            chosen[0].sudo().unlink()
            values = {"name": f"Copy {holder.id}"} if holder._name == "billing.cycle" else {}
            copy = holder.copy(values)
            self.assertEqual(copy._limit_ids(name), chosen.ids)
            chosen[1].sudo().unlink()
            values = {"name": f"Copy 2 {holder.id}"} if holder._name == "billing.cycle" else {}
            self.assertEqual(holder.copy(values)._limit_ids(name), chosen.ids)

    def test_a_merged_customer_is_limited_to_where_it_went(self):
        for holder, name, chosen in self.each():
            if chosen._name != "res.partner":
                continue
            kept, other = self.make_customer("Kept"), chosen[1]
            text = chosen[0].display_name
            wizard = self.env["base.partner.merge.automatic.wizard"].create({})
            wizard._merge((chosen[0] | kept).ids, kept)
            self.assertEqual(set(holder._limit_ids(name)), set((kept | other).ids))
            self.assertEqual(holder[name], kept | other)
            self.assertFalse(holder.lost_limits)
            if "message_ids" in holder:
                self.assertIn(
                    f"{text} was merged into Kept", str(holder.message_ids.mapped("body"))
                )

    def test_limits_set_before_they_were_kept_are_noted_at_an_upgrade(self):
        holders = list(self.each())
        self.env.flush_all()
        for holder, _name, _chosen in holders:
            self.env.cr.execute(f'UPDATE "{holder._table}" SET limited_to = NULL')  # noqa: S608
        self.env.invalidate_all()
        for holder, name, _chosen in holders:
            self.assertIsNone(holder._limit_ids(name))
        for model in {holder._name for holder, _name, _chosen in holders}:
            self.env[model]._fill_limits()
        for holder, name, chosen in holders:
            self.assertEqual(set(holder._limit_ids(name)), set(chosen.ids))

    def test_nobody_writes_what_a_limit_was_set_to(self):
        for model in {model for model, _name in self.limits()}:
            holder = self.holder(model)
            with self.assertRaisesRegex(UserError, "kept by itself"):
                holder.write({"limited_to": {}})
            with self.assertRaisesRegex(UserError, "kept by itself"):
                self.holder(model, limited_to={})

    def test_who_may_not_see_a_record_is_limited_by_it_all_the_same(self):
        customer = self.make_customer("Moved away")
        run = self.make_run(self.cycle, partner_ids=[Command.set(customer.ids)])
        user = self.make_user("limited_user", "billing_operations.group_billing_user")
        customer.company_id = self.env["res.company"].create({"name": "Far away"})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(run.with_user(user)._limit_ids("partner_ids"), customer.ids)
        run.with_user(user).write({"service_ids": [Command.clear()]})
        self.assertEqual(run._limit_ids("partner_ids"), customer.ids)
