from odoo import fields, models


class BillingServiceChangeWizardLine(models.TransientModel):
    """The quantity of one add-on after the change; 0 takes it off."""

    _name = "billing.service.change.wizard.line"
    _description = "Change Service: Add-on"

    wizard_id = fields.Many2one("billing.service.change.wizard", required=True, ondelete="cascade")
    addon_id = fields.Many2one("billing.tariff.addon", string="Add-on", required=True)
    currency_id = fields.Many2one(related="addon_id.currency_id")
    price = fields.Float(related="addon_id.price")
    included = fields.Float(related="addon_id.included")
    quantity = fields.Float(digits="Product Unit")
