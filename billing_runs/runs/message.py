from odoo import api, fields, models
from odoo.tools import is_html_empty


class BillingRun(models.Model):
    """The message on a run's invoices, in place of the customers' own ones."""

    _inherit = "billing.run"

    message_template_id = fields.Many2one(
        "billing.message.template",
        "Take Message From",
        check_company=True,
        ondelete="set null",
        help="Copies the template's text. Left as it is, the message is printed in each customer's"
        " language; edited, as it stands here.",
    )
    invoice_message = fields.Html(
        compute="_compute_invoice_message",
        store=True,
        readonly=False,
        precompute=True,
        help="Printed on the invoices of this run instead of the customers' own message.",
    )

    @api.depends("message_template_id")
    def _compute_invoice_message(self):
        for run in self:
            if run.message_template_id:
                run.invoice_message = run.message_template_id.body

    def _message_in_language(self, lang):
        """Return the run's message for customers of a language; False where it has none."""
        self.ensure_one()
        if is_html_empty(self.invoice_message):
            return False
        template = self.message_template_id
        if template and template._has_text(self.invoice_message):
            return template._in_language(lang)
        return self.invoice_message
