from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..rating_sql import prepare

DIGITS_MAX = 6


class CdrRatePlan(models.Model):
    """What calls cost: rates by prefix and day, time bands, included minutes and tiers.

    Tariffs name a plan for their calls, a service can have one of its own. Managers keep plans;
    users read them. Rates are versions: a price never changes, a new one begins on a day.
    """

    _name = "cdr.rate.plan"
    _inherit = ["billing.used.mixin"]
    _description = "Rate Plan"
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    direction = fields.Selection(
        [
            ("both", "Outgoing and incoming calls"),
            ("out", "Outgoing calls"),
            ("in", "Incoming calls"),
        ],
        required=True,
        default="out",
        help="Incoming calls that no plan covers and that cost nothing are not charged.",
    )
    rounding = fields.Selection(
        [("call", "Each call"), ("bill", "The sum on the bill")],
        required=True,
        default="call",
        help="What is rounded: the amount of each call, or once what all calls of a class come to.",
    )
    rounding_digits = fields.Integer(
        string="Decimals of a Call",
        compute="_compute_rounding_digits",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="Decimals to which the amount of each call is rounded, half up.",
    )
    unanswered = fields.Selection(
        [
            ("free", "Free"),
            ("connect", "The connect fee alone"),
            ("rate", "Like answered calls"),
        ],
        string="Unanswered Calls",
        required=True,
        default="free",
    )
    withheld = fields.Selection(
        [("rate", "Like other calls"), ("free", "Free")],
        string="Calls with a Withheld Number",
        required=True,
        default="rate",
    )
    band_ids = fields.One2many("cdr.rate.band", "plan_id", string="Time Bands", copy=True)
    rate_ids = fields.One2many("cdr.rate", "plan_id", string="Rates")
    rate_count = fields.Integer(compute="_compute_rate_count")
    allowance_ids = fields.One2many(
        "cdr.rate.allowance", "plan_id", string="Included Minutes", copy=True
    )
    tier_ids = fields.One2many("cdr.rate.tier", "plan_id", string="Tiers", copy=True)
    tariff_ids = fields.One2many("billing.tariff", "rate_plan_id", string="Tariff Plans")
    note = fields.Html(string="Internal Notes")

    _name_unique = models.UniqueIndex(
        "(company_id, name) WHERE active IS TRUE",
        "Another rate plan of this company already has this name.",
    )
    _rounding_digits_range = models.Constraint(
        f"CHECK(rounding_digits BETWEEN 0 AND {DIGITS_MAX})",
        f"The amount of a call has 0 to {DIGITS_MAX} decimals.",
    )

    @api.constrains("currency_id", "direction", "company_id")
    def _check_users(self):
        """Keep what tariffs and services rely on: currency and direction."""
        for model in ("billing.tariff", "billing.service"):
            users = self.env[model].sudo().with_context(active_test=False)
            users.search(
                [
                    "|",
                    ("rate_plan_id", "in", self.ids),
                    ("incoming_rate_plan_id", "in", self.ids),
                ]
            )._check_rate_plans()

    @api.constrains("band_ids")
    def _check_band_names(self):
        for plan in self:
            names = plan.band_ids.mapped("name")
            if len(names) > len(set(names)):
                raise ValidationError(
                    self.env._("Time bands of rate plan %s have the same name.", plan.display_name)
                )

    @api.depends("currency_id")
    def _compute_rounding_digits(self):
        for plan in self:
            plan.rounding_digits = plan.currency_id.decimal_places

    def _compute_rate_count(self):
        counts = dict(
            self.env["cdr.rate"]._read_group(
                [("plan_id", "in", self.ids)], ["plan_id"], ["__count"]
            )
        )
        for plan in self:
            plan.rate_count = counts.get(plan._origin, 0)

    def action_open_rates(self):
        """Open the rates of this plan, those that count today first."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("billing_operations.cdr_rate_action")
        return action | {
            "display_name": self.env._("Rates: %s", self.display_name),
            "domain": [("plan_id", "=", self.id)],
            "context": {"default_plan_id": self.id, "search_default_current": 1},
        }

    def action_import_deck(self):
        """Open the dialog that reads a deck of rates from a CSV file."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import Rates"),
            "res_model": "cdr.rate.import",
            "view_mode": "form",
            "target": "new",
            "context": {"default_plan_id": self.id},
        }

    # === RATING === #

    @api.model
    @api.private
    def _prepare_rating(self, company):
        """Lay out what rating a company's calls needs, once a transaction, and return what
        ``rating_sql.rated_select`` is given."""
        self.env.flush_all()
        plans = (
            self.sudo().with_context(active_test=False).search([("company_id", "=", company.id)])
        )
        segments = [
            (plan.id, *segment)
            for plan in plans.filtered("band_ids")
            for segment in plan.band_ids._cut()
        ]
        return prepare(
            self.env.cr,
            company.id,
            company._billing_zone(),
            company._billing_holidays(),
            segments,
        )
