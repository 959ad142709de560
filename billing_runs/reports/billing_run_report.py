from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.texts import labels
from .bridge import PARTS


class BillingRunReport(models.Model):
    """One report on a run: the pre-billing one (a dry run) or the post-billing one.

    States: ``computing`` → ``done``, or ``failed`` when a background task of it failed. Asking
    for it again replaces it with all its rows. Billing users read reports; only the queue
    writes them.
    """

    _name = "billing.run.report"
    _description = "Billing Run Report"
    _inherit = ["billing.state.mixin"]
    _order = "id desc"
    _rec_name = "run_id"

    run_id = fields.Many2one("billing.run", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, required=True, index=True, precompute=True
    )
    phase = fields.Selection(
        [("pre", "Pre-Billing"), ("post", "Post-Billing")], required=True, readonly=True
    )
    state = fields.Selection(
        [("computing", "Computing"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="computing",
    )
    message = fields.Text("Reason", readonly=True)
    customer_count = fields.Integer(
        "Customers", readonly=True, help="Customers that the run selects."
    )
    basis = fields.Json(readonly=True, help="The run's dates and criteria that were reported on.")
    previous_run_id = fields.Many2one("billing.run", "Compared with", readonly=True, index=True)
    ended_date = fields.Datetime("Computed", readonly=True)
    customer_ids = fields.One2many("billing.run.report.customer", "report_id", readonly=True)

    _one_of_a_phase = models.UniqueIndex(
        "(run_id, phase)", "A billing run has one report of each kind."
    )
    _failed_has_message = models.Constraint(
        "CHECK (state != 'failed' OR message IS NOT NULL)", "A failed report says why."
    )

    # === BUSINESS === #

    @api.model
    def _get_transitions(self):
        return {"computing": {"done", "failed"}, "done": set(), "failed": set()}

    def _set_done(self):
        """Close the report: it is complete."""
        self._set_state("done", {"ended_date": fields.Datetime.now()})

    def _set_failed(self, message):
        """Close the report: it could not be made."""
        self._set_state("failed", {"message": message, "ended_date": fields.Datetime.now()})

    def _customers_found(self):
        """Return how many customers the report has rows of."""
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT COUNT(*)
                  FROM (SELECT partner_id FROM billing_run_report_line WHERE report_id = %(id)s
                        UNION
                        SELECT partner_id FROM billing_run_report_customer
                         WHERE report_id = %(id)s) found
                """,
                id=self.id,
            )
        )
        return self.env.cr.fetchone()[0]

    def _is_under_way(self, step=""):
        """Return whether tasks of the report still run or wait.

        :param str step: only those of a step, such as ``batch``
        """
        self.ensure_one()
        tasks = self.env["billing.task"]
        mine = Domain("identity_key", "=like", f"run_report:{self.id}:{step}%")
        return bool(tasks.search_count(tasks._live_domain() & mine, limit=1))

    def _is_stale(self):
        """Return whether the run's dates or criteria have changed since."""
        self.ensure_one()
        return self.phase == "pre" and self.basis != self.run_id._report_basis()

    def _totals(self):
        """Return the totals by currency, for the panel and the PDF.

        :return: list of dicts: ``currency``, ``customers``, ``billed``, ``not_billed``,
            ``anomalies`` (counts), ``amount``, ``previous``, ``difference`` and the parts
            of the bridge (amounts before tax)
        """
        self.ensure_one()
        names = ("amount", "previous", "difference", *(f"bridge_{part}" for part in PARTS))
        groups = self.env["billing.run.report.customer"]._read_group(
            [("report_id", "=", self.id)],
            ["currency_id", "reason", "is_anomaly"],
            ["__count", *(f"{name}:sum" for name in names)],
        )
        totals = {}
        for currency, reason, is_anomaly, count, *amounts in groups:
            total = totals.setdefault(
                currency,
                {
                    "currency": currency,
                    "customers": 0,
                    "billed": 0,
                    "not_billed": 0,
                    "anomalies": 0,
                    **dict.fromkeys(names, 0.0),
                },
            )
            total["customers"] += count
            total["not_billed" if reason else "billed"] += count
            total["anomalies"] += count if is_anomaly else 0
            for name, amount in zip(names, amounts, strict=True):
                total[name] = currency.round(total[name] + (amount or 0.0))
        return [totals[currency] for currency in sorted(totals, key=lambda c: c.name)]

    def _rows(self, domain):
        """Return the report's customers that fit a domain, by name, for the PDF."""
        self.ensure_one()
        return self.env["billing.run.report.customer"].search(
            [("report_id", "=", self.id), *domain], order="partner_id, id"
        )

    def _unusual_usage(self, limit=None):
        """Return the services whose usage is unusual, the dearest first."""
        self.ensure_one()
        return self.env["billing.run.report.usage"].search(
            [("report_id", "=", self.id)], limit=limit
        )

    def _kind_totals(self):
        """Return ``[(currency, kind label, amount before tax)]``, for the PDF."""
        self.ensure_one()
        kinds = labels(self.env["billing.charge"], "kind")
        groups = self.env["billing.run.report.line"]._read_group(
            [("report_id", "=", self.id)], ["currency_id", "kind"], ["amount_untaxed:sum"]
        )
        return [(currency, kinds[kind], amount) for currency, kind, amount in groups]
