from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...billing_runs.cycles.criteria import limit_field

KINDS = [
    ("remind", "Remind"),
    ("warn", "Warn"),
    ("suspend", "Suspend"),
    ("end", "Propose to End"),
]
TEMPLATES = {
    "remind": "billing_operations.mail_template_overdue_remind",
    "warn": "billing_operations.mail_template_overdue_warn",
    "suspend": "billing_operations.mail_template_overdue_suspend",
    "end": "billing_operations.mail_template_overdue_end",
}


class BillingOverdueStep(models.Model):
    """What is done about invoices that stay unpaid, so many days after they were due.

    ``remind`` and ``warn`` write to the customer; ``suspend`` also has the customer's services
    suspended, where Settings allow it; ``end`` is only proposed, and a person confirms it.

    Customers with a tag that has steps of its own follow those, and all others the steps without
    tags. Billing managers set steps up, billing users read them.
    """

    _name = "billing.overdue.step"
    _description = "Overdue Step"
    _inherit = ["billing.limited.mixin"]
    _order = "company_id, days, id"
    _check_company_auto = True
    _limit_fields = ("partner_category_ids",)

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(KINDS, required=True, default="remind")
    days = fields.Integer(
        string="Days Overdue", required=True, default=7, help="Days after the due date."
    )
    failures = fields.Integer(
        string="Failed Collections",
        help="Taken at once after so many collections of the invoice came back or failed, whatever "
        "day it is. 0: only the days count.",
    )
    minimum_amount = fields.Monetary(
        string="From",
        help="What the customer owes must be overdue by at least this amount, after credits.",
    )
    partner_category_ids = limit_field(
        "res.partner.category",
        string="Customer Tags",
        help="Customers with one of these tags follow the steps with these tags alone. Empty: all "
        "other customers.",
    )
    template_id = fields.Many2one(
        "mail.template",
        string="E-mail",
        domain="[('model', '=', 'billing.overdue.notice')]",
        ondelete="restrict",
        help="What the customer is told. Empty: the e-mail that comes with the addon.",
    )
    notice_count = fields.Integer(compute="_compute_notice_count", string="Notices")

    _days_in_range = models.Constraint(
        "CHECK(days BETWEEN 1 AND 3650)", "A step comes 1 to 3,650 days after the due date."
    )
    _numbers_not_negative = models.Constraint(
        "CHECK(failures >= 0 AND COALESCE(minimum_amount, 0) >= 0)",
        "Failed collections and amounts are not negative.",
    )

    def _compute_notice_count(self):
        counts = dict(
            self.env["billing.overdue.notice"]._read_group(
                [("step_id", "in", self.ids)], ["step_id"], ["__count"]
            )
        )
        for step in self:
            step.notice_count = counts.get(step._origin, 0)

    def write(self, vals):
        fixed = {"company_id", "kind"} & vals.keys()
        if fixed and (used := self.filtered("notice_count")):
            raise UserError(
                self.env._(
                    "%s was taken already: archive it, and make another step.",
                    ", ".join(used.mapped("name")),
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if used := self.filtered("notice_count"):
            raise UserError(
                self.env._(
                    "%s was taken already and can only be archived.", ", ".join(used.mapped("name"))
                )
            )

    # === ACTIONS === #

    @api.model
    def action_usual_steps(self):
        """Make the steps that most companies begin with, where the company has none."""
        self.check_access("create")
        if not self.with_context(active_test=False).search_count(
            [("company_id", "=", self.env.company.id)], limit=1
        ):
            self.create(
                [
                    {"name": self.env._("Reminder"), "kind": "remind", "days": 7},
                    {"name": self.env._("Warning"), "kind": "warn", "days": 21},
                    {"name": self.env._("Suspension"), "kind": "suspend", "days": 35},
                    {"name": self.env._("End"), "kind": "end", "days": 90},
                ]
            )
        return self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_overdue_step_action"
        )

    @api.model
    def action_preview(self):
        """Show what the steps would do today, and to whom."""
        self._check_user()
        return self.env["billing.overdue.preview"]._show(self.env.company)

    def action_open_notices(self):
        """Open what this step has done."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_overdue_notice_action"
        )
        return action | {"domain": [("step_id", "=", self.id)], "context": {}}

    @api.model
    def _check_user(self):
        if not self.env.su and not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Only billing users may follow overdue invoices up."))

    def _template(self):
        """Return the e-mail of the step."""
        self.ensure_one()
        return self.sudo().template_id or self.env.ref(TEMPLATES[self.kind]).sudo()
