from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...services.periods import ONE_DAY
from .service_operation import OPEN


class ServiceOperation(models.Model):
    """What a customer reads of operations in the portal, and takes back.

    What software or a department has come to, who does it and why it failed is not the customer's
    business: an operation is planned, being carried out, done or cancelled.
    """

    _inherit = "service.operation"

    @api.model
    def _unsaved(self, service, operation_type, values, day):
        """Return an operation that nobody has asked for yet, to see what it would bring."""
        return self.new(
            {
                "service_id": service.id,
                "type": operation_type,
                "requested": {"new": values, "old": self._old_values(service, values)},
                "effective_date": day,
                "source": "client",
            }
        )

    def _is_asked_by(self, partner) -> bool:
        """Was it asked for in the portal, by a login of the company that a contact belongs to?"""
        self.ensure_one()
        asked_by = self.requested_by_id.partner_id.commercial_partner_id
        return self.source == "client" and asked_by == partner.commercial_partner_id

    def _portal_type(self) -> str:
        self.ensure_one()
        types = {
            "setup": self.env._("Order"),
            "change": self.env._("Change"),
            "delete": self.env._("End"),
            "suspend": self.env._("Suspension"),
            "resume": self.env._("Resumption"),
        }
        return types[self.type]

    def _portal_state(self) -> str:
        """Return how far it is."""
        self.ensure_one()
        company = self.company_id
        if self.state == "done":
            return self.env._(
                "done on %s", format_date(self.env, company._billing_date(self.done_date))
            )
        if self.state == "cancelled":
            return self.env._("cancelled")
        if self.state == "pending":
            if self.type == "delete":
                return self.env._("planned")
            if self.effective_date > company._billing_today():
                return self.env._("planned for %s", format_date(self.env, self.effective_date))
            return self.env._("waiting for its turn")
        return self.env._("being carried out")

    def _portal_text(self) -> str:
        """Return in one line what was asked for and how far it is."""
        self.ensure_one()
        return self.env._(
            "%(type)s (%(state)s)", type=self._portal_type(), state=self._portal_state()
        )

    def _portal_day(self) -> str:
        """Return from when on it counts; of an end the last day of service."""
        self.ensure_one()
        task = self.service_task_id
        # Who closed the task may have done it for another day.
        day = task.activation_date if task.state == "done" else self.effective_date
        if self.type == "delete":
            return self.env._("last day %s", format_date(self.env, day - ONE_DAY))
        return self.env._("from %s", format_date(self.env, day))

    def _portal_lines(self, partner) -> list[str]:
        """Return what was asked for, of what the customer asked for: old values of others, such as the
        name of an earlier customer, stay unsaid."""
        self.ensure_one()
        if self.type not in ("setup", "change") or not self._is_asked_by(partner):
            return []
        return self._describe_request()

    # === TAKING BACK === #

    def _is_withdrawable(self, partner) -> bool:
        """May the customer take it back: it is an own request, and nobody has begun with it?"""
        self.ensure_one()
        if not self._is_asked_by(partner):
            return False
        if self.state == "manual":
            return self.service_task_id.state == "new"
        if self.state == "processing":
            task = self.billing_task_id
            return task.state == "pending" and not (task.intent or self.accepted_date)
        return self.state == "pending"

    def _withdraw(self, partner):
        """Take back a customer's own request; an order comes to nothing by it.

        :raise UserError: where somebody has begun with it
        """
        self.ensure_one()
        service = self.service_id
        service._lock_for_request()
        if self.state not in OPEN or not self._is_withdrawable(partner):
            raise UserError(
                self.env._(
                    "This request cannot be withdrawn any more: it is %s. Please contact us.",
                    self._portal_state(),
                )
            )
        self._cancel(self.env._("Withdrawn by the customer."), tell=False)
        if self.type == "setup" and service.state == "ordered":
            service._cancel()
