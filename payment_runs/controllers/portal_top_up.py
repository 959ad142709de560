from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.payment.controllers.portal import PaymentPortal

from ...wallets.controllers.portal import WalletPortal, own_wallet

NUMBERS = ("threshold", "amount", "ceiling")


class TopUpPortal(WalletPortal):
    """Where a customer has the own wallet topped up by card, or ends it."""

    @http.route(
        "/my/wallets/<int:wallet_id>/top_up_by_card",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def portal_top_up_by_card(self, wallet_id, **form):
        """Switch it on with the customer's amounts, or off."""
        wallet = own_wallet(wallet_id)
        if not wallet:
            return request.redirect("/my")
        person = request.env.user.partner_id
        if form.get("switch") == "off":
            wallet._end_top_up(person)
            return request.redirect(f"/my/wallets/{wallet.id}")
        values = {name: str(form.get(name) or "")[:20] for name in NUMBERS}
        if not form.get("agree"):
            problem = wallet.env._("Tick that you agree.")
            return self._wallet_page(wallet, top_up_values=values, top_up_problem=problem)
        numbers = [PaymentPortal._cast_as_float(values[name]) for name in NUMBERS]
        try:
            with wallet.env.cr.savepoint():
                wallet._agree_to_top_up(*numbers, person)
        except UserError as error:
            return self._wallet_page(wallet, top_up_values=values, top_up_problem=str(error))
        return request.redirect(f"/my/wallets/{wallet.id}")
