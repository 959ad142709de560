"""Operations on services: asking, waiting, superseding, starting, cancelling."""

from datetime import date

import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .service_task_common import ServiceTaskCase

DUE = "odoo.addons.billing_operations.service_tasks.models.service_operation_due"


@tagged("post_install", "-at_install")
@freeze_time("2026-01-10 12:00:00")
class TestServiceOperations(ServiceTaskCase):
    def test_every_type_goes_through_a_task_and_changes_the_service(self):
        service = self.order()
        self.close(self.ask(service, "setup"))
        self.assertEqual((service.state, service.date_start), ("active", date(2026, 1, 1)))
        service._rate(date(2026, 1, 1))
        self.close(self.ask(service, "change", {"quantity": 2}, date(2026, 1, 5)))
        self.assertEqual(service.quantity, 2)
        self.assertEqual(self.total(service), round(30 + 30 * 27 / 31, 2))
        self.close(self.ask(service, "suspend", {"reason": "unpaid"}, date(2026, 1, 8)))
        self.assertEqual((service.state, service.suspension_reason), ("suspended", "unpaid"))
        self.close(self.ask(service, "resume", None, date(2026, 1, 9)))
        self.assertEqual(service.state, "active")
        self.close(self.ask(service, "delete", None, date(2026, 1, 10)))
        self.assertEqual((service.state, service.date_end), ("terminated", date(2026, 1, 10)))
        self.assertEqual(service.operation_ids.mapped("state"), ["done"] * 5)

    def test_the_state_follows_only_when_the_task_is_closed(self):
        service = self.order()
        operation = self.ask(service, "setup")
        self.assertEqual((service.state, operation.state), ("ordered", "manual"))
        self.assertIn("Set Up", service.open_operation)
        self.close(operation)
        self.assertEqual((service.state, operation.state), ("active", "done"))
        self.assertFalse(service.open_operation)

    def test_the_buttons_of_a_service_ask_for_operations(self):
        service = self.order().with_user(self.accountant)
        service.action_activate()
        self.assertEqual(service.state, "ordered")
        self.assertEqual(service.sudo().operation_ids.type, "setup")
        self.close(service.sudo().operation_ids)
        wizard = self.env["billing.service.status.wizard"].with_user(self.accountant)
        for transition, state in (("suspend", "suspended"), ("resume", "active")):
            wizard.create(
                {"service_ids": service.ids, "transition": transition, "date": "2026-01-10"}
            ).action_apply()
            self.assertNotEqual(service.state, state)
            self.close(service.sudo().operation_ids.filtered(lambda op: op.state == "manual"))
            self.assertEqual(service.state, state)
        wizard = self.env["billing.service.change.wizard"].with_user(self.accountant)
        wizard = wizard.create({"service_id": service.id, "effective_date": "2026-01-10"})
        wizard.quantity = 3
        wizard.action_apply()
        operation = service.sudo().operation_ids.filtered(lambda op: op.state == "manual")
        self.assertEqual(operation.requested["new"], {"quantity": 3.0})
        self.assertEqual(operation.requested["old"], {"quantity": 1.0})
        self.close(operation)
        self.assertEqual(service.quantity, 3)

    def test_later_operations_queue_behind_the_one_in_hand(self):
        service = self.active()
        first = self.ask(service, "change", {"quantity": 2}, date(2026, 1, 10))
        second = self.ask(service, "change", {"quantity": 3}, date(2026, 1, 10))
        self.assertEqual((first.state, second.state), ("manual", "pending"))
        self.assertFalse(second.service_task_id)
        self.close(first)
        self.assertEqual((first.state, second.state), ("done", "manual"))
        self.close(second)
        self.assertEqual(service.quantity, 3)

    def test_the_same_wish_twice_is_one_operation(self):
        service = self.active()
        first = self.ask(service, "suspend", {"reason": "unpaid"})
        self.assertEqual(self.ask(service, "suspend", {"reason": "unpaid"}), first)
        self.assertEqual(self.ask(service, "suspend", {"reason": "unpaid"}, None), first)

    def test_one_operation_of_a_service_is_in_hand_by_the_database(self):
        service = self.active()
        self.ask(service, "change", {"quantity": 2}, date(2026, 1, 10))
        second = self.ask(service, "change", {"quantity": 3}, date(2026, 1, 10))
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.cr.savepoint(),
        ):
            self.cr.execute(
                "UPDATE service_operation SET state = 'manual' WHERE id = %s", [second.id]
            )

    def test_a_deletion_supersedes_what_waits_for_its_day_or_later(self):
        service = self.active()
        in_hand = self.ask(service, "change", {"quantity": 2}, date(2026, 1, 10))
        before = self.ask(service, "change", {"quantity": 3}, date(2026, 1, 12))
        after = self.ask(service, "change", {"quantity": 4}, date(2026, 1, 20))
        deletion = self.ask(service, "delete", None, date(2026, 1, 15))
        states = (in_hand.state, before.state, after.state, deletion.state)
        self.assertEqual(states, ("manual", "pending", "cancelled", "pending"))

    def test_of_suspending_and_resuming_the_last_wish_counts(self):
        service = self.active()
        self.ask(service, "change", {"quantity": 2}, date(2026, 1, 10))
        suspension = self.ask(service, "suspend", None, date(2026, 1, 20))
        again = self.ask(service, "suspend", {"reason": "abuse"}, date(2026, 1, 15))
        self.assertEqual((suspension.state, again.state), ("cancelled", "pending"))

    @mute_logger("odoo.sql_db")
    def test_a_future_operation_waits_for_its_day(self):
        service = self.active()
        operation = self.ask(service, "suspend", None, date(2026, 1, 20))
        self.run_due()
        self.assertEqual(operation.state, "pending")
        with freeze_time("2026-01-20 08:00:00"):
            self.run_due()
            self.assertEqual(operation.state, "manual")
            self.close(operation)
        self.assertEqual(service.date_suspended, date(2026, 1, 20))

    def test_a_future_end_is_known_to_billing_at_once_and_taken_back_on_cancelling(self):
        service = self.active()
        operation = self.ask(service, "delete", None, date(2026, 1, 21))
        self.assertEqual((service.state, service.date_end), ("active", date(2026, 1, 21)))
        [row] = service._preview_charges(date(2026, 1, 1))
        self.assertEqual(float(row["amount"]), round(30 * 20 / 31, 2))
        operation.with_user(self.accountant).action_cancel()
        self.assertEqual((operation.state, service.date_end), ("cancelled", False))

    def test_a_service_that_cannot_go_on_stops_no_other(self):
        bad, good = self.active(), self.active()
        for service in bad | good:
            self.ask(service, "suspend", None, date(2026, 1, 20))
        start = self.registry["service.operation"]._start

        def stumble(operation):
            if operation.service_id == bad:
                raise UserError("Nobody knows how.")
            return start(operation)

        self.patch(self.registry["service.operation"], "_start", stumble)
        with (
            freeze_time("2026-01-20 08:00:00"),
            self.enter_registry_test_mode(),
            self.assertLogs(DUE, "ERROR") as logs,
        ):
            self.env.ref("billing_operations.cron_service_operations").method_direct_trigger()
        states = [service.operation_ids.state for service in (bad, good)]
        self.assertEqual(states, ["pending", "manual"])
        self.assertIn(f"{bad.number} cannot start: Nobody knows how.", logs.output[0])

    def test_what_the_tariff_does_not_have_is_refused_when_asked_for(self):
        for values in ({"moon": 1}, {"php": "4"}, {"php": 1.5}, {"domain": ["x"]}):
            with self.assertRaisesRegex(UserError, "does not have these settings"):
                self.ask(self.order(), "setup", {"parameters": values})
        with self.assertRaisesRegex(UserError, "names with values"):
            self.ask(self.order(), "setup", {"parameters": "php"})
        service = self.active(disk=2)
        for values, message in (
            ({"addon_quantities": {self.addon.id: 11}}, "does not allow 11 × "),
            ({"addon_quantities": {self.addon.id: "x"}}, "does not allow x × "),
            ({"addon_quantities": {"moon": 1}}, "does not offer one of the add-ons"),
            ({"quantity": "two"}, "Quantity of a service is a number"),
            ({"tariff_id": 2**31 - 1}, "Choose a tariff of Test Provider"),
            ({"tariff_id": "x"}, "Choose a tariff of Test Provider"),
        ):
            with self.assertRaisesRegex(UserError, message):
                self.ask(service, "change", values, date(2026, 1, 10))
        operation = self.ask(self.order(), "setup", {"parameters": {"php": 4}})
        self.assertIn("PHP workers: none → 4", operation.service_task_id.description)

    def test_limits_lowered_later_do_not_keep_a_service_from_being_ended(self):
        service = self.active()
        self.close(self.ask(service, "change", {"addon_quantities": {self.addon.id: 5}}))
        self.addon.maximum = 4
        for operation_type in ("suspend", "resume", "change"):
            values = {"quantity": 2} if operation_type == "change" else None
            operation = self.ask(service, operation_type, values)
            line = operation.service_task_id.addon_line_ids
            self.assertEqual((line.present, line.quantity), (5, 5))
            self.close(operation)
        with self.assertRaisesRegex(UserError, "does not allow"):
            self.ask(service, "change", {"addon_quantities": {self.addon.id: 6}})
        other = self.make_tariff(self.scheme, name="Smaller")
        self.make_addon(other, maximum=4)
        with self.assertRaisesRegex(UserError, "Smaller does not allow"):
            self.ask(service, "change", {"tariff_id": other.id})
        self.close(self.ask(service, "delete"))
        self.assertEqual(service.state, "terminated")
        order = self.order()
        order.addon_line_ids = [(0, 0, {"addon_id": self.addon.id, "quantity": 4})]
        self.addon.maximum = 3
        with self.assertRaisesRegex(UserError, "does not allow"):
            self.ask(order, "setup")

    def test_a_change_of_tariff_keeps_the_settings_that_the_new_one_has(self):
        target = self.make_tariff(self.scheme, price=60.0, name="Big")
        target.parameter_definition = [
            {"name": "domain", "type": "char", "string": "Domain"},
            {"name": "php", "type": "char", "string": "PHP version"},
        ]
        for parameters in (None, {"php": "8.4"}):
            service = self.active()
            service.parameters = {"domain": "a.example", "php": 4}
            values = {"tariff_id": target.id}
            if parameters:
                values["parameters"] = parameters
            operation = self.ask(service, "change", values, date(2026, 1, 10))
            operation._apply(operation.effective_date, {})
            self.assertEqual(service._parameter_values()["domain"], "a.example")

    def test_a_merged_customer_takes_the_open_work_along(self):
        service = self.order()
        operation = self.ask(service, "setup")
        duplicate, self.customer = self.customer, self.make_customer(email="one@example.com")
        duplicate.email = "one@example.com"
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.customer | duplicate).ids, self.customer)
        self.env.invalidate_all()
        task = self.close(operation)
        self.assertEqual((service | operation.service_id).partner_id, self.customer)
        self.assertEqual((task.partner_id, operation.partner_id), (self.customer, self.customer))
        mail = self.env["mail.mail"].search([("recipient_ids", "in", self.customer.ids)])
        self.assertEqual((service.state, len(mail)), ("active", 1))

    def test_services_whose_agreed_end_has_come_are_asked_to_be_deleted(self):
        service = self.active(date_end=date(2026, 1, 9))
        self.env["billing.service"]._cron_terminate_ended()
        operation = service.operation_ids
        self.assertEqual((operation.type, operation.source), ("delete", "billing"))
        self.env["billing.service"]._cron_terminate_ended()
        self.assertEqual(len(service.operation_ids), 1)
        self.close(operation)
        self.assertEqual((service.state, service.date_end), ("terminated", date(2026, 1, 9)))

    def test_cancelling_withdraws_the_task_and_starts_the_next(self):
        service = self.active()
        first = self.ask(service, "suspend", None, date(2026, 1, 10))
        second = self.ask(service, "change", {"quantity": 3}, date(2026, 1, 10))
        first.with_user(self.accountant).action_cancel()
        self.assertEqual((first.state, first.service_task_id.state), ("cancelled", "cancelled"))
        self.assertEqual((service.state, second.state), ("active", "manual"))
        first.with_user(self.accountant).action_cancel()

    def test_a_cancelled_order_cancels_its_set_up(self):
        service = self.order()
        operation = self.ask(service, "setup")
        service.with_user(self.accountant).action_cancel()
        self.assertEqual((service.state, operation.state), ("cancelled", "cancelled"))

    def test_what_the_service_cannot_take_is_refused_at_once(self):
        service = self.order()
        for operation_type in ("suspend", "resume", "delete", "change"):
            with self.assertRaises(UserError):
                values = {"quantity": 2} if operation_type == "change" else None
                self.ask(service, operation_type, values)
        self.ask(service, "setup")
        self.ask(service, "suspend", None, date(2026, 1, 12))
        with self.assertRaisesRegex(UserError, "not an operation"):
            self.ask(service, "explode")
        with self.assertRaisesRegex(UserError, "not an operation"):
            self.ask(service, ["setup"])
        with self.assertRaisesRegex(UserError, "“soon” is not a date"):
            self.ask(service, "resume", None, "soon")
        with self.assertRaisesRegex(UserError, "“never” is not a date"):
            self.ask(self.active(), "change", {"date_end": "never"})
        with self.assertRaisesRegex(UserError, "names with values"):
            self.ask(self.active(), "suspend", ["reason"])
        with self.assertRaisesRegex(UserError, "not a reason"):
            self.ask(self.active(), "suspend", {"reason": ["unpaid"]})
        with self.assertRaisesRegex(UserError, "does not take: price"):
            self.ask(service, "resume", {"price": 3})
        with self.assertRaisesRegex(UserError, "client, staff or billing"):
            self.ask(self.active(), "suspend", source="nobody")
        with self.assertRaisesRegex(UserError, "present terms count"):
            self.ask(self.active(), "change", {"quantity": 2}, date(2025, 12, 1))

    def test_what_waits_for_a_service_that_ended_otherwise_is_dropped(self):
        service = self.active()
        in_hand = self.ask(service, "change", {"quantity": 2}, date(2026, 1, 10))
        waiting = self.ask(service, "change", {"quantity": 3}, date(2026, 1, 10))
        service._terminate(date(2026, 1, 10))
        with self.assertRaisesRegex(UserError, "has ended and cannot be changed"):
            self.close(in_hand)
        in_hand.service_task_id.with_user(self.member).action_cancel("It has ended")
        self.assertEqual((in_hand.state, waiting.state), ("cancelled", "cancelled"))
        self.assertIn("Not needed any more", service.message_ids[0].body)

    def test_a_module_disabled_meanwhile_still_serves_what_waits(self):
        module = self.module.copy({"name": "Old panel"})
        self.tariff.processing_module_id = module
        operation = self.ask(self.order(), "setup", None, date(2026, 1, 20))
        module.active = False
        with freeze_time("2026-01-20 08:00:00"):
            self.run_due()
            self.close(operation)
        self.assertEqual(operation.service_id.state, "active")

    def test_a_disabled_module_takes_no_new_services(self):
        module = self.module.copy({"name": "Old panel"})
        self.tariff.processing_module_id = module
        running = self.active()
        module.active = False
        with self.assertRaisesRegex(UserError, "Old panel of tariff .* is disabled"):
            self.ask(self.order(), "setup")
        self.assertEqual(self.ask(running, "suspend").state, "manual")
        with self.assertRaisesRegex(UserError, "stays enabled"):
            self.module.active = False

    def test_every_company_has_its_default_manual_module(self):
        company = self.env["res.company"].create({"name": "Newcomer"})
        module = company.service_processing_module_id
        self.assertEqual((module.kind, module.company_id), ("manual", company))
        self.assertTrue(self.env.ref("base.main_company").service_processing_module_id)

    def test_asking_needs_billing_rights_also_over_rpc(self):
        service = self.active()
        for user in (self.member, self.boss):
            with self.assertRaises(AccessError):
                self.rpc(user, service, "request_operation", "suspend")
        [operation_id] = self.rpc(self.accountant, service, "request_operation", "suspend")
        operation = self.env["service.operation"].browse(operation_id)
        self.assertEqual(operation.requested_by_id, self.accountant)
        for values in ({"state": "done"}, {"requested": {}}):
            with self.assertRaises(AccessError):
                self.rpc(self.manager, operation, "write", values)
            with self.assertRaises(UserError):
                operation.write(values)
        with self.assertRaises(AccessError):
            self.rpc(self.member, operation, "action_cancel")

    def test_billing_suspends_for_unpaid_and_stops_for_no_funds(self):
        for reason in ("unpaid", "no_funds"):
            service = self.active()
            operation = service.request_operation("suspend", {"reason": reason}, source="billing")
            self.close(operation)
            self.assertEqual(service.suspension_reason, reason)

    def test_a_change_of_tariff_uses_the_target_tariffs_module(self):
        target = self.make_tariff(self.scheme, price=60.0, name="Big")
        target.processing_module_id = self.module.copy(
            {"name": "Telephony staff", "department_id": self.telephony.id}
        )
        service = self.active()
        operation = self.ask(service, "change", {"tariff_id": target.id}, date(2026, 1, 10))
        task = operation.service_task_id
        self.assertEqual((task.tariff_id, task.department_id), (target, self.telephony))
        self.close(operation, self.stranger)
        self.assertEqual(service.tariff_id, target)
