from odoo import api, fields, models

from ..criteria import CRITERIA, FILTERS


class BillingRun(models.Model):
    """Choosing whom a run bills: Add-all buttons and a live count of what is selected."""

    _inherit = "billing.run"

    selected_customer_count = fields.Integer(
        "Customers Selected", compute="_compute_selected", help="By criteria and filters, now."
    )
    selected_service_count = fields.Integer("Services Selected", compute="_compute_selected")

    @api.depends("cycle_id", "cutoff_date", *CRITERIA, *FILTERS)
    def _compute_selected(self):
        for run in self:
            # Preferences are kept per company: the run's counts, not the viewer's.
            run = run.with_company(run.company_id)
            services = run.env["billing.service"]
            if not run.cutoff_date or not run.company_id:
                run.selected_customer_count = run.selected_service_count = 0
                continue
            domain = run._service_domain() & run._live_service_domain()
            [(run.selected_customer_count, run.selected_service_count)] = services._read_group(
                domain, aggregates=["partner_id:count_distinct", "__count"]
            )

    def action_add_all_schemes(self):
        """Take in all billing terms of the run's company and classification."""
        for run in self:
            run.term_scheme_ids = self.env["billing.term.scheme"].search(
                [("company_id", "=", run.company_id.id), ("classification", "=", run.run_type)]
            )

    def action_add_all_frequencies(self):
        """Name every billing frequency, to take single ones out again."""
        self._add_all("frequency_ids", "frequency")

    def action_add_all_payment_preferences(self):
        """Name every payment preference, to take single ones out again."""
        self._add_all("payment_preference_ids", "payment")

    def action_add_all_presentments(self):
        """Name every presentment preference, to take single ones out again."""
        self._add_all("presentment_ids", "presentment")

    def action_add_all_categories(self):
        """Name every customer classification, to take single ones out again."""
        self.partner_category_ids = self.env["res.partner.category"].search([("active", "=", True)])

    def _add_all(self, field, kind):
        self[field] = self.env["billing.criterion"].search([("kind", "=", kind)])

    def action_view_selected_services(self):
        """Open the services that the run's criteria and filters select."""
        return self._view_counted("billing.service", "selected", self.env._("Selected Services"))
