import uuid
from datetime import date
from decimal import Decimal

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...services.proration import to_decimal
from ..pockets import Lot, Movement, Pockets, lots_left


class BillingWallet(models.Model):
    """Money in and out of wallets: each way is a method, each ends in ``_book``."""

    _inherit = "billing.wallet"

    # === WAYS === #

    def _credit(self, amount, reason: str, **values):
        """Add paid money.

        :param values: further columns of the transaction, a ``source_key`` among them where the
            same money must not come twice
        :return: the new ``billing.wallet.transaction``; empty where its source was booked already
        """
        self.ensure_one()
        return self._book_one("credit", amount, reason, **values)

    def _grant(self, amount, reason: str, expiry_date: date | None = None, **values):
        """Add granted money, which can be spent up to a day and is spent first."""
        self.ensure_one()
        today = self.company_id._billing_today()
        if expiry_date and expiry_date < today:
            raise UserError(self.env._("Granted money must be valid until today or a later day."))
        return self._book_one("grant", amount, reason, expiry_date=expiry_date, **values)

    def _reimburse(self, amount, reason: str, **values):
        """Take paid money out, to give it back to the customer."""
        self.ensure_one()
        return self._book_one("reimburse", -self._positive(amount), reason, **values)

    def _transfer(self, target, amount, reason: str):
        """Move paid money to another wallet of the same company and currency.

        :return: the two new transactions
        """
        self.ensure_one()
        target.ensure_one()
        if target == self:
            raise UserError(self.env._("Choose another wallet to transfer to."))
        if (target.company_id, target.currency_id) != (self.company_id, self.currency_id):
            raise UserError(
                self.env._(
                    "Money is transferred between wallets of the same company and currency:"
                    " %(wallet)s is in %(currency)s of %(company)s.",
                    wallet=target.display_name,
                    currency=target.currency_id.name,
                    company=target.company_id.name,
                )
            )
        amount = self._positive(amount)
        reason = self._needed(reason)
        key = f"transfer:{uuid.uuid4().hex}"
        shared = {"kind": "transfer", "reason": reason}
        out = {"wallet_id": self.id, "amount": -amount, "other_wallet_id": target.id}
        into = {"wallet_id": target.id, "amount": amount, "other_wallet_id": self.id}
        return self.env["billing.wallet.transaction"]._book(
            [
                {**shared, **out, "source_key": f"{key}:out"},
                {**shared, **into, "source_key": f"{key}:in"},
            ]
        )

    def _book_one(self, kind: str, amount, reason: str, **values):
        amount = to_decimal(amount)
        if kind in ("credit", "grant"):
            amount = self._positive(amount)
        return self.env["billing.wallet.transaction"]._book(
            [
                {
                    "source_key": f"manual:{uuid.uuid4().hex}",
                    **values,
                    "wallet_id": self.id,
                    "kind": kind,
                    "amount": amount,
                    "reason": self._needed(reason),
                }
            ]
        )

    @api.model
    def _positive(self, amount) -> Decimal:
        amount = to_decimal(amount)
        if not amount.is_finite() or amount <= 0:
            raise UserError(self.env._("The amount must be more than zero."))
        return amount

    @api.model
    def _needed(self, reason: str) -> str:
        if not (reason or "").strip():
            raise UserError(self.env._("Say why: what is booked by hand needs a reason."))
        return reason.strip()

    # === WHAT A WALLET HOLDS === #

    def _lock_balances(self) -> dict[int, Pockets]:
        """Lock wallets in the order of their ids and return ``{id: what it holds}``.

        Whoever books on them meanwhile waits, or starts again.
        """
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                "SELECT id, balance, granted_balance FROM billing_wallet WHERE id = ANY(%s)"
                " ORDER BY id FOR NO KEY UPDATE",
                sorted(self.ids),
            )
        )
        found = {row[0]: Pockets(*map(to_decimal, row[1:])) for row in self.env.cr.fetchall()}
        names = ("balance", "granted_balance", "paid_balance", "available", "state")
        self.invalidate_recordset(names)
        return found

    def _pockets(self) -> Pockets:
        """Return what the wallet holds."""
        self.ensure_one()
        return Pockets(to_decimal(self.balance), to_decimal(self.granted_balance))

    def _check_booking(self, kind: str, amount: Decimal, before: Pockets, after: Pockets):
        """Check that a transaction may be booked.

        :raise UserError: saying what stands against it
        """
        self.ensure_one()
        if amount >= 0:
            return
        money = self.currency_id.format
        if self.state == "locked" and kind not in ("expiry", "void"):
            raise UserError(
                self.env._(
                    "Wallet %(wallet)s is locked (%(reason)s). Unlock it first.",
                    wallet=self.display_name,
                    reason=self.lock_reason,
                )
            )
        if kind in ("reimburse", "transfer") and -amount > before.paid:
            raise UserError(
                self.env._(
                    "Wallet %(wallet)s holds %(paid)s of paid money: %(amount)s cannot be taken"
                    " out. Granted money is for services only.",
                    wallet=self.display_name,
                    paid=money(float(max(before.paid, Decimal(0)))),
                    amount=money(float(-amount)),
                )
            )
        if after.balance + to_decimal(self.credit_limit) < 0:
            raise UserError(
                self.env._(
                    "Wallet %(wallet)s holds %(balance)s: %(amount)s would take it below its"
                    " credit limit of %(limit)s.",
                    wallet=self.display_name,
                    balance=money(float(before.balance)),
                    amount=money(float(-amount)),
                    limit=money(self.credit_limit),
                )
            )

    # === GRANTS === #

    def _lots(self) -> dict[int, dict[int, Lot]]:
        """Return ``{wallet id: {grant id: what is left of it}}``."""
        movements: dict[int, list[Movement]] = {}
        self.env.cr.execute(
            SQL(
                """
                SELECT wallet_id, id, kind, granted_amount, expiry_date,
                       COALESCE(grant_id, voided_id), voided_id
                  FROM billing_wallet_transaction
                 WHERE wallet_id = ANY(%s)
                   AND granted_amount <> 0
              ORDER BY wallet_id, id
                """,
                self.ids,
            )
        )
        for wallet_id, number, kind, granted, *rest in self.env.cr.fetchall():
            movement = Movement(number, kind, to_decimal(granted), *rest)
            movements.setdefault(wallet_id, []).append(movement)
        return {wallet_id: lots_left(rows) for wallet_id, rows in movements.items()}

    @api.model
    def _cron_expire(self):
        """Take what is left of grants whose last day is over, company by company."""
        for (company,) in self._read_group([("granted_balance", ">", 0)], ["company_id"]):
            self.with_company(company)._expire(company, company._billing_today())

    @api.model
    def _expire(self, company, today: date):
        """Book the expiry of what is left of a company's grants that were valid before ``today``.

        :return: the new transactions
        """
        self.env.cr.execute(
            SQL(
                """
                SELECT DISTINCT grants.wallet_id
                  FROM billing_wallet_transaction AS grants
                  JOIN billing_wallet AS wallet ON wallet.id = grants.wallet_id
                 WHERE grants.kind = 'grant'
                   AND grants.expiry_date < %s
                   AND wallet.granted_balance > 0
                   AND wallet.company_id = %s
              ORDER BY grants.wallet_id
                """,
                today,
                company.id,
            )
        )
        wallets = self.browse([wallet_id for (wallet_id,) in self.env.cr.fetchall()])
        wallets._lock_balances()
        over = [
            (wallet_id, grant_id, lot.left)
            for wallet_id, lots in wallets._lots().items()
            for grant_id, lot in lots.items()
            if lot.expiry and lot.expiry < today and lot.left > 0
        ]
        transactions = self.env["billing.wallet.transaction"]
        # What comes back to a grant whose time is over ends once more.
        times = dict(
            transactions._read_group(
                [("grant_id", "in", [grant_id for _wallet_id, grant_id, _left in over])],
                ["grant_id"],
                ["__count"],
            )
        )
        return transactions._book(
            [
                {
                    "wallet_id": wallet_id,
                    "kind": "expiry",
                    "amount": -left,
                    "granted": -left,
                    "grant_id": grant_id,
                    "date": today,
                    "source_key": f"expiry:{grant_id}:{times.get(transactions.browse(grant_id), 0)}",
                }
                for wallet_id, grant_id, left in over
            ]
        )

    def _void_grant_problem(self, grant) -> str:
        """Return why a grant cannot be taken back: some of it was spent."""
        self.ensure_one()
        lot = self._lots().get(self.id, {}).get(grant.id)
        if lot and lot.left == to_decimal(grant.granted_amount) == to_decimal(grant.amount):
            return ""
        return self.env._("%s was spent, in part or whole, and cannot be taken back.", grant.name)
