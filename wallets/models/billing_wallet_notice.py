from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

MAILS_AT_ONCE = 200


class BillingWallet(models.Model):
    """Low balances: the customer is told once each time.

    The database notes with the booking itself when a balance falls to the wallet's threshold, and
    when it has come above it again. A scheduled action tells the customers.
    """

    _inherit = "billing.wallet"

    def _note_low(self):
        """Note which wallets are low after their thresholds changed."""
        if not self.ids:
            return
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_wallet AS wallet
                   SET low_since = CASE WHEN balance > COALESCE(low_balance, 0) THEN NULL
                                        ELSE COALESCE(low_since, %s) END,
                       low_told = low_told AND balance <= COALESCE(low_balance, 0)
                 WHERE id = ANY(%s)
                   AND EXISTS (SELECT 1 FROM billing_wallet_transaction
                                WHERE wallet_id = wallet.id)
                """,
                self.env.cr.now(),
                self.ids,
            )
        )
        self.invalidate_recordset(["low_since", "low_told"])

    @api.model
    def _low_domain(self) -> Domain:
        """Return the domain of wallets whose balance is low."""
        return Domain("low_since", "!=", False)

    @api.model
    def _cron_tell_low(self):
        """Tell the customers whose balance has become low, each once."""
        todo = self._low_domain() & Domain("low_told", "=", False)
        todo &= Domain("company_id.billing_wallet_notices", "=", True)
        self.search(todo, order="id", limit=MAILS_AT_ONCE)._tell_low()
        if self.search_count(todo, limit=1):
            self.env.ref("billing_operations.cron_billing_wallet_tell_low")._trigger()

    def _tell_low(self):
        """Queue the mail about a low balance for each wallet, and note that its customer was told.

        Mail and note are one transaction. A wallet whose customer has no address counts as told: its
        history says so.
        """
        locked = self.try_lock_for_update(allow_referencing=True)
        locked.invalidate_recordset(["low_since", "low_told"])
        todo = locked.filtered(lambda wallet: wallet.low_since and not wallet.low_told)
        template = self.env.ref("billing_operations.mail_template_wallet_low")
        for wallet in todo:
            wallet = wallet.with_company(wallet.company_id)
            if wallet.partner_id.email_formatted:
                template.send_mail(wallet.id, force_send=False)
            else:
                wallet._message_log(
                    body=self.env._(
                        "The balance is low. The customer has no e-mail address to be told at."
                    )
                )
        todo._own().write({"low_told": True})
        return todo
