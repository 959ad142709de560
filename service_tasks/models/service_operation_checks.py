from math import isfinite

from odoo import api, models
from odoo.exceptions import UserError

from ...billing_tasks.texts import labels
from ..answers import accepted
from .service_operation import IN_HAND

#: type: states of the service in which it makes sense, the state it leads to (None: unchanged)
EXPECTED = {
    "setup": (("ordered",), "active"),
    "change": (("active", "suspended"), None),
    "delete": (("active", "suspended"), "terminated"),
    "suspend": (("active",), "suspended"),
    "resume": (("suspended",), "active"),
}


class ServiceOperation(models.Model):
    """What cannot be asked for is refused at once, not on the day."""

    _inherit = "service.operation"

    @api.model
    def _check_asked(self, service, operation_type, values):
        """Raise where the values make no sense for the service, whatever its state."""
        self._check_numbers(service, values)
        self._check_customer(service, values)
        self._check_tariff(service, values)
        self._check_parameters(service, operation_type, values)
        self._check_addons(service, operation_type, values)

    @api.model
    def _check_numbers(self, service, values):
        for name in {"quantity", "price", "discount"} & set(values):
            if not self._is_number(values[name]):
                raise UserError(
                    self.env._(
                        "%(field)s of a service is a number, not “%(value)s”.",
                        field=service._fields[name]._description_string(self.env),
                        value=values[name],
                    )
                )

    @api.model
    def _is_number(self, value) -> bool:
        return type(value) in (int, float) and isfinite(value)

    @api.model
    def _check_customer(self, service, values):
        if "partner_id" not in values:
            return
        partner_id = values["partner_id"]
        partner = service.partner_id.browse(partner_id if type(partner_id) is int else None)
        partner = partner.exists().filtered("active")
        if not partner or (partner.company_id and partner.company_id != service.company_id):
            raise UserError(
                self.env._("Choose a customer of %(company)s.", company=service.company_id.name)
            )

    @api.model
    def _check_tariff(self, service, values):
        if "tariff_id" not in values:
            return
        tariff_id = values["tariff_id"]
        tariff = service.tariff_id.browse(tariff_id if type(tariff_id) is int else None).exists()
        if not tariff or tariff.company_id != service.company_id:
            raise UserError(
                self.env._("Choose a tariff of %(company)s.", company=service.company_id.name)
            )
        if service.state != "ordered":
            service._check_change_currency({"tariff_id": tariff.id})

    @api.model
    def _check_parameters(self, service, operation_type, values):
        """Raise where the asked-for settings are none of the tariff's."""
        tariff = self._tariff_for(service, operation_type, values)
        wanted = values.get("parameters") or {}
        if not isinstance(wanted, dict):
            raise UserError(self.env._("The settings of an operation are names with values."))
        _kept, others = accepted(tariff.parameter_definition or [], wanted)
        if others:
            raise UserError(
                self.env._(
                    "Tariff %(tariff)s does not have these settings, or they cannot have these "
                    "values: %(names)s.",
                    tariff=tariff.display_name,
                    names=", ".join(others),
                )
            )

    @api.model
    def _check_addons(self, service, operation_type, values):
        """Raise where the tariff does not offer the add-ons, or not so many of them."""
        wanted = values.get("addon_quantities") or {}
        tariff = self._tariff_for(service, operation_type, values)
        offered = {str(addon.id): addon for addon in service._offered_addons(tariff)}
        if not isinstance(wanted, dict) or set(wanted) - set(offered):
            raise UserError(
                self.env._("Tariff %s does not offer one of the add-ons.", tariff.display_name)
            )
        if operation_type == "setup" or tariff != service.tariff_id:
            # What was ordered, or comes along where another tariff offers it, too.
            present = {line.product_id: line.quantity for line in service.addon_line_ids}
            kept = {key: present.get(addon.product_id) for key, addon in offered.items()}
            wanted = {key: quantity for key, quantity in kept.items() if quantity} | wanted
        for key, quantity in wanted.items():
            if not self._is_number(quantity) or not offered[key]._allows(quantity):
                raise UserError(
                    self.env._(
                        "Tariff %(tariff)s does not allow %(quantity)s × %(addon)s.",
                        tariff=tariff.display_name,
                        quantity=quantity,
                        addon=offered[key].display_name,
                    )
                )

    @api.model
    def _check_possible(self, service, operation_type, values, day, before):
        """Raise where the operation would not find its service in a state that takes it.

        What is in hand or waits for an earlier or the same day is taken as carried out.
        """
        state = service.state
        before = before.filtered(lambda op: op.state in IN_HAND or op.effective_date <= day)
        for operation in before.sorted(
            lambda op: (op.state == "pending", op.effective_date, op.id)
        ):
            state = EXPECTED[operation.type][1] or state
        if state not in EXPECTED[operation_type][0]:
            states = labels(service, "state")
            types = labels(self, "type")
            raise UserError(
                self.env._(
                    "%(type)s is not possible: service %(service)s is %(state)s, counting what "
                    "was asked for before.",
                    type=types[operation_type],
                    service=service.display_name,
                    state=states[state].lower(),
                )
            )
        if operation_type == "setup":
            module = self._module_for(service, operation_type, values)
            if not module.active:
                raise UserError(
                    self.env._(
                        "The processing module %(module)s of tariff %(tariff)s is disabled and "
                        "takes no new services. Enable it or choose another for the tariff.",
                        module=module.name,
                        tariff=service.tariff_id.display_name,
                    )
                )
        elif operation_type == "change" and not before:
            # Says now, not on the day, what cannot be done.
            service._preview_change(day, self._change_values(values))
