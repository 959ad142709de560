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
        """Return an active cycle, one that bills the customer's terms where there is one."""
        cycles = self.env["billing.cycle"].search(
            [("company_id", "=", self.env.company.id), ("state", "=", "active")]
        )
        partner = self.env["res.partner"].browse(self.env.context.get("default_partner_id"))
        terms = self._billed_terms(partner, self.env.company)
        return (cycles.filtered(lambda cycle: cycle.term_scheme_ids & terms) or cycles)[:1]

    @api.model
    def _billed_terms(self, partner, company):
        """Return the billing terms of a customer's services."""
        groups = self.env["billing.service"]._read_group(
            [
                ("partner_id", "child_of", partner.ids),
                ("company_id", "=", company.id),
                ("state", "in", ("active", "suspended", "terminated")),
            ],
            ["term_scheme_id"],
        )
        return self.env["billing.term.scheme"].union(*(terms for (terms,) in groups))

    def _terms(self):
        """Return the run's billing terms: those of the customer's services, whatever the cycle
        bills; the cycle's for a customer without services."""
        terms = self._billed_terms(self.partner_id, self.company_id)
        terms = terms.filtered(lambda scheme: scheme.classification == self.cycle_id.run_type)
        return {"term_scheme_ids": [Command.set(terms.ids)]} if terms else {}

    def action_create(self):
        """Create the customer's own run and open it."""
        self.ensure_one()
        run = self.cycle_id._create_run(
            self.company_id._billing_today(),
            mode="individual",
            cutoff_date=self.cutoff_date,
            partner_ids=[Command.set(self.partner_id.ids)],
            **self._terms(),
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.run",
            "res_id": run.id,
            "view_mode": "form",
        }
