from odoo import models


class BillingPriceChange(models.Model):
    """Price changes are scheduled and undone after a question."""

    _name = "billing.price.change"
    _inherit = ["billing.price.change", "billing.asking.mixin"]

    def action_ask_schedule(self):
        """Ask before new prices are scheduled."""
        return self._ask("action_schedule")

    def action_ask_undo(self):
        """Ask before new prices are taken back."""
        return self._ask("action_undo")

    def _questions(self):
        return super()._questions() | {
            "action_schedule": (
                self.env._("Schedule New Prices"),
                lambda changes: "\n".join(change._schedule_question() for change in changes),
            ),
            "action_undo": (
                self.env._("Undo Price Change"),
                lambda changes: "\n".join(change._undo_question() for change in changes),
            ),
        }
