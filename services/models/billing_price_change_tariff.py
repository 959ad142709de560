from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class BillingPriceChangeTariff(models.Model):
    """What a price change makes of the price of one tariff, or of one of its add-ons.

    Written by the price change alone, and kept as the history of the tariff's prices. Billing
    users read it.
    """

    _name = "billing.price.change.tariff"
    _description = "New Price of a Tariff"
    _order = "date desc, change_id desc, tariff_id, id"
    _check_company_auto = True

    change_id = fields.Many2one(
        "billing.price.change", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="change_id.company_id", store=True, precompute=True, required=True, index=True
    )
    date = fields.Date(related="change_id.date", store=True, precompute=True)
    change_state = fields.Selection(related="change_id.state", string="State")
    tariff_id = fields.Many2one(
        "billing.tariff",
        required=True,
        readonly=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    addon_id = fields.Many2one(
        "billing.tariff.addon",
        string="Add-on",
        readonly=True,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )
    currency_id = fields.Many2one(related="tariff_id.currency_id")
    old_price = fields.Float(digits="Product Price", readonly=True, aggregator=None)
    new_price = fields.Float(digits="Product Price", readonly=True, aggregator=None)

    _once = models.UniqueIndex(
        "(change_id, tariff_id, COALESCE(addon_id, 0))",
        "A price change changes the price of a tariff or add-on once.",
    )

    @api.depends("tariff_id", "addon_id")
    def _compute_display_name(self):
        for rate in self:
            names = filter(None, (rate.tariff_id.display_name, rate.addon_id.display_name))
            rate.display_name = ", ".join(names)

    @api.model
    def _check_free(self, domain):
        """Refuse to write prices by hand that a scheduled price change is about to write.

        :param domain: of the prices, as rows of this model
        """
        rate = self.sudo().search(
            Domain(domain) & Domain("change_id.state", "=", "scheduled"), limit=1
        )
        if rate:
            raise UserError(
                self.env._(
                    "%(rate)s gets a new price by %(change)s on %(day)s. Undo that price change first.",
                    rate=rate.display_name,
                    change=rate.change_id.display_name,
                    day=rate.change_id._day_text(rate.date),
                )
            )
