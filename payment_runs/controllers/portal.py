from odoo import SUPERUSER_ID, http
from odoo.exceptions import UserError, ValidationError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal


class MandatePortal(CustomerPortal):
    """Where a customer reads and signs a mandate: with the link from the mail, or logged in."""

    @http.route(
        "/my/mandates/<int:mandate_id>", type="http", auth="public", website=True, sitemap=False
    )
    def portal_my_mandate(self, mandate_id, token=None, **_kwargs):
        """Show the mandate, and while it is not signed the form to sign it."""
        mandate = self._mandate(mandate_id, token)
        if not mandate:
            return self._elsewhere(mandate_id)
        return self._page(mandate, token)

    @http.route(
        "/my/mandates/<int:mandate_id>/sign",
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        methods=["POST"],
    )
    def portal_sign_mandate(self, mandate_id, token=None, **form):
        """Take the signature: name, account, and that the customer agrees."""
        mandate = self._mandate(mandate_id, token)
        if not mandate:
            return self._elsewhere(mandate_id)
        values = {
            name: str(form.get(name) or "")[:140] for name in ("name", "iban", "bic", "holder")
        }
        if not form.get("agree"):
            problem = mandate.env._("Tick that you agree with the mandate.")
            return self._page(mandate, token, values, problem)
        try:
            with mandate.env.cr.savepoint():
                mandate._sign(**values, ip=request.httprequest.remote_addr)
        except (UserError, ValidationError) as error:
            mandate.env.invalidate_all()
            return self._page(mandate, token, values, str(error))
        return self._page(mandate, None)

    def _mandate(self, mandate_id, token):
        """Return the mandate for its customer's own logins and for whoever has a good link."""
        env = request.env(user=SUPERUSER_ID)
        mandate = env["billing.mandate"].browse(mandate_id).exists()
        if not (mandate and (self._is_own(mandate) or mandate._opens_with(token))):
            return None
        return mandate.with_context(
            lang=request.env.lang, allowed_company_ids=mandate.company_id.ids
        )

    def _is_own(self, mandate):
        """Return whether the mandate is one of the customer who is logged in."""
        user = request.env.user
        customer = mandate.partner_id.commercial_partner_id
        return not user._is_public() and user.partner_id.commercial_partner_id == customer

    def _elsewhere(self, mandate_id):
        if request.env.user._is_public():
            return request.redirect(f"/web/login?redirect=/my/mandates/{mandate_id}")
        return request.redirect("/my")

    def _page(self, mandate, token, values=None, problem=None, revoking=None):
        response = request.render(
            "billing_operations.portal_my_mandate",
            {
                "page_name": "mandate",
                "res_company": mandate.company_id,
                "mandate": mandate,
                "own": self._is_own(mandate),
                "token": token,
                "values": values or {"holder": mandate.partner_id.name},
                "problem": problem,
                "revoking": revoking,
            },
        )
        return self._for_this_reader(response)

    @staticmethod
    def _for_this_reader(response):
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
