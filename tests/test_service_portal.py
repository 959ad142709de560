"""The portal page of a service: who sees its settings and passwords."""

from odoo.tests import HttpCase, tagged

from .service_task_common import ServiceTaskCase


@tagged("post_install", "-at_install")
class TestPortal(ServiceTaskCase, HttpCase):
    """The page behind the link in the opening mail."""

    def setUp(self):
        super().setUp()
        self.service = self.active(name="alder.example")
        self.service.parameters = {"domain": "alder.example"}
        self.env["billing.service.secret"].create(
            {"service_id": self.service.id, "name": "root", "value": "hunter2"}
        )
        self.path = f"/my/services/{self.service.id}"

    def page(self, path=None):
        self.env.flush_all()
        return self.url_open(path or self.path)

    def portal_user(self, login, partner):
        user = self.env["res.users"].create(
            {
                "name": login,
                "login": login,
                "password": login,
                "partner_id": partner.id,
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
                "company_id": self.company.id,
                "company_ids": [(6, 0, self.company.ids)],
            }
        )
        return user

    def test_the_customer_sees_settings_and_passwords(self):
        self.portal_user("own_customer", self.customer)
        self.authenticate("own_customer", "own_customer")
        page = self.page()
        self.assertIn("hunter2", page.text)
        self.assertIn("alder.example", page.text)
        self.assertIn(self.company.name, page.text)
        self.assertEqual(page.headers["Cache-Control"], "no-store")

    def test_others_do_not(self):
        self.portal_user("other_customer", self.make_customer("Other"))
        for login in (None, "other_customer", "member", "accountant", "task_manager"):
            self.authenticate(login, login)
            page = self.page()
            self.assertNotIn("hunter2", page.text, login)
            self.assertNotIn(self.path, page.url.partition("?")[0])

    def test_the_link_opens_it_for_a_while(self):
        link = self.service._make_portal_link()
        self.authenticate(None, None)
        path = link[link.index("/my/") :]
        self.assertIn("hunter2", self.page(path).text)
        self.assertNotIn("hunter2", self.page(self.path + "?token=wrong").text)
        self.service.portal_link_until = "2026-01-01"
        self.assertNotIn("hunter2", self.page(path).text)
