"""Connecting to Xero: the login with state and PKCE, the organisation, and what is read to be mapped."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from ..accounting_export.oauth import digest
from .accounting_common import XeroCase
from .xero_server import identity


@tagged("post_install", "-at_install")
class TestLogin(XeroCase):
    def setUp(self):
        super().setUp()
        self.connection._set_state("draft", {"tenant_id": False, "tenant_name": False})
        self.connection._secret().write(
            {"access_token": False, "refresh_token": False, "expires": 0}
        )
        self.as_admin = self.connection.with_user(self.administrator)

    def begin(self):
        """Begin a login, and return what Xero is told of it."""
        action = self.as_admin.action_connect()
        self.assertEqual(action["type"], "ir.actions.act_url")
        query = parse_qs(urlsplit(action["url"]).query)
        return {name: values[0] for name, values in query.items()}

    def come_back(self, query, code=None, user=None):
        """Come back from Xero as the callback takes it."""
        user = user or self.administrator
        login = self.env["accounting.export.login"]._use(query["state"], user)
        if not login:
            return None
        code = code or self.xero.authorize(query["code_challenge"], query["redirect_uri"])
        return login.connection_id.with_user(user)._come_back(login, code)

    def test_a_login_ends_with_the_choice_of_an_organisation(self):
        query = self.begin()
        self.assertEqual(query["code_challenge_method"], "S256")
        self.assertIn("offline_access", query["scope"])
        self.assertTrue(self.come_back(query))
        self.assertEqual(self.connection.state, "choosing")
        tenants = self.connection.choice_ids.filtered(lambda c: c.kind == "tenant")
        self.assertEqual(tenants.mapped("name"), ["Provider Ltd in Xero"])
        self.assertTrue(self.connection._secret().refresh_token)
        logins = self.env["accounting.export.login"].search([])
        self.assertEqual((logins.mapped("code"), logins.mapped("verifier")), ([False], [False]))
        dialog = (
            self.env["accounting.export.tenant"]
            .with_user(self.administrator)
            .create({"connection_id": self.connection.id, "choice_id": tenants.id})
        )
        dialog.action_apply()
        self.assertEqual(
            (self.connection.state, self.connection.tenant_id), ("active", self.xero.tenant)
        )
        kinds = {}
        for choice in self.connection.choice_ids:
            kinds.setdefault(choice.kind, set()).add(choice.code)
        self.assertEqual(kinds["account"], {"200", "260"})
        self.assertEqual(kinds["bank"], {"090"})
        self.assertEqual(kinds["tax"], {"OUTPUT2", "NONE"})
        self.assertEqual(kinds["tracking"], {"North", "South"})

    def test_a_state_is_for_one_person_once_and_for_ten_minutes(self):
        query = self.begin()
        other = self.make_user("export_admin2", "billing_operations.group_billing_administrator")
        self.assertIsNone(self.come_back(query, user=other))
        self.assertIsNone(self.come_back({**query, "state": "guessed"}))
        self.assertTrue(self.come_back(query))
        self.assertIsNone(self.come_back(query))
        late = self.begin()
        login = self.env["accounting.export.login"].search(
            [("state_digest", "=", digest(late["state"]))]
        )
        login.expires_date = fields.Datetime.now() - timedelta(seconds=1)
        self.env.flush_all()
        self.assertIsNone(self.come_back(late))

    def test_a_code_of_another_login_is_not_taken(self):
        query = self.begin()
        foreign = self.xero.authorize("another challenge", query["redirect_uri"])
        result = self.come_back(query, code=foreign)
        self.assertEqual(result["tag"], "display_notification")
        self.assertEqual(self.connection.state, "draft")
        self.assertFalse(self.connection._secret().access_token)
        self.assertIn("does not accept the login", self.connection.problem)

    def test_connecting_again_goes_on_with_the_same_organisation_only(self):
        self.come_back(self.begin())
        tenant = self.connection.choice_ids.filtered(lambda c: c.kind == "tenant")
        self.as_admin._choose_tenant(tenant)
        self.make_invoice()
        self.send_customers()
        self.connection._set_state("broken")
        self.come_back(self.begin())
        self.assertEqual(self.connection.state, "active")
        self.xero.tenants.append(
            identity.Connection(
                id="1", tenant_id="t2", tenant_type="ORGANISATION", tenant_name="Two"
            )
        )
        self.connection._set_state("broken")
        self.come_back(self.begin())
        other = self.connection.choice_ids.filtered(lambda c: c.code == "t2")
        with self.assertRaises(UserError) as caught:
            self.as_admin._choose_tenant(other)
        self.assertIn("Create another connection", str(caught.exception))
        with self.assertRaises(AccessError):
            self.connection.with_user(self.manager)._choose_tenant(other)

    def test_a_custom_connection_needs_no_person(self):
        self.connection.grant = "client"
        self.assertTrue(self.as_admin.action_connect())
        self.assertEqual(self.connection.state, "choosing")

    def test_a_wrong_secret_says_so(self):
        self.connection.grant = "client"
        self.as_admin.client_secret = "wrong"
        result = self.as_admin.action_connect()
        self.assertIn("invalid_client", result["params"]["message"])
        self.assertEqual(self.connection.state, "draft")

    def test_what_is_missing_is_asked_for_first(self):
        self.connection.client_id = False
        with self.assertRaises(UserError) as caught:
            self.as_admin.action_connect()
        self.assertIn("client ID", str(caught.exception))
        self.connection.write({"client_id": "x", "grant": "client"})
        self.connection._secret().client_secret = False
        self.connection.invalidate_recordset()
        with self.assertRaises(UserError) as caught:
            self.as_admin.action_connect()
        self.assertIn("client secret", str(caught.exception))

    def test_choices_follow_what_is_there_and_mappings_keep_their_codes(self):
        self.come_back(self.begin())
        self.as_admin._choose_tenant(
            self.connection.choice_ids.filtered(lambda c: c.kind == "tenant")
        )
        choice = self.connection.choice_ids.filtered(lambda c: c.code == "260")
        mapping = self.connection.account_mapping_ids
        mapping.with_user(self.manager).choice_id = choice
        self.assertEqual(mapping.code, "260")
        self.xero.accounts = [a for a in self.xero.accounts if a.code != "260"]
        self.connection.with_user(self.manager).action_read_choices()
        self.assertNotIn("260", self.connection.choice_ids.mapped("code"))
        self.assertEqual((mapping.choice_id.id, mapping.code), (False, "260"))

    def test_disconnecting_forgets_the_tokens(self):
        self.come_back(self.begin())
        self.as_admin.action_disconnect()
        secret = self.connection._secret()
        self.assertFalse(secret.access_token or secret.refresh_token)
        self.assertEqual(self.connection.state, "draft")
        self.assertTrue(secret.client_secret)


@tagged("post_install", "-at_install")
class TestCallback(HttpCase):
    def setUp(self):
        super().setUp()
        self.person = new_test_user(
            self.env,
            login="callback_admin",
            groups="base.group_user,billing_operations.group_billing_administrator",
        )
        self.connection = self.env["accounting.export.connection"].create(
            {"name": "Xero", "kind": "xero", "client_id": "x"}
        )

    def begin(self):
        url = self.connection.with_user(self.person)._begin_login()
        return parse_qs(urlsplit(url).query)["state"][0]

    def test_only_who_began_a_login_comes_back_from_it_and_once(self):
        state = self.begin()
        path = f"/billing/xero/callback?error=access_denied&state={state}"
        self.authenticate("admin", "admin")
        self.assertEqual(self.url_open(path, allow_redirects=False).status_code, 400)
        self.authenticate(None, None)
        answer = self.url_open(path, allow_redirects=False)
        self.assertIn("/web/login", answer.headers["Location"])
        self.authenticate("callback_admin", "callback_admin")
        self.assertEqual(
            self.url_open("/billing/xero/callback?state=guess&code=1").status_code, 400
        )
        self.assertEqual(self.url_open("/billing/xero/callback").status_code, 400)
        answer = self.url_open(path, allow_redirects=False)
        self.assertEqual(answer.status_code, 303)
        self.assertIn(f"/{self.connection.id}", answer.headers["Location"])
        self.assertIn("access_denied", str(self.connection.message_ids.mapped("body")))
        self.assertEqual(self.url_open(path, allow_redirects=False).status_code, 400)
