import time

from odoo import fields, models
from odoo.exceptions import UserError

from ...billing_tasks.exceptions import FatalTaskError
from ..oauth import digest, expiry, login_url, new_secret
from ..xero_client import tenants
from ..xero_models import choices

#: what is read of Xero to be chosen from, one request each
READ = ("account", "tax", "tracking")


class AccountingExportConnection(models.Model):
    """Connecting to Xero: the login, the tokens, the organisation, and what can be chosen there."""

    _inherit = "accounting.export.connection"

    # === ACTIONS === #

    def action_connect(self):
        """Begin to connect: go to Xero, or let the custom connection in."""
        self.ensure_one()
        self._check_administrator()
        self.check_access("write")
        if self.kind == "csv":
            self.sudo()._set_state("active")
            return True
        problem = self._connect_problem()
        if problem:
            raise UserError(problem)
        if self.grant == "client":
            return self._connect_now({"step": "client"})
        return {"type": "ir.actions.act_url", "target": "self", "url": self._begin_login()}

    def action_disconnect(self):
        """Forget what opens the door; what was sent stays on record."""
        self._check_administrator()
        self.check_access("write")
        for connection in self.sudo():
            connection._secret().write(
                {"access_token": False, "refresh_token": False, "expires": 0}
            )
            connection._set_state("draft", {"problem": False, "paused_until": False})
        # Another one may be used at once.
        self.flush_recordset(["state"])
        return True

    def action_close(self):
        """Close the connection: another one is used. What was sent stays on record."""
        self._check_administrator()
        self.check_access("write")
        for connection in self.sudo():
            connection._secret().write(
                {"access_token": False, "refresh_token": False, "expires": 0}
            )
            connection._set_state("closed", {"problem": False})
        self.flush_recordset(["state"])
        return True

    def action_reopen(self):
        """Take a closed connection up again."""
        self._check_administrator()
        self.check_access("write")
        self.sudo()._set_state("draft", sources=("closed",))
        return True

    def action_read_choices(self):
        """Read accounts, tax types and tracking categories from Xero."""
        self.ensure_one()
        self._check_manager()
        self.check_access("write")
        self._check_ready()
        return self._connect_now({"step": "choices"})

    def action_choose_tenant(self):
        """Open the organisations to choose from."""
        self.ensure_one()
        self._check_administrator()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Choose Organisation"),
            "res_model": "accounting.export.tenant",
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_connection_id": self.id},
        }

    def _check_manager(self):
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise UserError(self.env._("Only billing managers keep what is mapped."))

    def _connect_problem(self):
        """Return what is missing before Xero can be asked; nothing where all is there."""
        if self.package_problem:
            return self.package_problem
        if not self.client_id:
            return self.env._("Enter the client ID of your app at developer.xero.com first.")
        if self.grant == "client" and not self.has_secret:
            return self.env._("Enter the client secret first: a custom connection needs it.")
        return ""

    # === LOGIN === #

    def _begin_login(self):
        """Make a login of the person at hand, and return the address to send them to."""
        state, verifier = new_secret(), new_secret()
        self.env["accounting.export.login"].sudo().create(
            {
                "connection_id": self.id,
                "user_id": self.env.uid,
                "state_digest": digest(state),
                "verifier": verifier,
            }
        )
        return login_url(
            self._xero_hosts().login,
            self.client_id,
            self.redirect_url,
            self.scopes,
            state,
            verifier,
        )

    def _come_back(self, login, code):
        """Take the code that a person came back with from Xero, and exchange it."""
        self.ensure_one()
        login.write({"code": code})
        return self._connect_now({"step": "code", "login_id": login.id})

    def _connect_now(self, parameters):
        """Do a task that connects or reads choices here and now, where no other task of the connection is
        at work; else it waits its turn. What it learns is kept whatever becomes of it."""
        self.ensure_one()
        task = (
            self.env["billing.task"]
            .sudo()
            .enqueue(
                "accounting_connect",
                self,
                parameters,
                exclusive_key=self._exclusive_key(),
            )
        )
        gates = {"exclusive": f"billing.task/exclusive/{self._exclusive_key()}", "slots": []}
        if task._pass_gates(gates):
            task._attempt_inline()
            self.env.invalidate_all()
        if task.state == "completed":
            return True
        message = task.error_message or self.env._(
            "Another task is talking to Xero: this is done after it."
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # === TOKENS === #

    def _token_step(self, task):
        """Return the intent that gets a token that is valid.

        :raise FatalTaskError: a person has to log in
        """
        if self.grant == "client":
            return {"step": "client"}
        if self._secret().refresh_token:
            return {"step": "refresh"}
        raise FatalTaskError(self.env._("Nobody is logged in to Xero. Connect again."))

    def _token_values(self, step):
        """Return what is sent for a token. Repeating it is safe: Xero takes a refresh token once more for a
        while when its answer was lost."""
        if step == "client":
            scopes = " ".join(s for s in self.scopes.split() if s != "offline_access")
            return {"grant_type": "client_credentials", "scope": scopes}
        return {"grant_type": "refresh_token", "refresh_token": self._secret().refresh_token}

    def _code_values(self, intent):
        login = self.env["accounting.export.login"].sudo().browse(intent["login_id"])
        return {
            "grant_type": "authorization_code",
            "code": login.code,
            "redirect_uri": self.redirect_url,
            "code_verifier": login.verifier,
        }

    def _take_tokens(self, task, step, answer):
        """Keep the tokens of an answer; where Xero refuses for good, a person has to log in again."""
        if answer["outcome"] == "done" and answer["data"].get("access_token"):
            data = answer["data"]
            values = {
                "access_token": data["access_token"],
                "expires": expiry(time.time(), data),
            }
            if data.get("refresh_token"):
                values["refresh_token"] = data["refresh_token"]
            self._secret().write(values)
            if step == "code":
                self.env["accounting.export.login"].sudo().search(
                    [("connection_id", "=", self.id)]
                ).write({"code": False, "verifier": False})
            self._own().write({"paused_until": False, "problem": False})
            if step == "code":
                self._note_progress(task, code_done=True)
            return
        if answer["outcome"] == "later":
            self._take_trouble(task, {}, answer)
            return
        self._break(
            task,
            self.env._(
                "Xero does not accept the login any more (%s). Connect again.",
                answer.get("problem") or answer["outcome"],
            ),
        )

    # === TASK: CONNECT === #

    def _next_connect_step(self, task):
        """Return the next request of a task that connects: the exchange of a code, the organisations, then
        what can be chosen there."""
        wanted = task.parameters or {}
        done = self._progress_of(task)
        if wanted.get("step") == "code" and not done.get("code_done"):
            return {"step": "code", "login_id": wanted["login_id"]}
        if wanted.get("step") != "choices" and not done.get("tenants"):
            return {"step": "tenants"}
        if self.state != "active":
            return None
        for kind in READ:
            if kind not in done.get("read", []):
                return {"step": "choices", "kind": kind}
        return None

    def _ask_tenants(self, task, intent):
        return tenants(self._door())

    def _take_tenants(self, task, intent, data):
        """Keep the organisations; the one that is chosen already goes on."""
        found = [
            {"kind": "tenant", "code": tenant.get("tenantId"), "name": tenant.get("tenantName")}
            for tenant in data["tenants"]
            if tenant.get("tenantType") in (None, "ORGANISATION")
        ]
        self.env["accounting.export.choice"]._replace(self, ("tenant",), found)
        self._note_progress(task, tenants=True)
        if self.tenant_id and self.tenant_id in {tenant["code"] for tenant in found}:
            self._set_state("active", {"problem": False, "paused_until": False})
        else:
            self._set_state("choosing", {"problem": False})

    def _choose_tenant(self, choice):
        """Work with an organisation from here on.

        :raise UserError: records were sent to another one
        """
        self.ensure_one()
        self._check_administrator()
        if choice.connection_id != self or choice.kind != "tenant":
            raise UserError(self.env._("This is no organisation of %s.", self.name))
        connection = self.sudo()
        if connection.tenant_id and connection.tenant_id != choice.code and connection._items_of():
            raise UserError(
                self.env._(
                    "%(connection)s has sent records to %(organisation)s. Create another connection for"
                    " %(other)s.",
                    connection=self.name,
                    organisation=self.tenant_name,
                    other=choice.name,
                )
            )
        connection._set_state(
            "active", {"tenant_id": choice.code, "tenant_name": choice.name, "problem": False}
        )
        return self._connect_now({"step": "choices"})

    def _ask_choices(self, task, intent):
        kind = intent["kind"]
        if kind == "account":
            return self._xero(lambda api, options, tenant: api.get_accounts(tenant, **options))
        if kind == "tax":
            return self._xero(lambda api, options, tenant: api.get_tax_rates(tenant, **options))
        return self._xero(
            lambda api, options, tenant: api.get_tracking_categories(tenant, **options)
        )

    def _take_choices(self, task, intent, data):
        kind = intent["kind"]
        kinds = ("account", "bank") if kind == "account" else (kind,)
        self.env["accounting.export.choice"]._replace(self, kinds, choices(data, kind))
        done = self._progress_of(task).get("read", [])
        self._note_progress(task, read=[*done, kind])
        self._own().write({"choices_date": fields.Datetime.now()})
