from odoo import api, models

from ...billing_tasks.handlers import ExternalHandler


class BillingTask(models.Model):
    """The tasks of payment runs."""

    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        runs = self.env["billing.payment.run"]
        charges = self.env["billing.card.charge"]
        return {
            **super()._get_task_handlers(),
            "collect_direct_debit": runs._task_collect,
            "payment_notices": runs._task_notices,
            "book_card_payments": runs._task_book_cards,
            "collect_card": ExternalHandler(
                prepare=charges._task_prepare,
                call=charges._task_call,
                record=charges._task_record,
                ask=charges._task_ask,
                unknown=charges._task_unknown,
                call_writes=True,
            ),
            "payment_run_prepare": runs._task_prepare,
            "bank_match": self.env["account.bank.statement.line"]._task_billing_match,
            "overdue_follow": self.env["billing.overdue.step"]._task_follow,
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {
            **super()._get_task_failure_handlers(),
            "collect_direct_debit": self.env["billing.payment.run"]._task_collect_failed,
            "book_card_payments": self.env["billing.payment.run"]._task_cards_failed,
            "collect_card": self.env["billing.payment.run"]._task_cards_failed,
            "payment_run_prepare": self.env["billing.payment.run"]._task_prepare_failed,
        }
