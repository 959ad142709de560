from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..numbers import give_numbers, numbered_name

BILLED_STATES = ("active", "suspended", "terminated")
# Free while ordered (an import of running services sets how far they are billed elsewhere).
ORDERED_FIELDS = {
    "company_id",
    "currency_id",
    "date_start",
    "date_end",
    "tariff_id",
    "quantity",
    "price",
    "discount",
    "anchor_date",
    "rated_up_to",
}


SUSPENSION_REASONS = [
    ("client", "Asked by the customer"),
    ("administrator", "By the administrator"),
    ("abuse", "Abuse"),
    ("unpaid", "Unpaid invoices"),
    ("no_funds", "No funds in the wallet"),
]


class BillingService(models.Model):
    """What a customer has: a tariff with quantity, price, add-ons, parameters and dates.

    States: ordered → active ⇄ suspended → terminated; an order that comes to nothing is
    cancelled. Nothing is billed before activation. States change only through ``_activate``,
    ``_suspend``, ``_resume``, ``_terminate`` and ``_cancel``; what decides the price of a running
    service changes only through ``_change``, which settles the running period. Days are
    half-open: ``date_end`` is the first day that is no longer served, ``rated_up_to`` the first day
    that is not rated yet. What counted on earlier days (tariff, price, customer, ...) is kept in
    ``version_ids``. Another customer written on a running service takes it over from today.

    Billing users create, order, change and end services; managers also see their secrets.
    """

    _name = "billing.service"
    _description = "Service"
    _inherit = [
        "billing.state.mixin",
        "billing.used.mixin",
        "mail.thread",
        "mail.activity.mixin",
        "billing.task.mixin",
    ]
    _order = "number desc, id desc"
    _rec_names_search = ["number", "name", "partner_id", "identifier_ids.value"]
    _check_company_auto = True
    # Kept by the state methods and by rating alone, in step with the ledger.
    _own_fields = frozenset(
        {
            "state",
            "date_suspended",
            "paused_ahead",
            "terms_from",
            "setup_due",
            "setup_price",
            "setup_product_id",
            "change_count",
            "terms_count",
        }
    )

    number = fields.Char(readonly=True, copy=False, required=True, default="/")
    name = fields.Char(
        string="Description",
        tracking=True,
        help="What tells this service from the customer's others, for example a domain or site. "
        "Printed on invoices.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        check_company=True,
        tracking=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    tariff_id = fields.Many2one(
        "billing.tariff",
        required=True,
        index=True,
        check_company=True,
        tracking=True,
        ondelete="restrict",
    )
    term_scheme_id = fields.Many2one(
        related="tariff_id.term_scheme_id", string="Billing Terms", store=True, index=True
    )
    classification = fields.Selection(related="tariff_id.classification")
    product_id = fields.Many2one(related="tariff_id.product_id")
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    state = fields.Selection(
        [
            ("ordered", "Ordered"),
            ("active", "Active"),
            ("suspended", "Suspended"),
            ("terminated", "Terminated"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="ordered",
        copy=False,
        index=True,
        tracking=True,
    )
    suspension_reason = fields.Selection(
        SUSPENSION_REASONS, readonly=True, copy=False, tracking=True
    )
    quantity = fields.Float(default=1.0, digits="Product Unit", required=True, tracking=True)
    price = fields.Float(
        string="Own Price",
        digits="Product Price",
        tracking=True,
        help="Price of one unit for one period agreed with this customer. 0 uses the tariff's "
        "price; for a free service set a discount of 100 %.",
        aggregator=None,
    )
    unit_price = fields.Float(string="Price", compute="_compute_unit_price", digits="Product Price")
    discount = fields.Float(
        string="Discount (%)",
        digits="Discount",
        tracking=True,
        help="Taken off the price of the tariff, not off add-ons and set-up.",
        aggregator=None,
    )
    date_start = fields.Date(
        string="Start Date",
        copy=False,
        tracking=True,
        help="First day served. Before activation: the wished day.",
    )
    date_end = fields.Date(
        string="End Date",
        copy=False,
        tracking=True,
        help="The first day that is no longer served or billed. Empty: no end agreed.",
    )
    date_suspended = fields.Date(string="Suspended Since", readonly=True, copy=False)
    paused_ahead = fields.Json(
        readonly=True,
        copy=False,
        help="Suspensions that are over and whose days had been billed ahead: [first day, end].",
    )
    anchor_date = fields.Date(
        string="Billing Anchor",
        copy=False,
        help="Day from which the billing periods are counted: the activation, or the last "
        "change to another interval.",
    )
    rated_up_to = fields.Date(
        copy=False,
        help="The first day that is not rated yet. Set it on an order when earlier days were "
        "billed elsewhere.",
    )
    terms_from = fields.Date(
        readonly=True,
        copy=False,
        help="First day since which the present terms count without a gap. Changes cannot be "
        "dated before it.",
    )
    setup_due = fields.Boolean(string="Set-up To Be Charged", readonly=True, copy=False)
    setup_price = fields.Float(
        digits="Product Price",
        readonly=True,
        copy=False,
        help="What the set-up costs: the price of the tariff on the day of activation.",
        aggregator=None,
    )
    setup_product_id = fields.Many2one(
        "product.product",
        string="Set-up Product",
        readonly=True,
        copy=False,
        check_company=True,
        ondelete="restrict",
    )
    change_count = fields.Integer(readonly=True, copy=False, default=0)
    terms_count = fields.Integer(
        readonly=True, copy=False, default=0, help="How often the terms were changed."
    )
    version_ids = fields.One2many(
        "billing.service.version", "service_id", string="Past Terms", readonly=True
    )
    next_billing_date = fields.Date(
        compute="_compute_next_billing_date",
        store=True,
        help="The earliest day up to which a billing run finds something to bill.",
    )
    next_billing_amount = fields.Monetary(compute="_compute_next_billing_amount")
    parameters = fields.Properties(definition="tariff_id.parameter_definition", copy=True)
    addon_line_ids = fields.One2many(
        "billing.service.addon", "service_id", string="Add-ons", copy=True
    )
    identifier_ids = fields.One2many(
        "billing.service.identifier", "service_id", string="Identifiers", copy=False
    )
    secret_ids = fields.One2many(
        "billing.service.secret",
        "service_id",
        string="Secrets",
        copy=False,
        groups="billing_operations.group_billing_manager",
    )
    charge_ids = fields.One2many("billing.charge", "service_id", string="Charges", readonly=True)
    charge_count = fields.Integer(compute="_compute_charge_count")
    invoice_count = fields.Integer(compute="_compute_invoice_count")

    _number_unique = models.UniqueIndex(
        "(company_id, number)", "Another service of this company already has this number."
    )
    _quantity_positive = models.Constraint(
        "CHECK(quantity > 0)", "The quantity of a service must be more than zero."
    )
    _price_not_negative = models.Constraint(
        "CHECK(price >= 0)", "The price of a service cannot be negative."
    )
    _discount_range = models.Constraint(
        "CHECK(discount BETWEEN 0 AND 100)", "The discount must lie between 0 and 100 %."
    )
    _dates_ordered = models.Constraint(
        "CHECK(date_end >= date_start)", "A service cannot end before it starts."
    )
    _billed_has_dates = models.Constraint(
        "CHECK(state IN ('ordered', 'cancelled') OR (date_start IS NOT NULL AND "
        "anchor_date IS NOT NULL AND rated_up_to IS NOT NULL AND terms_from IS NOT NULL))",
        "An activated service needs its start date and billing dates.",
    )
    _setup_has_product = models.Constraint(
        "CHECK(NOT setup_due OR setup_product_id IS NOT NULL)",
        "A set-up that is to be charged needs its product.",
    )
    _suspended_has_date = models.Constraint(
        "CHECK(state <> 'suspended' OR date_suspended IS NOT NULL)",
        "A suspended service needs the day since which it is suspended.",
    )

    def init(self):
        """Have the days up to which services are rated written in place.

        They move with every run: no index holds them, and each page has room for its rows twice.
        """
        self.env.cr.execute(
            """
            ALTER TABLE billing_service SET (fillfactor = 50);
            DROP INDEX IF EXISTS billing_service__rated_up_to_index;
            DROP INDEX IF EXISTS billing_service__next_billing_date_index;
            """
        )

    # === CONSTRAINTS === #

    @api.constrains("currency_id", "tariff_id")
    def _check_currency(self):
        for service in self:
            if service.currency_id != service.tariff_id.currency_id:
                raise ValidationError(
                    self.env._(
                        "Service %(service)s is billed in %(currency)s, but the prices of tariff "
                        "%(tariff)s are in %(tariff_currency)s. Choose a tariff in "
                        "%(currency)s, or while it is ordered the currency of the tariff.",
                        service=service.display_name,
                        currency=service.currency_id.name,
                        tariff=service.tariff_id.display_name,
                        tariff_currency=service.tariff_id.currency_id.name,
                    )
                )

    # === COMPUTES === #

    @api.depends("number", "name")
    def _compute_display_name(self):
        for service in self:
            service.display_name = numbered_name(service)

    @api.depends("tariff_id")
    def _compute_currency_id(self):
        for service in self:
            if not service.currency_id or service.state == "ordered":
                service.currency_id = (
                    service.tariff_id.currency_id or service.company_id.currency_id
                )

    @api.depends("price", "tariff_id.price")
    def _compute_unit_price(self):
        for service in self:
            service.unit_price = service.price or service.tariff_id.price

    @api.depends(
        "state",
        "date_start",
        "date_end",
        "date_suspended",
        "anchor_date",
        "rated_up_to",
        "terms_from",
        "setup_due",
        "term_scheme_id.bill_suspended",
    )
    def _compute_next_billing_date(self):
        for service in self:
            service.next_billing_date = service._next_billing_date(
                service.rated_up_to, service.setup_due
            )

    @api.depends(
        "next_billing_date",
        "unit_price",
        "quantity",
        "discount",
        "addon_line_ids.quantity",
        "addon_line_ids.own_price",
        "tariff_id.addon_ids.price",
        "tariff_id.addon_ids.included",
    )
    def _compute_next_billing_amount(self):
        for service in self:
            cutoff = service.next_billing_date
            rows = service._preview_charges(cutoff) if cutoff and service.id else ()
            service.next_billing_amount = sum(row["amount"] for row in rows)

    def _compute_charge_count(self):
        counts = dict(
            self.env["billing.charge"]._read_group(
                [("service_id", "in", self.ids)], ["service_id"], ["__count"]
            )
        )
        for service in self:
            service.charge_count = counts.get(service._origin, 0)

    def _compute_invoice_count(self):
        counts = dict(
            self.env["billing.charge"]._read_group(
                [("service_id", "in", self.ids), ("move_id", "!=", False)],
                ["service_id"],
                ["move_id:count_distinct"],
            )
        )
        for service in self:
            service.invoice_count = counts.get(service._origin, 0)

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        give_numbers(self, vals_list)
        return super().create(vals_list)

    def write(self, vals):
        if not self._is_own():
            self._check_writable(vals)
            if "partner_id" in vals:
                self._change_customer(vals["partner_id"])
        return super().write(vals)

    def _change_customer(self, partner_id: int):
        """Give running services to another customer from today on: a change like any other, so
        that the days before are the old customer's, and so is what is credited of them."""
        for service in self.filtered(lambda s: s.state not in ("ordered", "cancelled")):
            if service.partner_id.id != partner_id:
                today = service.company_id._billing_today()
                service._change(max(today, service.terms_from), {"partner_id": partner_id})

    def copy_data(self, default=None):
        return [vals | {"number": "/"} for vals in super().copy_data(default)]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        for service in self:
            if service.state not in ("ordered", "cancelled"):
                raise UserError(
                    self.env._(
                        "Service %s was activated and cannot be deleted. Terminate it instead.",
                        service.display_name,
                    )
                )

    @api.model
    def _get_own_text(self, names):
        return self.env._(
            "The state of a service is changed with its buttons: Activate, Suspend, Resume, "
            "Terminate or Cancel."
        )

    def _check_writable(self, vals: dict):
        """Refuse to write behind the back of the methods that settle what was billed."""
        for service in self:
            if service.state == "ordered":
                continue
            for name in ORDERED_FIELDS.intersection(vals):
                field = self._fields[name]
                value = field.convert_to_cache(vals[name], service, validate=False)
                if value != field.convert_to_cache(service[name], service, validate=False):
                    raise UserError(
                        self.env._(
                            "%(field)s of service %(service)s decides what is billed and cannot "
                            "be edited any more. Use Change: it settles the running period.",
                            field=field._description_string(self.env),
                            service=service.display_name,
                        )
                    )

    # === BUSINESS === #

    @api.model
    @api.private
    def _due_domain(self, cutoff_date: date) -> Domain:
        """Services of which a run with this cutoff (the last included day) bills something."""
        return Domain("next_billing_date", "<=", cutoff_date)
