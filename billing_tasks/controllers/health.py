import json

from odoo import SUPERUSER_ID, http
from odoo.http import request

from .. import health


class HealthController(http.Controller):
    """The address that a monitoring system asks whether billing works."""

    @http.route(
        "/billing_operations/health",
        type="http",
        auth="public",
        methods=["GET"],
        save_session=False,
        readonly=True,
    )
    def health(self, key=None, **_kwargs):
        """200 with figures as JSON while all is well or only to be looked at, 503 where work stands
        still; 404 without the key, as if there were no such address.

        The key comes as ``Authorization: Bearer KEY``, or as ``?key=KEY`` where a monitor cannot send
        headers.
        """
        env = request.env(user=SUPERUSER_ID, context={})
        tasks = env["billing.task"]
        scheme, _space, sent = request.httprequest.headers.get("Authorization", "").partition(" ")
        given = sent.strip() if scheme.lower() == "bearer" else key
        if not health.is_key(given, tasks._health_key()):
            return request.not_found()
        figures = tasks._health_figures()
        found = health.problems(figures)
        status = health.worst(found)
        answer = {"status": status, "checks": found, **figures}
        return request.make_response(
            json.dumps(answer),
            headers=[("Content-Type", "application/json"), ("Cache-Control", "no-store")],
            status=503 if status == health.FAILING else 200,
        )
