from odoo import fields, models


class CdrRateClass(models.Model):
    """What kind of calls a rate is for: National, Mobile, International, Premium.

    Usage is charged per service and class, so a class is what a customer reads on the bill.
    Managers keep classes; users read them.
    """

    _name = "cdr.rate.class"
    _inherit = ["billing.used.mixin"]
    _description = "Rate Class"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    kind = fields.Selection(
        [
            ("ordinary", "Ordinary"),
            ("premium", "Premium rate"),
            ("satellite", "Satellite"),
        ],
        required=True,
        default="ordinary",
        help="Premium and satellite calls stand out where usage is looked over before billing.",
    )
    product_id = fields.Many2one(
        "product.product",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Gives the lines of usage on invoices their account and taxes. Empty: the product of "
        "the service's tariff.",
    )

    _name_unique = models.UniqueIndex(
        "(company_id, (name->>'en_US')) WHERE active IS TRUE",
        "Another rate class of this company already has this name.",
    )
