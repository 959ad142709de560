from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from odoo.addons.billing_operations.billing_runs.runs.charge_sources import ChargeSource
from odoo.addons.billing_operations.billing_runs.runs.stages import Formatting, Rating, Stage
from odoo.addons.billing_operations.billing_runs.steps.step import Step

_lt = LazyTranslate(__name__)


class Audit(Stage):
    """Someone looks at the bills once more."""

    name = "audit"
    label = _lt("Audit")
    task_type = "test_audit"
    method = "_audit"
    before, after = "posted", "audited"

    def exclusive_key(self, run):
        return "test_audit"


class PrepaidAudit(Audit):
    """The same where nothing is posted."""

    name = "prepaid_audit"
    label = _lt("Audit of Prepaid")
    before, has_documents = "rated", False


class AuditedFormatting(Formatting):
    before = "audited"


class Audited(Step):
    """How many bills were audited, to be confirmed."""

    code = "audited"
    title = _lt("Check the audit")
    phase = "post"
    place = 15
    confirm_label = _lt("Confirm Audit")

    def show(self, run, before):
        audited = run.env["billing.bill"].search_count(
            [("run_id", "=", run.id), ("state", "in", ("audited", "done"))]
        )
        return {
            "state": "done",
            "sentence": run.env._("Audited: %s.", audited),
            "numbers": {"audited": audited},
        }


class Readings(ChargeSource):
    """Meter readings that were not charged yet, for runs that make invoices."""

    model = "billing.test.reading"
    charge_field = "test_reading_id"

    def selection(self, run):
        if run.run_type != "postpaid":
            return Domain.FALSE
        return Domain("company_id", "=", run.company_id.id) & Domain("date", "<=", run.cutoff_date)

    def due(self, run):
        fresh = Domain("charge_ids", "not any", [("state", "!=", "void")])
        return self.selection(run) & run._customer_domain() & fresh

    def problems(self, records):
        negative = records.filtered(lambda reading: reading.amount < 0)
        return {reading: ("rating_failed", "Read again.") for reading in negative}

    def rate(self, records, run):
        records.env["billing.charge"].create(
            [
                {
                    "kind": "adjustment",
                    "partner_id": reading.partner_id.id,
                    "company_id": reading.company_id.id,
                    "currency_id": reading.currency_id.id,
                    "product_id": reading.product_id.id,
                    "name": reading.name,
                    "period_start": reading.date,
                    "period_end": reading.date + timedelta(days=1),
                    "quantity": 1.0,
                    "price_unit": reading.amount,
                    "amount": reading.amount,
                    "source_key": f"reading:{reading.id}",
                    "test_reading_id": reading.id,
                }
                for reading in records
            ]
        )


class BillingRun(models.Model):
    """All that it takes: an entry in each list."""

    _inherit = "billing.run"

    @api.model
    def _stage_registry(self, run_type):
        stages = super()._stage_registry(run_type)
        if run_type == "prepaid":
            return [Rating(), PrepaidAudit()]
        return [*stages[:-1], Audit(), AuditedFormatting()]

    @api.model
    def _step_registry(self):
        return [*super()._step_registry(), Audited()]

    @api.model
    def _charge_sources(self):
        return [*super()._charge_sources(), Readings()]
