from odoo import models
from odoo.exceptions import LockError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .standing import Collection


class AccountMove(models.Model):
    """Documents as their customers see them: how they are collected, and whether they are being paid."""

    _inherit = "account.move"

    def _billing_collections(self):
        """Return ``{invoice: Collection}`` of those that the company collects itself: customers need
        not pay them.

        A floor above knows the collections that are made already, and says so with ``super()``. Notes
        are in the language of the environment.
        """
        return {
            move: Collection(means.note, means.day)
            for move, means in self._billing_payment_means().items()
        }

    def _being_paid_online(self):
        """Return those of the documents that somebody has just paid online: the provider has not
        answered yet, or the payment is not booked yet."""
        answered = Domain("state", "in", ("pending", "authorized"))
        # A transfer that somebody means to make may never be made, as Odoo's own pages see it.
        answered &= Domain("provider_id.code", "not in", ("none", "custom"))
        booked = Domain("state", "=", "done") & Domain("is_post_processed", "=", False)
        booked &= Domain("payment_id", "=", False) & Domain("operation", "!=", "refund")
        transactions = self.env["payment.transaction"].sudo()
        found = transactions.search(Domain("invoice_ids", "in", self.ids) & (answered | booked))
        return self & found.invoice_ids.with_env(self.env)

    def _next_due(self):
        """Return the day by which the first of a document's open instalments is to be paid."""
        self.ensure_one()
        days = self.line_ids.filtered(
            lambda line: line.display_type == "payment_term" and not line.reconciled
        ).mapped("date_maturity")
        return min(filter(None, days), default=self.invoice_date_due or None)

    def _receivable_account(self):
        """Return the account on which a document is owed."""
        self.ensure_one()
        lines = self.line_ids.filtered(lambda line: line.display_type == "payment_term")
        return lines.account_id[:1]

    def _hold_for_payment(self):
        """Keep the documents until the transaction ends, so that they are not paid twice at once.

        :raise UserError: somebody pays one of them at this very moment
        """
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._("Somebody is paying this at this very moment. Look again in a minute.")
            ) from error
        # Who looked before this payment was made, and waits to pay as well, has to look again.
        self.env.cr.execute(
            SQL("UPDATE account_move SET write_date = write_date WHERE id = ANY(%s)", self.ids)
        )
