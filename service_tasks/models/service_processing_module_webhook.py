import json
import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ..answers import readable
from ..http_client import NoAnswer, NotSent, Refused, check_url, resolve, send
from ..signatures import KEY_HEADER, signed_headers

PRIVATE_PARAMETER = "billing_operations.webhook_allow_private"


class ServiceProcessingModule(models.Model):
    """The kind *webhook*: a signed POST of JSON to an address.

    What an answer means: 2xx done (the body may be ``{"message": ..., "parameters": {...}}``), 202
    accepted and finished by a signed callback, 3xx and 4xx failed, 408, 425 and 429 try again, 5xx
    try again. When no connection came about, nothing was sent: try again.

    When a request left and no complete answer came back, and likewise after 502 and 504 (a gateway
    lost the answer), nobody knows whether it was done. It is never sent again blindly. The rule of
    the module says how the outcome is found by the idempotency key, which is the operation's and
    the same at every attempt:

    * ``ask``: a signed GET with the key to the status address. The answer is 200 with ``{"state":
      "done" | "accepted" | "failed" | "not_received"}``; only ``not_received`` sends the request
      again. An answer that says nothing of the kind hands the matter to a person.
    * ``repeat``: the receiver promised to do the work of one key once and to answer a repeated
      request with the first one's outcome, so the same request with the same key is the question.
    * ``person``: nothing is asked; a service task says what to look up.

    Questions that get no answer are asked again until the retries are used up; then the outcome is
    ``unknown`` and a person gets a service task.
    """

    _inherit = "service.processing.module"
    _secret_fields = ("secret_key",)

    url = fields.Char(string="Address", help="Where operations are sent: https://…")
    secret_key = fields.Char(
        groups="billing_operations.group_billing_administrator",
        copy=False,
        exportable=False,
        help="Signs requests and callbacks. Pass it on to the other side in a safe way.",
    )
    has_secret_key = fields.Boolean(compute="_compute_has_secret_key", compute_sudo=True)
    timeout = fields.Integer(
        string="Time-out (s)", default=15, help="Seconds until the answer must be complete."
    )
    timeout_rule = fields.Selection(
        [
            ("ask", "Ask the status address"),
            ("repeat", "Repeat: the receiver does each key once"),
            ("person", "Hand it to a person"),
        ],
        string="Without an Answer",
        default="ask",
        required=True,
        help="How to find out whether a request without an answer was carried out.",
    )
    status_url = fields.Char(
        string="Status Address", help="Answers questions about a key. Empty: the address itself."
    )
    callback_hours = fields.Integer(
        string="Wait for Callback (h)",
        default=24,
        help="After this time an accepted operation without a callback is handed to a person.",
    )
    callback_url = fields.Char(string="Callback Address", compute="_compute_callback_url")

    _timeout_range = models.Constraint(
        "CHECK(timeout BETWEEN 1 AND 40)", "The time-out lies between 1 and 40 seconds."
    )
    _callback_hours_positive = models.Constraint(
        "CHECK(callback_hours > 0)", "Callbacks are waited for at least an hour."
    )

    @api.constrains("kind", "url", "status_url")
    def _check_urls(self):
        for module in self.filtered(lambda module: module.kind == "webhook"):
            if not module.url:
                raise ValidationError(
                    self.env._("The webhook module %s needs an address.", module.name)
                )
            for url in filter(None, (module.url, module.status_url)):
                try:
                    check_url(url)
                except Refused as error:
                    raise ValidationError(
                        self.env._(
                            "The address of module %(module)s cannot be used: %(why)s.",
                            module=module.name,
                            why=error,
                        )
                    ) from error

    @api.depends("kind")
    def _compute_callback_url(self):
        for module in self:
            base = module.get_base_url()
            module.callback_url = (
                f"{base}/billing_operations/webhook/{module._origin.id}"
                if module.kind == "webhook" and module._origin.id
                else False
            )

    @api.depends("secret_key")
    def _compute_has_secret_key(self):
        for module in self:
            module.has_secret_key = bool(module.secret_key)

    @api.model_create_multi
    def create(self, vals_list):
        modules = super().create(vals_list)
        modules._ensure_secret_key()
        return modules

    def write(self, vals):
        result = super().write(vals)
        if "kind" in vals:
            self._ensure_secret_key()
        return result

    def _ensure_secret_key(self):
        for module in self.sudo():
            if module.kind == "webhook" and not module.secret_key:
                module.secret_key = secrets.token_hex(32)

    def action_new_secret_key(self):
        """Replace the secret key: whatever is signed with the old one is refused from now on."""
        self.ensure_one()
        self.check_access("write")
        if not self.env.user.has_group("billing_operations.group_billing_administrator"):
            raise AccessError(self.env._("Only billing administrators may change secret keys."))
        self.sudo().secret_key = secrets.token_hex(32)

    # === BUSINESS === #

    def _ask_webhook(self, operation):
        """Return what became of a call without answer, by the module's rule for those."""
        if self.timeout_rule == "repeat":
            answer = self._post_operation(operation)
            if answer["outcome"] == "retry":
                # No word about the first request: ask again, until the retries are used up.
                raise NoAnswer(answer["message"])
            return answer
        if self.timeout_rule == "ask":
            return self._ask_status(operation)
        return None

    def _post_operation(self, operation):
        body = json.dumps(operation.payload, sort_keys=True).encode()
        try:
            answer = self._send("POST", self.url, body, operation.key)
        except NotSent as error:
            return {"outcome": "retry", "message": str(error)}
        except Refused as error:
            return {"outcome": "failed", "message": str(error)}
        said = self._said(answer)
        message = f"HTTP {answer.status} {readable(said.get('message'))}".strip()
        if answer.status in (502, 504):
            raise NoAnswer(message)
        if answer.status >= 500 or answer.status in (408, 425, 429):
            return {"outcome": "retry", "message": message}
        if answer.status == 202:
            return {"outcome": "accepted", "message": message}
        if 200 <= answer.status < 300:
            return {
                "outcome": "done",
                "message": message,
                "parameters": said.get("parameters"),
            }
        return {"outcome": "failed", "message": message}

    def _ask_status(self, operation):
        """Ask by key what became of a request."""
        try:
            answer = self._send("GET", self.status_url or self.url, b"", operation.key)
        except Refused:
            return None
        if answer.status >= 500 or answer.status in (408, 425, 429):
            raise NoAnswer(f"HTTP {answer.status} from the status address")
        said = self._said(answer)
        outcomes = {
            "done": "done",
            "accepted": "accepted",
            "failed": "failed",
            "not_received": "retry",
        }
        outcome = outcomes.get(said.get("state")) if answer.status == 200 else None
        if outcome is None:
            return None
        message = readable(said.get("message") or said["state"])
        return {"outcome": outcome, "message": message, "parameters": said.get("parameters")}

    def _send(self, method, url, body, key):
        allowed = self.env["ir.config_parameter"].sudo().get_param(PRIVATE_PARAMETER) == "True"
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "Billing-Operations",
            KEY_HEADER: key,
            # A question has no body: its key is what is signed.
            **signed_headers(self.sudo().secret_key or "", body or key.encode()),
        }
        return send(resolve(url, allowed), method, body, headers, self.timeout)

    @api.model
    def _said(self, answer) -> dict:
        """Return the JSON object in an answer; empty where it holds none."""
        try:
            said = json.loads(answer.body)
        except (ValueError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}
