import math

from odoo import http
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.http import request

from odoo.addons.account_payment.controllers.portal import PortalAccount

from .bills import for_this_reader, own_bill

ROUTE = "/my/bills/<int:bill_id>/pay/<any(bill,anyway,all):scope>"


class BillPayment(PortalAccount):
    """Paying a bill, or all that is open together, by Odoo's payment form."""

    @http.route(ROUTE, type="http", auth="user", website=True, methods=["GET"])
    def portal_pay_bill(self, bill_id, scope, **_kwargs):
        """Show what is paid, and Odoo's form to pay it."""
        bill = own_bill(bill_id)
        if not bill or not bill._is_paid_online():
            return request.redirect(f"/my/bills/{bill.id}" if bill else "/my")
        if invoice := bill._paid_on_odoos_page(scope):
            query = "&payment=True"
            return request.redirect(invoice.get_portal_url(query_string=query, anchor="portal_pay"))
        to_pay = bill._to_pay(scope)
        values = {"amount": to_pay.amount}
        if to_pay.amount:
            values |= self._get_common_page_view_values(
                {
                    "partner": bill.partner_id,
                    "company": bill.company_id,
                    "total_amount": to_pay.amount,
                    "currency": bill.currency_id,
                    "amount_residual": to_pay.amount,
                    "landing_route": f"/my/bills/{bill.id}",
                    "transaction_route": f"/my/bills/{bill.id}/pay/{scope}/transaction",
                }
            )
        values |= {
            **self._prepare_portal_layout_values(),
            "page_name": "bill_pay",
            "bill": bill,
            "bill_name": bill._customer_name(),
            "scope": scope,
            "to_pay": to_pay,
            "overtaken": bill._to_pay("bill").collected if scope == "anyway" else {},
            "res_company": bill.company_id,
        }
        return for_this_reader(request.render("billing_operations.portal_pay_bill", values))

    @http.route(f"{ROUTE}/transaction", type="jsonrpc", auth="user")
    def portal_pay_bill_transaction(self, bill_id, scope, amount=None, **kwargs):
        """Create the transaction that pays, and return what its payment form needs."""
        bill = own_bill(bill_id)
        if not bill or not bill._is_paid_online():
            raise ValidationError(request.env._("This cannot be paid here. Look at your bills."))
        to_pay = bill._to_pay(scope)
        to_pay.invoices._hold_for_payment()
        # What is open counts, whatever the page says; who saw another amount has to look again.
        seen = self._cast_as_float(amount)
        same = seen is not None and math.isfinite(seen)
        same = same and not bill.currency_id.compare_amounts(seen, to_pay.amount)
        if not (to_pay.amount and same):
            raise UserError(
                request.env._("What is open has changed meanwhile. Load the page again.")
            )
        partner = request.env.user.partner_id
        if not self._can_partner_pay_in_company(partner, bill.company_id):
            raise ValidationError(request.env._("This cannot be paid here. Look at your bills."))
        for name in ("currency_id", "partner_id", "access_token", "reference_prefix"):
            kwargs.pop(name, None)
        self._validate_transaction_kwargs(kwargs)
        self._check_provider(bill, kwargs)
        several = len(to_pay.invoices) > 1
        transaction = self._create_transaction(
            amount=to_pay.amount,
            currency_id=bill.currency_id.id,
            partner_id=partner.id,
            reference_prefix=bill.company_id.get_next_batch_payment_communication()
            if several
            else None,
            custom_create_values={
                "invoice_ids": [Command.set(to_pay.invoices.ids)],
                "billing_credit_line_ids": [Command.set(to_pay.credits.ids)],
            },
            **{**kwargs, "landing_route": f"/my/bills/{bill.id}"},
        )
        return transaction._get_processing_values()

    def _check_provider(self, bill, kwargs):
        """Check that the provider, or the saved card's, is the bill's company's."""
        token = (
            request.env["payment.token"].sudo().browse(self._cast_as_int(kwargs.get("token_id")))
        )
        provider_id = self._cast_as_int(kwargs.get("provider_id"))
        provider = request.env["payment.provider"].sudo().browse(provider_id).exists()
        if token.exists() and kwargs.get("flow") == "token":
            provider &= token.provider_id
        if provider.company_id != bill.company_id:
            raise ValidationError(request.env._("This cannot be paid here. Look at your bills."))
