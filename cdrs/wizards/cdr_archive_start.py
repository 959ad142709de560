from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..models.res_company import FEWEST_MONTHS

PROPOSED_MONTHS = 24


class CdrArchiveStart(models.TransientModel):
    """Begins to archive old call records, after showing what that takes and what it leaves. For
    administrators."""

    _name = "cdr.archive.start"
    _description = "Archive Old Call Records"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    keep_months = fields.Integer(
        string="Keep Call Records (months)",
        required=True,
        default=lambda self: self.env.company.cdr_keep_months or PROPOSED_MONTHS,
    )
    keep_unbilled_months = fields.Integer(
        string="Give Up Unbilled Calls After (months)",
        default=lambda self: self.env.company.cdr_keep_unbilled_months,
        help="0: calls that were never billed stay, however old.",
    )
    is_shown = fields.Boolean(readonly=True)
    line_ids = fields.One2many("cdr.archive.start.line", "start_id", readonly=True)
    call_count = fields.Integer(string="Calls to Archive", readonly=True)
    given_up_count = fields.Integer(string="Never Billed, Given Up", readonly=True)
    staying_count = fields.Integer(string="Not Billed Yet, Stay", readonly=True)

    @api.onchange("keep_months", "keep_unbilled_months")
    def _onchange_months(self):
        """What was shown is for other months."""
        self.is_shown = False

    def action_preview(self):
        """Show what would be archived, month by month."""
        self._check_administrator()
        if self.keep_months < FEWEST_MONTHS or 0 < self.keep_unbilled_months < FEWEST_MONTHS:
            raise UserError(
                self.env._("Call records are kept for %s months at least.", FEWEST_MONTHS)
            )
        rows = self._figures()
        self.write(
            {
                "is_shown": True,
                "line_ids": [Command.clear(), *(Command.create(self._line(row)) for row in rows)],
                "call_count": sum(row["calls"] for row in rows),
                "given_up_count": sum(row["given_up"] for row in rows),
                "staying_count": sum(row["stay"] for row in rows),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Archive Old Call Records"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_apply(self):
        """Keep the months on the company, and archive what is older from now on."""
        self._check_administrator()
        if not self.is_shown:
            raise UserError(self.env._("Look at the figures first."))
        company = self.company_id.sudo()
        company.write(self._agreed())
        self.env["cdr.archive"].sudo()._enqueue_old(company)
        return {"type": "ir.actions.act_window_close"}

    def _check_administrator(self):
        self.ensure_one()
        if not self.env.user.has_group("billing_operations.group_billing_administrator"):
            raise AccessError(self.env._("Only billing administrators may archive call records."))
        if self.company_id not in self.env.companies:
            raise UserError(self.env._("Choose a company you work for."))

    def _agreed(self):
        return {
            "cdr_keep_months": self.keep_months,
            "cdr_agreed_months": self.keep_months,
            "cdr_keep_unbilled_months": self.keep_unbilled_months,
            "cdr_agreed_unbilled_months": self.keep_unbilled_months,
        }

    def _figures(self):
        """Return what is old by the months of the dialog; the company's stay as they are."""
        company = self.company_id.sudo()
        before = {name: company[name] for name in self._agreed()}
        company.write(self._agreed())
        rows = self.env["cdr.archive"].sudo()._old_figures(company, company._cdr_first_kept())
        company.write(before)
        return rows

    @staticmethod
    def _line(row):
        return {
            "carrier_id": row["carrier_id"],
            "month": row["month"],
            "call_count": row["calls"],
            "given_up_count": row["given_up"],
            "cost": row["cost"],
            "staying_count": row["stay"],
        }
