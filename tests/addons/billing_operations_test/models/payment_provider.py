from odoo import fields, models


class PaymentProvider(models.Model):
    """A card provider whose other side is a file with a line for each charge that reached it."""

    _inherit = "payment.provider"

    code = fields.Selection(
        selection_add=[("billing_test", "Test")], ondelete={"billing_test": "set default"}
    )
    billing_test_file = fields.Char()
    billing_test_asked = fields.Boolean(help="It can say by reference what became of a charge.")

    def _can_tell_of_charges(self):
        return super()._can_tell_of_charges() or self.billing_test_asked
