"""Requests of customers in the portal: what they bring is shown, then they become operations."""

from datetime import timedelta

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .portal_common import RequestCase


@tagged("post_install", "-at_install")
class TestRequests(RequestCase):
    def test_a_change_of_add_ons_shows_its_money_and_becomes_a_task(self):
        field = f"addon_{self.addon.id}"
        self.assertIn(field, self.get(self.path("change")).text)
        shown = self.post(self.path("change/check"), day=self.day(), **{field: "4"})
        effect = self.service._preview_change(
            self.today, {"addon_quantities": {self.addon.id: 4.0}}
        )
        for row in effect:
            self.assertIn(f"{row['amount']:.2f}", shown.text.replace("\u2011", ""))
        self.assertIn("36.00", shown.text)
        self.assertIn("Disk: none → 4", shown.text)
        self.assertFalse(self.service.operation_ids)
        page = self.post(self.path("change/confirm"), **self.hidden(shown))
        operation = self.asked()
        self.assertEqual(
            operation.requested["new"], {"addon_quantities": {str(self.addon.id): 4.0}}
        )
        self.assertEqual((operation.source, operation.state), ("client", "manual"))
        self.assertEqual(operation.requested_by_id.login, "own")
        self.assertEqual(operation.service_task_id.department_id, self.hosting)
        self.assertEqual(page.url.partition("?")[0], self.base_url() + self.path())
        self.assertIn("We have received your request", page.text)
        self.assertIn("being carried out", page.text)
        self.close(operation)
        self.assertEqual(self.service.addon_line_ids.quantity, 4.0)
        charged = self.service.charge_ids.filtered(lambda charge: charge.kind != "recurring")
        self.assertEqual(sum(charged.mapped("amount")), float(sum(r["amount"] for r in effect)))
        page = self.get(self.path())
        self.assertIn("Earlier requests", page.text)
        self.assertIn("done on", page.text)

    def test_a_change_of_tariff_takes_add_ons_along_and_says_the_new_price(self):
        self.service._change(self.today, {"addon_quantities": {self.addon.id: 3.0}})
        form = self.get(self.path(f"change?tariff={self.bigger.id}"))
        self.assertIn("60.00", form.text)
        self.assertIn(f'name="addon_{self.big_addon.id}" value="3"', form.text.replace("  ", " "))
        shown, _page = self.ask_for(
            self.path("change"),
            tariff=self.bigger.id,
            day=self.day(),
            parameter_domain="big.example",
            **{f"addon_{self.big_addon.id}": "5"},
        )
        self.assertIn("68.00", shown.text)
        self.assertIn("34.00", shown.text)
        self.assertIn("Small → Big", shown.text)
        operation = self.asked()
        self.assertEqual(
            operation.requested["new"],
            {
                "tariff_id": self.bigger.id,
                "addon_quantities": {str(self.big_addon.id): 5.0},
                "parameters": {"domain": "big.example"},
            },
        )
        self.close(operation)
        self.assertEqual(self.service.tariff_id, self.bigger)
        self.assertEqual(self.service._parameter_values()["domain"], "big.example")

    def test_what_is_owed_anyway_is_told_apart_from_what_a_change_costs(self):
        late = self.make_service(self.customer, self.tariff, self.today - timedelta(days=40))
        shown = self.post(
            f"/my/services/{late.id}/change/check",
            day=self.day(),
            parameter_domain="",
            **{f"addon_{self.addon.id}": "4"},
        )
        rows = late._preview_change(self.today, {"addon_quantities": {self.addon.id: 4.0}})
        earlier = sum(row["amount"] for row in rows if row["period_end"] <= self.today)
        self.assertGreater(earlier, 30)
        self.assertIn(f"Of this, $\xa0{earlier:.2f} is for the days before", shown.text)

    def test_suspend_resume_and_end_from_a_day(self):
        shown, page = self.ask_for(self.path("suspend"), day=self.day(3))
        self.assertIn("nothing more is billed", shown.text)
        self.assertIn("planned for", page.text)
        operation = self.asked()
        self.assertEqual(
            (operation.type, operation.effective_date), ("suspend", self.today + timedelta(3))
        )
        self.assertEqual(operation.requested["new"], {"reason": "client"})
        operation._cancel("not now")
        self.ask_for(self.path("suspend"), day=self.day())
        self.close(self.asked())
        self.assertEqual(self.service.suspension_reason, "client")
        self.assertIn("Suspended: as you asked", self.get(self.path()).text)
        self.ask_for(self.path("resume"), day=self.day())
        self.close(self.asked())
        self.assertEqual(self.service.state, "active")
        last = self.today + timedelta(days=5)
        shown, page = self.ask_for(self.path("end"), day=last.isoformat())
        credit = self.service._preview_change(last, {"date_end": last + timedelta(days=1)})
        self.assertEqual(self.service.date_end, last + timedelta(days=1))
        self.assertFalse(credit)  # it is announced, and billing has taken back what comes after it
        self.assertIn("-", shown.text)
        self.assertIn(f"the last day is {last:%m/%d/%Y}", page.text)
        self.assertEqual(self.asked().effective_date, last + timedelta(days=1))

    def test_the_end_begins_with_the_last_day_that_is_paid(self):
        form = self.get(self.path("end"))
        last = self.service.rated_up_to - timedelta(days=1)
        self.assertIn(f'value="{last.isoformat()}"', form.text)

    def test_with_software_nobody_has_a_task(self):
        self.make_webhook()
        self.ask_for(self.path("suspend"), day=self.day())
        operation = self.asked()
        self.assertEqual(operation.state, "processing")
        self.assertFalse(operation.service_task_id)
        self.assertEqual(operation.billing_task_id.state, "pending")

    def test_the_same_form_twice_asks_once(self):
        shown = self.post(self.path("suspend/check"), day=self.day())
        confirmation = self.hidden(shown)
        for _time in range(2):
            page = self.post(self.path("suspend/confirm"), **confirmation)
            self.assertIn("We have received your request", page.text)
        self.assertEqual(len(self.service.operation_ids), 1)

    def test_other_amounts_than_were_seen_are_shown_again(self):
        shown = self.post(
            self.path("change/check"), day=self.day(), **{f"addon_{self.addon.id}": "4"}
        )
        self.addon.price = 7.0
        again = self.post(self.path("change/confirm"), **self.hidden(shown))
        self.assertIn("What it costs has changed meanwhile", again.text)
        self.assertFalse(self.service.operation_ids)
        self.post(self.path("change/confirm"), **self.hidden(again))
        self.assertTrue(self.service.operation_ids)
        forged = {**self.hidden(shown), "seen": "", "key": ""}
        self.asked()._cancel("")
        self.post(self.path("change/confirm"), **forged)
        self.assertEqual(self.asked().state, "cancelled")

    def test_one_request_at_a_time_and_the_open_one_is_named(self):
        self.ask_for(self.path("suspend"), day=self.day(5))
        page = self.get(self.path())
        self.assertIn("Open requests", page.text)
        self.assertNotIn("o_billing_service_buttons", page.text)
        for path in (self.path("change"), self.path("end"), self.path("suspend")):
            self.assertIn(
                "Another request for this service is open: Suspension", self.problem(self.get(path))
            )
            refused = self.post(f"{path}/confirm", day=self.day(), seen="x", key="y")
            self.assertIn("is open: Suspension", self.problem(refused))
        self.assertEqual(len(self.service.operation_ids), 1)
        self.assertIn("Suspension (planned for", self.get("/my/services").text)

    def test_what_staff_asked_for_is_said_without_its_details(self):
        self.ask(self.service, "change", {"partner_id": self.other.id}, self.today)
        page = self.get(self.path())
        self.assertIn("Change", page.text)
        self.assertIn("being carried out", page.text)
        self.assertNotIn("Other Office", page.text)
        self.assertNotIn("Withdraw", page.text)

    def test_a_service_taken_over_does_not_tell_of_the_earlier_customer(self):
        operation = self.ask(self.service, "change", {"name": "secret plan"}, self.today)
        self.close(operation)
        self.ask_for(self.path("suspend"), day=self.day(5))
        self.asked()._cancel("")
        taken = self.ask(self.service, "change", {"partner_id": self.other.id}, self.today)
        self.close(taken)
        self.assertEqual(self.service.partner_id, self.other)
        self.login("other")
        page = self.get(self.path())
        self.assertIn("secret plan", page.text)  # as it is called now
        self.assertNotIn("Earlier requests", page.text)
        self.assertNotIn("Ms Customer", page.text)
        self.login("own")
        self.assertNotIn("secret plan", self.get(self.path()).text)


