"""A department user in a real browser: takes a task, fills it in, closes it."""

from datetime import date

from odoo.tests import HttpCase, tagged

from .service_task_common import ServiceTaskCase


@tagged("post_install", "-at_install")
class TestServiceTaskTours(ServiceTaskCase, HttpCase):
    def test_a_task_is_taken_filled_in_closed_and_billed_for_the_right_part_month(self):
        scheme = self.make_scheme(name="Calendar month")
        tariff = self.make_tariff(scheme, price=31.0, name="Tour tariff")
        tariff.parameter_definition = [{"name": "domain", "type": "char", "string": "Domain"}]
        tariff.required_parameters = "Domain"
        service = self.order(tariff, name="tour.example")
        self.ask(service, "setup", None, date(2026, 1, 10))
        elsewhere = self.make_tariff(scheme, name="Phones")
        elsewhere.processing_module_id = self.module.copy(
            {"name": "Phones", "department_id": self.telephony.id}
        )
        self.ask(self.order(elsewhere, name="not.yours"), "setup")

        self.start_tour("/odoo", "service_task_close", login="member")

        self.env.invalidate_all()
        self.assertEqual((service.state, service.date_start), ("active", date(2026, 1, 17)))
        self.assertEqual(service._parameter_values(), {"domain": "tour.example"})
        task = service.service_task_ids
        self.assertEqual((task.state, task.closed_by_id), ("done", self.member))
        run = self.make_run(self.make_cycle(scheme), date(2026, 1, 31))
        run._execute("posting")
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        charges = service.charge_ids.sorted("period_start")
        # January has 31 days, of which the service had the last 15.
        self.assertEqual(charges[0].amount, 15.0)
        self.assertEqual(self.bill_of(run, self.customer).move_ids.amount_untaxed, 15.0)
