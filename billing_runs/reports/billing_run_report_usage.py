from odoo import api, fields, models
from odoo.fields import Domain

from ...billing_tasks.texts import plural
from ..usage.texts import clock

#: new destinations whose names are kept
NAMES = 5


class BillingRunReportUsage(models.Model):
    """A service whose usage is unusual, in the report on a run before it bills: against the service's
    own last periods, up to three, that a run billed.

    Rows come and go with their report. Billing users read them, nobody writes them.
    """

    _name = "billing.run.report.usage"
    _description = "Unusual Usage"
    _order = "amount desc, id"
    _rec_name = "service_id"
    _log_access = False

    report_id = fields.Many2one(
        "billing.run.report", required=True, readonly=True, ondelete="cascade"
    )
    run_id = fields.Many2one(
        "billing.run", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    phase = fields.Selection(
        selection=lambda self: self.env["billing.run.report"]._fields["phase"].selection,
        required=True,
        readonly=True,
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    service_id = fields.Many2one(
        "billing.service", required=True, readonly=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    call_count = fields.Integer("Calls", readonly=True)
    minutes = fields.Float(digits=(16, 1), readonly=True, help="Billed, included minutes among it.")
    amount = fields.Monetary(
        "Cost", readonly=True, help="What the calls cost before included minutes and tiers."
    )
    mean_calls = fields.Float(digits=(16, 1), readonly=True, aggregator=None)
    mean_minutes = fields.Float(digits=(16, 1), readonly=True, aggregator=None)
    mean_amount = fields.Monetary("Mean Cost", readonly=True, aggregator=None)
    history_count = fields.Integer("Periods Compared", readonly=True, aggregator=None)
    special_calls = fields.Integer("Premium or Satellite Calls", readonly=True)
    special_amount = fields.Monetary("Premium or Satellite Cost", readonly=True)
    mean_special = fields.Monetary("Mean Premium or Satellite", readonly=True, aggregator=None)
    new_count = fields.Integer("New Destinations", readonly=True)
    new_names = fields.Char("Names of New Destinations", readonly=True)
    odd_calls = fields.Boolean("Unusual Calls", readonly=True)
    odd_minutes = fields.Boolean("Unusual Minutes", readonly=True)
    odd_amount = fields.Boolean("Unusual Cost", readonly=True)
    odd_special = fields.Boolean("Unusual Ranges", readonly=True)
    reason = fields.Char(compute="_compute_reason", help="What is unusual, in words.")

    _service_once = models.UniqueIndex(
        "(report_id, service_id, partner_id, currency_id)",
        "A service stands once in a report for each customer.",
    )
    _is_unusual = models.Constraint(
        "CHECK (odd_calls OR odd_minutes OR odd_amount OR odd_special OR new_count > 0)",
        "Only what is unusual is listed.",
    )

    @api.depends_context("lang")
    @api.depends("odd_calls", "odd_minutes", "odd_amount", "odd_special", "new_count")
    def _compute_reason(self):
        for row in self:
            row.reason = " ".join(row._reasons())

    def _reasons(self):
        """Return sentences that say what is unusual."""
        self.ensure_one()
        env, money = self.env, self.currency_id.format
        sentences = []
        if self.odd_calls:
            sentences.append(
                env._(
                    "%(now)s calls instead of %(mean)s.",
                    now=self.call_count,
                    mean=round(self.mean_calls, 1),
                )
            )
        if self.odd_minutes:
            sentences.append(
                env._(
                    "%(now)s instead of %(mean)s of talking.",
                    now=clock(round(self.minutes * 60)),
                    mean=clock(round(self.mean_minutes * 60)),
                )
            )
        if self.odd_amount:
            sentences.append(
                env._(
                    "Costs %(now)s instead of %(mean)s.",
                    now=money(self.amount),
                    mean=money(self.mean_amount),
                )
            )
        if self.new_count:
            more = self.new_count - len(self.new_names.split(", "))
            names = self.new_names
            if more > 0:
                names = env._("%(names)s and %(count)s more", names=names, count=more)
            sentences.append(
                plural(
                    self.new_count,
                    env._("New destination: %s.", names),
                    env._("New destinations: %s.", names),
                )
            )
        if self.odd_special:
            calls = plural(
                self.special_calls, env._("1 call"), env._("%s calls", self.special_calls)
            )
            sentences.append(
                env._(
                    "%(calls)s to premium or satellite numbers for %(now)s instead of %(mean)s.",
                    calls=calls,
                    now=money(self.special_amount),
                    mean=money(self.mean_special),
                )
            )
        return sentences

    def action_view_calls(self):
        """Open the calls that these rows are about: those that the run takes, or took."""
        self.check_access("read")
        taken = Domain("state", "=", "rated") | Domain(
            "charge_id.bill_id.run_id", "in", self.run_id.ids
        )
        domain = Domain.FALSE
        for row in self:
            domain |= (
                Domain("service_id", "=", row.service_id.id)
                & Domain("partner_id", "=", row.partner_id.id)
                & Domain("call_day", "<=", row.run_id.cutoff_date)
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Calls"),
            "res_model": "cdr.record",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(domain & taken),
        }
