import json
import logging

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_genuine

_logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024


class WebhookController(http.Controller):
    """Where other systems finish what they accepted.

    A callback is a POST of ``{"operation": key, "state": "done" | "failed", "message": ...,
    "parameters": {...}}``, signed with the module's secret key like a request. A message is taken
    within five minutes of its time-stamp, and once.
    """

    @http.route(
        "/billing_operations/webhook/<int:module_id>",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
    )
    def callback(self, module_id, **_kwargs):
        """200 taken, 400 not understood, 401 not signed or too old, 404 no such operation, 409
        taken before, 413 too long."""
        if (request.httprequest.content_length or 0) > MAX_BODY:
            return self._answer(413, "too long")
        body = request.httprequest.get_data(cache=False)
        env = request.env(user=SUPERUSER_ID, context={})
        module = env["service.processing.module"].browse(module_id).exists()
        headers = request.httprequest.headers
        timestamp = headers.get(TIMESTAMP_HEADER, "")
        signature = headers.get(SIGNATURE_HEADER, "")
        secret = module.secret_key if module.kind == "webhook" else ""
        # Whether the module exists is told to nobody who cannot sign.
        if not is_genuine(secret or "", timestamp, signature, body):
            _logger.info("A callback for processing module %s was not genuine", module_id)
            return self._answer(401, "not signed, or too old")
        try:
            said = json.loads(body)
            key, state = said["operation"], said["state"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return self._answer(400, "not understood")
        if not isinstance(key, str) or not key.isalnum() or state not in ("done", "failed"):
            return self._answer(400, "not understood")
        operation = env["service.operation"].search(
            [("key", "=", key), ("module_id", "=", module.id)]
        )
        if not operation:
            return self._answer(404, "no such operation")
        if not env["service.webhook.callback"]._take(module, signature):
            return self._answer(409, "received before")
        company = operation.company_id
        operation = operation.with_context(
            allowed_company_ids=company.ids, lang=company.partner_id.lang or "en_US"
        )
        if not operation._take_callback(said):
            return self._answer(409, "nothing to finish")
        return self._answer(200, "taken")

    def _answer(self, status, message):
        return request.make_json_response({"status": message}, status=status)
