from odoo import models


class BillingPriceChangeLine(models.Model):
    """Single services are taken out of a price change after a question."""

    _name = "billing.price.change.line"
    _inherit = ["billing.price.change.line", "billing.asking.mixin"]

    def action_ask_undo(self):
        """Ask before services are taken out of their price change."""
        return self._ask("action_undo")

    def _questions(self):
        return super()._questions() | {
            "action_undo": (
                self.env._("Keep Present Prices"),
                lambda lines: lines._undo_question(),
            )
        }
