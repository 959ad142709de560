"""Nothing of another customer is reached by any address of the addon, and nothing is written but by
POST with the form's token. The addresses are in `portal_routes.py`."""

import re
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import urlencode

from odoo import http
from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .architecture import ADDON
from .payment_common import IBANS
from .portal_bills_common import PortalCase
from .portal_routes import ROUTES
from .usage_common import UsageCase

#: what a page may not leave a trace on: model, and the fields that would show it
WATCHED = {
    "billing.mandate": ["state", "signed_date"],
    "billing.wallet": ["balance", "top_up_by_card", "top_up_amount"],
    "billing.service": ["state", "tariff_id", "date_end", "quantity"],
    "service.operation": ["state"],
    "service.task": ["state"],
    "payment.transaction": ["state"],
    "account.move": ["state", "payment_state"],
    "billing.bill": ["state"],
    "payment.token": ["active"],
}


class PortalRoutesCase(UsageCase, PortalCase):
    """Two customers who have all that the portal shows."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_wallet_account_id = cls.env["account.account"].create(
            {
                "name": "Deposits",
                "code": "DEPR",
                "account_type": "liability_current",
                "reconcile": True,
                "company_ids": cls.company.ids,
            }
        )
        cls.company.write({"billing_top_up_portal": True, "billing_top_up_most": 100})
        cls.module = cls.company.service_processing_module_id

    def setUp(self):
        super().setUp()
        numbers = {"own": "7946 0000", "other": "7946 0001"}
        names = {"own": "Own Ltd", "other": "Other Ltd"}
        partners = {"own": self.customer, "other": self.make_customer("Other Office")}
        self.load_calls(partners["other"], numbers["other"])
        run = self.billed_run()
        for key, partner in partners.items():
            partner.write({"name": names[key], "email": f"{key}@x.example"})
            setattr(self, key, self.make_customer_with_all(key, partner, run))
        abroad = self.make_company("Abroad")
        people = {
            "colleague": (self.make_customer("Colleague", parent_id=self.customer.id), None),
            "elsewhere": (self.make_customer("Elsewhere"), abroad),
        }
        for login, (partner, company) in people.items():
            self.portal_user(login, partner, company)
        self.make_user("nobody", None)
        self.make_user("clerk", "billing_operations.group_billing_user")
        self.make_user("clerk_abroad", "billing_operations.group_billing_user", abroad)
        self.env.flush_all()

    def load_calls(self, other, number):
        service = self.make_service(other, self.tariff)
        self.make_number(f"+44 20 {number}", service)
        self.load(
            self.january(2, caller="+442079460000", callee="+447700900111"),
            self.january(5, identifier="442079460001", callee="+447700900222"),
        )

    def billed_run(self):
        run = self.make_run(self.cycle, datetime(2026, 1, 28).date())
        run.cutoff_date = run.invoice_date = datetime(2026, 1, 28).date()
        run._execute("posting")
        return run

    def make_customer_with_all(self, key, partner, run):
        """Return a customer: a record of each kind by name, ``secrets`` that only who may sees, and
        the login ``key``. Add here what a new address of `portal_routes.py` needs."""
        self.portal_user(key, partner)
        bill = self.env["billing.bill"].search(
            [("run_id", "=", run.id), ("partner_id", "=", partner.id)]
        )
        invoice = bill.move_ids
        pdf = self.attach(invoice, f"pdf-{key}.pdf", f"%PDF content of {key}".encode())
        signed = self.company._billing_today()
        iban = {"own": IBANS[0], "other": IBANS[1]}[key]
        mandate = self.make_mandate(
            partner, iban, signed_date=signed, reference=f"SIGNED-{key.upper()}"
        )
        draft = self.env["billing.mandate"].create(
            {
                "partner_id": partner.id,
                "company_id": self.company.id,
                "reference": f"DRAFT-{key.upper()}",
            }
        )
        draft._make_sign_link()
        wallet = self.env["billing.wallet"].create(
            {"partner_id": partner.id, "company_id": self.company.id}
        )
        wallet._credit(12.34, f"Goodwill for {key}")
        card = self.make_card(partner, {"own": "4111", "other": "4222"}[key])
        service = self.env["billing.service"].search([("partner_id", "=", partner.id)], limit=1)
        self.env["billing.service.secret"].create(
            {"service_id": service.id, "name": "root", "value": f"hunter2-{key}"}
        )
        service._make_portal_link()
        return SimpleNamespace(
            key=key, one=1, scope="bill", kind="suspend", operation=1, tariff=self.tariff,
            bill=bill, invoice=invoice, pdf=pdf, mandate=mandate,
            draft_mandate=draft, wallet=wallet, card=card, service=service,
            file=self.env["billing.payment.file"].browse(1), module=self.module,
            amount=bill._to_pay("bill").amount,
            tokens={
                "invoice": invoice._portal_ensure_token(),
                "draft_mandate": draft.sudo().sign_token,
                "service": service.sudo().portal_link_token,
            },
            secrets={
                "bill": invoice.name,
                "pdf": f"content of {key}",
                "call": {"own": "447700900111", "other": "447700900222"}[key],
                "mandate": mandate.reference,
                "draft_mandate": draft.reference,
                "wallet": wallet.number,
                "service": service.number,
                "password": f"hunter2-{key}",
                "goodwill": f"Goodwill for {key}",
            },
        )  # fmt: skip

    # === REQUESTS === #

    def address(self, rule, customer):
        """Return an address with a customer's ids in it."""
        names = iter(ROUTES[rule].records)

        def fill(_match):
            value = getattr(customer, next(names))
            return str(getattr(value, "id", value))

        return re.sub(r"<[^>]+>", fill, rule)

    def ask(self, rule, customer, token=None, csrf=True):
        """Ask for a customer's address as its page would."""
        route = ROUTES[rule]
        path = self.address(rule, customer)
        values = {route.token: token} if route.token and token is not None else {}
        if route.kind in ("page", "file"):
            return self.url_open(f"{path}?{urlencode(values)}" if values else path)
        form = {**route.form, **values}
        if form.pop("payment", None):
            form |= self.payment(amount=customer.amount)
        if route.kind == "json":
            return self.opener.post(
                f"{self.base_url()}{path}",
                json={"jsonrpc": "2.0", "method": "call", "id": 0, "params": form},
                timeout=30,
            )
        if csrf and route.kind == "form":
            form["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(path, data=form)

    def state(self):
        """Return all that no stranger may change."""
        self.env.invalidate_all()
        return {
            model: self.env[model].search_read([], names, order="id", load=None)
            for model, names in WATCHED.items()
        }

    def assert_nothing_of(self, customer, answer, what):
        for name, secret in customer.secrets.items():
            self.assertNotIn(secret, answer.text, f"{what}: {name}")

    def login(self, login):
        """Log in and return whether it went well; None is nobody."""
        self.authenticate(login, login)

    def rules(self, *kinds):
        return [rule for rule, route in ROUTES.items() if route.kind in kinds]


@tagged("post_install", "-at_install")
class TestPortalRoutes(PortalRoutesCase, HttpCase):
    def test_every_address_of_the_addon_is_listed(self):
        found = set()
        modules = sorted(self.registry._init_modules)
        router = self.env["ir.http"]
        for url, endpoint in router._generate_routing_rules(modules, router._get_converters()):
            controller, name = type(endpoint.func.__self__), endpoint.func.__name__
            for place in controller.mro():
                ours = place.__module__.startswith(f"odoo.addons.{ADDON}.")
                if ours and name in vars(place):
                    found.add(url)
        self.assertEqual(
            sorted(found ^ set(ROUTES)),
            [],
            "addresses that portal_routes.py lacks, or that are gone",
        )

    def test_the_customer_and_colleagues_reach_their_own(self):
        for login in ("own", "colleague"):
            self.login(login)
            for rule in self.rules("page", "file"):
                route = ROUTES[rule]
                if route.shows and route.customers:
                    with self.subTest(rule=rule, login=login):
                        answer = self.ask(rule, self.own)
                        self.assertIn(self.own.secrets[route.shows], answer.text)
                        self.assert_nothing_of(self.other, answer, rule)

    def test_nobody_else_reaches_them_with_any_token(self):
        before = self.state()
        for login in (None, "other", "elsewhere", "nobody", "clerk_abroad"):
            self.login(login)
            for rule, route in ROUTES.items():
                tokens = [None]
                if route.token:
                    tokens += ["", "0" * 43, self.other.tokens[route.token_of]]
                for token in tokens:
                    with self.subTest(rule=rule, login=login, token=token):
                        with mute_logger("odoo.http"):
                            answer = self.ask(rule, self.own, token)
                        self.assert_nothing_of(self.own, answer, rule)
        self.assertEqual(self.state(), before)

    def test_mixed_ids_of_two_customers_reach_nothing(self):
        self.login("other")
        for rule in self.rules("page", "file", "json"):
            names = ROUTES[rule].records
            for name in names:
                mixed = SimpleNamespace(**{**vars(self.other), name: getattr(self.own, name)})
                with self.subTest(rule=rule, name=name), mute_logger("odoo.http"):
                    self.assert_nothing_of(self.own, self.ask(rule, mixed), rule)

    def test_links_open_what_they_are_for_until_they_end(self):
        self.login(None)
        linked = [rule for rule in self.rules("page", "file") if ROUTES[rule].token]
        self.assertTrue(linked)
        for rule in linked:
            route = ROUTES[rule]
            answer = self.ask(rule, self.own, self.own.tokens[route.token_of])
            self.assertIn(self.own.secrets[route.shows], answer.text, rule)
            self.assert_nothing_of(self.other, answer, rule)
        self.own.draft_mandate.sudo().sign_until = "2026-01-01"
        self.own.service.sudo().portal_link_until = "2026-01-01"
        self.env.flush_all()
        before = self.state()
        for rule, route in ROUTES.items():
            if route.token and route.expires:
                answer = self.ask(rule, self.own, self.own.tokens[route.token_of])
                self.assert_nothing_of(self.own, answer, rule)
        self.assertEqual(self.state(), before)

    def test_people_inside_open_what_their_rights_say(self):
        self.login("clerk")
        for rule in self.rules("page", "file"):
            route = ROUTES[rule]
            if route.staff:
                self.assertIn(self.own.secrets[route.shows], self.ask(rule, self.own).text, rule)
        for login in ("own", "other", "colleague", "nobody", None):
            self.login(login)
            for rule in self.rules("page", "file"):
                if not ROUTES[rule].customers:
                    with mute_logger("odoo.http"):
                        answer = self.ask(rule, self.own)
                    landed = answer.url.partition("?")[0].endswith("/web/login")
                    self.assertTrue(landed or answer.status_code in (400, 403, 404), rule)

    # === WRITING === #

    def test_nothing_is_written_without_the_forms_token(self):
        self.login("own")
        before = self.state()
        for rule in self.rules("form"):
            with self.subTest(rule=rule), mute_logger("odoo.http"):
                self.assertEqual(self.ask(rule, self.own, csrf=False).status_code, 400)
                path = self.address(rule, self.own)
                self.assertEqual(self.url_open(path).status_code, 405)
                self.assertEqual(self.url_open(f"{path}?confirm=revoke").status_code, 405)
        for rule in self.rules("json"):
            # A form of another site cannot send JSON.
            with self.subTest(rule=rule), mute_logger("odoo.http"):
                answer = self.url_open(self.address(rule, self.own), data={"amount": "1"})
                self.assertGreaterEqual(answer.status_code, 400)
        for rule in self.rules("signed"):
            self.assertEqual(self.ask(rule, self.own).status_code, 401, rule)
        self.assertEqual(self.state(), before)

    def test_looking_writes_nothing(self):
        for login in ("own", "clerk"):
            self.login(login)
            before = self.state()
            for rule in self.rules("page", "file"):
                self.ask(rule, self.own)
            self.assertEqual(self.state(), before)

    # === RPC === #

    def test_customers_reach_no_record_of_the_portal_by_rpc(self):
        records = {
            "bill": [("read", [["closing_balance"]]), ("action_view_invoices", [])],
            "mandate": [
                ("read", [["reference"]]),
                ("action_revoke", []),
                ("action_activate", []),
                ("write", [{"reference": "MINE"}]),
            ],
            "draft_mandate": [("action_activate", []), ("unlink", [])],
            "wallet": [("read", [["balance"]]), ("write", [{"top_up_by_card": True}])],
            "service": [("read", [["number"]]), ("write", [{"quantity": 0}])],
            "invoice": [
                ("write", [{"ref": "mine"}]),
                ("button_draft", []),
                ("action_view_calls", []),
            ],
            "card": [("write", [{"billing_expiry": "01/2040"}])],
        }
        before = self.state()
        for login in ("own", "other", "elsewhere"):
            user = self.env["res.users"].search([("login", "=", login)])
            for name, calls in records.items():
                record = getattr(self.own, name)
                for method, args in calls:
                    with self.subTest(login=login, record=name, method=method):
                        with self.assertRaises(AccessError), self.env.cr.savepoint():
                            call_kw(
                                record.with_user(user).browse(), method, [record.ids, *args], {}
                            )
        self.assertEqual(self.state(), before)

    def test_what_pages_do_is_no_method_of_rpc(self):
        for name, methods in {
            "bill": ("_bills_of", "_to_pay", "_standings", "_customer_files"),
            "mandate": ("_revoke_by", "_mandates_of", "_sign"),
            "invoice": ("_hold_for_payment", "_billing_collections"),
            "card": ("_cards_of",),
        }.items():
            for method in methods:
                with self.assertRaises(AccessError):
                    call_kw(getattr(self.own, name), method, [[], *()], {})
