"""Every address of a service tried by those whom it is not for."""

import json

from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .portal_common import PortalCase

PAGES = ("", "/change", "/suspend", "/resume", "/end")
WRITES = tuple(
    f"/{kind}/{step}"
    for kind in ("change", "suspend", "resume", "end")
    for step in ("check", "confirm")
)
SECRETS = (
    "own.example",
    "hunter2",
    "Small",
    "30.00",
    "o_billing_confirm",
    "o_billing_request_form",
)


@tagged("post_install", "-at_install")
class TestRoutes(PortalCase):
    def setUp(self):
        super().setUp()
        self.env["billing.service.secret"].create(
            {"service_id": self.service.id, "name": "root", "value": "hunter2"}
        )
        self.portal_user("workmate", self.colleague)
        abroad = self.make_company("Abroad")
        self.portal_user("elsewhere", self.make_customer("Elsewhere"), abroad)
        parent = self.make_customer("Group", is_company=True)
        self.customer.parent_id = parent
        self.portal_user("group", parent)
        daughter = self.make_customer("Daughter", is_company=True, parent_id=self.customer.id)
        self.portal_user("daughter", daughter)
        self.make_user("employee", "base.group_user")
        self.open = self.service.request_operation(
            "suspend", effective_date=self.day(5), source="client"
        )
        self.open._own().requested_by_id = self.env["res.users"].search([("login", "=", "own")])
        self.service.partner_id = self.customer

    def strangers(self):
        return (None, "other", "elsewhere", "group", "daughter", "employee", "member", "accountant")

    def typed(self):
        return {
            "day": self.day(1),
            "tariff": self.bigger.id,
            f"addon_{self.addon.id}": "4",
            "seen": "x",
            "key": "k",
        }

    def refuse(self, page, path):
        for secret in SECRETS:
            self.assertNotIn(secret, page.text, path)

    def test_nothing_of_a_service_is_read_by_others(self):
        for login in self.strangers():
            self.login(login)
            for query in ("", "?token=", "?token=wrong", f"?token={'0' * 43}", "?access_token=x"):
                for page in PAGES:
                    path = f"{self.path()}{page}{query}"
                    with self.subTest(login=login, path=path):
                        answer = self.get(path)
                        self.refuse(answer, path)
                        self.assertNotIn(self.path(), answer.url.partition("?")[0])
            if login:
                for path in ("/my/services", "/my/services?shown=all&search=own"):
                    self.assertNotIn(self.service.number, self.get(path).text)

    def test_nothing_of_a_service_is_asked_for_by_others(self):
        for login in self.strangers():
            self.login(login)
            writes = [*WRITES, f"/requests/{self.open.id}/withdraw"]
            for write in writes:
                with self.subTest(login=login, path=write):
                    self.refuse(self.post(f"{self.path()}{write}", **self.typed()), write)
        self.assertEqual(self.service.operation_ids, self.open)
        self.assertEqual(self.open.state, "pending")

    def test_an_own_service_opens_no_request_of_another(self):
        self.login("other")
        path = f"/my/services/{self.foreign.id}/requests/{self.open.id}/withdraw"
        self.post(path)
        self.assertEqual(self.open.state, "pending")

    def test_a_colleague_does_what_the_customer_may(self):
        self.login("workmate")
        self.assertIn("own.example", self.get(self.path()).text)
        self.post(f"{self.path()}/requests/{self.open.id}/withdraw")
        self.assertEqual(self.open.state, "cancelled")
        self.ask_for(self.path("end"), day=self.day(3))
        self.assertEqual(self.service.operation_ids.sorted("id")[-1].type, "delete")

    def test_an_expired_or_stale_link_opens_nothing_and_a_good_one_asks_for_nothing(self):
        link = self.service._make_portal_link()
        token = link.partition("token=")[2]
        self.login(None)
        self.assertIn("hunter2", self.get(f"{self.path()}?token={token}").text)
        for page in (*PAGES[1:], "/requests/1/withdraw"):
            self.refuse(self.get(f"{self.path()}{page}?token={token}"), page)
        for write in (*WRITES, f"/requests/{self.open.id}/withdraw"):
            self.refuse(self.post(f"{self.path()}{write}", token=token, **self.typed()), write)
        self.assertNotIn("hunter2", self.get(f"/my/services/{self.foreign.id}?token={token}").text)
        self.service.portal_link_until = "2026-01-01"
        self.refuse(self.get(f"{self.path()}?token={token}"), "expired")
        self.assertEqual(self.open.state, "pending")

    def test_staff_with_own_services_uses_the_buttons_of_a_service(self):
        employee = self.env["res.users"].search([("login", "=", "employee")])
        theirs = self.running(employee.partner_id, name="home.example")
        self.login("employee")
        self.assertIn("home.example", self.get(f"/my/services/{theirs.id}").text)
        self.assertNotIn("o_billing_service_buttons", self.get(f"/my/services/{theirs.id}").text)
        self.post(f"/my/services/{theirs.id}/suspend/check", day=self.day())
        self.assertIn("nothing to order", self.get("/my/services/order").text)
        self.assertFalse(theirs.operation_ids)

    def test_what_writes_takes_no_get_and_no_form_of_another_site(self):
        self.login()
        order = f"/my/services/order/{self.bigger.id}"
        writes = [f"{self.path()}{write}" for write in WRITES]
        writes += [f"{order}/check", f"{order}/confirm"]
        writes += [f"{self.path()}/requests/{self.open.id}/withdraw"]
        for path in writes:
            with self.subTest(path=path):
                self.assertEqual(self.get(f"{path}?day={self.day()}").status_code, 405)
                with self.assertLogs("odoo.http", "WARNING"):
                    refused = self.post(path, csrf=False, day=self.day())
                self.assertEqual(refused.status_code, 400)
                with self.assertLogs("odoo.http", "WARNING"):
                    refused = self.post(path, csrf=False, csrf_token="0" * 40, day=self.day())
                self.assertEqual(refused.status_code, 400)
        self.assertEqual(self.service.operation_ids, self.open)
        self.assertEqual(self.open.state, "pending")

    def test_ids_that_do_not_exist_are_like_those_of_others(self):
        self.login()
        for number in (0, 2**31, 10**15):
            for page in PAGES:
                answer = self.get(f"/my/services/{number}{page}")
                self.assertEqual((answer.status_code, answer.url), (200, self.base_url() + "/my"))
            answer = self.get(f"/my/services/order/{number}")
            self.assertTrue(answer.url.endswith("/my/services/order"))

    def test_a_portal_login_reaches_no_model_by_rpc(self):
        user = self.env["res.users"].search([("login", "=", "own")])
        for model in (
            "billing.service",
            "billing.service.addon",
            "billing.service.identifier",
            "billing.service.secret",
            "billing.tariff",
            "billing.tariff.addon",
            "billing.term.scheme",
            "billing.charge",
            "service.operation",
            "service.task",
            "service.processing.module",
        ):
            records = self.env[model].with_user(user)
            for method, arguments in (
                ("search_read", [[], ["id"]]),
                ("create", [{}]),
                ("read", [[1], ["id"]]),
                ("write", [[1], {"id": 1}]),
                ("unlink", [[1]]),
            ):
                with self.subTest(model=model, method=method), self.assertRaises(AccessError):
                    call_kw(records, method, arguments, {})
        services = self.env["billing.service"].with_user(user)
        for method in ("request_operation", "action_cancel", "action_suspend"):
            arguments = (
                [self.service.ids, "suspend"]
                if method == "request_operation"
                else [self.service.ids]
            )
            with self.subTest(method=method), self.assertRaises(AccessError):
                call_kw(services, method, arguments, {})
        for method in (
            "_ask_for",
            "_request_effect",
            "_place_order",
            "_withdraw",
            "_portal_domain",
        ):
            with self.subTest(method=method), self.assertRaises(AccessError):
                call_kw(services, method, [self.service.ids], {})

    def test_counters_count_own_services_alone(self):
        for login, count in (("other", 1), ("elsewhere", 0), ("employee", 0)):
            self.login(login)
            self.env.flush_all()
            answer = self.url_open(
                "/my/counters",
                data=json.dumps(
                    {"jsonrpc": "2.0", "params": {"counters": ["billing_service_count"]}}
                ),
                headers={"Content-Type": "application/json"},
            ).json()
            self.assertEqual(answer["result"]["billing_service_count"], count, login)
