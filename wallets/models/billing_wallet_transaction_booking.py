from odoo import api, models
from odoo.tools import SQL

from ...services.proration import round_amount, smallest_coin, to_decimal
from ..pockets import ZERO, move

COLUMNS = {
    "wallet_id": "int",
    "company_id": "int",
    "currency_id": "int",
    "date": "date",
    "kind": "varchar",
    "amount": "numeric",
    "granted_amount": "numeric",
    "balance_after": "numeric",
    "reason": "varchar",
    "expiry_date": "date",
    "service_id": "int",
    "voided_id": "int",
    "grant_id": "int",
    "other_wallet_id": "int",
    "payment_id": "int",
    "statement_line_id": "int",
    "source_key": "varchar",
}


class BillingWalletTransaction(models.Model):
    """Booking: the one way by which money enters and leaves wallets."""

    _inherit = "billing.wallet.transaction"

    @api.model
    def _booked_columns(self) -> dict:
        """Return ``{column: SQL type}`` of what a booking may bring. Floors above add theirs."""
        return COLUMNS

    @api.model
    @api.private
    def _book(self, bookings: list[dict]):
        """Book transactions in one statement; those whose source was booked already are left out.

        The wallets are locked first, in the order of their ids, so that two that book cannot block
        each other for good, and stay locked until the end of the transaction.

        :param bookings: in the order in which they are booked: ``wallet_id``, ``kind``, ``amount``
            (signed), ``source_key``, and where wanted ``reason``, ``date`` (today), ``granted`` (by how much
            an expiry or a void changes granted money) and the other columns
        :return: the new transactions
        :raise UserError: a wallet is locked, or does not hold as much as is taken from it
        """
        if not bookings:
            return self.browse()
        wallets = self.env["billing.wallet"].browse(
            sorted({booking["wallet_id"] for booking in bookings})
        )
        held = wallets._lock_balances()
        known = self._known_keys(wallets.company_id, [row["source_key"] for row in bookings])
        rows = []
        for booking in bookings:
            wallet = self.env["billing.wallet"].browse(booking["wallet_id"])
            if (wallet.company_id.id, booking["source_key"]) in known:
                continue
            known.add((wallet.company_id.id, booking["source_key"]))
            amount = round_amount(to_decimal(booking["amount"]), smallest_coin(wallet.currency_id))
            granted = to_decimal(booking.get("granted") or ZERO)
            before = held[wallet.id]
            after = move(before, booking["kind"], amount, granted)
            wallet._check_booking(booking["kind"], amount, before, after)
            held[wallet.id] = after
            rows.append(
                {
                    "date": wallet.company_id._billing_today(),
                    **booking,
                    "company_id": wallet.company_id.id,
                    "currency_id": wallet.currency_id.id,
                    "amount": amount,
                    "granted_amount": after.granted - before.granted,
                    "balance_after": after.balance,
                }
            )
        return self._insert(rows)

    @api.model
    def _known_keys(self, companies, keys: list[str]) -> set:
        """Return ``{(company id, source key)}`` of those keys that were booked already."""
        self.env.cr.execute(
            SQL(
                "SELECT company_id, source_key FROM billing_wallet_transaction"
                " WHERE company_id = ANY(%s) AND source_key = ANY(%s)",
                companies.ids,
                keys,
            )
        )
        return set(self.env.cr.fetchall())

    @api.model
    def _insert(self, rows: list[dict]):
        if not rows:
            return self.browse()
        columns = self._booked_columns()
        arrays = [
            SQL(
                "%s::%s[]",
                [
                    row.get(name) or (None if kind in ("int", "varchar", "date") else ZERO)
                    for row in rows
                ],
                SQL(kind),  # pylint: disable=sql-injection
            )
            for name, kind in columns.items()
        ]
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO billing_wallet_transaction
                       (%s, create_uid, create_date, write_uid, write_date)
                SELECT row.*, %s, %s, %s, %s FROM unnest(%s) AS row
             RETURNING id
                """,
                SQL(", ").join(map(SQL.identifier, columns)),
                self.env.uid,
                self.env.cr.now(),
                self.env.uid,
                self.env.cr.now(),
                SQL(", ").join(arrays),
            )
        )
        transactions = self.browse([row_id for (row_id,) in self.env.cr.fetchall()])
        transactions._after_booking()
        return transactions

    def _after_booking(self):
        """Have records read again what the database added up, and forget estimates that no longer
        hold. Floors above act on money that came in or went out."""
        wallets = self.env["billing.wallet"].browse({t.wallet_id.id for t in self})
        wallets.invalidate_recordset(
            [
                *("balance", "granted_balance", "low_since", "low_told"),
                *("paid_balance", "available"),
                *("transaction_ids", "transaction_count"),
            ]
        )
        (self.voided_id | self).invalidate_recordset(["void_ids", "can_void"])
        # Debits are what was estimated; after anything else the money lasts longer, or not as long.
        other = self.filtered(lambda transaction: transaction.kind != "debit").wallet_id
        if estimated := other.filtered("depletion_date"):
            estimated._own().write({"depletion_date": False})
