from odoo import fields, models


class BillingMessageTemplate(models.Model):
    """A message to print on invoices, kept to be picked again, in all languages.

    Picking one copies its text into the run or the customer, where it can be edited. Billing
    users read the templates, managers keep them.
    """

    _name = "billing.message.template"
    _description = "Invoice Message Template"
    _order = "name, id"

    name = fields.Char(required=True, translate=True)
    body = fields.Html(
        "Message",
        required=True,
        translate=True,
        help="Printed in the customer's language where it is translated.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )

    def _in_language(self, lang):
        """Return the message in a language."""
        self.ensure_one()
        return self.with_context(lang=lang or self.env.lang).body

    def _has_text(self, text):
        """Return whether ``text`` is the message as it stands in any language."""
        self.ensure_one()
        languages = self.env["res.lang"].get_installed()
        return any(text == self._in_language(code) for code, _name in languages)
