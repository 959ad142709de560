from tempfile import SpooledTemporaryFile
from urllib.parse import urlencode

from werkzeug.wsgi import FileWrapper

from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import content_disposition, request

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..portal import ORDERS, PAGE, found_calls, page_values

#: bytes of a file that are kept in memory; more goes to disk until it is sent
IN_MEMORY = 1 << 20
ROUTE = "/my/invoices/<int:invoice_id>/calls"


class CallsPortal(CustomerPortal):
    """The calls of an invoice, for whom Odoo shows the invoice itself: its customer's logins, and
    whoever has the link in its e-mail."""

    @http.route(
        [ROUTE, f"{ROUTE}/page/<int:page>"],
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        methods=["GET"],
        readonly=True,
    )
    def portal_invoice_calls(
        self, invoice_id, access_token=None, page=1, search=None, sortby=None, **_kwargs
    ):
        """Show the calls of an invoice: one page of them, each with what priced it."""
        invoice = self._invoice_with_calls(invoice_id, access_token)
        if not invoice:
            return request.redirect("/my")
        search = (search or "").strip()[:64]
        sortby = sortby if sortby in ORDERS else "time"
        calls = found_calls(invoice, search)
        count = calls["count"]
        arguments = {"search": search, "sortby": sortby, "access_token": access_token}
        arguments = {name: value for name, value in arguments.items() if value}
        pager = portal_pager(
            f"/my/invoices/{invoice_id}/calls", count, page, PAGE, url_args=arguments
        )
        offset = max(pager["offset"], 0)
        address = f"/my/invoices/{invoice_id}"
        token = {"access_token": access_token} if access_token else {}
        found = ({"search": search} if search else {}) | token
        values = page_values(invoice, calls, sortby, offset) | {
            "page_name": "invoice",
            "invoice": invoice,
            "access_token": access_token,
            "address": address,
            "invoice_url": f"{address}?{urlencode(token)}",
            "all_url": f"{address}/calls?{urlencode(token)}",
            "csv_url": f"{address}/calls.csv?{urlencode(found)}",
            "pager": pager,
            "csv_hint": self._csv_hint(invoice),
            "search": search,
            "sortby": sortby,
            # The customer knows this company, not the one that the public page would show.
            "res_company": invoice.company_id,
        }
        response = request.render("billing_operations.portal_invoice_calls", values)
        return self._for_this_reader(response)

    @http.route(
        f"{ROUTE}.csv",
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        methods=["GET"],
        readonly=True,
    )
    def portal_invoice_calls_csv(self, invoice_id, access_token=None, search=None, **_kwargs):
        """Give the calls of an invoice as a CSV file: those that a search finds, else all.

        Read and sent in parts, so that many calls take little memory. Numbers are written as the
        spreadsheets of the reader's language read them: with a decimal comma, cells are separated by
        semicolons.
        """
        invoice = self._invoice_with_calls(invoice_id, access_token)
        if not invoice:
            return request.redirect("/my")
        calls = found_calls(invoice, (search or "").strip()[:64])
        # Read here and now: the cursor is closed before the answer is sent.
        file = SpooledTemporaryFile(IN_MEMORY)
        itemised = invoice._itemised_calls(calls["domain"])
        file.writelines(itemised.csv_parts(invoice.currency_id))
        size = file.tell()
        file.seek(0)
        name = invoice.env._("Calls %s", invoice.name.replace("/", "-"))
        response = request.make_response(
            FileWrapper(file),
            headers=[
                ("Content-Type", "text/csv; charset=utf-8"),
                ("Content-Length", size),
                ("Content-Disposition", content_disposition(f"{name}.csv")),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
        return self._for_this_reader(response)

    def _csv_hint(self, invoice):
        """Return how the file is written, for those whose spreadsheet asks."""
        point, separator = invoice._itemised_calls([]).csv_separators()
        return invoice.env._(
            "For spreadsheets: cells are separated by “%(separator)s”, decimals by “%(point)s”.",
            separator=separator,
            point=point,
        )

    def _invoice_with_calls(self, invoice_id, access_token):
        """Return the invoice as superuser, in the reader's language; None where the reader may not
        see its calls, or it has none to show."""
        try:
            invoice = self._document_check_access("account.move", invoice_id, access_token)
        except (AccessError, MissingError):
            return None
        user = request.env.user
        # Who keeps accounts sees invoices; whom a customer called is for billing's own people.
        if not user.share and not request.env["cdr.record"].has_access("read"):
            return None
        if invoice.state != "posted" or not invoice.is_sale_document():
            return None
        return invoice.with_context(
            lang=request.env.lang, allowed_company_ids=invoice.company_id.ids
        )

    @staticmethod
    def _for_this_reader(response):
        """Keep what somebody dialled, and the link's token, out of caches and other sites' logs."""
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
