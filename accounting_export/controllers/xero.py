from werkzeug.exceptions import BadRequest

from odoo import http
from odoo.http import request


class XeroController(http.Controller):
    """Where people come back to from Xero."""

    @http.route("/billing/xero/callback", type="http", auth="user", methods=["GET"])
    def callback(self, state=None, code=None, error=None, **_other):
        """Take what Xero says of a login that this very person began, once."""
        login = request.env["accounting.export.login"]._use(state, request.env.user)
        if not login:
            raise BadRequest(
                request.env._(
                    "This login is not yours, was used already or took too long. Open the connection in"
                    " Billing and connect again."
                )
            )
        connection = login.connection_id.with_user(request.env.user)
        connection._check_administrator()
        connection.check_access("write")
        if code:
            connection._come_back(login, code)
        else:
            # Xero's own word for it, of which only letters are kept.
            reason = "".join(c for c in (error or "")[:100] if c.isalnum() or c in "_ ")
            connection.sudo().message_post(
                body=request.env._("Xero was not agreed to: %s", reason or request.env._("no code"))
            )
        return request.redirect(
            f"/odoo/action-billing_operations.accounting_export_connection_action/{connection.id}"
        )