@tagged("post_install", "-at_install")
class TestRefusals(RequestCase):
    def test_wrong_input_is_one_message_and_what_was_typed_stays(self):
        field = f"addon_{self.addon.id}"
        later = self.day(400)
        for typed, message in (
            ({field: "many"}, "“Disk” is a number"),
            ({field: "-1"}, "“Disk” is 0 or more"),
            ({field: "11"}, "“Disk” is 10 at most"),
            ({field: "0.5"}, "does not allow 0.5"),
            ({field: "1e3"}, "“Disk” is a number"),
            ({"day": "soon", field: "2"}, "is a day"),
            ({"day": "", field: "2"}, "Fill in “First day of the change”"),
            ({"day": self.day(-1), field: "2"}, "or later"),
            ({"day": later, field: "2"}, "or earlier"),
            ({"parameter_domain": "x" * 101}, "100 characters at most"),
            ({field: "1"}, "Nothing is different"),
            ({field: "0"}, "Nothing is different"),
        ):
            typed = {"day": self.day(), "parameter_domain": "", **typed}
            with self.subTest(typed=typed):
                page = self.post(self.path("change/check"), **typed)
                self.assertIn(message, self.problem(page))
                self.assertEqual(page.text.count("alert-danger"), 1)
                for value in filter(None, typed.values()):
                    self.assertIn(f'value="{value}"', page.text)
        self.post(self.path("change/check"), **{field: "\0", "day": "\0", "tariff": "\0"})
        self.assertFalse(self.service.operation_ids)

    def test_back_from_the_confirmation_keeps_what_was_typed(self):
        shown = self.post(
            self.path("change/check"), day=self.day(2), **{f"addon_{self.addon.id}": "4"}
        )
        form = self.post(self.path("change/check"), edit="1", **self.hidden(shown))
        self.assertIn("o_billing_request_form", form.text)
        self.assertIn('value="4"', form.text)
        self.assertIn(f'value="{self.day(2)}"', form.text)

    def test_the_company_decides_what_may_be_asked_for(self):
        off = ("change", "suspend", "end", "order")
        self.company.write({f"billing_portal_{kind}": False for kind in off})
        self.assertNotIn("o_billing_service_buttons", self.get(self.path()).text)
        for kind in ("change", "suspend", "resume", "end"):
            for page in (
                self.get(self.path(kind)),
                self.post(self.path(kind, "check"), day=self.day()),
                self.post(self.path(kind, "confirm"), day=self.day(), seen="", key="k"),
            ):
                self.assertIn("cannot be asked for here", self.problem(page), kind)
        self.assertIn("nothing to order", self.get("/my/services/order").text)
        self.post(f"/my/services/order/{self.bigger.id}/check", day=self.day())
        self.assertFalse(self.service.operation_ids)
        self.assertEqual(self.bought(), self.service)

    def test_a_new_company_lets_customers_order_and_change_but_not_suspend_or_end(self):
        company = self.env["res.company"].create({"name": "Fresh"})
        kinds = ("order", "change", "suspend", "resume", "end")
        may = [kind for kind in kinds if company._customers_may(kind)]
        self.assertEqual(may, ["order", "change"])

    def test_the_lead_time_is_kept(self):
        self.company.write({"billing_portal_lead_days": 5, "billing_portal_end_days": 30})
        first, last = self.day(5), self.day(30)
        self.assertIn(f'min="{first}"', self.get(self.path("suspend")).text)
        page = self.post(self.path("suspend/check"), day=self.day(4))
        self.assertIn("or later", self.problem(page))
        page = self.post(self.path("end/check"), day=self.day(29))
        self.assertIn("“Last day of service” can be", self.problem(page))
        self.ask_for(self.path("end"), day=last)
        self.assertEqual(self.asked().effective_date, self.today + timedelta(days=31))
        self.assertIn(f'min="{first}"', self.get(f"/my/services/order/{self.bigger.id}").text)

    def test_customers_resume_only_what_they_had_suspended(self):
        for reason in ("unpaid", "abuse", "administrator", "no_funds"):
            self.service._suspend(self.today, reason)
            for kind in ("resume", "change"):
                page = self.get(self.path(kind))
                self.assertIn("We have suspended this service", self.problem(page), reason)
                page = self.post(self.path(kind, "confirm"), day=self.day(), seen="", key="k")
                self.assertIn("We have suspended", self.problem(page))
            self.service._resume(self.today)
        self.assertFalse(self.service.operation_ids)

    def test_an_agreed_end_is_not_moved_by_the_customer(self):
        self.service._change(self.today, {"date_end": self.today + timedelta(days=50)})
        page = self.get(self.path("end"))
        self.assertIn("The end of this service is agreed", self.problem(page))

    def test_a_price_agreed_for_one_tariff_is_not_taken_to_another(self):
        self.service._change(self.today, {"discount": 50.0})
        self.assertNotIn("o_billing_targets", self.get(self.path("change")).text)
        page = self.post(
            self.path("change/check"), tariff=self.bigger.id, day=self.day(), parameter_domain=""
        )
        self.assertIn("Nothing is different", self.problem(page))

    def test_only_tariffs_that_are_offered_now_can_be_changed_to(self):
        elsewhere = self.make_tariff(self.scheme, 1.0, name="Cheap", portal_public=True)
        hidden = {"portal_public": False}
        past = {"portal_until": self.today - timedelta(days=1)}
        future = {"portal_from": self.today + timedelta(days=1), "portal_until": False}
        archived = {"active": False}
        for values in (hidden, past, future, archived):
            before = {name: self.bigger[name] for name in values}
            self.bigger.write(values)
            self.assertNotIn("Big", self.get(self.path("change")).text, values)
            page = self.post(self.path("change/check"), tariff=self.bigger.id, day=self.day())
            self.assertIn("Nothing is different", self.problem(page), values)
            self.bigger.write(before)
        for tariff in (elsewhere.id, "9" * 5000, "x", -1):
            page = self.post(self.path("change/check"), tariff=tariff, day=self.day())
            self.assertIn("Nothing is different", self.problem(page))

    def test_add_ons_and_parameters_that_are_not_the_customers_are_left_alone(self):
        self.addon.portal_choice = False
        self.tariff.portal_parameters = False
        self.assertNotIn(f"addon_{self.addon.id}", self.get(self.path("change")).text)
        page = self.post(
            self.path("change/check"),
            day=self.day(),
            parameter_php="9",
            parameter_domain="mine",
            **{f"addon_{self.addon.id}": "9", f"addon_{self.big_addon.id}": "1"},
        )
        self.assertIn("Nothing is different", self.problem(page))
        self.tariff.portal_target_ids = False
        self.assertIn(
            "Nothing of this service can be changed", self.problem(self.get(self.path("change")))
        )

    def test_an_ended_service_takes_no_requests(self):
        self.service._terminate(self.today)
        for kind in ("change", "suspend", "resume", "end"):
            self.assertIn("not possible for a service", self.problem(self.get(self.path(kind))))

    def test_parameters_for_customers_are_the_tariffs_and_of_a_type_they_can_fill_in(self):
        with (
            self.assertRaisesRegex(ValidationError, "no parameter named: Colour"),
            self.cr.savepoint(),
        ):
            self.tariff.portal_parameters = "Domain, Colour"
        self.tariff.parameter_definition = [
            *self.tariff.parameter_definition,
            {"name": "owner", "type": "many2one", "string": "Owner", "comodel": "res.partner"},
        ]
        with (
            self.assertRaisesRegex(ValidationError, "customers cannot fill in: Owner"),
            self.cr.savepoint(),
        ):
            self.tariff.portal_parameters = "Domain, Owner"


