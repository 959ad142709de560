from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingTariff(models.Model):
    """Tariff plan: what a service costs, how often it is billed, and what it can be set to.

    Managers keep them. A new price counts for every period that is not rated yet; services
    with a price of their own keep theirs. Terms, currency and product are fixed once
    services use the tariff. A tariff that is archived goes on billing the services that have it.
    """

    _name = "billing.tariff"
    _inherit = ["billing.used.mixin"]
    _description = "Tariff Plan"
    _order = "sequence, name, id"
    _check_company_auto = True
    _rec_names_search = ["name", "code"]

    name = fields.Char(required=True, translate=True)
    code = fields.Char(index="btree_not_null")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    product_id = fields.Many2one(
        "product.product",
        required=True,
        check_company=True,
        index=True,
        ondelete="restrict",
        help="Gives invoice lines their text, account and taxes.",
    )
    term_scheme_id = fields.Many2one(
        "billing.term.scheme",
        string="Billing Terms",
        required=True,
        check_company=True,
        index=True,
        ondelete="restrict",
    )
    classification = fields.Selection(related="term_scheme_id.classification")
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    price = fields.Float(
        digits="Product Price",
        help="Price of one unit for one full billing period.",
        aggregator=None,
    )
    setup_price = fields.Float(
        digits="Product Price",
        help="Charged once when a service is activated.",
        aggregator=None,
    )
    price_includes_tax = fields.Boolean(
        string="Prices Include Tax",
        compute="_compute_price_includes_tax",
        help="By the product's sales taxes in the tariff's company.",
    )
    parameter_definition = fields.PropertiesDefinition(string="Service Parameters")
    addon_ids = fields.One2many("billing.tariff.addon", "tariff_id", string="Add-ons", copy=True)
    service_ids = fields.One2many("billing.service", "tariff_id", string="Services")
    service_count = fields.Integer(compute="_compute_service_count")
    price_change_ids = fields.One2many(
        "billing.price.change.tariff",
        "tariff_id",
        string="Price History",
        readonly=True,
        domain=[("change_id.state", "in", ("scheduled", "applied"))],
    )
    note = fields.Html(string="Internal Notes")

    _code_unique = models.UniqueIndex(
        "(company_id, code) WHERE code IS NOT NULL",
        "Another tariff of this company already has this code.",
    )
    _price_not_negative = models.Constraint(
        "CHECK(price >= 0 AND setup_price >= 0)", "The prices of a tariff cannot be negative."
    )

    @api.depends("product_id.taxes_id.price_include", "company_id")
    def _compute_price_includes_tax(self):
        for tariff in self:
            tariff.price_includes_tax = tariff.product_id._billing_price_includes_tax(
                tariff.company_id
            )

    def _compute_service_count(self):
        counts = dict(
            self.env["billing.service"]._read_group(
                [("tariff_id", "in", self.ids)], ["tariff_id"], ["__count"]
            )
        )
        for tariff in self:
            tariff.service_count = counts.get(tariff._origin, 0)

    def write(self, vals):
        fixed = {
            "product_id": self.env._("product"),
            "term_scheme_id": self.env._("billing terms"),
            "currency_id": self.env._("currency"),
            "company_id": self.env._("company"),
        }
        for name, label in fixed.items():
            if name in vals:
                changed = self.filtered(lambda tariff, name=name: tariff[name].id != vals[name])
                changed._check_unused(label)
        if "price" in vals:
            self.filtered(lambda tariff: tariff.price != vals["price"])._check_price_free()
        return super().write(vals)

    def _check_price_free(self):
        """Refuse to write a price by hand that a scheduled price change is about to write."""
        self.env["billing.price.change.tariff"]._check_free(
            [("tariff_id", "in", self.ids), ("addon_id", "=", False)]
        )

    def _check_unused(self, label: str):
        """Refuse to change what services that were activated have been sold."""
        service = (
            self.env["billing.service"]
            .sudo()
            .search(
                [
                    ("tariff_id", "in", self.ids),
                    ("state", "not in", ("ordered", "cancelled")),
                ],
                limit=1,
            )
        )
        if service:
            raise UserError(
                self.env._(
                    "The %(what)s of tariff %(tariff)s cannot be changed: services already use "
                    "it (for example %(service)s). Create a new tariff and change them to it.",
                    what=label,
                    tariff=service.tariff_id.display_name,
                    service=service.display_name,
                )
            )

    @api.depends("name", "code")
    @api.depends_context("display_default_code")
    def _compute_display_name(self):
        """With the code, as Odoo does it of products: customers read names alone."""
        with_code = self.env.context.get("display_default_code", True)
        for tariff in self:
            code = f"[{tariff.code}] " if tariff.code and with_code else ""
            tariff.display_name = f"{code}{tariff.name}"

    def action_change_prices(self):
        """Open a new price change for these tariffs."""
        self.check_access("read")
        return self.env["billing.price.change"]._open_new({"default_scope": "tariff"}, self)

    def action_open_services(self):
        """Open the services that use this tariff."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_service_action"
        )
        return action | {
            "domain": [("tariff_id", "=", self.id)],
            "context": {"default_tariff_id": self.id},
        }
