from odoo import models
from odoo.exceptions import UserError

NO_FUNDS = "no_funds"
WAITING = ("pending", "processing", "manual")


class BillingWallet(models.Model):
    """Wallets that pay again: their services are not stopped."""

    _inherit = "billing.wallet"

    def _spare_services(self):
        """Cancel the stops that wait of services whose wallets can pay all that is open.

        A stop that software carries out at this moment goes on; the next run starts that service
        again.

        :return: the ``service.operation`` that were cancelled
        """
        cancelled = self.env["service.operation"].sudo()
        for wallet in self.sudo():
            waiting = wallet._waiting_stops()
            if not waiting or wallet._open_amount() > wallet.available:
                continue
            reason = self.env._("Wallet %s was topped up.", wallet.number)
            for operation in waiting:
                try:
                    with self.env.cr.savepoint():
                        operation._cancel(reason)
                except UserError as error:
                    operation._note_on_service(str(error))
                    continue
                cancelled += operation
        return cancelled

    def _waiting_stops(self):
        """Return the operations that are to suspend services of the customer for want of funds."""
        self.ensure_one()
        operations = self.env["service.operation"].sudo()
        found = operations.search(
            [
                ("type", "=", "suspend"),
                ("source", "=", "billing"),
                ("state", "in", WAITING),
                ("company_id", "=", self.company_id.id),
                ("service_id.currency_id", "=", self.currency_id.id),
                ("service_id.partner_id.commercial_partner_id", "=", self.partner_id.id),
            ]
        )
        return found.filtered(lambda op: op.requested["new"].get("reason") == NO_FUNDS)

    def _open_amount(self) -> float:
        """Return what services of the customer cost that no wallet has paid yet."""
        self.ensure_one()
        [(amount,)] = self.env["billing.charge"]._read_group(
            [
                ("state", "=", "rated"),
                ("company_id", "=", self.company_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("service_id.term_scheme_id.classification", "=", "prepaid"),
            ],
            [],
            ["amount:sum"],
        )
        return amount or 0.0
