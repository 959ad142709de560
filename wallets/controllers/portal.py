import math
from urllib.parse import urlencode

from odoo import SUPERUSER_ID, http
from odoo.exceptions import ValidationError
from odoo.http import request

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment.controllers.portal import PaymentPortal
from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

ROWS = 40


def own_wallets():
    """Return the wallets of the customer who is logged in, as the system sees them."""
    customer = request.env.user.partner_id.commercial_partner_id
    env = request.env(user=SUPERUSER_ID)
    return env["billing.wallet"].search([("partner_id", "=", customer.id)], order="number")


def own_wallet(wallet_id):
    """Return one of the customer's own wallets, empty where it is not his."""
    wallet = own_wallets().filtered(lambda wallet: wallet.id == wallet_id)
    return wallet.with_context(lang=request.env.lang, allowed_company_ids=wallet.company_id.ids)


def top_up_amount(wallet, text):
    """Return the amount that a customer wants to pay in, rounded; 0 where it is none."""
    amount = PaymentPortal._cast_as_float(text) or 0.0
    amount = wallet.currency_id.round(amount) if math.isfinite(amount) else 0.0
    return max(amount, 0.0)


class WalletPortal(CustomerPortal):
    """The customer's own wallets: what is in them, how long it lasts, and topping up."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "billing_wallet_count" in counters:
            values["billing_wallet_count"] = len(own_wallets())
        return values

    @http.route("/my/wallets", type="http", auth="user", website=True)
    def portal_my_wallets(self, **_kwargs):
        """Show the customer's wallets, or the only one."""
        wallets = own_wallets()
        if len(wallets) == 1:
            return request.redirect(f"/my/wallets/{wallets.id}")
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "wallets",
            "wallets": wallets.with_context(lang=request.env.lang),
        }
        return request.render("billing_operations.portal_my_wallets", values)

    @http.route(
        ["/my/wallets/<int:wallet_id>", "/my/wallets/<int:wallet_id>/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
    )
    def portal_my_wallet(self, wallet_id, page=1, **_kwargs):
        """Show one wallet: balance, days left, transactions, and the form to top it up."""
        wallet = own_wallet(wallet_id)
        if not wallet:
            return request.redirect("/my")
        return self._wallet_page(wallet, page)

    def _wallet_page(self, wallet, page=1, **values):
        """Return the page of a wallet.

        :param values: what the page shows besides, such as what was wrong with a form
        """
        transactions = wallet.env["billing.wallet.transaction"]
        domain = [("wallet_id", "=", wallet.id)]
        pager = portal_pager(
            url=f"/my/wallets/{wallet.id}",
            total=transactions.search_count(domain),
            page=page,
            step=ROWS,
        )
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "wallet",
            "wallet": wallet,
            "days_left": wallet._days_left_text(),
            "transactions": transactions.search(domain, limit=ROWS, offset=pager["offset"]),
            "pager": pager,
            "can_top_up": bool(wallet.company_id.billing_wallet_account_id),
            "res_company": wallet.company_id,
            **values,
        }
        return request.render("billing_operations.portal_my_wallet", values)

    @http.route(
        "/my/wallets/<int:wallet_id>/top_up",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def portal_top_up(self, wallet_id, amount=None, **_kwargs):
        """Lead to Odoo's own payment page for an amount."""
        wallet = own_wallet(wallet_id)
        amount = top_up_amount(wallet, amount) if wallet else 0.0
        if not amount:
            return request.redirect(f"/my/wallets/{wallet_id}")
        partner = request.env.user.partner_id
        query = {
            "reference": wallet.number,
            "amount": amount,
            "currency_id": wallet.currency_id.id,
            "partner_id": partner.id,
            "company_id": wallet.company_id.id,
            "billing_wallet_id": wallet.id,
            "access_token": payment_utils.generate_access_token(
                partner.id, amount, wallet.currency_id.id
            ),
        }
        return request.redirect(f"/payment/pay?{urlencode(query)}")


class WalletPayment(PaymentPortal):
    """Odoo's payment page for a wallet."""

    def _get_extra_payment_form_values(self, billing_wallet_id=None, **kwargs):
        """Have the payment page make transactions that top the wallet up."""
        values = super()._get_extra_payment_form_values(**kwargs)
        wallet_id = self._cast_as_int(billing_wallet_id)
        if wallet_id and own_wallet(wallet_id):
            values |= {
                "transaction_route": f"/my/wallets/{wallet_id}/transaction",
                "landing_route": f"/my/wallets/{wallet_id}",
            }
        return values

    @http.route("/my/wallets/<int:wallet_id>/transaction", type="jsonrpc", auth="user")
    def wallet_transaction(self, wallet_id, amount, **kwargs):
        """Create the transaction of a top-up, and return what its payment form needs."""
        wallet = own_wallet(wallet_id)
        amount = top_up_amount(wallet, amount) if wallet else 0.0
        if not amount:
            raise ValidationError(request.env._("Say how much you want to top up."))
        wallet._deposit_account()
        # What the wallet says counts, whatever the page says.
        for name in ("currency_id", "partner_id", "access_token", "reference_prefix"):
            kwargs.pop(name, None)
        self._validate_transaction_kwargs(kwargs)
        transaction = self._create_transaction(
            amount=amount,
            currency_id=wallet.currency_id.id,
            partner_id=request.env.user.partner_id.id,
            custom_create_values={"billing_wallet_id": wallet.id},
            **kwargs,
        )
        return transaction._get_processing_values()
