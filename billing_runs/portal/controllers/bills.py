from odoo import SUPERUSER_ID, http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

#: bills on one page
PAGE = 24


def own_bills():
    """Return the bills of the customer who is logged in, as the system sees them."""
    user = request.env.user
    bills = request.env(user=SUPERUSER_ID)["billing.bill"].with_context(lang=request.env.lang)
    # People inside see bills by their rights alone, whatever company their contact belongs to.
    if not user.share and not request.env["billing.bill"].has_access("read"):
        return bills
    found = bills._bills_of(user.partner_id.commercial_partner_id)
    return found.with_context(allowed_company_ids=found.company_id.ids)


def own_bill(bill_id):
    """Return one of the customer's own bills, empty where it is not his."""
    bill = own_bills().filtered(lambda bill: bill.id == bill_id)
    return bill.with_context(allowed_company_ids=bill.company_id.ids)


def for_this_reader(response):
    """Keep what a customer pays, and the tokens of links, out of caches and other sites' logs."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


class BillPortal(CustomerPortal):
    """The customer's own bills: what was owed and paid, what is open, and each document."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "billing_bill_count" in counters:
            values["billing_bill_count"] = len(own_bills())
        return values

    # === BILLS === #

    @http.route(
        ["/my/bills", "/my/bills/page/<int:page>"], type="http", auth="user", website=True,
        methods=["GET"],
    )  # fmt: skip
    def portal_my_bills(self, page=1, year=None, filterby=None, **_kwargs):
        """Show the customer's bills, those of a year or the open ones, and what can be paid at once."""
        bills = own_bills()
        years = list(dict.fromkeys(bill._customer_date().year for bill in bills))
        year = next((one for one in years if str(one) == year), None)
        filterby = filterby if filterby in ("open", "settled") else "all"
        shown = bills.filtered(lambda bill: not year or bill._customer_date().year == year)
        standings = None
        if filterby != "all":
            standings = shown._standings()
            shown = shown.filtered(lambda b: standings[b].is_open == (filterby == "open"))
        arguments = {"year": year, "filterby": filterby if filterby != "all" else None}
        pager = portal_pager(
            "/my/bills", len(shown), page, PAGE,
            url_args={name: value for name, value in arguments.items() if value},
        )  # fmt: skip
        offset = max(pager["offset"], 0)
        shown = shown[offset : offset + PAGE]
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "bills",
            "has_bills": bool(bills),
            "bills": shown,
            "standings": standings or shown._standings(),
            "companies": len(bills.company_id),
            "years": years,
            "year": year,
            "filterby": filterby,
            "filters": {
                "all": request.env._("All bills"),
                "open": request.env._("Open"),
                "settled": request.env._("Settled"),
            },
            "accounts": self._open_accounts(bills),
            "credits": self._credits(bills),
            "pager": pager,
        }
        return for_this_reader(request.render("billing_operations.portal_my_bills", values))

    def _accounts(self, bills):
        """Return one bill for each company and currency in which the customer has some."""
        return [
            some[:1].with_context(allowed_company_ids=company.ids)
            for (company, _currency), some in bills.grouped(
                lambda bill: (bill.company_id, bill.currency_id)
            ).items()
        ]

    def _credits(self, bills):
        """Return what the customer has paid too much: ``(bill, amount)`` for each company and currency."""
        amounts = [(bill, bill._credit_left()) for bill in self._accounts(bills)]
        return [(bill, amount) for bill, amount in amounts if amount]

    def _open_accounts(self, bills):
        """Return what the customer can pay at once: ``(bill, ToPay)`` for each company and currency."""
        found = []
        for bill in self._accounts(bills):
            to_pay = bill._to_pay("all")
            if to_pay.invoices or to_pay.collected or to_pay.processing:
                found.append((bill, to_pay))
        return found

    @http.route("/my/bills/<int:bill_id>", type="http", auth="user", website=True, methods=["GET"])
    def portal_my_bill(self, bill_id, **_kwargs):
        """Show one bill: the customer's account before and after it, and its documents."""
        own = own_bill(bill_id)
        bill = own or self._bill_of_staff(bill_id)
        if not bill:
            return request.redirect("/my")
        documents = bill._customer_documents()
        to_pay = bill._to_pay("bill") if own else None
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "bill",
            "bill": bill,
            "bill_name": bill._customer_name(documents),
            "standing": bill._standings()[bill],
            "documents": documents,
            "files": bill._customer_files(),
            "to_pay": to_pay,
            "paid_online": own and bill._is_paid_online(),
            "can_pay_anyway": own
            and any(not found.under_way for found in to_pay.collected.values()),
            # The customer knows this company, not the one that the public page would show.
            "res_company": bill.company_id,
        }
        return for_this_reader(request.render("billing_operations.portal_my_bill", values))

    @http.route(
        "/my/bills/<int:bill_id>/files/<int:file_id>",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
        readonly=True,
    )
    def portal_bill_file(self, bill_id, file_id, **_kwargs):
        """Give a file of a bill as it was delivered: PDF, structured invoice or annex."""
        bill = own_bill(bill_id) or self._bill_of_staff(bill_id)
        files = request.env["ir.attachment"].union(*bill._customer_files().values())
        file = files.filtered(lambda file: file.id == file_id)
        if not file:
            return request.redirect("/my")
        binaries = request.env(user=SUPERUSER_ID)["ir.binary"]
        stream = binaries._get_stream_from(file, filename=file.name)
        return for_this_reader(stream.get_response(as_attachment=True))

    def _bill_of_staff(self, bill_id):
        """Return a bill for people inside who may read it, empty for all others."""
        bill = request.env["billing.bill"].browse(bill_id)
        empty = bill.browse()
        if request.env.user.share:
            return empty
        try:
            bill.check_access("read")
            bill = bill.exists()
        except (AccessError, MissingError):
            return empty
        bill = bill.with_user(SUPERUSER_ID).with_context(
            lang=request.env.lang, allowed_company_ids=bill.sudo().company_id.ids
        )
        shown = bill._bills_of(bill.partner_id.commercial_partner_id) if bill else bill
        return bill & shown
