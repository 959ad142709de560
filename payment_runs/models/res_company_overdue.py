from odoo import fields, models


class ResCompany(models.Model):
    """What the company does about invoices that stay unpaid."""

    _inherit = "res.company"

    billing_follow_overdue = fields.Boolean(
        string="Follow Up by Itself",
        help="Each day the overdue steps are taken for invoices that are overdue.",
    )
    billing_suspend_unpaid = fields.Boolean(
        string="Suspend Unpaid Services",
        help="The steps that suspend are taken: services of customers who do not pay are suspended, and"
        " come back when the invoices are paid.",
    )
    billing_overdue_user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        domain="[('company_ids', 'in', id), ('share', '=', False)]",
        help="Gets an activity where a person has to do something. Empty: the customer's salesperson.",
    )
