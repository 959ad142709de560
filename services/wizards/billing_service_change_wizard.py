from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..effect_table import effect_problem, effect_table


class BillingServiceChangeWizard(models.TransientModel):
    """New terms for one service from a day on, with their effect in money before they apply.

    Its button is added by the floor above, which knows who carries changes out.
    """

    _name = "billing.service.change.wizard"
    _description = "Change Service"

    service_id = fields.Many2one("billing.service", required=True, readonly=True)
    company_id = fields.Many2one(related="service_id.company_id")
    currency_id = fields.Many2one(related="service_id.currency_id")
    effective_date = fields.Date(
        required=True,
        default=lambda self: self.env.company._billing_today(),
        help="The first day of the new terms.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        readonly=False,
        required=True,
        help="Another customer takes the service over from that day on: days billed ahead are "
        "credited to the old one.",
    )
    tariff_id = fields.Many2one(
        "billing.tariff",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        readonly=False,
        required=True,
        domain="[('company_id', '=', company_id), ('currency_id', '=', currency_id)]",
    )
    quantity = fields.Float(
        digits="Product Unit",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        readonly=False,
    )
    price = fields.Float(
        string="Own Price",
        digits="Product Price",
        compute="_compute_price",
        store=True,
        precompute=True,
        compute_sudo=False,
        readonly=False,
        help="0 uses the tariff's price.",
    )
    discount = fields.Float(
        string="Discount (%)",
        digits="Discount",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        readonly=False,
    )
    date_end = fields.Date(
        string="End Date",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        readonly=False,
        help="The first day that is no longer served or billed.",
    )
    line_ids = fields.One2many(
        "billing.service.change.wizard.line",
        "wizard_id",
        string="Add-ons",
        compute="_compute_line_ids",
        store=True,
        compute_sudo=False,
        readonly=False,
    )
    note = fields.Char(help="Kept in the history of the service.")
    effect = fields.Html(compute="_compute_effect", sanitize=False)

    @api.depends("service_id")
    def _compute_from_service(self):
        for wizard in self:
            service = wizard.service_id
            wizard.partner_id = service.partner_id
            wizard.tariff_id = service.tariff_id
            wizard.quantity = service.quantity
            wizard.discount = service.discount
            wizard.date_end = service.date_end

    @api.depends("service_id", "tariff_id")
    def _compute_price(self):
        for wizard in self:
            same = wizard.tariff_id == wizard.service_id.tariff_id
            wizard.price = wizard.service_id.price if same else 0.0

    @api.depends("service_id", "tariff_id")
    def _compute_line_ids(self):
        for wizard in self:
            quantities = {
                line.product_id: line.quantity for line in wizard.service_id.addon_line_ids
            }
            wizard.line_ids = [Command.clear()] + [
                Command.create(
                    {"addon_id": addon.id, "quantity": quantities.get(addon.product_id, 0.0)}
                )
                for addon in wizard.service_id._offered_addons(wizard.tariff_id)
            ]

    @api.depends(
        "effective_date",
        "partner_id",
        "tariff_id",
        "quantity",
        "price",
        "discount",
        "date_end",
        "line_ids.quantity",
    )
    def _compute_effect(self):
        for wizard in self:
            service = wizard.service_id._origin
            if not service or not wizard.effective_date or not wizard.tariff_id:
                wizard.effect = False
                continue
            try:
                rows = service._preview_change(wizard.effective_date, wizard._values())
            except UserError as error:
                wizard.effect = effect_problem(error)
                continue
            wizard.effect = effect_table(rows, wizard.currency_id)

    def _values(self) -> dict:
        """Return the values of the change, as ``_change`` takes them."""
        return {
            "partner_id": self.partner_id.id,
            "tariff_id": self.tariff_id.id,
            "quantity": self.quantity,
            "price": self.price,
            "discount": self.discount,
            "date_end": self.date_end,
            "addon_quantities": {line.addon_id.id: line.quantity for line in self.line_ids},
        }
