from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.texts import plural
from ..cycles.criteria import CRITERIA, FILTERS
from .charge_sources import CHARGE_SOURCES


class BillingRun(models.Model):
    """Choosing whom a run bills: domains of criteria and filters, a live count of what they
    select, Add-all buttons."""

    _inherit = "billing.run"

    selected_customer_count = fields.Integer(
        "Customers Selected", compute="_compute_selected", help="By criteria and filters, now."
    )
    selected_service_count = fields.Integer("Services Selected", compute="_compute_selected")
    selected_text = fields.Char("Selected", compute="_compute_selected_text")

    # === LIMITS === #

    @api.model
    def _inherited_names(self, vals):
        return set(CRITERIA) if "cycle_id" in vals else set()

    def _inherited_limit(self, name):
        return (name in CRITERIA and self.cycle_id._limit(name)) or {}

    def _limit_source(self, name):
        cycle = self.cycle_id._origin
        return cycle if name in CRITERIA and cycle != self._origin.cycle_id else cycle.browse()

    def _lost_limit_texts(self):
        """Say also which customers of the filter cannot be billed: the archived ones."""
        texts = super()._lost_limit_texts()
        customers = self._limit_records("partner_ids") or self.env["res.partner"]
        archived = customers.sudo().filtered(lambda customer: not customer.active)
        if archived:
            texts.append(
                self.env._(
                    "Customers: archived since they were chosen, so they cannot be billed:"
                    " %(names)s.",
                    names=", ".join(archived.mapped("display_name")),
                )
            )
        return texts

    def _note_lost_limits(self):
        """Put on record what the limits had lost when the run began."""
        texts = self._lost_limit_texts()
        if texts:
            self.message_post(
                body=self.env._("The run began with lost limits: %s", " ".join(texts))
            )

    # === DOMAINS === #

    def _is_partial(self):
        """Return whether the run is limited to single services or jobs."""
        self.ensure_one()
        return any(self._limit_ids(name) is not None for name in ("service_ids", "job_ids"))

    def _partner_domain(self):
        """Return the domain on ``res.partner`` that criteria and filters give."""
        self.ensure_one()
        domain = Domain.TRUE
        for name, field, operator in (
            ("partner_ids", "id", "child_of"),
            ("partner_category_ids", "category_id", "in"),
            ("department_ids", "billing_department_id", "child_of"),
        ):
            ids = self._limit_ids(name)
            if ids is not None:
                domain &= Domain(field, operator, ids)
        for name, field, default in (
            ("payment_preference_ids", "billing_payment_preference", "transfer"),
            ("presentment_ids", "invoice_sending_method", "email"),
        ):
            criteria = self._limit_records(name)
            if criteria is not None:
                domain &= self._preference_domain(field, criteria, default)
        return domain

    @api.model
    def _preference_domain(self, field, criteria, default):
        """Return a domain in which an empty preference counts as ``default``."""
        codes = criteria.mapped("code")
        domain = Domain(field, "in", codes)
        return domain | Domain(field, "=", False) if default in codes else domain

    def _customer_domain(self):
        """Return the domain, on whatever has a customer, of the customers that the run bills."""
        partners = self._partner_domain()
        return partners if partners.is_true() else Domain("partner_id", "any", partners)

    def _service_domain(self):
        """Return the domain of the services that the run may bill."""
        return self._service_selection() & self._customer_domain()

    def _service_selection(self):
        """Return the domain of the services that criteria and filters select, of any customer."""
        self.ensure_one()
        domain = Domain("company_id", "=", self.company_id.id) & Domain(
            "tariff_id.term_scheme_id", "in", self._limit_ids("term_scheme_ids") or []
        )
        frequencies = self._limit_records("frequency_ids")
        if frequencies is not None:
            domain &= Domain.OR(
                Domain("tariff_id.term_scheme_id.interval_number", "=", int(number))
                & Domain("tariff_id.term_scheme_id.interval_unit", "=", unit)
                for number, unit in (code.split(":") for code in frequencies.mapped("code"))
            )
        services = self._limit_ids("service_ids")
        if services is not None:
            return domain & Domain("id", "in", services)
        return Domain.FALSE if self._is_partial() else domain

    def _job_domain(self):
        """Return the domain of the finished jobs that the run may bill."""
        return self._job_selection() & self._customer_domain() & Domain("state", "=", "done")

    def _job_selection(self):
        """Return the domain of the jobs that criteria and filters select, in any state and of any
        customer."""
        self.ensure_one()
        domain = Domain("company_id", "=", self.company_id.id) & Domain(
            "date", "<=", self.cutoff_date
        )
        jobs = self._limit_ids("job_ids")
        if jobs is not None:
            return domain & Domain("id", "in", jobs)
        return Domain.FALSE if self._is_partial() else domain

    def _live_service_domain(self):
        """Return the domain of services of which something may still be due."""
        return (
            Domain("state", "in", ("active", "suspended"))
            | Domain("state", "=", "terminated")
            & self.env["billing.service"]._due_domain(self.cutoff_date)
        ) & Domain("date_start", "<=", self.cutoff_date)

    @api.model
    def _charge_sources(self):
        """Return what charges come from, in the order in which rating asks: objects like those of
        ``runs/charge_sources.py``. A floor above, or an addon, adds its own with ``super()``."""
        return list(CHARGE_SOURCES)

    def _open_charge_domain(self):
        """Return the domain of the rated charges that the run may take.

        Charges of a service, job or other source follow its selection, whoever has it today: they
        belong to the customer who was served, by whom the limits to customers go. Those of the
        customer alone (adjustments) come with any run that is not limited to services or jobs.
        """
        self.ensure_one()
        sources = [source for source in self._charge_sources() if source.charge_field]
        selected = Domain.OR(
            Domain(source.charge_field, "any", source.selection(self)) for source in sources
        )
        if not self._is_partial():
            selected |= Domain.AND(Domain(source.charge_field, "=", False) for source in sources)
        return (
            self.env["billing.charge"]._domain_open()
            & Domain("company_id", "=", self.company_id.id)
            & selected
            & self._customer_domain()
        )

    # === SELECTED NOW === #

    @api.depends("cycle_id", "cutoff_date", *CRITERIA, *FILTERS)
    def _compute_selected(self):
        for run in self:
            # Preferences are kept per company: the run's counts, not the viewer's.
            run = run.with_company(run.company_id)
            if not run.cutoff_date or not run.company_id:
                run.selected_customer_count = run.selected_service_count = 0
                continue
            query = SQL(
                "SELECT COUNT(DISTINCT id) FROM (%s) customer (id)", run._selected_partners()
            )
            [[run.selected_customer_count]] = self.env.execute_query(query)
            run.selected_service_count = self.env["billing.service"].search_count(
                run._service_domain() & run._live_service_domain()
            )

    @api.depends("selected_customer_count", "selected_service_count")
    def _compute_selected_text(self):
        for run in self:
            run.selected_text = run._selected_text()

    def _selected_text(self):
        """Return how many customers and services are selected, in words."""
        customers, services = self.selected_customer_count, self.selected_service_count
        return self.env._(
            "%(customers)s with %(services)s",
            customers=plural(
                customers, self.env._("1 customer"), self.env._("%s customers", customers)
            ),
            services=plural(services, self.env._("1 service"), self.env._("%s services", services)),
        )

    def action_add_all_schemes(self):
        """Take in all billing terms of the run's company and classification: those in use, and
        archived ones that still bill services."""
        schemes = self.env["billing.term.scheme"].with_context(active_test=False)
        for run in self:
            billing = [
                ("company_id", "=", run.company_id.id),
                ("state", "in", ("active", "suspended")),
            ]
            used = self.env["billing.service"]._read_group(billing, ["term_scheme_id"])
            used = schemes.union(*(scheme for (scheme,) in used))
            run.term_scheme_ids = schemes.search(
                [
                    ("company_id", "=", run.company_id.id),
                    ("classification", "=", run.run_type),
                    "|",
                    ("active", "=", True),
                    ("id", "in", used.ids),
                ]
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
        for run in self:
            run.partner_category_ids |= self.env["res.partner.category"].search(
                [("active", "=", True)]
            )

    def _add_all(self, field, kind):
        self[field] = self.env["billing.criterion"].search([("kind", "=", kind)])

    def action_view_selected_services(self):
        """Open the services that the run's criteria and filters select."""
        return self._view_counted("billing.service", "selected", self.env._("Selected Services"))
