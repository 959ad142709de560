from odoo import api, fields, models
from odoo.exceptions import UserError

from ..price_rules import PriceStep
from ..proration import to_decimal

REASONS = [
    ("own_price", "Has a price of its own"),
    ("ended", "Ends before"),
    ("not_active", "Not active yet"),
    ("free", "Costs nothing"),
    ("currency", "In another currency"),
    ("waiting", "In another price change that is scheduled"),
    ("later_terms", "Changed from a later day on"),
    ("zero", "Nothing would be left of the price"),
    ("same", "Comes to the same price"),
    ("other_tariff", "Has another tariff by now"),
    ("other_price", "Has another price by now"),
    ("addon_gone", "Has the add-on no more"),
]


class BillingPriceChangeLine(models.Model):
    """What a price change makes of one price: of a service, or of one of its add-ons.

    States: draft → scheduled → applied; scheduled ones can be undone before the day; ``left_out``
    are those that do not change, with the reason. A price is in one scheduled change at a time. Lines
    are written by their price change, in sets, and kept as the history of the service's prices.

    Billing users read them; managers undo single services.
    """

    _name = "billing.price.change.line"
    _description = "Price Change of a Service"
    _inherit = ["billing.state.mixin"]
    _order = "date desc, change_id desc, customer_id, service_id, addon_line_id, id"
    _check_company_auto = True

    change_id = fields.Many2one(
        "billing.price.change", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="change_id.company_id", store=True, precompute=True, required=True, index=True
    )
    date = fields.Date(
        related="change_id.date", string="From", store=True, precompute=True, required=True
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("scheduled", "Scheduled"),
            ("applied", "Applied"),
            ("undone", "Undone"),
            ("left_out", "Left Out"),
        ],
        required=True,
        readonly=True,
        default="draft",
    )
    reason = fields.Selection(REASONS, string="Why Not", readonly=True)
    service_id = fields.Many2one(
        "billing.service",
        required=True,
        readonly=True,
        index=True,
        check_company=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(
        "res.partner", string="Contact", required=True, readonly=True, ondelete="restrict"
    )
    customer_id = fields.Many2one(
        "res.partner", required=True, readonly=True, index=True, ondelete="restrict"
    )
    tariff_id = fields.Many2one(
        "billing.tariff", required=True, readonly=True, index=True, ondelete="restrict"
    )
    addon_line_id = fields.Many2one(
        "billing.service.addon",
        string="Add-on of the Service",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    addon_id = fields.Many2one(
        "billing.tariff.addon",
        string="Add-on",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    product_id = fields.Many2one(
        "product.product", required=True, readonly=True, ondelete="restrict"
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    quantity = fields.Float(
        digits="Product Unit", readonly=True, aggregator=None, help="Units that are billed."
    )
    own_price = fields.Boolean(readonly=True, help="The price was agreed with this customer.")
    tariff_wide = fields.Boolean(
        string="By Tariff",
        readonly=True,
        help="The service costs what its tariff costs, also afterwards.",
    )
    old_price = fields.Float(digits="Product Price", readonly=True, aggregator=None)
    new_price = fields.Float(digits="Product Price", readonly=True, aggregator=None)
    old_monthly = fields.Monetary(string="Old a Month", readonly=True)
    new_monthly = fields.Monetary(string="New a Month", readonly=True)
    difference_monthly = fields.Monetary(string="Difference a Month", readonly=True)

    _once = models.UniqueIndex(
        "(change_id, service_id, COALESCE(addon_line_id, 0))",
        "A price change changes each price once.",
    )
    _scheduled_once = models.UniqueIndex(
        "(service_id, COALESCE(addon_line_id, 0)) WHERE state = 'scheduled'",
        "One of these prices is in another price change that is scheduled. Preview again.",
    )
    _left_out_has_reason = models.Constraint(
        "CHECK(state <> 'left_out' OR reason IS NOT NULL)", "What is left out has its reason."
    )

    @api.depends("service_id", "product_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.service_id.display_name}: {line.product_id.display_name}"

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "draft": {"scheduled", "undone", "left_out"},
            "scheduled": {"applied", "undone", "left_out"},
            "applied": set(),
            "undone": set(),
            "left_out": set(),
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A price starts as a draft, by the preview of its change.")

    # === ACTIONS === #

    def action_undo(self):
        """Take the services of these lines out of their scheduled price changes."""
        self.check_access("read")
        self.change_id._check_manager()
        wrong = self.filtered(lambda line: line.state not in ("scheduled", "undone"))
        if wrong:
            raise UserError(
                self.env._("Only what is scheduled can be undone, not %s.", wrong[0].display_name)
            )
        for change, lines in self.grouped("change_id").items():
            change._undo_services(lines.service_id)
        return True

    def action_open_service(self):
        """Open the service."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.service",
            "res_id": self.service_id.id,
            "views": [[False, "form"]],
        }

    # === BUSINESS === #

    def _steps(self) -> dict:
        """Return ``{add-on line id, or 0 for the service itself: PriceStep}`` of one service."""
        return {
            line.addon_line_id.id or 0: PriceStep(
                to_decimal(line.old_price), to_decimal(line.new_price)
            )
            for line in self
        }

    # === QUESTIONS === #

    def _undo_question(self) -> str:
        """Return what undoing single services means, for the dialog that asks first."""
        self.change_id._check_manager()
        services = self.service_id
        return self.env._(
            "Take out of the price change: %(services)s (%(number)s)? They keep their present prices"
            " after %(day)s.",
            services=", ".join(services[:3].mapped("display_name")),
            number=len(services),
            day=", ".join(sorted({line.change_id._day_text(line.date) for line in self})),
        )
