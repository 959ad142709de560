from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..periods import ONE_DAY


class BillingService(models.Model):
    """The life of a service: its states, what each change of them settles, and the dialogs.

    Who activates a service, applies what a dialog asks for, and ends services whose day has come
    is a matter of the floor above, where people or software carry these things out.
    """

    _inherit = "billing.service"

    # === ACTIONS === #

    def action_cancel(self):
        """Cancel orders that come to nothing."""
        self._check_billing_user()
        self._cancel()
        return True

    def action_suspend(self):
        """Open the dialog that asks since when and why."""
        return self._open_status_wizard("suspend")

    def action_resume(self):
        """Open the dialog that asks from when."""
        return self._open_status_wizard("resume")

    def action_terminate(self):
        """Open the dialog that asks from which day."""
        return self._open_status_wizard("terminate")

    def action_change(self):
        """Open the dialog for new terms from a day on, with their effect in money."""
        self.ensure_one()
        return self._open_dialog(
            "billing.service.change.wizard",
            self.env._("Change %s", self.display_name),
            {"default_service_id": self.id},
        )

    def action_adjust(self):
        """Open the dialog for a credit or debit with a reason."""
        self.ensure_one()
        return self._open_dialog(
            "billing.charge.adjust.wizard",
            self.env._("Adjust %s", self.display_name),
            {"default_service_id": self.id, "default_partner_id": self.partner_id.id},
        )

    def action_open_charges(self):
        """Open the charges of these services."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_charge_action"
        )
        return action | {"domain": [("service_id", "in", self.ids)], "context": {}}

    def action_open_invoices(self):
        """Open the invoices that billed these services."""
        self.check_access("read")
        charges = self.env["billing.charge"].search(
            [("service_id", "in", self.ids), ("move_id", "!=", False)]
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_move_out_invoice_type"
        )
        return action | {
            "domain": [("id", "in", charges.move_id.ids)],
            "context": {"create": False},
        }

    def _open_status_wizard(self, transition: str) -> dict:
        titles = {
            "suspend": self.env._("Suspend"),
            "resume": self.env._("Resume"),
            "terminate": self.env._("Terminate"),
        }
        return self._open_dialog(
            "billing.service.status.wizard",
            titles[transition],
            {"default_transition": transition, "default_service_ids": [(6, 0, self.ids)]},
        )

    def _open_dialog(self, model: str, title: str, context: dict) -> dict:
        self._check_billing_user()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": context,
        }

    def _check_billing_user(self):
        self.check_access("write")
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            raise UserError(self.env._("Only billing users may change services."))

    def _log_note(self, note: str):
        """Keep what a person wrote about a change in the history of these services."""
        if note:
            self._message_log_batch(bodies=dict.fromkeys(self.ids, note))

    # === BUSINESS === #

    def _activate(self, day: date | None = None):
        """ordered → active. ``day`` is the first day served and billed: given, else the wished
        start date, else today. ``rated_up_to`` set before (an import) says what was billed
        elsewhere; such a service owes no set-up either."""
        services = self._to_move("active", sources=("ordered",))
        # The tariff may have got another currency since the order.
        services._check_currency()

        def begin(service):
            start = day or service.date_start or service.company_id._billing_today()
            return {
                "date_start": start,
                "anchor_date": service.anchor_date or start,
                "rated_up_to": service.rated_up_to or start,
                "terms_from": service.rated_up_to or start,
                "setup_due": not service.rated_up_to and service.tariff_id.setup_price > 0,
                "setup_price": service.tariff_id.setup_price,
                "setup_product_id": service.product_id.id,
            }

        services._set_state("active", begin)
        services.addon_line_ids._check_quantities()

    def _suspend(self, day: date, reason: str):
        """active → suspended since ``day``. Days billed ahead are not credited; from then on
        nothing is billed unless the billing terms say so."""
        services = self._to_move("suspended")
        for service in services:
            if day < service.date_start:
                raise UserError(
                    self.env._(
                        "Service %(service)s cannot be suspended from %(day)s: it starts on "
                        "%(start)s.",
                        service=service.display_name,
                        day=day,
                        start=service.date_start,
                    )
                )
        services._set_state("suspended", {"date_suspended": day, "suspension_reason": reason})

    def _resume(self, day: date):
        """suspended → active from ``day``. What was served before is rated first, at the terms of
        those days; the suspended days are then left out, unless they were billed ahead already or
        their terms bill suspended services."""
        services = self._to_move("active", sources=("suspended",))
        for service in services:
            if day < service.date_suspended:
                raise UserError(
                    self.env._(
                        "Service %(service)s cannot resume on %(day)s: it is suspended since "
                        "%(since)s.",
                        service=service.display_name,
                        day=day,
                        since=service.date_suspended,
                    )
                )
        rated = {service: service.rated_up_to for service in services}
        paused = services.grouped(lambda service: service._paused_until(day))
        for end, group in paused.items():
            if end:
                group._store_rating(group._rate_rows(end - ONE_DAY, until=end))
        ends = {service: end for end, group in paused.items() for service in group}

        def go_on(service):
            values = {"date_suspended": False, "suspension_reason": False}
            values |= service._note_paused_ahead(min(day, rated[service]))
            end = ends[service]
            if end and service.rated_up_to < end:
                values |= {"rated_up_to": end, "terms_from": max(end, service.terms_from)}
            return values

        services._set_state("active", go_on)

    def _note_paused_ahead(self, end: date) -> dict:
        """Return the values that keep the suspended days before ``end``, which were billed ahead."""
        self.ensure_one()
        if self.term_scheme_id.bill_suspended or end <= self.date_suspended:
            return {}
        known = self.paused_ahead or []
        days = [fields.Date.to_string(self.date_suspended), fields.Date.to_string(end)]
        return {"paused_ahead": [*known, days]}

    def _was_paused_ahead(self, start: date, end: date) -> bool:
        """Whether days of ``[start, end)`` that were billed ahead were suspended afterwards."""
        self.ensure_one()
        to_date = fields.Date.to_date
        return any(
            to_date(first) < end and start < to_date(until)
            for first, until in self.paused_ahead or []
        )

    def _terminate(self, day: date):
        """active or suspended → terminated. ``day`` is the first day no longer served; an earlier
        agreed end stays. What was billed beyond it is credited. Its identifiers are free from
        that day on."""
        for service in self._to_move("terminated"):
            end = min(day, service.date_end or day)
            service._change(end, {"date_end": end})
            service._set_state("terminated")
            service.identifier_ids._close(end)

    def _cancel(self):
        """ordered → cancelled. Nothing was billed and nothing will be."""
        for service in self._set_state("cancelled"):
            for identifier in service.identifier_ids:
                identifier._close(identifier.date_from)

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "ordered": {"active", "cancelled"},
            "active": {"suspended", "terminated"},
            "suspended": {"active", "terminated"},
            "terminated": set(),
            "cancelled": set(),
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A new service starts as ordered. Create it first, then activate it.")

    def _to_move(self, state, sources=None):
        # Nobody else rates or changes them from here on.
        self.filtered(lambda service: service.state != state)._lock_rows()
        return super()._to_move(state, sources)
