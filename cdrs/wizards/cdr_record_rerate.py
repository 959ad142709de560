import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain

#: so many customers are shown, those with the largest difference first
SHOWN = 200


class CdrRecordRerate(models.TransientModel):
    """Rates calls again, after showing what that changes for whom. For billing managers.

    It is done only where the figures that were shown still hold: else the new ones are shown.
    """

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
    has_changed = fields.Boolean(readonly=True)
    fingerprint = fields.Char(readonly=True, help="Of the figures that were shown.")
    result = fields.Text(string="What Changes", readonly=True)
    line_ids = fields.One2many("cdr.record.rerate.line", "rerate_id", readonly=True)

    @api.onchange("date_from", "date_to", "carrier_id", "plan_id", "partner_id", "service_id")
    def _onchange_selection(self):
        """What was shown is another selection's."""
        self.is_shown = False

    def action_preview(self):
        """Show what rating the selection again changes."""
        self._check_manager()
        return self._show(self._rows(), has_changed=False)

    def action_apply(self):
        """Have the selection rated again in the background, or ask again where the figures have
        changed."""
        self._check_manager()
        if not self.is_shown:
            raise UserError(self.env._("Look at what changes first."))
        rows = self._rows()
        if self._fingerprint_of(rows) != self.fingerprint:
            return self._show(rows, has_changed=True)
        self.env["billing.task"].sudo().with_company(self.company_id).enqueue(
            "cdr_rate",
            parameters={"domain": list(self._domain())},
            exclusive_key=f"cdr_rate:{self.company_id.id}",
        )
        return {"type": "ir.actions.act_window_close"}

    def _check_manager(self):
        self.ensure_one()
        if not self.env.user.has_group("billing_operations.group_billing_manager"):
            raise AccessError(self.env._("Only billing managers may re-rate calls."))
        if self.company_id not in self.env.companies:
            raise UserError(self.env._("Choose a company you work for."))

    # === FIGURES === #

    def _rows(self):
        return self.env["cdr.record"].sudo()._preview_rerate(self._domain(), self.company_id)

    @staticmethod
    def _fingerprint_of(rows):
        text = json.dumps(rows, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _show(self, rows, has_changed):
        changed = [row for row in rows if row["changed"] and row["currency_id"]]
        changed.sort(key=lambda row: -abs(row["new"] - row["old"]))
        self.write(
            {
                "is_shown": True,
                "has_changed": has_changed,
                "fingerprint": self._fingerprint_of(rows),
                "result": self._result_text(rows),
                "line_ids": [
                    Command.clear(),
                    *(Command.create(self._line(row)) for row in changed[:SHOWN]),
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Re-rate Calls"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def _line(self, row):
        return {
            "kind": row["kind"],
            "partner_id": row["partner_id"],
            "currency_id": row["currency_id"],
            "call_count": row["calls"],
            "changed_count": row["changed"],
            "old_amount": row["old"],
            "new_amount": row["new"],
        }

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

    # === TEXTS === #

    def _result_text(self, rows):
        if not rows:
            return self.env._("None of these calls can be rated again.")
        texts = []
        for kind, currency_id in dict.fromkeys(
            (row["kind"], row["currency_id"]) for row in rows if row["currency_id"]
        ):
            of_kind = [r for r in rows if (r["kind"], r["currency_id"]) == (kind, currency_id)]
            totals = {
                name: sum(row[name] for row in of_kind)
                for name in ("calls", "changed", "old", "new")
            }
            currency = self.env["res.currency"].browse(currency_id)
            texts.append(self._total_text(kind, currency, totals))
        errors_old, errors_new = (
            sum(row[name] for row in rows) for name in ("errors_old", "errors_new")
        )
        if errors_old or errors_new:
            texts.append(
                self.env._(
                    "In error: %(old)s calls now, %(new)s then.", old=errors_old, new=errors_new
                )
            )
        return "\n".join([*texts, *self._kind_texts(rows)])

    def _total_text(self, kind, currency, totals):
        """Return what changes of all calls of a kind in one currency."""
        return self.env._(
            "%(kind)s, %(currency)s: of %(calls)s calls %(changed)s change, %(old)s now, %(new)s "
            "then, difference %(difference)s.",
            kind=dict(self.line_ids._fields["kind"]._description_selection(self.env))[kind],
            currency=currency.name,
            calls=totals["calls"],
            changed=totals["changed"],
            old=currency.format(totals["old"]),
            new=currency.format(totals["new"]),
            difference=currency.format(totals["new"] - totals["old"]),
        )

    def _kind_texts(self, rows):
        """Return what else there is to know before it is done. Floors above extend it."""
        return []
