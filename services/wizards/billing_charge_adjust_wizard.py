from odoo import api, fields, models
from odoo.exceptions import UserError

from ..loose_many2one import hold
from ..proration import round_amount, smallest_coin, to_decimal


class BillingChargeAdjustWizard(models.TransientModel):
    """A credit or debit by hand, with a reason, for a service or a customer."""

    _name = "billing.charge.adjust.wizard"
    _description = "Adjustment"
    _check_company_auto = True

    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, check_company=True
    )
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        required=True,
        readonly=False,
    )
    service_id = fields.Many2one(
        "billing.service",
        check_company=True,
        domain="['|', ('partner_id', '=', partner_id),"
        " ('version_ids.partner_id', '=', partner_id)]",
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        required=True,
        readonly=False,
    )
    direction = fields.Selection(
        [("credit", "Credit: the customer owes less"), ("debit", "Debit: the customer owes more")],
        required=True,
        default="credit",
    )
    amount = fields.Monetary(
        required=True, help="Before tax, unless the product's prices include it."
    )
    product_id = fields.Many2one(
        "product.product",
        compute="_compute_from_service",
        store=True,
        precompute=True,
        compute_sudo=False,
        readonly=False,
        required=True,
        check_company=True,
        help="Gives the invoice line its account and taxes.",
    )
    date = fields.Date(required=True, default=lambda self: self.env.company._billing_today())
    name = fields.Char(string="Text on Invoice", required=True)
    reason = fields.Char(required=True, help="For the files, not on the invoice.")

    @api.depends("service_id")
    def _compute_from_service(self):
        for wizard in self:
            service = wizard.service_id
            company = service.company_id or self.env.company
            wizard.company_id = company
            wizard.currency_id = service.currency_id or company.currency_id
            wizard.product_id = service.product_id or wizard.product_id

    def action_apply(self):
        """Create the charge; the customer's next bill takes it.

        The ledger has no right to create for people: this dialog checks the right to adjust and
        the access to customer and service, then inserts one row.
        """
        self.ensure_one()
        self._check_adjust_rights()
        amount = round_amount(to_decimal(self.amount), smallest_coin(self.currency_id))
        if amount <= 0:
            raise UserError(self.env._("The amount of an adjustment must be more than zero."))
        row = self.env["billing.charge"]._adjustment_row(
            self.partner_id,
            self.service_id,
            self.product_id,
            self.date,
            -amount if self.direction == "credit" else amount,
            self.name,
            self.reason,
        )
        # Services that were activated stay, and so do their customers.
        hold(self.service_id.filtered(lambda service: service.state in ("ordered", "cancelled")))
        if not self.service_id:
            hold(self.partner_id)
        self.env["billing.charge"]._insert_rows(
            [row | {"company_id": self.company_id.id, "currency_id": self.currency_id.id}]
        )
        return {"type": "ir.actions.act_window_close"}

    def _check_adjust_rights(self):
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            raise UserError(self.env._("Only billing users may adjust charges."))
        self.partner_id.check_access("read")
        self.service_id.check_access("write")
        if self.company_id not in self.env.companies:
            raise UserError(self.env._("Choose a company you work for."))
        customers = self.service_id.partner_id | self.service_id.version_ids.partner_id
        if self.service_id and self.partner_id not in customers:
            raise UserError(
                self.env._(
                    "Service %(service)s does not belong to %(customer)s.",
                    service=self.service_id.display_name,
                    customer=self.partner_id.display_name,
                )
            )
        if self.service_id and self.service_id.currency_id != self.currency_id:
            raise UserError(self.env._("An adjustment of a service is in its currency."))
