from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request, route

from odoo.addons.account_payment.controllers.payment import PaymentPortal
from odoo.addons.account_payment.controllers.portal import PortalAccount


class CollectedInvoices(PortalAccount):
    """Odoo's page of overdue invoices leaves out what is being collected."""

    def _get_overdue_invoices_domain(self, partner_id=None):
        domain = super()._get_overdue_invoices_domain(partner_id)
        # Whose they are says the domain; portal users read no collections themselves.
        overdue = request.env(user=SUPERUSER_ID)["account.move"].search(domain)
        collected = [move.id for move in overdue._billing_collections()]
        return [*domain, ("id", "not in", collected)]


class CollectedPayment(PaymentPortal):
    """Odoo's payment of one invoice: a page that was open before the collection pays nothing twice."""

    @route()
    def invoice_transaction(self, invoice_id, access_token, **kwargs):
        try:
            move = self._document_check_access("account.move", invoice_id, access_token)
        except (AccessError, MissingError):
            move = request.env["account.move"]  # Odoo says what is wrong
        if move._live_collections():
            move = move.with_context(lang=request.env.lang, allowed_company_ids=move.company_id.ids)
            raise UserError(move._billing_collections()[move].note)
        return super().invoice_transaction(invoice_id, access_token, **kwargs)
