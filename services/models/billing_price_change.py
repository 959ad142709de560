from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...billing_tasks.texts import label

#: what the prices of a draft follow from: a change of these takes the worked out prices away
RULE_FIELDS = {
    "date",
    "kind",
    "percent",
    "amount",
    "currency_id",
    "index_name",
    "index_from",
    "index_from_month",
    "index_to",
    "index_to_month",
    "rounding",
    "scope",
    "tariff_ids",
    "category_ids",
    "service_ids",
    "addons",
    "addon_ids",
    "own_prices",
    "ended",
    "with_notice",
    "company_id",
}
#: what may still be written on a change that is scheduled
FREE_FIELDS = {"name", "note", "notice_days", "template_id"}


class BillingPriceChange(models.Model):
    """New prices of many services from a day on, by one rule.

    States: draft → scheduled → applied; a draft or scheduled one can be undone before its day. A
    draft is worked out as often as wanted: lines say what becomes of each price, and rows by
    customer what that comes to a month. Scheduled, it counts: runs bill days from its day on at
    the new prices, customers are told ahead, and on its day the services, tariffs and add-ons
    get them (``_apply``). What was billed beyond the day at the old prices is then settled like any
    other change. Prices by tariff go to the tariff, and to services with a price of their own
    where that is wanted; by tag or selection services get a price of their own.

    Billing users read price changes; managers make, schedule and undo them.
    """

    _name = "billing.price.change"
    _description = "Price Change"
    _inherit = ["billing.state.mixin", "mail.thread", "billing.task.mixin"]
    _order = "date desc, id desc"
    _check_company_auto = True

    name = fields.Char(
        required=True,
        tracking=True,
        help="For example the year or the reason. Customers read it in the notice.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("scheduled", "Scheduled"),
            ("applied", "Applied"),
            ("undone", "Undone"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        index=True,
        tracking=True,
    )
    date = fields.Date(
        string="From",
        required=True,
        tracking=True,
        help="The first day of the new prices. A period that has begun is billed in two parts.",
    )
    kind = fields.Selection(
        [("percent", "Percentage"), ("amount", "Amount"), ("index", "Index")],
        string="Change By",
        required=True,
        default="percent",
    )
    percent = fields.Float(
        string="Percentage",
        digits=(12, 4),
        aggregator=None,
        help="5 raises prices by 5 %, -5 lowers them.",
    )
    amount = fields.Float(
        digits="Product Price",
        aggregator=None,
        help="Added to the price of one unit for one billing period, below zero to lower it.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        default=lambda self: self.env.company.currency_id,
        help="An amount changes prices in this currency only.",
    )
    index_name = fields.Char(string="Index", help="For example the consumer price index.")
    index_from = fields.Float(string="Base Value", digits=(12, 4), aggregator=None)
    index_from_month = fields.Date(string="Base Month", help="Any day of the month.")
    index_to = fields.Float(string="New Value", digits=(12, 4), aggregator=None)
    index_to_month = fields.Date(string="New Month", help="Any day of the month.")
    rounding = fields.Selection(
        [
            ("none", "Not rounded"),
            ("cent", "To cents"),
            ("five", "To 5 cents"),
            ("ninety_nine", "To prices ending in .99"),
        ],
        required=True,
        default="cent",
        help="How new prices are rounded. A price that rises is never rounded below what it was, "
        "nor one that falls above it.",
    )
    scope = fields.Selection(
        [
            ("tariff", "Tariffs"),
            ("tag", "Customers with tags"),
            ("service", "Chosen services"),
        ],
        string="Prices Of",
        required=True,
        default="tariff",
        help="Tariffs: the price of the tariff changes, and with it what its services cost, also "
        "services that are ordered later. The others give services a price of their own.",
    )
    tariff_ids = fields.Many2many("billing.tariff", string="Tariffs", check_company=True)
    category_ids = fields.Many2many("res.partner.category", string="Customer Tags")
    service_ids = fields.Many2many("billing.service", string="Services", check_company=True)
    addons = fields.Selection(
        [("none", "No add-ons"), ("all", "All add-ons"), ("chosen", "Chosen add-ons")],
        string="Add-ons",
        required=True,
        default="none",
        help="Whether add-ons change by the same rule.",
    )
    addon_ids = fields.Many2many(
        "billing.tariff.addon", string="Chosen Add-ons", check_company=True
    )
    own_prices = fields.Selection(
        [("leave", "Stay as they are"), ("change", "Change by the same rule")],
        required=True,
        default="leave",
        help="Prices that were agreed with a customer, in place of the tariff's.",
    )
    ended = fields.Selection(
        [("exclude", "Not listed"), ("list", "Listed as left out")],
        string="Services That End Before",
        required=True,
        default="exclude",
        help="Services that have ended by the first day of the new prices keep theirs.",
    )
    with_notice = fields.Boolean(string="Tell Customers", default=True)
    notice_days = fields.Integer(
        string="Days Ahead", default=30, help="Customers are told so many days before the date."
    )
    notice_date = fields.Date(compute="_compute_notice_date", store=True)
    template_id = fields.Many2one(
        "mail.template",
        string="Notice",
        domain=[("model", "=", "billing.price.change.customer")],
        default=lambda self: self._default_template(),
        ondelete="restrict",
    )
    note = fields.Text(string="Internal Note")
    line_ids = fields.One2many("billing.price.change.line", "change_id", readonly=True)
    tariff_line_ids = fields.One2many(
        "billing.price.change.tariff", "change_id", string="New Tariff Prices", readonly=True
    )
    customer_ids = fields.One2many("billing.price.change.customer", "change_id", readonly=True)
    line_count = fields.Integer(string="Prices", compute="_compute_counts")
    left_out_count = fields.Integer(string="Left Out", compute="_compute_counts")
    customer_count = fields.Integer(string="Customers", compute="_compute_counts")
    letter_count = fields.Integer(string="Letters to Send", compute="_compute_counts")
    totals = fields.Char(string="A Month in All", compute="_compute_counts")
    applied_date = fields.Datetime(readonly=True, copy=False)
    problem = fields.Text(string="What Went Wrong", readonly=True, copy=False)

    _own_fields = frozenset({"applied_date", "problem"})

    _index_positive = models.Constraint(
        "CHECK(kind <> 'index' OR (COALESCE(index_from, 0) > 0 AND COALESCE(index_to, 0) > 0))",
        "An index goes from a value above zero to another one: enter both.",
    )
    _percent_above = models.Constraint(
        "CHECK(kind <> 'percent' OR percent > -100)",
        "Prices cannot be lowered by 100 % or more. For a free service set a discount of 100 %.",
    )
    _notice_days_positive = models.Constraint(
        "CHECK(notice_days >= 0)",
        "Customers are told before the date: the days cannot be negative.",
    )

    # === CONSTRAINTS === #

    @api.constrains("kind", "percent", "amount", "index_from", "index_to", "index_name")
    def _check_rule(self):
        for change in self:
            if change.kind == "index" and not change.index_name:
                raise ValidationError(self.env._("Name the index, so that it stays on record."))
            values = {"percent": change.percent, "amount": change.amount}
            if change.kind in values and not values[change.kind]:
                raise ValidationError(self.env._("Enter by how much prices change."))

    @api.constrains("with_notice", "template_id")
    def _check_template(self):
        for change in self:
            if change.with_notice and not change.template_id:
                raise ValidationError(self.env._("Choose the notice that customers get."))

    # === COMPUTES === #

    @api.model
    def _default_template(self):
        return self.env.ref(
            "billing_operations.mail_template_price_change", raise_if_not_found=False
        )

    @api.depends("date", "notice_days", "with_notice")
    def _compute_notice_date(self):
        for change in self:
            day = change.with_notice and change.date
            change.notice_date = day and day - timedelta(days=change.notice_days)

    @api.depends("line_ids.state", "customer_ids.state", "customer_ids.difference_monthly")
    def _compute_counts(self):
        lines, left_out = {}, {}
        for change, state, count in self.env["billing.price.change.line"]._read_group(
            [("change_id", "in", self.ids)], ["change_id", "state"], ["__count"]
        ):
            if state == "left_out":
                left_out[change] = count
            elif state != "undone":
                lines[change] = lines.get(change, 0) + count
        customers = self.env["billing.price.change.customer"]
        letters = dict(
            customers._read_group(
                [("change_id", "in", self.ids), ("state", "=", "letter")],
                ["change_id"],
                ["partner_id:count_distinct"],
            )
        )
        found = dict(
            customers._read_group(
                [("change_id", "in", self.ids), ("service_count", ">", 0)],
                ["change_id"],
                ["partner_id:count_distinct"],
            )
        )
        for change in self:
            origin = change._origin
            change.line_count = lines.get(origin, 0)
            change.left_out_count = left_out.get(origin, 0)
            change.customer_count = found.get(origin, 0)
            change.letter_count = letters.get(origin, 0)
            change.totals = origin._totals_text() if origin else False

    def _totals_text(self) -> str:
        """Return what prices come to a month before and after, by currency."""
        self.ensure_one()
        groups = self.env["billing.price.change.customer"]._read_group(
            [("change_id", "=", self.id), ("service_count", ">", 0)],
            ["currency_id"],
            ["old_monthly:sum", "new_monthly:sum"],
        )
        return ", ".join(
            self.env._(
                "%(old)s → %(new)s (%(difference)s)",
                old=currency.format(old),
                new=currency.format(new),
                difference=currency.format(new - old),
            )
            for currency, old, new in groups
        )

    # === CRUD === #

    def write(self, vals):
        if not self._is_own():
            fixed = set(vals) - FREE_FIELDS - {"state"}
            decided = self.filtered(lambda change: change.state != "draft")
            if decided and any(name in self._fields and name in RULE_FIELDS for name in fixed):
                raise UserError(
                    self.env._(
                        "%(change)s is %(state)s and stays as it is. Undo it and make a new one.",
                        change=decided[0].display_name,
                        state=label(decided[0], "state").lower(),
                    )
                )
        result = super().write(vals)
        if RULE_FIELDS.intersection(vals) and not self._is_own():
            self._forget_lines()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_only_drafts(self):
        for change in self:
            if change.state != "draft":
                raise UserError(
                    self.env._(
                        "%s stays as history and cannot be deleted. Undo it before its date.",
                        change.display_name,
                    )
                )

    def copy_data(self, default=None):
        return [
            vals | {"name": self.env._("%s (copy)", vals["name"])}
            for vals in super().copy_data(default)
        ]

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "draft": {"scheduled", "undone"},
            "scheduled": {"applied", "undone"},
            "applied": set(),
            "undone": set(),
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A new price change starts as a draft. Preview it, then schedule it.")

    # === ACTIONS === #

    def action_preview(self):
        """Work out what becomes of each price, and show it by customer."""
        self._check_manager()
        self.ensure_one()
        self._check_draft()
        self._work_out()
        return self.action_open_customers()

    def action_schedule(self):
        """Have the new prices count from their day on."""
        self._check_manager()
        for change in self.filtered(lambda change: change.state == "draft"):
            before = change._figures()
            change._work_out()
            if before != change._figures():
                raise UserError(
                    self.env._(
                        "Services or prices have changed since the preview of %s. Preview it again.",
                        change.display_name,
                    )
                )
            change._schedule()
        return True

    def action_undo(self):
        """Take a price change back before its day."""
        self._check_manager()
        self._undo()
        return True

    def action_open_lines(self):
        """Open the prices of this change."""
        return self._open(
            "billing_price_change_line_action", [("state", "not in", ("left_out", "undone"))]
        )

    def action_open_left_out(self):
        """Open the prices that do not change, with the reason."""
        return self._open("billing_price_change_line_action", [("state", "=", "left_out")])

    def action_open_customers(self):
        """Open what the change means to each customer."""
        return self._open("billing_price_change_customer_action", [])

    def action_open_letters(self):
        """Open the customers without an e-mail address, to whom a letter is to be sent."""
        return self._open("billing_price_change_customer_action", [("state", "=", "letter")])

    @api.model
    def _open_new(self, context: dict, records):
        """Return the form of a new price change for some records."""
        self.check_access("create")
        names = {"billing.tariff": "tariff_ids", "billing.service": "service_ids"}
        company = records.company_id
        if len(company) > 1:
            raise UserError(self.env._("Change the prices of one company at a time."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Price Change"),
            "res_model": self._name,
            "views": [[False, "form"]],
            "context": {
                **context,
                "default_company_id": company.id,
                f"default_{names[records._name]}": [(6, 0, records.ids)],
            },
        }

    def _open(self, action, domain):
        self.ensure_one()
        self.check_access("read")
        found = self.env["ir.actions.act_window"]._for_xml_id(f"billing_operations.{action}")
        return found | {
            "domain": [("change_id", "=", self.id), *domain],
            "context": {},
            "display_name": self.display_name,
        }

    def _check_manager(self):
        self.check_access("write")
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise UserError(self.env._("Only billing managers may change prices."))

    def _check_draft(self):
        for change in self:
            if change.state != "draft":
                raise UserError(
                    self.env._(
                        "%(change)s is %(state)s: only a draft is worked out.",
                        change=change.display_name,
                        state=label(change, "state").lower(),
                    )
                )
