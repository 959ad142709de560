from odoo import SUPERUSER_ID, http
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal


class ServicePortal(CustomerPortal):
    """The page of one service: its main settings and passwords, for its customer alone."""

    @http.route(
        "/my/services/<int:service_id>",
        type="http",
        auth="public",
        website=True,
        sitemap=False,
    )
    def portal_my_service(self, service_id, token=None, **_kwargs):
        """Open for the customer's own logins, and for whoever has a good link from the mail."""
        env = request.env(user=SUPERUSER_ID)
        service = env["billing.service"].browse(service_id).exists()
        user = request.env.user
        own = (
            service
            and not user._is_public()
            and user.partner_id.commercial_partner_id == service.partner_id.commercial_partner_id
        )
        if not (service and (own or service._opens_with(token))):
            if user._is_public():
                return request.redirect(f"/web/login?redirect=/my/services/{service_id}")
            return request.redirect("/my")
        service = service.with_context(
            lang=request.env.lang, allowed_company_ids=service.company_id.ids
        )
        operations = service.env["service.operation"]
        values = {
            "page_name": "service",
            # The customer knows this company, not the one that the public page would show.
            "res_company": service.company_id,
            "service": service,
            "settings": [
                (row["string"], operations._parameter_text(row))
                for row in service.read(["parameters"])[0]["parameters"]
                if row["type"] != "separator"
            ],
            "secrets": service.env["billing.service.secret"]._for_customer(service),
        }
        response = request.render("billing_operations.portal_my_service", values)
        # Passwords and the link's token are for this page only.
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
