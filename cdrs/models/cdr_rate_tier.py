from odoo import fields, models


class CdrRateTier(models.Model):
    """What minutes of a rate class cost beyond a number of minutes in a calendar month.

    Counted per service, over the minutes that are not included, in the order of time when calls are
    charged. For these seconds the tier's price stands in the place of the rate's: connect fee,
    price and minimum. Each further tier holds from its minutes on.
    """

    _name = "cdr.rate.tier"
    _description = "Tier of Usage"
    _order = "plan_id, class_id, minutes_from, id"
    _check_company_auto = True

    plan_id = fields.Many2one(
        "cdr.rate.plan", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="plan_id.company_id", store=True, precompute=True, required=True, index=True
    )
    currency_id = fields.Many2one(related="plan_id.currency_id")
    class_id = fields.Many2one(
        "cdr.rate.class",
        string="Rate Class",
        required=True,
        ondelete="restrict",
        check_company=True,
    )
    minutes_from = fields.Integer(string="Beyond Minutes", required=True)
    price_minute = fields.Float(string="Price a Minute", digits=(16, 6), aggregator=None)

    _minutes_unique = models.UniqueIndex(
        "(plan_id, class_id, minutes_from)",
        "The plan already has a tier of this class from these minutes on.",
    )
    _numbers_not_negative = models.Constraint(
        "CHECK(minutes_from >= 0 AND price_minute >= 0)",
        "The minutes and the price of a tier cannot be negative.",
    )
