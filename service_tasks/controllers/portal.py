from ...services.controllers.portal import ServicePortalController


class ServiceLinkController(ServicePortalController):
    """The page of one service with its main settings and passwords: for its customer's logins, and for
    whoever has a good link from the opening mail, who sees no money."""

    def _readable_service(self, service_id, token=None, **kwargs):
        service, own = super()._readable_service(service_id, **kwargs)
        if own:
            return service, True
        services, _domain = self._own_services()
        linked = services.browse(service_id).exists()
        if not linked or not linked._opens_with(token):
            return service, False
        return linked.with_context(allowed_company_ids=linked.company_id.ids), False

    def _service_values(self, service, own, **kwargs):
        operations = service.env["service.operation"]
        return super()._service_values(service, own, **kwargs) | {
            "settings": [
                (row["string"], operations._parameter_text(row))
                for row in service.read(["parameters"])[0]["parameters"]
                if row["type"] != "separator"
            ],
            "secrets": service.env["billing.service.secret"]._for_customer(service),
        }
