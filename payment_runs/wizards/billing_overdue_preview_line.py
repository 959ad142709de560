from odoo import fields, models

from ...billing_tasks.dry_run import dry_run
from ..models.billing_overdue_step_items import LEFT_OUT


class BillingOverduePreviewLine(models.TransientModel):
    """One customer in the preview: the step that would be taken, or why none is."""

    _name = "billing.overdue.preview.line"
    _description = "Customer in the Preview of Overdue Invoices"
    _order = "step_id, partner_id, id"

    preview_id = fields.Many2one(
        "billing.overdue.preview", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="preview_id.company_id")
    currency_id = fields.Many2one(related="preview_id.company_id.currency_id")
    partner_id = fields.Many2one("res.partner", string="Customer", required=True, readonly=True)
    step_id = fields.Many2one("billing.overdue.step", readonly=True)
    reason = fields.Selection(LEFT_OUT, string="Left Alone Because", readonly=True)
    invoice_count = fields.Integer(string="Invoices", readonly=True)
    oldest_date = fields.Date(string="Oldest Due", readonly=True)
    amount = fields.Monetary(string="Overdue", readonly=True)
    email = fields.Char(related="partner_id.email", string="E-mail")
    subject = fields.Char(compute="_compute_mail")
    body = fields.Html(compute="_compute_mail", sanitize=False)

    def _compute_mail(self):
        """Show the e-mail as the customer would get it: made for real, and undone."""
        for line in self:
            line.subject, line.body = line._mail() if line.step_id else (False, False)

    def _mail(self):
        """Return subject and body of the e-mail, as if it were sent now."""
        steps = self.env["billing.overdue.step"]
        steps._check_user()
        company = self.company_id
        steps = steps.sudo().with_company(company)
        with dry_run(self.env):
            todo, _left = steps._plan(company, self.partner_id.ids)
            key = (self.partner_id.id, self.step_id.sudo())
            if not (items := todo.get(key)):
                return self.env._("Nothing would be sent any more."), False
            notice = steps.env["billing.overdue.notice"]._record(company, {key: items})
            found = self.step_id._template()._generate_template(
                notice.ids, ("subject", "body_html")
            )[notice.id]
        return found["subject"], found["body_html"]

    def action_open_mail(self):
        """Show the e-mail."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("E-mail"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [[False, "form"]],
            "target": "new",
        }
