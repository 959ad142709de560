from odoo import http
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..models.billing_service_portal import SHOWN

ROWS = 20
LONGEST = 64


class ServicePortalController(CustomerPortal):
    """The customer's own services: what they are, what they cost next, and when they end.

    Records are read as the system; which ones is decided here: those of the company behind the
    login (``billing.service._portal_domain``), in any of the companies that bill it.
    """

    def _own_services(self):
        """Return all services as the system sees them, and the domain of those of this login."""
        services = request.env["billing.service"].sudo()
        services = services.with_context(lang=request.env.lang, display_default_code=False)
        return services, services._portal_domain(request.env.user.partner_id)

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "billing_service_count" in counters:
            services, own = self._own_services()
            values["billing_service_count"] = services.search_count(own & SHOWN["current"])
        return values

    @http.route(
        ["/my/services", "/my/services/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
        readonly=True,
    )
    def portal_my_services(self, page=1, search=None, shown=None, **_kwargs):
        """Show the customer's services, a page of those that a search finds."""
        search = (search or "").replace("\0", "").strip()[:LONGEST]
        shown = shown if shown in SHOWN else "current"
        services, own = self._own_services()
        domain = own & SHOWN[shown]
        if search:
            domain &= services._portal_search_domain(search)
        arguments = {"search": search} if search else {}
        if shown != "current":
            arguments["shown"] = shown
        count = services.search_count(domain)
        pager = portal_pager("/my/services", count, page, ROWS, url_args=arguments)
        found = services.search(domain, limit=ROWS, offset=max(pager["offset"], 0))
        found = found.with_context(allowed_company_ids=found.company_id.ids)
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "services",
            "services": found,
            "several_companies": len(services._read_group(own, ["company_id"])) > 1,
            "count": count,
            "search": search,
            "shown": shown,
            "pager": pager,
            **self._service_list_values(),
        }
        return request.render("billing_operations.portal_my_services", values)

    def _service_list_values(self) -> dict:
        """Return what the list of services shows besides. Packages above add to it."""
        return {}

    @http.route(
        "/my/services/<int:service_id>",
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        methods=["GET"],
    )
    def portal_my_service(self, service_id, **kwargs):
        """Show one service to the customer's own logins."""
        service, own = self._readable_service(service_id, **kwargs)
        if not service:
            return self._elsewhere(service_id)
        return self._service_page(service, own, **kwargs)

    def _readable_service(self, service_id, **_kwargs):
        """Return (service, whether it is the login's own one); no service where it is out of reach.

        Packages above let others see a part of it.
        """
        services, _domain = self._own_services()
        service = services.browse(service_id).exists()
        user = request.env.user
        if not service or user._is_public() or not service._is_of(user.partner_id):
            return services.browse(), False
        return service.with_context(allowed_company_ids=service.company_id.ids), True

    def _service_page(self, service, own, **kwargs):
        """Return the page of a service.

        :param bool own: whether the reader is its customer, who alone sees money
        """
        values = {
            "page_name": "service",
            # The customer knows this company, not the one that the public page would show.
            "res_company": service.company_id,
            "service": service,
            "own": own,
            **self._service_values(service, own, **kwargs),
        }
        response = request.render("billing_operations.portal_my_service", values)
        # What stands there is for this reader and this page only.
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _service_values(self, service, own, **_kwargs) -> dict:
        """Return what the page of a service shows besides. Packages above add to it."""
        return {}

    def _elsewhere(self, service_id):
        """Lead away from a service that is out of reach: it may exist or not."""
        if request.env.user._is_public():
            return request.redirect(f"/web/login?redirect=/my/services/{service_id}")
        return request.redirect("/my")
