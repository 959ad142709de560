from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..addon_limits import is_within


class BillingServiceAddon(models.Model):
    """How many units of a tariff's add-on a service has.

    Edited freely while the service is ordered; afterwards through the service's ``_change``,
    which settles the running period.
    """

    _name = "billing.service.addon"
    _description = "Service Add-on"
    _order = "service_id, id"
    _rec_name = "addon_id"
    _check_company_auto = True

    service_id = fields.Many2one(
        "billing.service", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="service_id.company_id", store=True, precompute=True, required=True, index=True
    )
    tariff_id = fields.Many2one(related="service_id.tariff_id")
    addon_id = fields.Many2one(
        "billing.tariff.addon",
        string="Add-on",
        required=True,
        check_company=True,
        index=True,
        ondelete="restrict",
        domain="[('tariff_id', '=', tariff_id)]",
    )
    active = fields.Boolean(default=True)
    product_id = fields.Many2one(related="addon_id.product_id")
    currency_id = fields.Many2one(related="service_id.currency_id")
    quantity = fields.Float(
        digits="Product Unit",
        compute="_compute_quantity",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    included = fields.Float(related="addon_id.included")
    billed_quantity = fields.Float(
        compute="_compute_billed_quantity",
        digits="Product Unit",
        help="Units beyond those that the tariff's price contains.",
    )
    own_price = fields.Float(
        digits="Product Price",
        help="Price of one unit for one period that this customer keeps or was given by a price "
        "change. 0 uses the tariff's price.",
        aggregator=None,
    )
    price = fields.Float(compute="_compute_price", digits="Product Price")

    _addon_once = models.UniqueIndex(
        "(service_id, addon_id) WHERE active IS TRUE", "The service already has this add-on."
    )
    _quantity_not_negative = models.Constraint(
        "CHECK(quantity >= 0)", "The quantity of an add-on cannot be negative."
    )
    _own_price_not_negative = models.Constraint(
        "CHECK(own_price >= 0)", "The price of an add-on cannot be negative."
    )

    @api.constrains("quantity", "addon_id", "active")
    def _check_quantities(self):
        for line in self.filtered("active"):
            addon = line.addon_id
            digits = self.env["decimal.precision"].precision_get("Product Unit")
            if addon.tariff_id != line.service_id.tariff_id:
                raise ValidationError(
                    self.env._(
                        "Add-on %(addon)s belongs to tariff %(other)s, but service %(service)s "
                        "has tariff %(tariff)s.",
                        addon=addon.display_name,
                        other=addon.tariff_id.display_name,
                        service=line.service_id.display_name,
                        tariff=line.service_id.tariff_id.display_name,
                    )
                )
            if not is_within(line.quantity, addon.minimum, addon.maximum, digits):
                raise ValidationError(
                    self.env._(
                        "Service %(service)s has %(quantity)s of %(addon)s; its tariff allows "
                        "%(minimum)s to %(maximum)s.",
                        service=line.service_id.display_name,
                        quantity=line.quantity,
                        addon=addon.display_name,
                        minimum=addon.minimum,
                        maximum=addon.maximum or self.env._("any number"),
                    )
                )

    @api.depends("addon_id")
    def _compute_quantity(self):
        for line in self:
            line.quantity = line.quantity or line.addon_id.minimum or line.addon_id.included

    @api.depends("own_price", "addon_id.price")
    def _compute_price(self):
        for line in self:
            line.price = line.own_price or line.addon_id.price

    @api.depends("quantity", "addon_id.included")
    def _compute_billed_quantity(self):
        for line in self:
            line.billed_quantity = max(line.quantity - line.addon_id.included, 0.0)

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._check_editable()
        return lines

    def write(self, vals):
        if {"service_id", "addon_id", "quantity", "own_price", "active"}.intersection(vals):
            self._check_editable()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        self._check_editable()

    def _check_editable(self):
        for service in self.service_id:
            if not service._is_own() and service.state != "ordered":
                raise UserError(
                    self.env._(
                        "The add-ons of service %s decide what is billed and cannot be edited "
                        "any more. Use Change: it settles the running period.",
                        service.display_name,
                    )
                )
