from odoo import api, fields, models
from odoo.fields import Command


class BillingRunIndividual(models.TransientModel):
    """Bill one customer outside of the cycle's batch. For billing users."""

    _name = "billing.run.individual"
    _description = "Bill One Customer"

    partner_id = fields.Many2one("res.partner", "Customer", required=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    cycle_id = fields.Many2one(
        "billing.cycle",
        required=True,
        domain="[('company_id', '=', company_id), ('state', '=', 'active')]",
        default=lambda self: self._default_cycle(),
        ondelete="cascade",
        help="Gives dates, journal and billing terms.",
    )
    cutoff_date = fields.Date(
        "Bill As Of", required=True, default=lambda self: self.env.company._billing_today()
    )

    @api.model
    def _default_cycle(self):
        return self.env["billing.cycle"].search(
            [("company_id", "=", self.env.company.id), ("state", "=", "active")], limit=1
        )

    def action_create(self):
        """Create the customer's own run and open it."""
        self.ensure_one()
        run = self.cycle_id._create_run(
            self.company_id._billing_today(),
            mode="individual",
            cutoff_date=self.cutoff_date,
            partner_ids=[Command.set(self.partner_id.ids)],
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.run",
            "res_id": run.id,
            "view_mode": "form",
        }