@tagged("post_install", "-at_install")
class TestWithdrawing(RequestCase):
    def withdraw(self, operation):
        return self.post(self.path("requests", operation.id, "withdraw"))

    def test_a_request_is_withdrawn_while_nothing_was_done(self):
        for day in (self.day(5), self.day()):
            self.ask_for(self.path("suspend"), day=day)
            operation = self.asked()
            self.assertIn("Withdraw", self.get(self.path()).text)
            page = self.withdraw(operation)
            self.assertIn("Your request is withdrawn", page.text)
            self.assertEqual(operation.state, "cancelled")
            self.assertIn(operation.service_task_id.state, (False, "cancelled"))
        self.assertEqual(self.service.state, "active")

    def test_an_announced_end_is_taken_back(self):
        self.ask_for(self.path("end"), day=self.day(3))
        self.assertTrue(self.service.date_end)
        self.withdraw(self.asked())
        self.assertFalse(self.service.date_end)

    def test_what_somebody_works_on_is_not_withdrawn(self):
        self.ask_for(self.path("suspend"), day=self.day())
        operation = self.asked()
        self.task_of(operation, self.member)
        self.assertNotIn("Withdraw", self.get(self.path()).text)
        page = self.withdraw(operation)
        self.assertIn("cannot be withdrawn any more", self.problem(page))
        self.assertEqual(operation.state, "manual")
        self.close(operation)
        self.assertIn("it is done on", self.problem(self.withdraw(operation)))

    def test_what_software_was_told_is_not_withdrawn(self):
        self.make_webhook()
        self.ask_for(self.path("suspend"), day=self.day())
        operation = self.asked()
        self.assertTrue(operation._is_withdrawable(self.customer))
        operation._own().accepted_date = "2026-01-01"
        self.assertIn("cannot be withdrawn", self.problem(self.withdraw(operation)))
        operation._own().accepted_date = False
        self.assertIn("is withdrawn", self.withdraw(operation).text)
        self.assertEqual(operation.billing_task_id.state, "skipped")

    def test_what_staff_asked_for_is_not_the_customers_to_withdraw(self):
        operation = self.ask(self.service, "suspend", None, self.today, source="client")
        self.assertIn("cannot be withdrawn", self.problem(self.withdraw(operation)))
        self.assertEqual(operation.state, "manual")
