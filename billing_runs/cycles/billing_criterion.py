from odoo import api, fields, models

from ...billing_tasks.texts import labels


class BillingCriterion(models.Model):
    """One value a run can be limited to: a frequency, preference or month.

    Rows come as data; a frequency that a new billing term brings is added with
    it. Users read them, nobody edits them by hand.
    """

    _name = "billing.criterion"
    _description = "Billing Run Criterion"
    _order = "kind, sequence, id"

    kind = fields.Selection(
        [
            ("frequency", "Billing Frequency"),
            ("payment", "Payment Preference"),
            ("presentment", "Presentment Preference"),
            ("month", "Month"),
        ],
        required=True,
        readonly=True,
    )
    code = fields.Char(
        required=True,
        readonly=True,
        help="The value it stands for; a frequency is number:unit, a month 1 to 12.",
    )
    name = fields.Char(required=True, readonly=True, translate=True)
    sequence = fields.Integer(default=10, readonly=True)

    _kind_code_unique = models.UniqueIndex(
        "(kind, code)", "There is a criterion of this kind with this code already."
    )

    @api.model
    def _ensure_frequencies(self, schemes):
        """Add a frequency for every interval of ``schemes`` that has none yet."""
        missing = {f"{s.interval_number}:{s.interval_unit}": s for s in schemes}
        known = self.search([("kind", "=", "frequency"), ("code", "in", list(missing))])
        for code in known.mapped("code"):
            del missing[code]
        units = labels(schemes, "interval_unit")
        length = {"day": 1, "week": 7, "month": 30, "year": 365}
        return self.create(
            [
                {
                    "kind": "frequency",
                    "code": code,
                    "name": self.env._(
                        "Every %(number)s %(unit)s",
                        number=scheme.interval_number,
                        unit=units[scheme.interval_unit],
                    ),
                    "sequence": scheme.interval_number * length[scheme.interval_unit],
                }
                for code, scheme in missing.items()
            ]
        )
