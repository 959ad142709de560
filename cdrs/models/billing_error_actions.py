from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

SUGGESTIONS = 5
#: last digits of a number by which another spelling of it is found
SAME_DIGITS = 8


class BillingError(models.Model):
    """Correcting causes: each correction reprocesses the calls of its cause alone."""

    _inherit = "billing.error"

    # === ACTIONS === #

    def action_reprocess(self):
        """Have the calls of these causes rated again, in the background."""
        errors = self._as_manager()
        if closed := errors.filtered(lambda error: error.state != "open"):
            raise UserError(
                self.env._("%s is closed already: nothing is left.", closed[0].display_name)
            )
        errors._reprocess_later()
        return True

    def action_assign(self):
        """Open the dialog that gives the number to a service."""
        self.ensure_one()
        return self._open_dialog("billing.error.assign", self.env._("Assign Number"))

    def action_add_rate(self):
        """Open the dialog that adds the rate that is missing."""
        self.ensure_one()
        return self._open_dialog("billing.error.rate", self.env._("Add Rate"))

    def action_extend_dates(self):
        """Open the dialog that moves the days on which a service has the number."""
        self.ensure_one()
        return self._open_dialog("billing.error.dates", self.env._("Extend Dates"))

    def action_accept(self):
        """Open the dialog that gives these causes up for a reason."""
        self._as_manager()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Accept Billing Errors"),
            "res_model": "billing.error.accept",
            "view_mode": "form",
            "target": "new",
            "context": {"default_error_ids": self.ids},
        }

    def action_reopen(self):
        """Take accepted causes up again: their calls are rated once more."""
        errors = self._as_manager()
        errors._reopen()
        return True

    def action_open_tariff(self):
        """Open the tariff whose services' calls have no rate plan."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.tariff",
            "res_id": self.tariff_id.id,
            "view_mode": "form",
        }

    def action_open_service(self):
        """Open the service that a fixed fee is for: its price, or its end, is what is wrong."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.service",
            "res_id": self.service_id.id,
            "view_mode": "form",
        }

    def action_open_records(self):
        """Open what this cause stops: its calls, fixed fees or lines."""
        self.ensure_one()
        self.check_access("read")
        if self.code == "malformed":
            model, domain = "cdr.file.line", [("file_id", "=", self.file_id.id)]
        elif self.code.startswith("fixed_fee"):
            model, domain = "cdr.fixed.fee", [("error_id", "=", self.id)]
        else:
            model, domain = "cdr.record", [("error_id", "=", self.id)]
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": model,
            "view_mode": "list,form",
            "domain": domain,
        }

    def _open_dialog(self, model, name):
        """Return the dialog that corrects this one cause."""
        self.ensure_one()
        self._as_manager()
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": {"default_error_id": self.id},
        }

    # === BUSINESS === #

    def _reprocess_later(self):
        """Enqueue rating what these causes stop, one task for each, one at a time for a company."""
        for company, errors in self.grouped("company_id").items():
            self.env["billing.task"].sudo().with_company(company).enqueue_many(
                [
                    {
                        "type_code": "cdr_rate",
                        "record": error,
                        "parameters": {"error_ids": error.ids},
                        "identity_key": f"cdr_reprocess:{error.id}",
                        "exclusive_key": f"cdr_rate:{company.id}",
                    }
                    for error in errors
                ]
            )

    def _reprocess(self):
        """Rate what these causes stop, and nothing else; what is left may have another cause.

        Lines that could not be read are read again.

        :return: dict ``{state: number}`` of the calls and fixed fees, and of lines that are ``read``
            now and ``left``
        """
        counts = {}
        for company, errors in self.grouped("company_id").items():
            domain = Domain("error_id", "in", errors.ids)
            calls = self.env["cdr.record"].sudo()._rate(domain, company)
            fees = self.env["cdr.fixed.fee"].sudo().search(domain)._match()
            lines = errors.filtered(lambda error: error.code == "malformed").file_id._reread()
            for state, number in (*calls.items(), *fees.items(), *lines.items()):
                counts[state] = counts.get(state, 0) + number
            self._collect(company)
        self._recount()
        return counts

    def _accept(self, reason, note=None):
        """open → accepted: what these causes stop is not billed, for a reason."""
        if reason == "other" and not (note or "").strip():
            raise UserError(self.env._("Say in the note why these errors are accepted."))
        self._recount()
        errors = self.filtered(lambda error: error.state == "open")
        errors._set_state(
            "accepted",
            {
                "accept_reason": reason,
                "accept_note": (note or "").strip() or False,
                "closed_by_id": self.env.uid,
                "closed_date": self.env.cr.now(),
            },
        )
        errors._move_records("ignored")
        return errors

    def _reopen(self):
        """accepted → open: what these causes stopped is rated again."""
        blocked = self._open_twins()
        if blocked:
            raise UserError(
                self.env._(
                    "The same cause is open already: %s. Correct that one.", blocked[0].display_name
                )
            )
        errors = self._set_state(
            "open", {"accept_reason": False, "accept_note": False, "closed_date": False}
        )
        errors._move_records("error")
        errors._reprocess_later()

    def _open_twins(self):
        twins = Domain.OR(
            Domain("company_id", "=", error.company_id.id)
            & Domain("code", "=", error.code)
            & Domain("key", "=", error.key)
            for error in self
        )
        return self.search(twins & Domain("state", "=", "open"))

    def _move_records(self, state):
        """Give up what these causes stop (``ignored``), or take it up again (``error``)."""
        self.env.flush_all()
        before = {"ignored": "error", "error": "ignored"}[state]
        calls, fees = (
            SQL(
                """
                UPDATE %(table)s AS record
                   SET state = %(state)s,
                       error_code = CASE WHEN %(state)s = 'error' THEN error.code END
                  FROM billing_error AS error
                 WHERE error.id = record.error_id AND error.id = ANY(%(ids)s)
                   AND record.state = %(before)s
                """,
                table=SQL.identifier(table),
                state=state,
                before=before,
                ids=self.ids,
            )
            for table in ("cdr_record", "cdr_fixed_fee")
        )
        self.env.cr.execute(calls)
        self.env.cr.execute(fees)
        self.env["cdr.record"].invalidate_model()
        self.env["cdr.fixed.fee"].invalidate_model()

    # === SUGGESTIONS === #

    @api.model
    @api.private
    def _suggest_services(self, number, company):
        """Return services that a number may belong to, the likeliest first.

        They have the same number in another spelling or on other days, or a number next to it.
        """
        number = (number or "").lstrip("+")
        if not number:
            return self.env["billing.service"]
        tail = number[-SAME_DIGITS:] if len(number) >= SAME_DIGITS else number
        rows = self.env.execute_query(
            SQL(
                """
                SELECT service_id FROM (
                    SELECT identifier.service_id,
                           min(CASE WHEN identifier.usage_key = %(number)s THEN 0
                                    WHEN right(identifier.usage_key, %(digits)s) = %(tail)s THEN 1
                                    WHEN left(identifier.usage_key, %(but_one)s) = %(block)s THEN 2
                                    ELSE 3 END) AS place,
                           count(*) AS many
                      FROM billing_service_identifier AS identifier
                      JOIN billing_service AS service ON service.id = identifier.service_id
                     WHERE identifier.company_id = %(company)s
                       AND service.state IN ('ordered', 'active', 'suspended')
                       AND identifier.usage_key IS NOT NULL
                       AND (identifier.usage_key = %(number)s
                            OR right(identifier.usage_key, %(digits)s) = %(tail)s
                            OR (length(%(number)s) > 4
                                AND left(identifier.usage_key, %(but_two)s) = %(hundred)s))
                     GROUP BY identifier.service_id
                ) AS found ORDER BY place, many DESC, service_id LIMIT %(limit)s
                """,
                number=number,
                digits=len(tail),
                tail=tail,
                but_one=len(number) - 1,
                block=number[:-1],
                but_two=len(number) - 2,
                hundred=number[:-2],
                company=company.id,
                limit=SUGGESTIONS,
            )
        )
        return self.env["billing.service"].browse([row[0] for row in rows])
