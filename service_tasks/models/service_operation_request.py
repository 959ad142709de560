import json
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...services.models.billing_service import SUSPENSION_REASONS
from ...services.models.billing_service_change import CHANGEABLE
from .service_operation import OPEN
from .service_operation_checks import EXPECTED

#: type: what can be asked for
VALUES = {
    "setup": {"parameters"},
    "change": {*CHANGEABLE, "addon_quantities"},
    "delete": set(),
    "suspend": {"reason"},
    "resume": set(),
}
SWITCHES = ("suspend", "resume")


class ServiceOperation(models.Model):
    """How operations are asked for, wait, supersede each other and start."""

    _inherit = "service.operation"

    @api.model
    def _request(self, service, operation_type, values=None, effective_date=None, source="staff"):
        """Note what is asked for and start it if nothing stands before it.

        :param service: one locked service, as superuser.
        :return: the operation; the existing one where the very same is asked for again.
        """
        values = self._clean_values(operation_type, values)
        self._check_asked(service, operation_type, values)
        if source not in dict(self._fields["source"].selection):
            raise UserError(self.env._("An operation comes from client, staff or billing."))
        explicit = self._as_day(effective_date)
        day = explicit or self._default_day(service, operation_type)
        open_operations = self.search(
            [("service_id", "=", service.id), ("state", "in", OPEN)], order="effective_date, id"
        )
        for operation in open_operations:
            if operation._is_same(operation_type, values, explicit and day):
                return operation
        superseded = open_operations._superseded_by(operation_type, day)
        self._check_possible(service, operation_type, values, day, open_operations - superseded)
        operation = self._own().create(
            {
                "service_id": service.id,
                "module_id": self._module_for(service, operation_type, values).id,
                "type": operation_type,
                "requested": {"new": values, "old": self._old_values(service, values)},
                "effective_date": day,
                "source": source,
            }
        )
        operation = operation.with_env(self.env)
        superseded._cancel(self.env._("Superseded by %s.", operation.display_name))
        operation._announce()
        service._start_next_operation()
        return operation

    @api.model
    def _clean_values(self, operation_type, values) -> dict:
        """Return the values of a request as plain JSON, refused where its type cannot take them."""
        if not isinstance(operation_type, str) or operation_type not in EXPECTED:
            raise UserError(
                self.env._(
                    "“%(type)s” is not an operation; it is one of %(types)s.",
                    type=operation_type,
                    types=", ".join(EXPECTED),
                )
            )
        if not isinstance(values or {}, dict):
            raise UserError(self.env._("The values of an operation are names with values."))
        values = dict(values or {})
        if unknown := set(values) - VALUES[operation_type]:
            raise UserError(
                self.env._(
                    "The operation “%(type)s” does not take: %(unknown)s.",
                    type=operation_type,
                    unknown=", ".join(sorted(map(str, unknown))),
                )
            )
        if operation_type == "suspend":
            values.setdefault("reason", "client")
            if values["reason"] not in [reason for reason, _label in SUSPENSION_REASONS]:
                raise UserError(
                    self.env._("“%s” is not a reason to suspend a service for.", values["reason"])
                )
        if operation_type == "change":
            if not values:
                raise UserError(self.env._("A change without anything to change makes no sense."))
            if values.get("date_end"):
                values["date_end"] = fields.Date.to_string(self._as_day(values["date_end"]))
        try:
            return json.loads(json.dumps(values, default=self._as_json))
        except TypeError as error:
            raise UserError(self.env._("The values of an operation must be plain JSON.")) from error

    @api.model
    def _as_day(self, value):
        """Return a date of a date or its text; None of nothing."""
        try:
            return fields.Date.to_date(value)
        except (TypeError, ValueError) as error:
            raise UserError(self.env._("“%s” is not a date; write 2026-01-31.", value)) from error

    @api.model
    def _as_json(self, value):
        if isinstance(value, models.BaseModel):
            return value.id
        if isinstance(value, date):
            return fields.Date.to_string(value)
        raise TypeError(value)

    @api.model
    def _old_values(self, service, values) -> dict:
        """Return what the service has now, for the values of a request."""
        old = {}
        for name in values:
            if name == "addon_quantities":
                old[name] = {
                    str(line.addon_id.id): line.quantity for line in service.addon_line_ids
                }
            elif name == "parameters":
                old[name] = service._parameter_values()
            elif name in service._fields:
                value = service[name]
                old[name] = value and (
                    self._as_json(value) if name.endswith(("_id", "date_end")) else value
                )
        return old

    @api.model
    def _default_day(self, service, operation_type):
        today = service.company_id._billing_today()
        return (service.date_start or today) if operation_type == "setup" else today

    def _is_same(self, operation_type, values, day):
        """Does this open operation say the same? A request without a day means any day."""
        return (
            self.type == operation_type
            and (not day or self.effective_date == day)
            and self.requested["new"] == values
        )

    def _superseded_by(self, operation_type, day):
        """Return those of these operations that wait and that a new one makes pointless."""
        later = self.filtered(lambda op: op.state == "pending" and op.effective_date >= day)
        if operation_type == "delete":
            return later
        if operation_type in SWITCHES:
            return later.filtered(lambda op: op.type in SWITCHES)
        return self.browse()

    @api.model
    def _change_values(self, values) -> dict:
        """Return the new values of a change as ``billing.service._change`` takes them."""
        values = dict(values)
        if values.get("date_end"):
            values["date_end"] = fields.Date.to_date(values["date_end"])
        return values

    @api.model
    def _tariff_for(self, service, operation_type, values):
        """Return the tariff that counts once it is carried out."""
        tariff = service.tariff_id
        if operation_type == "change" and values.get("tariff_id"):
            tariff = tariff.browse(values["tariff_id"]).exists() or tariff
        return tariff

    def _tariff(self):
        self.ensure_one()
        return self._tariff_for(self.service_id, self.type, self.requested["new"])

    def _addon_quantities(self) -> dict:
        """Return {add-on of the tariff: (quantity now, quantity once it is carried out)}."""
        wished = self.requested["new"].get("addon_quantities") or {}
        present = {line.product_id: line.quantity for line in self.service_id.addon_line_ids}
        offered = self.service_id._offered_addons(self._tariff())
        now = {addon: present.get(addon.product_id, 0.0) for addon in offered}
        return {addon: (qty, wished.get(str(addon.id), qty)) for addon, qty in now.items()}

    @api.model
    def _module_for(self, service, operation_type, values):
        tariff = self._tariff_for(service, operation_type, values)
        return tariff.processing_module_id or service.company_id._default_processing_module()

    # An end in the future is agreed at once: billing must not charge beyond it meanwhile.
    def _announce(self):
        """Tell billing of an end that comes later."""
        for operation in self.filtered(lambda op: op.type == "delete"):
            service, day = operation.service_id, operation.effective_date
            today = service.company_id._billing_today()
            if day > today and (not service.date_end or service.date_end > day):
                old = fields.Date.to_string(service.date_end) if service.date_end else False
                service._change(day, {"date_end": day})
                announced = {"day": fields.Date.to_string(day), "before": old}
                operation._own().requested = operation.requested | {"announced": announced}

    def _undo_announcement(self):
        """Take back the end that ``_announce`` told billing of."""
        for operation in self.filtered(lambda op: op.type == "delete"):
            announced, service = operation.requested.get("announced"), operation.service_id
            day = announced and fields.Date.to_date(announced["day"])
            if day and service.date_end == day and service.state != "terminated":
                before = announced["before"] and fields.Date.to_date(announced["before"])
                service._change(day, {"date_end": before})

    # === STARTING === #

    def _start(self):
        """Begin a pending operation, as its module says."""
        self.ensure_one()
        expected = EXPECTED[self.type][0]
        if self.service_id.state not in expected:
            reason = self.env._("Not needed any more: the service has changed meanwhile.")
            self._set_state("cancelled", {"message": reason})
            self._note_on_service(reason)
            self._tell_customer()
            return
        if not self.module_id._is_automatic():
            self._set_state("manual")
            self.env["service.task"]._create_for(self)
            return
        self._set_state("processing")
        self._enqueue()
