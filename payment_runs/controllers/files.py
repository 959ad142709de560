from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import content_disposition, request


class PaymentFiles(http.Controller):
    """Where direct debit files leave the system."""

    @http.route(
        "/billing_operations/payment_file/<int:file_id>",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=False,
    )
    def download(self, file_id, **_kwargs):
        """Give out a file to whoever may have it; 404 to all others."""
        file = request.env["billing.payment.file"].browse(file_id).exists()
        try:
            if not file:
                raise MissingError(request.env._("There is no such file."))
            company = file.sudo().company_id
            content = file.with_context(allowed_company_ids=company.ids)._give_out()
        except (AccessError, MissingError):
            return request.not_found()
        return request.make_response(
            content,
            headers=[
                ("Content-Type", "application/xml"),
                ("Content-Disposition", content_disposition(file.name)),
                ("Cache-Control", "no-store"),
            ],
        )
