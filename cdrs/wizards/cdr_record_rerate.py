from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class CdrRecordRerate(models.TransientModel):
    """Rates calls again that are not charged yet, after showing what that changes."""

    _name = "cdr.record.rerate"
    _description = "Re-rate Calls"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, readonly=True
    )
    record_ids = fields.Many2many("cdr.record", string="Selected Calls")
    date_from = fields.Date(string="Calls From")
    date_to = fields.Date(string="Until (included)")
    carrier_id = fields.Many2one("cdr.carrier", check_company=True)
    plan_id = fields.Many2one("cdr.rate.plan", check_company=True)
    partner_id = fields.Many2one("res.partner", string="Customer")
    service_id = fields.Many2one("billing.service", check_company=True)
    is_shown = fields.Boolean(readonly=True)
    result = fields.Text(string="What Changes", readonly=True)

    @api.onchange("date_from", "date_to", "carrier_id", "plan_id", "partner_id", "service_id")
    def _onchange_selection(self):
        """What was shown is another selection's."""
        self.is_shown = False

    def action_preview(self):
        """Show what rating the selection again changes."""
        self._check_manager()
        rows = self.env["cdr.record"].sudo()._preview_rating(self._domain(), self.company_id)
        self.write({"is_shown": True, "result": self._result_text(rows)})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Re-rate Calls"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_apply(self):
        """Have the selection rated again, in the background."""
        self._check_manager()
        if not self.is_shown:
            raise UserError(self.env._("Look at what changes first."))
        self.env["billing.task"].sudo().with_company(self.company_id).enqueue(
            "cdr_rate",
            parameters={"domain": list(self._domain())},
            exclusive_key=f"cdr_rate:{self.company_id.id}",
        )
        return {"type": "ir.actions.act_window_close"}

    def _check_manager(self):
        self.ensure_one()
        if not self.env.user.has_group("billing_operations.group_billing_manager"):
            raise UserError(self.env._("Only billing managers may re-rate calls."))
        if self.company_id not in self.env.companies:
            raise UserError(self.env._("Choose a company you work for."))

    def _domain(self):
        """Return the domain of the selected calls, with plain texts for days."""
        wanted = {
            "carrier_id": self.carrier_id.id,
            "plan_id": self.plan_id.id,
            "partner_id": self.partner_id.id,
            "service_id": self.service_id.id,
        }
        domain = Domain.AND(Domain(name, "=", value) for name, value in wanted.items() if value)
        if self.record_ids:
            domain &= Domain("id", "in", self.record_ids.ids)
        if self.date_from:
            domain &= Domain("call_day", ">=", fields.Date.to_string(self.date_from))
        if self.date_to:
            domain &= Domain("call_day", "<=", fields.Date.to_string(self.date_to))
        return domain

    def _result_text(self, rows):
        if not rows:
            return self.env._("No calls that are still to be charged.")
        texts = []
        for currency_id, calls, changed, old, new, errors_old, errors_new in rows:
            currency = self.env["res.currency"].browse(currency_id)
            if currency:
                texts.append(
                    self.env._(
                        "%(currency)s: of %(calls)s calls %(changed)s change, %(old)s now, %(new)s "
                        "then, difference %(difference)s.",
                        currency=currency.name,
                        calls=calls,
                        changed=changed,
                        old=currency.format(old),
                        new=currency.format(new),
                        difference=currency.format(new - old),
                    )
                )
            if errors_old or errors_new:
                texts.append(
                    self.env._(
                        "In error: %(old)s calls now, %(new)s then.", old=errors_old, new=errors_new
                    )
                )
        return "\n".join(texts)
