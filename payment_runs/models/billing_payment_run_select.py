from collections import defaultdict

from psycopg2.extras import Json

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.texts import plural
from ..accounts import iban_problem, needs_address
from ..netting import Credit, Item, net, to_units
from ..sequences import sequence_types
from ..sets import values_of
from .billing_payment_line import LIVE_STATES

COLUMNS = (
    *("run_id", "company_id", "method", "partner_id", "move_line_id", "move_id", "due_date"),
    *("currency_id", "amount", "credited", "mandate_id", "sequence_type", "collection_date"),
    *("token_id", "state", "error_code", "mandate_before"),
    *("create_uid", "create_date", "write_uid", "write_date"),
)
ITEM_FIELDS = (
    *("partner_id", "move_id", "date_maturity", "amount_residual_currency"),
    "move_type",
)


class BillingPaymentRun(models.Model):
    """What a run collects: open receivables less credits, with the mandates of their customers."""

    _inherit = "billing.payment.run"

    def _select(self):
        """Put what can be collected, and what is left out and why, in the place of the lines."""
        self.ensure_one()
        by_hand = self.line_ids.filtered(lambda line: line.error_code == "by_hand").move_line_id.ids
        self.line_ids.sudo().unlink()
        items, credits = self._open_items()
        left, _pairs = net(items, credits)
        rows = self._with_means(self._rows(items, left, set(by_hand)))
        self._insert_lines(rows)
        self._own().write({"problem": False})
        return rows

    # === WHAT IS OPEN === #

    def _customers(self):
        """Return the customers whose invoices the run may collect, whatever holds them back."""
        self.ensure_one()
        partners = self.env["res.partner"].with_company(self.company_id)
        domain = Domain("billing_payment_preference", "=", self.method)
        domain &= Domain("parent_id", "=", False)
        # A limit of which nothing is left collects from nobody.
        if (limit := self._limit_records("partner_ids")) is not None:
            domain &= Domain("id", "in", limit.commercial_partner_id.ids)
        return partners.with_context(active_test=False).search(domain)

    def _receivable_domain(self, customers):
        return Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("parent_state", "=", "posted"),
                ("account_type", "=", "asset_receivable"),
                ("reconciled", "=", False),
                ("partner_id", "in", customers.ids),
            ]
        )

    def _item_domain(self):
        """Return the domain of the receivable lines that the run's limits let through."""
        domain = Domain("move_type", "=", "out_invoice")
        domain &= Domain("amount_residual_currency", ">", 0)
        if self.minimum_invoice_date:
            domain &= Domain("move_id.invoice_date", ">=", self.minimum_invoice_date)
        if self.due_date_to:
            domain &= Domain("date_maturity", "<=", self.due_date_to)
        if self.billing_run_id:
            domain &= Domain("move_id.billing_bill_id.run_id", "=", self.billing_run_id.id)
        return domain

    def _open_items(self, line_ids=None, customers=None):
        """Return ``(items, credits)`` of the customers.

        :param line_ids: only these receivable lines, instead of those that the limits let through
        :param customers: only these of the run's customers
        """
        lines = self.env["account.move.line"].with_company(self.company_id).sudo()
        places = self.currency_id.decimal_places
        if line_ids is None:
            if customers is None:
                customers = self._customers()
            mine = self._receivable_domain(customers) & self._item_domain()
        else:
            mine = Domain("id", "in", line_ids) & Domain("reconciled", "=", False)
            mine &= Domain("parent_state", "=", "posted")
        found = lines.search_fetch(mine, ITEM_FIELDS, order="id")
        open_lines = self._receivable_domain(found.partner_id)
        credits = lines.search_fetch(
            open_lines & Domain("amount_residual_currency", "<", 0),
            ["partner_id", "amount_residual_currency"],
        )
        return (
            [
                Item(
                    line.id,
                    line.partner_id.id,
                    line.date_maturity or line.date,
                    to_units(line.amount_residual_currency, places),
                )
                for line in found
                if line.amount_residual_currency > 0
            ],
            [
                Credit(
                    line.id, line.partner_id.id, to_units(-line.amount_residual_currency, places)
                )
                for line in credits
            ],
        )

    # === LINES === #

    def _rows(self, items, left, by_hand):
        """Return the values of a line for each item, in order of customers."""
        elsewhere = self._elsewhere([item.id for item in items])
        partners = self.env["res.partner"].browse({item.customer for item in items})
        held = partners.with_company(self.company_id)._held_from_collection(self.collection_date)
        moves = {
            line.id: line.move_id.id
            for line in self.env["account.move.line"].sudo().browse([item.id for item in items])
        }
        scale = 10**self.currency_id.decimal_places
        minimum = max(1, to_units(self.minimum_amount, self.currency_id.decimal_places))
        rows = []
        for item in sorted(items, key=lambda item: (item.customer, item.due, item.id)):
            code = None
            if item.id in elsewhere:
                code = "elsewhere"
            elif item.customer in held:
                code = "hold"
            elif item.id in by_hand:
                code = "by_hand"
            elif not left[item.id]:
                code = "covered"
            elif left[item.id] < minimum:
                code = "small"
            rows.append(
                {
                    "run_id": self.id,
                    "company_id": self.company_id.id,
                    "method": self.method,
                    "partner_id": item.customer,
                    "move_line_id": item.id,
                    "move_id": moves[item.id],
                    "due_date": item.due,
                    "currency_id": self.currency_id.id,
                    "amount": left[item.id] / scale,
                    "credited": (item.units - left[item.id]) / scale,
                    "mandate_id": None,
                    "sequence_type": None,
                    "token_id": None,
                    "collection_date": self.collection_date,
                    "state": "excluded" if code else "draft",
                    "error_code": code,
                    "mandate_before": None,
                }
            )
        return rows

    def _elsewhere(self, line_ids):
        """Return those of the receivable lines that another run is collecting."""
        lines = self.env["billing.payment.line"].sudo()
        found = lines.search_fetch(
            Domain("move_line_id", "in", line_ids)
            & Domain("state", "in", LIVE_STATES)
            & Domain("run_id", "!=", self.id),
            ["move_line_id"],
        )
        return set(found.move_line_id.ids)

    def _with_means(self, rows):
        """Give each line that is to be collected what it is collected with, or say why not."""
        return self._with_cards(rows) if self.method == "card" else self._with_mandates(rows)

    def _with_mandates(self, rows):
        """Give each line that is to be collected its mandate and sequence type, or say why not."""
        todo = defaultdict(list)
        for row in rows:
            if row["state"] == "draft":
                todo[row["partner_id"]].append(row)
        mandates = self.env["billing.mandate"].with_company(self.company_id).sudo()
        usable = mandates._usable(self.env["res.partner"].browse(todo), self.collection_date)
        for customer, lines in todo.items():
            mandate = usable.get(customer)
            code = self._mandate_problem(mandate)
            types = [None] * len(lines)
            if not code:
                types = sequence_types(
                    mandate.kind, mandate.collection_count, mandate.is_last, len(lines)
                )
            for row, kind in zip(lines, types, strict=True):
                row["mandate_id"] = mandate.id if mandate else None
                row["sequence_type"] = kind or None
                reason = code or (None if kind else "one_off")
                if reason:
                    row.update(state="excluded", error_code=reason)
        return rows

    @staticmethod
    def _mandate_problem(mandate):
        """Return why a mandate cannot be collected with, None where it can."""
        if not mandate:
            return "no_mandate"
        if iban_problem(mandate.iban) or not mandate.partner_bank_id.active:
            return "account"
        partner = mandate.partner_id
        if needs_address(mandate.iban) and not (partner.city and partner.country_id):
            return "address"
        return None

    def _insert_lines(self, rows):
        """Write lines with one statement; those of twenty thousand invoices are one page of a
        second's work."""
        self.env.flush_all()
        now, uid = fields.Datetime.now(), self.env.uid
        marks = {"create_uid": uid, "create_date": now, "write_uid": uid, "write_date": now}
        values = [
            tuple(
                Json(value) if name == "mandate_before" and value else value
                for name, value in ((name, {**row, **marks}[name]) for name in COLUMNS)
            )
            for row in rows
        ]
        columns = SQL(", ").join(map(SQL.identifier, COLUMNS))
        for some in values_of(values):
            self.env.cr.execute(
                SQL("INSERT INTO billing_payment_line (%s) VALUES %s", columns, some)
            )
        self.env["billing.payment.line"].invalidate_model()
        self.invalidate_recordset(["line_ids"])

    # === CONFIRMING === #

    def _confirm(self):
        """Fix the lines, and have the customers told."""
        self.ensure_one()
        self._check_ready()
        self._confirm_lines(self._lock_lines("draft"))
        self._finish_confirm()

    def _check_ready(self):
        """Check that the run could be collected on its day.

        :raise UserError: saying what is in the way
        """
        self.ensure_one()
        self._check_dates()
        if self.method == "card":
            self._check_providers()
        else:
            self._check_creditor()

    def _confirm_lines(self, lines):
        """Fix lines that are locked; those that another run collects, or whose invoice is no more
        what it was, are left out."""
        self.ensure_one()
        taken = self._elsewhere(lines.move_line_id.ids)
        late = lines.filtered(lambda line: line.move_line_id.id in taken)
        late._set_state("excluded", {"error_code": "elsewhere"})
        gone = (lines - late).filtered(
            lambda line: not line.move_line_id or line.move_id.state != "posted"
        )
        gone._set_state("excluded", {"error_code": "changed"})
        lines -= late | gone
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE billing_payment_line SET state = 'confirmed', reference = %s || '-' || id,"
            " collection_date = %s WHERE id = ANY(%s)",
            [self.number, self.collection_date, lines.ids],
        )
        lines.invalidate_recordset()
        return lines

    def _finish_confirm(self):
        """Confirm the run whose lines are, and have the customers told."""
        self.ensure_one()
        mine = Domain("run_id", "=", self.id) & Domain("state", "=", "confirmed")
        customers = self.env["billing.payment.line"]._read_group(mine, ["partner_id"])
        if not customers:
            raise UserError(
                self.env._(
                    "%s: there is nothing to collect. Select the invoices first.", self.number
                )
            )
        self._set_state("confirmed", {"problem": False})
        if self.method == "direct_debit" or self.company_id.sudo().billing_card_notice_days:
            self._enqueue_notices([partner.id for [partner] in customers])
        if self.date_text:
            self.message_post(body=self.date_text)

    def _lock_lines(self, state, line_ids=None):
        """Return the lines in a state, locked until the transaction ends.

        :param line_ids: only those of these
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM billing_payment_line WHERE run_id = %s AND state = %s %s"
                " ORDER BY id FOR UPDATE",
                self.id,
                state,
                SQL() if line_ids is None else SQL("AND id = ANY(%s)", list(line_ids)),
            )
        )
        return self.env["billing.payment.line"].browse(line_id for (line_id,) in rows)

    def _release_lines(self, state):
        """Take the lines out of their collection: back to ``draft``, or ``cancelled``."""
        self.ensure_one()
        sources = ("confirmed",) if state == "draft" else ("draft", "excluded", "confirmed")
        lines = self.env["billing.payment.line"].search(
            Domain("run_id", "=", self.id) & Domain("state", "in", sources)
        )
        told = lines.filtered("notice_date")
        lines._set_state(state, {"notice_date": False})
        if told:
            count = len(told.partner_id)
            self.message_post(
                body=plural(
                    count,
                    self.env._("1 customer was told of this collection already."),
                    self.env._("%s customers were told of this collection already.", count),
                )
            )
