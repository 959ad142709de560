"""Services without funds are stopped, and started again, through service operations."""

from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .prepaid_common import MAY, PrepaidCase


@tagged("post_install", "-at_install")
class TestSwitching(PrepaidCase):
    def setUp(self):
        super().setUp()
        self.cycle.write({"enable_stop": True, "enable_start": True})
        self.startTime(MAY)

    def startTime(self, day):
        clock = freeze_time(f"{day} 12:00:00")
        clock.start()
        self.addCleanup(clock.stop)

    def operations(self, service, kind="suspend"):
        return service.operation_ids.filtered(lambda op: op.type == kind)

    def carry_out(self, service):
        """Do what is asked for, as the department would."""
        service._start_next_operation()
        for task in service.service_task_ids.filtered(lambda t: t.state == "new"):
            task.sudo().action_assign_to_me()
            task.sudo().action_close()

    def poor(self, **values):
        partner = self.make_prepaid_customer("Poor", 1, **values)
        return partner, self.make_service(partner, self.mobile, MAY)

    def test_a_service_without_funds_is_stopped_and_after_a_top_up_started(self):
        partner, service = self.poor()
        run = self.run_day(MAY)
        stop = self.operations(service)
        self.assertEqual(
            (stop.state, stop.effective_date, stop.source),
            ("pending", MAY + timedelta(days=1), "billing"),
        )
        results = {result.stage: result.documents for result in run.result_ids}
        self.assertEqual((results["stop"], results["start"]), (1, 0))
        with freeze_time("2026-05-02 12:00:00"):
            self.carry_out(service)
            self.assertEqual((service.state, service.suspension_reason), ("suspended", "no_funds"))
            self.run_day(date(2026, 5, 2))
        with freeze_time("2026-05-05 12:00:00"):
            self.assertFalse(self.operations(service, "resume"))
            self.wallet_of(partner)._credit(50, "Top-up")
            self.run_day(date(2026, 5, 5))
            self.carry_out(service)
            self.assertEqual(service.state, "active")
            self.run_day(date(2026, 5, 5))
        # The first of May and the fifth: the days between were not served.
        days = service.charge_ids.mapped("period_start")
        self.assertEqual(sorted(days), [MAY, date(2026, 5, 5)])
        self.assertEqual(set(service.charge_ids.mapped("state")), {"settled"})

    def test_a_payment_before_it_is_carried_out_cancels_a_stop(self):
        partner, service = self.poor()
        self.run_day(MAY)
        wallet = self.wallet_of(partner)
        wallet._credit(0.05, "Not enough")
        self.assertEqual(self.operations(service).state, "pending")
        wallet._credit(10, "Top-up")
        self.assertEqual(self.operations(service).state, "cancelled")
        self.assertIn("topped up", self.operations(service).message)
        self.assertEqual(service.state, "active")

    def test_a_payment_takes_the_task_back_from_the_department(self):
        partner, service = self.poor()
        self.run_day(MAY)
        with freeze_time("2026-05-02 12:00:00"):
            service._start_next_operation()
            self.assertEqual(service.service_task_ids.state, "new")
            self.wallet_of(partner)._credit(10, "Top-up")
        self.assertEqual(service.service_task_ids.state, "cancelled")

    def test_a_stop_is_asked_for_once(self):
        _partner, service = self.poor()
        self.run_day(MAY)
        self.run_day(MAY)
        self.assertEqual(len(self.operations(service)), 1)

    def test_grace_days_pass_first(self):
        self.cycle.stop_grace_days = 2
        _partner, service = self.poor()
        self.run_days(MAY, 2)
        self.assertFalse(self.operations(service))
        self.run_day(date(2026, 5, 3))
        self.assertTrue(self.operations(service))

    def test_customers_that_are_spared_are_not_stopped(self):
        staff = self.env["res.partner.category"].create({"name": "Staff"})
        self.cycle.spared_category_ids = staff
        partner, service = self.poor()
        partner.category_id += staff
        self.run_day(MAY)
        self.assertFalse(self.operations(service))

    def test_nobody_is_stopped_while_a_spared_classification_is_gone(self):
        staff = self.env["res.partner.category"].create({"name": "Staff"})
        self.cycle.spared_category_ids = staff
        partner, service = self.poor()
        partner.category_id += staff
        staff.unlink()
        self.assertIn("Staff", self.cycle.lost_limits)
        self.run_day(MAY)
        self.assertFalse(self.operations(service))
        self.cycle.action_forget_lost_limits()
        self.run_day(MAY)
        self.assertTrue(self.operations(service))

    def test_a_run_stops_no_more_services_than_it_may(self):
        self.cycle.switch_limit = 1
        partner, first = self.poor()
        second = self.make_service(partner, self.mobile, MAY)
        self.run_day(MAY)
        self.assertEqual([len(self.operations(s)) for s in (first, second)], [1, 0])
        self.run_day(MAY)
        self.assertEqual([len(self.operations(s)) for s in (first, second)], [1, 1])

    def test_services_are_stopped_group_after_group(self):
        self.cycle.write({"switch_group_size": 2, "switch_group_minutes": 20, "switch_limit": 4})
        pairs = [self.poor() for _n in range(5)]
        run = self.make_run(self.cycle, MAY)
        run._request()
        tasks = self.env["billing.task"].sudo()
        mine = [("res_model", "=", "billing.run"), ("res_id", "=", run.id)]
        tasks._run_inline(domain=mine)
        asked = [bool(self.operations(service)) for _partner, service in pairs]
        self.assertEqual(asked, [True, True, False, False, False])
        waiting = tasks.search([*mine, ("type_id.code", "=", "run_stop")]).sorted("delay_date")
        self.assertEqual(waiting.mapped("state"), ["completed", "pending", "pending"])
        self.assertEqual(run.state, "running")
        # Who pays before his group's turn is not stopped.
        self.wallet_of(pairs[3][0])._credit(10, "Top-up")
        self.env["billing.run"].browse(run.id)._debit_wallets(pairs[3][0].id, pairs[3][0].id)
        with freeze_time("2026-05-01 13:00:00"):
            tasks._run_inline(domain=mine)
        run.invalidate_recordset()
        asked = [bool(self.operations(service)) for _partner, service in pairs]
        self.assertEqual(asked, [True, True, True, False, True])
        self.assertEqual(run.result_ids.filtered(lambda r: r.stage == "stop").documents, 4)
        self.assertNotEqual(run.state, "running")

    def test_the_most_a_run_stops_counts_for_all_groups(self):
        self.cycle.write({"switch_group_size": 1, "switch_group_minutes": 0, "switch_limit": 2})
        services = [self.poor()[1] for _n in range(4)]
        self.run_day(MAY)
        self.assertEqual([bool(self.operations(s)) for s in services], [True, True, False, False])

    def test_stopping_can_be_a_run_of_its_own(self):
        self.cycle.enable_stop = False
        _partner, service = self.poor()
        self.run_day(MAY)
        self.assertFalse(self.operations(service))
        run = self.run_day(MAY, only_switches=True, enable_stop=True)
        self.assertEqual(set(run.result_ids.mapped("stage")), {"estimation", "stop", "start"})
        self.assertTrue(self.operations(service))
        with self.assertRaises(ValidationError):
            self.make_run(
                self.cycle,
                MAY,
                only_switches=True,
                enable_stop=False,
                enable_start=False,
                enable_estimation=False,
                partner_ids=[Command.clear()],
            )
