from odoo import api, fields, models

BILLING_GROUP = "billing_operations.group_billing_user"
PROFILE_FIELDS = [
    "billing_payment_preference",
    "billing_invoice_message",
    "billing_department_id",
    "billing_low_invoice_rule",
    "billing_low_invoice_minimum",
    "billing_low_invoice_fee",
    "billing_hold",
    "billing_collection_hold",
]


class ResPartner(models.Model):
    """How a customer is billed, per company. The fields live here; runs and payment runs act
    on them. Partner tags serve as the receivable's classifications."""

    _name = "res.partner"
    _inherit = ["res.partner", "billing.used.mixin"]

    invoice_sending_method = fields.Selection(selection_add=[("print", "by Print")])
    billing_payment_preference = fields.Selection(
        [("transfer", "Bank Transfer"), ("direct_debit", "Direct Debit"), ("card", "Card")],
        string="Payment Preference",
        company_dependent=True,
        groups=BILLING_GROUP,
        help="How the customer pays invoices. Empty means bank transfer.",
    )
    billing_invoice_message = fields.Text(
        string="Invoice Message",
        company_dependent=True,
        groups=BILLING_GROUP,
        help="Printed on this customer's invoices, unless the billing run has a message.",
    )
    billing_department_id = fields.Many2one(
        "hr.department",
        string="Owning Department",
        company_dependent=True,
        groups=BILLING_GROUP,
        help="The department that looks after this customer. Billing runs can be limited to it.",
    )
    billing_low_invoice_rule = fields.Selection(
        [
            ("none", "Bill any amount"),
            ("skip", "Skip low invoices"),
            ("pad", "Raise to the minimum"),
            ("fee", "Add a fee"),
        ],
        string="Low Invoices",
        company_dependent=True,
        groups=BILLING_GROUP,
        help="What happens when a bill is lower than the minimum: it is left for a later run, "
        "raised to the minimum, or a fee is added. Empty bills any amount.",
    )
    billing_low_invoice_minimum = fields.Float(
        string="Minimum Invoice",
        company_dependent=True,
        digits="Product Price",
        groups=BILLING_GROUP,
        help="Lowest amount of one bill before tax, in the company's currency.",
        aggregator=None,
    )
    billing_low_invoice_fee = fields.Float(
        string="Low Invoice Fee",
        company_dependent=True,
        digits="Product Price",
        groups=BILLING_GROUP,
        help="Fee before tax for a bill below the minimum, in the company's currency.",
        aggregator=None,
    )
    billing_hold = fields.Boolean(
        company_dependent=True,
        groups=BILLING_GROUP,
        help="No bills are made for this customer while the hold is set; what is owed is kept.",
    )
    billing_collection_hold = fields.Boolean(
        string="Collection Hold",
        company_dependent=True,
        groups=BILLING_GROUP,
        help="No direct debit or card collection for this customer while the hold is set.",
    )
    billing_service_count = fields.Integer(
        string="Services",
        compute="_compute_billing_service_count",
        groups=BILLING_GROUP,
    )

    @api.depends_context("allowed_company_ids")
    def _compute_billing_service_count(self):
        counts = dict(
            self.env["billing.service"]._read_group(
                [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.billing_service_count = counts.get(partner._origin, 0)

    @api.model
    def _commercial_fields(self):
        """Contacts of a customer are billed as the customer is."""
        return super()._commercial_fields() + PROFILE_FIELDS

    def action_adjust_billing(self):
        """Open the dialog for a credit or debit with a reason."""
        self.ensure_one()
        self.env["billing.charge.adjust.wizard"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Adjust %s", self.display_name),
            "res_model": "billing.charge.adjust.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_id": self.id},
        }

    def action_open_billing_charges(self):
        """Open this customer's charges."""
        self.ensure_one()
        self.env["billing.charge"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_charge_action"
        )
        return action | {"domain": [("partner_id", "=", self.id)], "context": {}}

    def action_open_billing_services(self):
        """Open this customer's services."""
        self.ensure_one()
        self.env["billing.service"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_service_action"
        )
        return action | {
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }
