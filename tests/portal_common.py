"""Customers with logins of their own, and the forms that they send."""

import html
import re
from datetime import timedelta

from odoo import http
from odoo.tests import HttpCase

from .service_task_common import ServiceTaskCase

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


class PortalCase(ServiceTaskCase, HttpCase):
    """The customer has a login, a colleague and a service billed up to date; another customer too.

    Everything may be asked for, and the tariff ``bigger`` can be ordered and changed to.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = cls.company._billing_today()
        cls.company.write({"billing_portal_suspend": True, "billing_portal_end": True})
        cls.colleague = cls.make_customer("Colleague", parent_id=cls.customer.id)
        cls.customer.is_company = True
        cls.other = cls.make_customer("Other Office")
        for login, partner in (("own", cls.customer), ("other", cls.other)):
            cls.portal_user(login, partner)
        cls.addon.portal_choice = True
        cls.tariff.write({"name": "Small", "code": "S-1", "portal_parameters": "Domain"})
        cls.bigger = cls.make_tariff(
            cls.scheme,
            60.0,
            name="Big",
            setup_price=5.0,
            portal_public=True,
            portal_description="<p>Room for <b>more</b></p>",
            parameter_definition=[
                {"name": "domain", "type": "char", "string": "Domain"},
                {"name": "php", "type": "integer", "string": "PHP workers"},
            ],
            portal_parameters="Domain",
        )
        cls.big_addon = cls.make_addon(cls.bigger, maximum=5.0, portal_choice=True)
        cls.tariff.portal_target_ids = cls.bigger
        cls.service = cls.running(cls.customer, name="own.example")
        cls.foreign = cls.running(cls.other, name="foreign.example")

    @classmethod
    def portal_user(cls, login, partner, company=None):
        """Return a portal login of a contact; its password is the login."""
        company = company or cls.company
        return cls.env["res.users"].create(
            {
                "name": partner.name,
                "login": login,
                "password": login,
                "partner_id": partner.id,
                "group_ids": [(6, 0, cls.env.ref("base.group_portal").ids)],
                "company_id": company.id,
                "company_ids": [(6, 0, company.ids)],
            }
        )

    @classmethod
    def running(cls, partner, tariff=None, days=10, **values):
        """Return a service that began some days ago and is billed for its first month."""
        start = cls.today - timedelta(days=days)
        service = cls.make_service(partner, tariff or cls.tariff, start, **values)
        service._rate(cls.today)
        return service

    def login(self, login="own"):
        """Log in; None logs out."""
        self.authenticate(login, login)

    def get(self, path):
        self.env.flush_all()
        page = self.url_open(path)
        self.env.invalidate_all()
        return page

    def post(self, path, csrf=True, **data):
        """Send a form."""
        if csrf:
            data["csrf_token"] = http.Request.csrf_token(self)
        self.env.flush_all()
        page = self.url_open(path, data=data or {"nothing": ""})
        self.env.invalidate_all()
        return page

    def hidden(self, page):
        """Return what the confirmation of a page sends along."""
        values = HIDDEN.findall(page.text)
        return {name: html.unescape(value) for name, value in values if name not in ("csrf_token",)}

    def ask_for(self, path, **typed):
        """Fill in the form of a request, look at its effect and confirm; return both pages."""
        shown = self.post(f"{path}/check", **typed)
        self.assertIn("o_billing_confirm_money", shown.text, self.problem(shown))
        return shown, self.post(f"{path}/confirm", **self.hidden(shown))

    def problem(self, page):
        """Return the message of a page, as a person reads it; empty where there is none."""
        found = re.search(
            r'class="alert alert-(?:danger|warning)"[^>]*>(.*?)</div>', page.text, re.S
        )
        return html.unescape(re.sub(r"<[^>]+>|\s+", " ", found[1])).strip() if found else ""

    def path(self, *parts):
        return "/".join(map(str, (f"/my/services/{self.service.id}", *parts)))

    def day(self, days=0):
        """Return the day so many days from today, as a browser sends it."""
        return (self.today + timedelta(days=days)).isoformat()


class RequestCase(PortalCase):
    """Logged in as the customer."""

    def setUp(self):
        super().setUp()
        self.login()

    def asked(self, service=None):
        """Return the latest operation of a service."""
        return (service or self.service).operation_ids.sorted("id")[-1:]

    def bought(self):
        """Return what the customer has ordered last."""
        domain = [("partner_id", "=", self.customer.id), ("state", "!=", "cancelled")]
        return self.env["billing.service"].search(domain, order="id desc", limit=1)
