from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from ...billing_tasks.texts import plural


class BillingOverduePreview(models.TransientModel):
    """What the overdue steps would do today, with whom, and in which words; then it can be done.

    For billing users.
    """

    _name = "billing.overdue.preview"
    _description = "Overdue Invoices: What Is Next"
    _inherit = ["billing.asking.mixin"]

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    line_ids = fields.One2many("billing.overdue.preview.line", "preview_id", readonly=True)
    todo_count = fields.Integer(compute="_compute_todo_count")

    @api.depends("line_ids")
    def _compute_todo_count(self):
        for preview in self:
            preview.todo_count = len(preview.line_ids.filtered("step_id"))

    @api.model
    def _show(self, company):
        """Return the action that shows a company's preview."""
        preview = self.create({"company_id": company.id})
        preview._fill()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What Is Next"),
            "res_model": self._name,
            "res_id": preview.id,
            "views": [[False, "form"]],
            "target": "current",
        }

    def _fill(self):
        """Write a line for each customer and step, and for each reason to leave alone."""
        self.ensure_one()
        steps = self.env["billing.overdue.step"].sudo().with_company(self.company_id)
        todo, left = steps._plan(self.company_id)
        groups = [(partner, step.id, None, items) for (partner, step), items in todo.items()]
        alone = defaultdict(list)
        for item in left:
            alone[item.partner, item.code].append(item)
        groups += [(partner, False, code, items) for (partner, code), items in alone.items()]
        self.env["billing.overdue.preview.line"].create(
            [
                {
                    "preview_id": self.id,
                    "partner_id": partner,
                    "step_id": step,
                    "reason": code,
                    "invoice_count": len(items),
                    "oldest_date": min(item.due for item in items),
                    "amount": sum(item.company_amount for item in items),
                }
                for partner, step, code, items in groups
            ]
        )

    # === ACTIONS === #

    def action_follow(self):
        """Have the steps taken, by background tasks."""
        self.ensure_one()
        steps = self.env["billing.overdue.step"]
        steps._check_user()
        number = steps.sudo().with_company(self.company_id)._enqueue_follow(self.company_id)
        if not number:
            raise UserError(self.env._("No invoice is overdue."))
        return self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_overdue_notice_action"
        )

    def action_ask_follow(self):
        """Ask before customers are told."""
        return self._ask("action_follow")

    def _questions(self):
        return super()._questions() | {
            "action_follow": (
                self.env._("Follow Up Now"),
                lambda previews: "\n".join(preview._follow_text() for preview in previews),
            )
        }

    def _follow_text(self):
        """Return what would be done now, by step."""
        steps = self.env["billing.overdue.step"].sudo().with_company(self.company_id)
        todo, _left = steps._plan(self.company_id)
        by_step = defaultdict(list)
        for (_partner, step), items in todo.items():
            by_step[step].append(items)
        if not by_step:
            return self.env._("There is nothing to do today.")
        return "\n".join(
            self.env._(
                "%(step)s: %(customers)s, %(amount)s overdue.",
                step=step.name,
                customers=plural(
                    len(groups), self.env._("1 customer"), self.env._("%s customers", len(groups))
                ),
                amount=formatLang(
                    self.env,
                    sum(item.company_amount for items in groups for item in items),
                    currency_obj=self.company_id.currency_id,
                ),
            )
            for step, groups in sorted(by_step.items(), key=lambda entry: entry[0].days)
        )
