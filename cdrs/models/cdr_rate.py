import re
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

PREFIX_LENGTH = 20
#: what a rate is; another value is another version
FIXED = frozenset(
    {
        "plan_id",
        "prefix",
        "band_id",
        "class_id",
        "connect_fee",
        "price_minute",
        "initial_seconds",
        "step_seconds",
        "minimum",
        "date_from",
    }
)


def clean_prefix(prefix: str | None) -> str:
    """Return the one spelling of a prefix: international digits without + or 00, lower case."""
    text = re.sub(r"[\s().\-/]", "", prefix or "").lower()
    if text.startswith("+"):
        return text[1:]
    return text[2:] if text.startswith("00") else text


class CdrRate(models.Model):
    """One version of a price: what calls to numbers with a prefix cost from a day on.

    Of the rates of a plan the longest prefix counts that is valid on the day of the call; for the
    same prefix one of the call's time band before one of all hours. Prices are never
    overwritten: a new price is a new version (``_replace``), so that each call keeps the rate that
    priced it. The database refuses two versions on one day.

    Managers keep rates; users read them.
    """

    _name = "cdr.rate"
    _inherit = ["billing.used.mixin"]
    _description = "Rate"
    _order = "plan_id, prefix, band_id, date_from desc, id"
    _check_company_auto = True
    _rec_names_search = ["prefix", "name"]

    plan_id = fields.Many2one(
        "cdr.rate.plan", required=True, index=True, ondelete="restrict", check_company=True
    )
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        precompute=True,
        required=True,
        index=True,
    )
    currency_id = fields.Many2one(related="plan_id.currency_id")
    prefix = fields.Char(
        default="",
        help="First digits of the numbers, with the country code and without + or 00. Empty: every "
        "number that no longer prefix fits.",
    )
    name = fields.Char(string="Destination", required=True)
    class_id = fields.Many2one(
        "cdr.rate.class", required=True, index=True, ondelete="restrict", check_company=True
    )
    band_id = fields.Many2one(
        "cdr.rate.band",
        string="Time Band",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('plan_id', '=', plan_id)]",
        help="Empty: all hours for which the same prefix has no rate of its own.",
    )
    connect_fee = fields.Float(digits=(16, 6), aggregator=None)
    price_minute = fields.Float(string="Price a Minute", digits=(16, 6), aggregator=None)
    initial_seconds = fields.Integer(
        string="First Seconds",
        required=True,
        default=1,
        aggregator=None,
        help="Fewest seconds that an answered call is billed for.",
    )
    step_seconds = fields.Integer(
        string="Steps of Seconds",
        required=True,
        default=1,
        aggregator=None,
        help="What lasts longer than the first seconds is billed in whole steps.",
    )
    minimum = fields.Float(
        string="Minimum a Call",
        digits=(16, 6),
        aggregator=None,
        help="The least that an answered call costs.",
    )
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self.env.company._billing_today()
    )
    date_to = fields.Date(
        string="Until (excluded)",
        help="The first day on which this version no longer counts. Empty: it still does.",
    )

    _prefix_form = models.Constraint(
        f"CHECK(prefix IS NOT NULL AND length(prefix) <= {PREFIX_LENGTH} AND prefix !~ '[ +]')",
        f"A prefix has at most {PREFIX_LENGTH} digits, without + and spaces.",
    )
    _prices_not_negative = models.Constraint(
        "CHECK(connect_fee >= 0 AND price_minute >= 0 AND minimum >= 0)",
        "The prices of a rate cannot be negative.",
    )
    _seconds_positive = models.Constraint(
        "CHECK(initial_seconds >= 0 AND step_seconds > 0)",
        "A rate is billed in steps of at least one second.",
    )
    _dates_ordered = models.Constraint(
        "CHECK(date_to >= date_from)", "A rate cannot end before it begins."
    )
    _one_version_a_day = models.Constraint(
        "EXCLUDE USING gist (plan_id WITH =, prefix WITH =, (COALESCE(band_id, 0)) WITH =, "
        "daterange(date_from, date_to) WITH &&)",
        "The plan already has a rate for this prefix and time band on these days. End it first, or "
        "use New Price.",
    )

    # === CONSTRAINTS === #

    @api.constrains("band_id", "plan_id")
    def _check_band_of_plan(self):
        for rate in self:
            if rate.band_id and rate.band_id.plan_id != rate.plan_id:
                raise UserError(
                    self.env._(
                        "Time band %(band)s belongs to another rate plan than rate %(rate)s.",
                        band=rate.band_id.display_name,
                        rate=rate.display_name,
                    )
                )

    # === COMPUTES === #

    @api.depends("plan_id.company_id")
    def _compute_company_id(self):
        for rate in self:
            # One not saved yet is offered the plans of the company at hand.
            rate.company_id = rate.plan_id.company_id or self.env.company

    @api.depends("prefix", "name", "date_from")
    def _compute_display_name(self):
        for rate in self:
            start = fields.Date.to_string(rate.date_from) if rate.date_from else ""
            rate.display_name = " ".join(filter(None, (rate.prefix, rate.name, start)))

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["prefix"] = clean_prefix(vals.get("prefix"))
        # An end written in this transaction must be known before the database looks for overlaps.
        self.flush_model(["date_from", "date_to"])
        return super().create(vals_list)

    def write(self, vals):
        if "prefix" in vals:
            vals = vals | {"prefix": clean_prefix(vals["prefix"])}
        self._check_fixed(vals)
        return super().write(vals)

    def _check_fixed(self, vals: dict):
        """Refuse to overwrite a price: calls were rated by it, or will have been."""
        for rate in self:
            for name in FIXED.intersection(vals):
                field = self._fields[name]
                value = field.convert_to_cache(vals[name], rate, validate=False)
                if value != field.convert_to_cache(rate[name], rate, validate=False):
                    raise UserError(
                        self.env._(
                            "%(field)s of rate %(rate)s cannot be changed: rates are kept as they "
                            "were. Use New Price, which begins another version on a day; or delete "
                            "the rate as long as no call was rated by it.",
                            field=field._description_string(self.env),
                            rate=rate.display_name,
                        )
                    )

    # === ACTIONS === #

    def action_new_price(self):
        """Open the dialog that begins a new version of this rate on a day."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Price"),
            "res_model": "cdr.rate.replace",
            "view_mode": "form",
            "target": "new",
            "context": {"default_rate_id": self.id},
        }

    # === BUSINESS === #

    @api.model
    def _current_domain(self, day: date) -> Domain:
        """Return the domain of the rates that count on a day."""
        return Domain("date_from", "<=", day) & (
            Domain("date_to", "=", False) | Domain("date_to", ">", day)
        )

    def _end(self, day: date):
        """End these versions on ``day`` where they would count longer."""
        for rate in self:
            end = max(day, rate.date_from)
            if not rate.date_to or rate.date_to > end:
                rate.date_to = end

    def _replace(self, day: date, values: dict):
        """Begin a new version of this rate on ``day``; this one ends there.

        The new version lasts as long as this one would have.

        :param values: what is new: any of name, class_id, connect_fee, price_minute,
            initial_seconds, step_seconds and minimum
        :return: the new version
        """
        self.ensure_one()
        if day < self.date_from or (self.date_to and day >= self.date_to):
            raise UserError(
                self.env._(
                    "Rate %(rate)s does not count on %(day)s. Choose a day on which it does.",
                    rate=self.display_name,
                    day=day,
                )
            )
        kept = {
            name: self[name].id if self._fields[name].type == "many2one" else self[name]
            for name in FIXED | {"name", "date_to"}
        }
        self._end(day)
        return self.create(kept | values | {"date_from": day})
