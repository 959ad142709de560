import secrets

from psycopg2.errors import UniqueViolation

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import format_date, hmac

from ..models.billing_service_requests import HISTORY
from ..request_form import filled_in
from .portal import ServiceLinkController

KINDS = "<any(change, suspend, resume, end):kind>"
SERVICE = "/my/services/<int:service_id>"
ORDER = "/my/services/order"
SCOPE = "billing_operations.portal.request"
KEY_INDEX = "service_operation_key_unique"


class ServiceRequestController(ServiceLinkController):
    """Requests of customers: filled in, checked and shown with what they bring, then confirmed.

    Only logins of customers ask, for services of their own company alone; staff has the buttons of a
    service. Everything is looked at again when it is confirmed. The key of a form makes that its second
    sending, by an impatient click or the browser's Back, changes nothing.
    """

    # === PAGES === #

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "billing_offer_count" in counters:
            values["billing_offer_count"] = len(self._offered())
        return values

    def _service_list_values(self):
        return super()._service_list_values() | {"can_order": bool(self._offered())}

    def _service_values(self, service, own, news=None, problem=None, **kwargs):
        values = super()._service_values(service, own, **kwargs)
        if not own:
            return values
        partner = request.env.user.partner_id
        return values | {
            "partner": partner,
            "operations": service._portal_operations(partner)[:HISTORY],
            "open_operations": service._open_operations(),
            "kinds": service._request_kinds() if self._may_ask() else [],
            "may_ask": self._may_ask(),
            "news": news,
            "problem": problem,
        }

    # === REQUESTS FOR A SERVICE === #

    @http.route(f"{SERVICE}/{KINDS}", type="http", auth="user", website=True, methods=["GET"])
    def portal_request(self, service_id, kind, tariff=None, **_kwargs):
        """Show the form of a request."""
        service = self._requested_service(service_id)
        if not service:
            return self._elsewhere(service_id)
        if refusal := service._request_refusal(kind):
            return self._service_page(service, True, problem=refusal)
        tariff = self._wanted_tariff(service, tariff)
        return self._form_page(service, kind, tariff, service._request_fields(kind, tariff))

    @http.route(
        f"{SERVICE}/{KINDS}/check", type="http", auth="user", website=True, methods=["POST"]
    )
    def portal_request_check(self, service_id, kind, tariff=None, edit=None, **typed):
        """Show what a request brings, to be confirmed; the form again where it makes no sense."""
        return self._checked(service_id, kind, tariff, typed, edit=edit)

    @http.route(
        f"{SERVICE}/{KINDS}/confirm", type="http", auth="user", website=True, methods=["POST"]
    )
    def portal_request_confirm(self, service_id, kind, tariff=None, seen=None, key=None, **typed):
        """Ask for what was confirmed."""
        return self._checked(service_id, kind, tariff, typed, seen=seen or "", key=key)

    def _checked(self, service_id, kind, tariff, typed, edit=None, seen=None, key=None):
        """Look at a request, and with a key ask for it where its effect is what the customer saw."""
        service = self._requested_service(service_id)
        if not service:
            return self._elsewhere(service_id)
        if asked := self._asked(key):
            return self._thanks(asked.service_id, kind)
        if key:
            service._lock_for_request()
        if refusal := service._request_refusal(kind):
            return self._service_page(service, True, problem=refusal)
        tariff = self._wanted_tariff(service, tariff)
        fields = filled_in(service._request_fields(kind, tariff), typed)
        if edit:
            return self._form_page(service, kind, tariff, fields)
        try:
            with service.env.cr.savepoint():
                wish = service._request_wish(kind, tariff, fields)
                effect = service._request_effect(wish)
                if key and seen == effect.fingerprint:
                    self._for_writing(service)._ask_for(wish, self._key(key))
        except UserError as error:
            service.env.invalidate_all()
            return self._form_page(service, kind, tariff, fields, str(error))
        if not key or seen != effect.fingerprint:
            path = f"/my/services/{service_id}/{kind}"
            return self._confirm_page(service, kind, tariff, fields, wish, effect, path, bool(key))
        return self._thanks(service, kind)

    @http.route(
        f"{SERVICE}/requests/<int:operation_id>/withdraw",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_request_withdraw(self, service_id, operation_id, **_kwargs):
        """Take back an own request that nobody has begun with."""
        service = self._requested_service(service_id)
        operation = service.operation_ids.filtered(lambda op: op.id == operation_id)
        if not operation:
            return self._elsewhere(service_id)
        try:
            with service.env.cr.savepoint():
                self._for_writing(operation)._withdraw(request.env.user.partner_id)
        except UserError as error:
            service.env.invalidate_all()
            return self._service_page(service, True, problem=str(error))
        return self._thanks(service, "withdrawn")

    # === ORDERS === #

    @http.route(ORDER, type="http", auth="user", website=True, methods=["GET"])
    def portal_offers(self, **_kwargs):
        """Show the tariffs that the customer can order."""
        offered = self._offered()
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "service_request",
            "title": request.env._("Order a service"),
            "tariffs": offered,
            "several_companies": len(offered.company_id) > 1,
        }
        return request.render("billing_operations.portal_service_offers", values)

    @http.route(f"{ORDER}/<int:tariff_id>", type="http", auth="user", website=True, methods=["GET"])
    def portal_order(self, tariff_id, **_kwargs):
        """Show the form of an order."""
        tariff = self._offered_tariff(tariff_id)
        if not tariff:
            return request.redirect(ORDER)
        return self._form_page(None, "order", tariff, tariff._order_fields())

    @http.route(
        f"{ORDER}/<int:tariff_id>/check", type="http", auth="user", website=True, methods=["POST"]
    )
    def portal_order_check(self, tariff_id, edit=None, **typed):
        """Show what an order brings, to be confirmed; the form again where it makes no sense."""
        return self._ordered(tariff_id, typed, edit=edit)

    @http.route(
        f"{ORDER}/<int:tariff_id>/confirm", type="http", auth="user", website=True, methods=["POST"]
    )
    def portal_order_confirm(self, tariff_id, seen=None, key=None, **typed):
        """Order what was confirmed."""
        return self._ordered(tariff_id, typed, seen=seen or "", key=key)

    def _ordered(self, tariff_id, typed, edit=None, seen=None, key=None):
        """Look at an order, and with a key order where its effect is what the customer saw."""
        if asked := self._asked(key):
            return self._thanks(asked.service_id, "order")
        tariff = self._offered_tariff(tariff_id)
        if not tariff:
            return request.redirect(ORDER)
        fields = filled_in(tariff._order_fields(), typed)
        if edit:
            return self._form_page(None, "order", tariff, fields)
        partner = request.env.user.partner_id
        service = None
        try:
            with tariff.env.cr.savepoint():
                wish = tariff._order_wish(fields)
                effect = tariff._order_effect(partner, wish)
                if key and seen == effect.fingerprint:
                    service = self._for_writing(tariff)._place_order(partner, wish, self._key(key))
        except UserError as error:
            tariff.env.invalidate_all()
            return self._form_page(None, "order", tariff, fields, str(error))
        except UniqueViolation as error:
            # The same form came at the same moment, and is the order.
            if error.diag.constraint_name != KEY_INDEX:
                raise
            return request.redirect("/my/services")
        if not service:
            path = f"{ORDER}/{tariff_id}"
            return self._confirm_page(None, "order", tariff, fields, wish, effect, path, bool(key))
        return self._thanks(service, "order")

    # === WHO ASKS FOR WHAT === #

    def _may_ask(self):
        """Do customers' logins ask, and nobody else's: staff has the buttons of a service."""
        user = request.env.user
        return user.share and not user._is_public()

    def _requested_service(self, service_id):
        """Return the service that this login may ask something for; none where it may not."""
        service, own = self._readable_service(service_id)
        return service if own and self._may_ask() else service.browse()

    def _wanted_tariff(self, service, tariff):
        """Return the tariff that a change is to lead to: one of those offered, else the present one."""
        wanted = str(tariff or "")
        return service._request_targets().filtered(lambda t: str(t.id) == wanted) or (
            service.tariff_id
        )

    def _offered(self):
        """Return the tariffs that this login can order, in its language."""
        tariffs = self._own_services()[0].tariff_id
        if not self._may_ask():
            return tariffs
        tariffs = tariffs._offered_to(request.env.user)
        return tariffs.with_context(allowed_company_ids=tariffs.company_id.ids)

    def _offered_tariff(self, tariff_id):
        tariff = self._offered().filtered(lambda tariff: tariff.id == tariff_id)
        return tariff.with_context(allowed_company_ids=tariff.company_id.ids)

    # === ANSWERS === #

    def _form_page(self, service, kind, tariff, fields, problem=None):
        """Return the form of a request as it is filled in.

        :param problem: what is wrong with what was typed
        """
        path = f"{ORDER}/{tariff.id}" if kind == "order" else f"/my/services/{service.id}/{kind}"
        values = self._request_values(service, kind, tariff, path) | {
            "fields": fields,
            "targets": service._request_targets() if kind == "change" else (),
            "problem": problem,
        }
        return request.render("billing_operations.portal_service_request", values)

    def _confirm_page(self, service, kind, tariff, fields, wish, effect, path, again):
        """Return the page that shows what a request brings and asks whether it is meant.

        :param bool again: whether the customer has agreed to another effect
        """
        day = next(field for field in fields if field.name == "day")
        values = self._request_values(service, kind, tariff, path) | {
            "fields": fields,
            "day": (day.label, format_date(tariff.env, day.typed.strip())),
            "wish": wish,
            "effect": effect,
            "again": again,
            "key": secrets.token_urlsafe(24),
        }
        return request.render("billing_operations.portal_service_confirm", values)

    def _request_values(self, service, kind, tariff, path):
        titles = {
            "order": request.env._("Order: %s", tariff.name),
            "change": request.env._("Change the service"),
            "suspend": request.env._("Suspend the service"),
            "resume": request.env._("Resume the service"),
            "end": request.env._("End the service"),
        }
        return {
            **self._prepare_portal_layout_values(),
            "page_name": "service_request",
            "res_company": tariff.company_id,
            "service": service,
            "kind": kind,
            "tariff": tariff,
            "title": titles[kind],
            "path": path,
        }

    def _thanks(self, service, news):
        """Lead to the page of the service, which says that it was done."""
        return request.redirect(f"/my/services/{service.id}?news={news}")

    # === KEYS AND LANGUAGES === #

    def _key(self, nonce):
        """Return the key of a form of this login: nobody else can know or take it."""
        message = (request.env.user.id, str(nonce)[:64])
        return hmac(request.env(su=True), SCOPE, message)[:32]

    def _asked(self, nonce):
        """Return the operation that the form with this key has become already, if it has."""
        operations = request.env["service.operation"].sudo()
        if not nonce:
            return operations
        return operations.search([("key", "=", self._key(nonce))], limit=1)

    def _for_writing(self, records):
        """Return the records as they write histories: in the language of their company, which reads them."""
        company = records.company_id
        return records.with_context(
            lang=company.partner_id.lang or "en_US",
            display_default_code=True,
            mail_create_nosubscribe=True,
        )
