from odoo import api, fields, models
from odoo.fields import Domain

from ..cycles.criteria import limit_field


class BillingDeliverySend(models.TransientModel):
    """Asks which of a run's documents to e-mail now; the others stay to be sent."""

    _name = "billing.delivery.send"
    _description = "E-mail Bills"
    _inherit = ["billing.limited.mixin"]
    _limit_fields = ("excluded_partner_ids",)

    run_id = fields.Many2one("billing.run", required=True)
    amount_min = fields.Float("Total From", help="Empty means no limit.")
    amount_max = fields.Float("Total Up To", help="Empty means no limit.")
    excluded_partner_ids = limit_field("res.partner", string="Not These Customers")
    document_count = fields.Integer("Documents to E-mail", compute="_compute_document_count")
    amount_text = fields.Char("Total", compute="_compute_document_count")

    @api.depends("run_id", "amount_min", "amount_max", "excluded_partner_ids")
    def _compute_document_count(self):
        for wizard in self:
            run = wizard.run_id
            domain = wizard._document_domain()
            chosen = run and run._documents_of(run._email_domain() & domain)
            wizard.document_count, wizard.amount_text = chosen or (0, "")

    def action_apply(self):
        """Queue the e-mails of the chosen documents."""
        self.ensure_one()
        self.run_id._check_user()
        self.run_id._email_bills(self.run_id._documents_to_email(self._document_domain()))
        return {"type": "ir.actions.act_window_close"}

    def _document_domain(self):
        """Return the domain of the documents chosen."""
        self.ensure_one()
        excluded = self._limit_ids("excluded_partner_ids") or []
        domain = Domain("partner_id", "not in", excluded)
        domain &= Domain("commercial_partner_id", "not in", excluded)
        domain &= Domain("amount_total", ">=", self.amount_min)
        if self.amount_max:
            domain &= Domain("amount_total", "<=", self.amount_max)
        return domain
