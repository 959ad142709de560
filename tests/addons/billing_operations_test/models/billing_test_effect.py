from odoo import fields, models


class BillingTestEffect(models.Model):
    """What a test task did, when it began and when it ended."""

    _name = "billing.test.effect"
    _description = "Effect of a test task"
    _log_access = False

    task_id = fields.Integer(required=True)
    name = fields.Char()
    begun = fields.Float(digits=(20, 6))
    ended = fields.Float(digits=(20, 6))
    counter = fields.Integer()

    def _insert_one(self):
        """The work of `test_insert`, for another queue to carry."""
        self.create({"task_id": 0})
