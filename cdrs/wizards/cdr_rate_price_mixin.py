from odoo import api, fields, models

from .proposed import proposed

DIGITS = (16, 6)
PRICE_FIELDS = ("connect_fee", "price_minute", "initial_seconds", "step_seconds", "minimum")


class CdrRatePriceMixin(models.AbstractModel):
    """The class and price of a rate, in the dialogs that make one. For billing managers."""

    _name = "cdr.rate.price.mixin"
    _description = "Price of a Rate"

    #: the field by which the dialog knows which prices to propose
    _price_source = "rate_id"

    class_id = proposed(
        fields.Many2one,
        "_compute_price",
        comodel_name="cdr.rate.class",
        string="Rate Class",
        required=True,
        check_company=True,
    )
    connect_fee = proposed(fields.Float, "_compute_price", digits=DIGITS)
    price_minute = proposed(fields.Float, "_compute_price", string="Price a Minute", digits=DIGITS)
    initial_seconds = proposed(fields.Integer, "_compute_price", string="First Seconds")
    step_seconds = proposed(fields.Integer, "_compute_price", string="Steps of Seconds")
    minimum = proposed(fields.Float, "_compute_price", string="Minimum a Call", digits=DIGITS)

    @api.depends(lambda self: (self._price_source,))
    def _compute_price(self):
        for dialog in self:
            rate = dialog._proposed_rate()
            dialog.class_id = rate.class_id
            for name in PRICE_FIELDS:
                dialog[name] = rate[name]

    def _proposed_rate(self):
        """Return the rate whose prices are proposed; by default a new one."""
        return self.env["cdr.rate"].new()

    def _price_values(self):
        """Return the values of a rate with the class and price of the dialog."""
        self.ensure_one()
        return {name: self[name] for name in PRICE_FIELDS} | {"class_id": self.class_id.id}
