import json
from collections import defaultdict
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_date

from .collecting import group_key

COLUMNS = (
    *("kind", "charge_id", "move_line_id", "service_id", "partner_id", "product_id"),
    *("account_id", "currency_id", "analytic_distribution", "period_start", "period_end", "days"),
    *("counted_days", "net_amount", "counted_amount", "balance", "usage_class_id", "call_count"),
)


class BillingClosing(models.Model):
    """Counting, posting, checking and undoing a month-end."""

    _inherit = "billing.closing"

    # === COUNTING === #

    def _count(self):
        """Write the lines of a draft anew, in one statement."""
        self.ensure_one()
        self._check_over()
        rows = self._collect()
        self._forget_lines()
        if rows:
            self._insert_lines(rows)
        self._own().write({"counted_date": fields.Datetime.now()})

    def _insert_lines(self, rows: list[dict]):
        model = self.env["billing.closing.line"]
        values = [
            row
            | {
                "analytic_distribution": row["analytic"] and _json(row["analytic"]),
                "net_amount": row["net"],
                "counted_amount": row["counted"],
            }
            for row in rows
        ]
        arrays = [
            SQL(
                "%s::%s[]",
                [row.get(name) for row in values],
                SQL(model._fields[name].column_type[1]),  # pylint: disable=sql-injection
            )
            for name in COLUMNS
        ]
        names = SQL(", ").join(map(SQL.identifier, COLUMNS))
        self.env.cr.execute(
            SQL(
                "INSERT INTO billing_closing_line (closing_id, company_id, create_uid, create_date,"
                " write_uid, write_date, %s) SELECT %s, %s, %s, %s, %s, %s, %s"
                " FROM unnest(%s) AS row (%s)",
                names,
                self.id,
                self.company_id.id,
                self.env.uid,
                self.env.cr.now(),
                self.env.uid,
                self.env.cr.now(),
                SQL(", ").join(SQL("row.%s", SQL.identifier(name)) for name in COLUMNS),
                SQL(", ").join(arrays),
                names,
            )
        )
        model.invalidate_model()
        self.invalidate_recordset()

    def _check_over(self):
        if self.date_end >= self.company_id._billing_today():
            raise UserError(
                self.env._("%s is not over yet. Close it from its end on.", self.display_name)
            )

    def _check_account(self, account, product) -> int:
        if not account:
            raise UserError(
                self.env._(
                    "Product %s has no income account. Set it on the product or its category.",
                    product.display_name,
                )
            )
        return account.id

    # === POSTING === #

    def _post(self):
        """draft → posted: post one entry of what is earned and one of what is invoiced ahead, and
        their reversals."""
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self._to_move("posted")
        self._check_settings()
        self._check_unlocked()
        groups = self._groups()
        company = self.company_id
        sides = {
            "accrual": (company.billing_accrued_account_id, self.env._("Earned, not invoiced")),
            "deferral": (company.billing_deferred_account_id, self.env._("Invoiced ahead")),
        }
        for side, (account, text) in sides.items():
            mine = {key: lines for key, lines in groups.items() if key[0] == side}
            if mine:
                self._post_side(mine, account, text)
        self._set_state("posted")

    def _groups(self) -> dict:
        """Return ``{what a journal item stands for: lines}``."""
        groups = defaultdict(lambda: self.env["billing.closing.line"])
        ids = defaultdict(list)
        for line in self.line_ids:
            row = {
                "kind": line.kind,
                "account_id": line.account_id.id,
                "currency_id": line.currency_id.id,
                "analytic": line.analytic_distribution,
            }
            ids[group_key(row)].append(line.id)
        for key, some in ids.items():
            groups[key] = groups.default_factory().browse(some)
        return groups

    def _post_side(self, groups: dict, account, text: str):
        """Post one entry and its reversal. Items of income are as many as there are accounts,
        currencies and analytic distributions; each knows its lines."""
        items, counter = [], defaultdict(lambda: [0.0, 0.0])
        for (side, account_id, currency_id, _analytic), lines in groups.items():
            sign = 1 if side == "deferral" else -1
            currency = self.env["res.currency"].browse(currency_id)
            amount = currency.round(sign * sum(lines.mapped("counted_amount")))
            balance = self.currency_id.round(sign * sum(lines.mapped("balance")))
            items.append(
                {
                    "name": text,
                    "account_id": account_id,
                    "currency_id": currency_id,
                    "amount_currency": amount,
                    "balance": balance,
                    "analytic_distribution": lines[0].analytic_distribution or False,
                    "tax_ids": [Command.clear()],
                }
            )
            counter[currency_id][0] -= amount
            counter[currency_id][1] -= balance
        others = [
            {
                "name": text,
                "account_id": account.id,
                "currency_id": currency_id,
                "amount_currency": amount,
                "balance": self.currency_id.round(balance),
                "analytic_distribution": False,
            }
            for currency_id, (amount, balance) in counter.items()
        ]
        company = self.company_id
        move = (
            self.env["account.move"]
            .with_company(company)
            .with_context(skip_invoice_sync=True)
            .create(
                {
                    "move_type": "entry",
                    "journal_id": company.billing_closing_journal_id.id,
                    "date": self.date_end,
                    "ref": f"{text}: {self.display_name}",
                    "line_ids": [Command.create(item) for item in items + others],
                    "billing_closing_id": self.id,
                }
            )
        )
        for item, lines in zip(move.line_ids.sorted("id"), groups.values(), strict=False):
            self._link(lines, item)
        move.action_post()
        back = move._reverse_moves(
            [
                {
                    "ref": self.env._("Reversal of: %s", move.ref),
                    "name": "/",
                    "date": self._boundary(),
                    "billing_closing_id": self.id,
                }
            ]
        )
        back._post()
        self._check_dates(move, back)

    def _link(self, lines, item):
        """Have each line know the journal item that it is a part of."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE billing_closing_line SET item_id = %s WHERE id = ANY(%s)",
                item.id,
                lines.ids,
            )
        )
        lines.invalidate_recordset(["item_id"])

    def _check_dates(self, move, back):
        """Odoo moves what falls into a locked period to another day; a month-end must not."""
        if move.date != self.date_end or back.date != self._boundary():
            self._refuse_locked(self.date_end if move.date != self.date_end else self._boundary())

    def _check_settings(self):
        names = (
            "billing_accrued_account_id",
            "billing_deferred_account_id",
            "billing_closing_journal_id",
        )
        company = self.company_id
        missing = [
            company._fields[name]._description_string(self.env)
            for name in names
            if not company[name]
        ]
        if missing:
            raise UserError(
                self.env._(
                    "For month-ends of %(company)s choose %(fields)s in Settings → Billing →"
                    " Month-End.",
                    company=company.name,
                    fields=", ".join(missing),
                )
            )

    def _check_unlocked(self):
        """Refuse to post into locked days."""
        journal = self.company_id.billing_closing_journal_id
        for day in (self.date_end, self._boundary()):
            if self.company_id._get_violated_lock_dates(day, False, journal):
                self._refuse_locked(day)

    def _refuse_locked(self, day):
        raise UserError(
            self.env._(
                "%s lies in a locked period. Unlock it in Accounting, or leave this month as it is.",
                format_date(self.env, day),
            )
        )

    # === CHECKING === #

    def _totals(self, rows: list[dict]) -> dict:
        """Return ``{what a journal item stands for: (amount, balance)}`` of rows."""
        totals = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for row in rows:
            total = totals[group_key(row)]
            total[0] += row["counted"]
            total[1] += row["balance"]
        return {key: tuple(map(float, total)) for key, total in totals.items()}

    def _posted_totals(self) -> dict:
        return {
            key: (
                lines.currency_id.round(sum(lines.mapped("counted_amount"))),
                self.currency_id.round(sum(lines.mapped("balance"))),
            )
            for key, lines in self._groups().items()
        }

    def _differences(self) -> list[str]:
        """Return what a posted month-end would come to by now where that differs, in words."""
        self.ensure_one()
        before, after = self._posted_totals(), self._totals(self._collect())
        texts = []
        for key in sorted(before.keys() | after.keys(), key=str):
            side, account_id, currency_id, _analytic = key
            currency = self.env["res.currency"].browse(currency_id)
            (old, old_balance), (new, new_balance) = (
                totals.get(key, (0.0, 0.0)) for totals in (before, after)
            )
            if not currency.compare_amounts(old, new) and not self.currency_id.compare_amounts(
                old_balance, new_balance
            ):
                continue
            account = self.env["account.account"].browse(account_id)
            texts.append(
                self.env._(
                    "%(side)s, %(account)s: %(old)s → %(new)s",
                    side=self.env._("Invoiced ahead")
                    if side == "deferral"
                    else self.env._("Earned, not invoiced"),
                    account=account.display_name,
                    old=currency.format(old),
                    new=currency.format(new),
                )
            )
        return texts

    # === UNDOING === #

    def _undo(self):
        """posted → undone: reverse each entry and each reversal on its own day. Those that are still
        drafts are deleted."""
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self._to_move("undone")
        self._check_unlocked()
        waiting = self.move_ids.filtered(lambda move: move.state == "draft")
        posted = self.move_ids.filtered(lambda move: move.state == "posted")
        waiting.unlink()
        back = posted._reverse_moves(
            [
                {
                    "ref": self.env._("Undone: %s", move.ref),
                    "name": "/",
                    "date": move.date,
                    "billing_closing_id": self.id,
                }
                for move in posted
            ]
        )
        back._post(soft=False)
        for move, other in zip(posted, back, strict=True):
            if move.date != other.date:
                self._refuse_locked(move.date)
        self._set_state("undone")
        # The month is free for another one.
        self.flush_recordset(["state"])

    def _replace(self):
        """Undo this month-end and post the month anew."""
        self.ensure_one()
        self._undo()
        new = self.create([{"company_id": self.company_id.id, "month": self.month}])
        new._count()
        new._post()
        self._own().write({"replaced_by_id": new.id})
        return new

    # === QUESTIONS === #

    def _post_question(self) -> str:
        """Return what posting means, in figures, for the dialog that asks first."""
        self.ensure_one()
        self._check_manager()
        if self.state != "draft":
            raise UserError(self.env._("%s is posted already.", self.display_name))
        self._check_settings()
        self._check_unlocked()
        self._count()
        return self.env._(
            "Post the month-end of %(month)s? Earned, not invoiced: %(accrued)s. Invoiced ahead:"
            " %(deferred)s. Lines: %(lines)s. The entries are dated %(end)s and reversed on %(next)s.",
            month=self.display_name,
            accrued=self.currency_id.format(self.accrued_amount),
            deferred=self.currency_id.format(self.deferred_amount),
            lines=self.line_count,
            end=format_date(self.env, self.date_end),
            next=format_date(self.env, self._boundary()),
        )

    def _undo_question(self) -> str:
        self.ensure_one()
        self._check_manager()
        return self.env._(
            "Undo the month-end of %(month)s? Its entries (earned, not invoiced: %(accrued)s; invoiced"
            " ahead: %(deferred)s) and their reversals are reversed on their own days.",
            month=self.display_name,
            accrued=self.currency_id.format(self.accrued_amount),
            deferred=self.currency_id.format(self.deferred_amount),
        )

    def _replace_question(self) -> str:
        self.ensure_one()
        return "\n".join(
            [
                self.env._("Since %s was posted, its figures have changed:", self.display_name),
                *self._differences(),
                self.env._("Reverse its entries and post it anew?"),
            ]
        )


def _json(value: dict) -> str:
    return json.dumps(value)
