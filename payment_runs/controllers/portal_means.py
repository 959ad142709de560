from odoo import SUPERUSER_ID, http
from odoo.exceptions import UserError
from odoo.http import request

from ...wallets.controllers.portal import own_wallets
from .portal import MandatePortal


class PaymentMeansPortal(MandatePortal):
    """The customer's own mandates and saved cards: what they are used for, and how they end."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "billing_mandate_count" in counters:
            values["billing_mandate_count"] = len(self._own_mandates()) + len(self._own_cards())
        return values

    @http.route("/my/mandates", type="http", auth="user", website=True, methods=["GET"])
    def portal_my_mandates(self, **_kwargs):
        """Show the customer's mandates and saved cards."""
        cards = self._own_cards()
        mandates = self._own_mandates()
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "mandates",
            "mandates": mandates,
            "cards": cards,
            "companies": len(mandates.company_id | cards.company_id),
            "has_wallets": bool(own_wallets()),
        }
        return self._for_this_reader(
            request.render("billing_operations.portal_my_mandates", values)
        )

    @http.route(
        "/my/mandates/<int:mandate_id>/revoke",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_revoke_mandate(self, mandate_id, confirm=None, **_kwargs):
        """Ask whether a mandate shall be revoked, with what that comes to; then do it."""
        mandate = self._mandate(mandate_id, None)
        if not mandate:
            return request.redirect("/my")
        if not mandate._may_be_revoked():
            return request.redirect(f"/my/mandates/{mandate_id}")
        if confirm != "revoke":
            return self._page(mandate, None, revoking=mandate._revoking())
        try:
            mandate._revoke_by(request.env.user.partner_id)
        except UserError as error:
            return self._page(mandate, None, problem=str(error))
        return request.redirect(f"/my/mandates/{mandate_id}")

    def _own_mandates(self):
        mandates = request.env(user=SUPERUSER_ID)["billing.mandate"]
        customer = request.env.user.partner_id.commercial_partner_id
        return mandates.with_context(lang=request.env.lang)._mandates_of(customer)

    def _own_cards(self):
        cards = request.env(user=SUPERUSER_ID)["payment.token"]
        return cards.with_context(lang=request.env.lang)._cards_of(request.env.user.partner_id)
