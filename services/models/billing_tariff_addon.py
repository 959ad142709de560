from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import float_is_zero

from ..addon_limits import is_within
from ..proration import PriceLine, addon_line


class BillingTariffAddon(models.Model):
    """Something a service of the tariff can have more or less of: disk space, extra numbers.

    The quantity beyond ``included`` is charged for the same periods as the service itself. Product
    and tariff are fixed once activated services have the add-on; one that is archived goes on
    being billed where it was sold.
    """

    _name = "billing.tariff.addon"
    _inherit = ["billing.used.mixin"]
    _description = "Tariff Add-on"
    _order = "tariff_id, sequence, id"
    _check_company_auto = True
    _rec_name = "product_id"

    tariff_id = fields.Many2one(
        "billing.tariff", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="tariff_id.company_id", store=True, precompute=True, required=True, index=True
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    product_id = fields.Many2one(
        "product.product", required=True, check_company=True, index=True, ondelete="restrict"
    )
    currency_id = fields.Many2one(related="tariff_id.currency_id")
    price = fields.Float(
        digits="Product Price",
        help="Price of one unit for one full billing period.",
        aggregator=None,
    )
    included = fields.Float(
        digits="Product Unit", help="Units that the tariff's price already contains."
    )
    minimum = fields.Float(digits="Product Unit", help="Fewest units of a service.")
    maximum = fields.Float(digits="Product Unit", help="Most units of a service; 0 means no limit.")

    _product_unique = models.UniqueIndex(
        "(tariff_id, product_id) WHERE active IS TRUE",
        "The tariff already has an add-on with this product.",
    )
    _amounts_not_negative = models.Constraint(
        "CHECK(price >= 0 AND included >= 0 AND minimum >= 0 AND maximum >= 0)",
        "The price and quantities of an add-on cannot be negative.",
    )
    _minimum_below_maximum = models.Constraint(
        "CHECK(maximum = 0 OR minimum <= maximum)",
        "The maximum of an add-on cannot be lower than its minimum.",
    )

    def write(self, vals):
        fixed = {"product_id": self.env._("product"), "tariff_id": self.env._("tariff")}
        for name, label in fixed.items():
            if name in vals:
                changed = self.filtered(lambda addon, name=name: addon[name].id != vals[name])
                changed._check_unused(label)
        if "price" in vals:
            changed = self.filtered(lambda addon: addon.price != vals["price"])
            self.env["billing.price.change.tariff"]._check_free([("addon_id", "in", changed.ids)])
        return super().write(vals)

    def _check_unused(self, label: str):
        """Refuse to change what services that were activated have been sold."""
        line = (
            self.env["billing.service.addon"]
            .sudo()
            .with_context(active_test=False)
            .search(
                [
                    ("addon_id", "in", self.ids),
                    ("service_id.state", "not in", ("ordered", "cancelled")),
                ],
                limit=1,
            )
        )
        if line:
            raise UserError(
                self.env._(
                    "The %(what)s of add-on %(addon)s of tariff %(tariff)s cannot be changed: "
                    "services already have it (for example %(service)s). Archive it and create a "
                    "new add-on.",
                    what=label,
                    addon=line.addon_id.display_name,
                    tariff=line.addon_id.tariff_id.display_name,
                    service=line.service_id.display_name,
                )
            )

    def _price_line(
        self, line_id: int | None, quantity: float, own_price: float = 0.0
    ) -> PriceLine | None:
        """Return what so many of it cost for a period; None where that is nothing.

        :param own_price: of one unit, in place of the tariff's; 0 for none
        """
        self.ensure_one()
        price = own_price or self.price
        return addon_line(self.product_id.id, line_id, price, quantity, self.included)

    def _allows(self, quantity: float) -> bool:
        """May a service have so many of it? None at all is always allowed."""
        self.ensure_one()
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        if float_is_zero(quantity, precision_digits=digits):
            return True
        return quantity > 0 and is_within(quantity, self.minimum, self.maximum, digits)
