from odoo import models
from odoo.tools import SQL
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from ..invoicing.prices import included_taxes
from .step import Step

_lt = LazyTranslate(__name__)


class TieOut(Step):
    """Charges, invoice lines and journal items agree."""

    code = "tie_out"
    title = _lt("Tie-out")
    phase = "post"
    place = 80
    needs_documents = True

    def show(self, run, before):
        rows = run._tie_out()
        bad = [row for row in rows if row["difference"] and not row["reason"]]
        text = [
            [
                row["currency"].name,
                row["account"].display_name,
                ", ".join(row["taxes"].mapped("name")),
                row["currency"].format(row["charges"]),
                row["currency"].format(row["lines"]),
                row["currency"].format(row["items"]),
                row["reason"]
                or (row["currency"].format(row["difference"]) if row["difference"] else ""),
            ]
            for row in rows
        ]
        head = [
            run.env._("Currency"),
            run.env._("Account"),
            run.env._("Tax"),
            run.env._("Charges"),
            run.env._("Invoice Lines"),
            run.env._("Journal Items"),
            run.env._("Difference"),
        ]
        return {
            "state": "problem" if bad else "done",
            "sentence": run.env._("Charges, invoice lines and journal items differ.")
            if bad
            else run.env._("Charges, invoice lines and journal items agree."),
            "table": {"head": head, "rows": text, "labels": 3} if text else None,
            "links": [
                {
                    "label": plural(
                        len(bad),
                        run.env._("difference to look at"),
                        run.env._("differences to look at"),
                    ),
                    "count": len(bad),
                    "method": "action_view_tie_out_differences",
                }
            ]
            if bad
            else [],
        }


class BillingRun(models.Model):
    """Tie-out: charges = invoice lines = journal items, by currency, account and tax."""

    _inherit = "billing.run"

    def _tie_out(self, kind=None):
        """Return the three-way comparison of a run, one row per currency, account and tax.

        A charge, as the customer's fiscal position has it, is compared with its line's
        amount with the taxes that the price includes. Bills that were undone are out.

        :param str kind: of charges whose lines alone are compared; None for all
        :return: list of dicts: ``currency``, ``account``, ``taxes`` (records),
            ``charges``, ``lines``, ``items`` (amounts in the currency),
            ``difference`` and ``reason`` (named, hence no error) or None
        """
        self.ensure_one()
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.currency_id, line.account_id, tax.ids,
                       move.billing_replaces_id IS NOT NULL,
                       SUM(COALESCE(charge.amount, 0)),
                       SUM(document.sign * line.price_total),
                       SUM(document.sign * line.price_subtotal),
                       SUM(CASE document.sign WHEN 0 THEN 0 ELSE -line.amount_currency END),
                       COUNT(*), COUNT(charge.amount)
                  FROM %s
                  LEFT JOIN LATERAL (
                       SELECT SUM(COALESCE(document_amount, amount)) AS amount
                         FROM billing_charge
                        WHERE move_line_id = line.id
                          AND state IN ('invoiced', 'waived')) charge ON TRUE
                 GROUP BY 1, 2, 3, 4
                """,
                self._documents_sql(kind),
            )
        )
        return [self._tie_out_row(kind, *row) for row in rows]

    def _documents_sql(self, kind=None):
        """Return the FROM part of a query of the run's invoice ``line`` with the ids of its
        ``tax`` and the sign of its ``document``. Of what somebody credited and replaced, the
        replacement counts.

        :param str kind: of charges; lines of others are left out
        """
        of_kind = SQL()
        if kind:
            of_kind = SQL(
                "AND EXISTS (SELECT 1 FROM billing_charge of_kind"
                " WHERE of_kind.move_line_id = line.id AND of_kind.kind = %s)",
                kind,
            )
        return SQL(
            """
            (SELECT id FROM billing_bill WHERE run_id = %s AND state IN %s) bill
              JOIN account_move move
                ON move.billing_bill_id = bill.id AND move.reversed_entry_id IS NULL
               AND NOT EXISTS (SELECT 1 FROM account_move later
                                WHERE later.billing_replaces_id = move.id
                                  AND later.billing_bill_id = bill.id
                                  AND later.state <> 'cancel')
              -- Somebody cancelled an invoice: its charges are there, it is not.
              JOIN LATERAL (
                   SELECT CASE WHEN move.state = 'cancel' THEN 0
                               WHEN move.move_type = 'out_refund' THEN -1
                               ELSE 1 END AS sign) document ON TRUE
              JOIN account_move_line line
                ON line.move_id = move.id AND line.display_type = 'product' %s
              LEFT JOIN LATERAL (
                   SELECT array_agg(account_tax_id ORDER BY account_tax_id) AS ids
                     FROM account_move_line_account_tax_rel rel
                    WHERE rel.account_move_line_id = line.id) tax ON TRUE
            """,
            self.id,
            (*self._stages().document_states, "error"),
            of_kind,
        )

    def _tie_out_row(self, kind, currency, account, tax_ids, replaced, *figures):
        charges, total, net, items, line_count, charged_count = figures
        currency = self.env["res.currency"].browse(currency)
        account = self.env["account.account"].browse(account)
        taxes = self.env["account.tax"].browse(tax_ids or [])
        included = set(taxes.flatten_taxes_hierarchy().mapped("price_include"))
        if included == {True}:
            lines = float(total)
        elif True in included:
            lines = float(net) + self._included_taxes(kind, currency, account, taxes, replaced)
        else:
            lines = float(net)
        difference = currency.round(float(charges) - lines)
        booked = currency.round(float(net - items))
        reason = None
        if replaced and (difference or booked):
            reason = self.env._("Replaced by hand.")
        elif charged_count == line_count and (difference or booked):
            reason = self._tie_out_reason(
                currency, line_count, True in included, difference, booked
            )
        return {
            "currency": currency,
            "account": account,
            "taxes": taxes,
            "charges": float(charges),
            "lines": lines,
            "items": lines - float(net - items),
            "difference": difference or booked,
            "reason": reason,
        }

    def _included_taxes(self, kind, currency, account, taxes, replaced):
        """Return what the lines' prices include of ``taxes``, others of which come on top.

        The ledger keeps the lines' taxes in one sum: Odoo works them out again, once for lines
        that are alike.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.product_id, line.quantity, line.price_unit, line.discount,
                       SUM(document.sign)
                  FROM %s
                 WHERE line.currency_id = %s AND line.account_id = %s AND tax.ids = %s::int[]
                   AND (move.billing_replaces_id IS NOT NULL) = %s
                 GROUP BY 1, 2, 3, 4
                """,
                self._documents_sql(kind),
                currency.id,
                account.id,
                sorted(taxes.ids),
                replaced,
            )
        )
        total = 0.0
        for product_id, quantity, price, discount, count in rows:
            details = taxes._get_tax_details(
                float(price) * (1 - float(discount or 0.0) / 100.0),
                float(quantity),
                precision_rounding=currency.rounding,
                rounding_method=self.company_id.tax_calculation_rounding_method,
                product=self.env["product.product"].browse(product_id or ()),
            )
            net = details["total_excluded"]
            price_with_tax = currency.round(net + included_taxes(details))
            total += count * (price_with_tax - currency.round(net))
        return total

    def _tie_out_reason(self, currency, line_count, includes_tax, difference, booked):
        """Return why a row does not tie where that is no error, or None.

        A company that rounds per document books cents on other lines than those that
        they came from.
        """
        if self.company_id.tax_calculation_rounding_method != "round_globally":
            return None
        slack = currency.round(line_count * currency.rounding)
        if abs(booked) <= slack and abs(difference) <= (slack if includes_tax else 0.0):
            return self.env._("Amounts are rounded per document.")
        return None

    def _tie_out_differences(self):
        """Return the rows of the tie-out that do not tie and have no named reason."""
        return [
            row
            for row in self._tie_out()
            if not row["currency"].is_zero(row["difference"]) and not row["reason"]
        ]

    def action_view_tie_out_differences(self):
        """Open the journal items behind the rows that do not tie."""
        self.ensure_one()
        self.check_access("read")
        rows = self._tie_out_differences()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Journal Items That Do Not Tie"),
            "res_model": "account.move.line",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": [
                ("move_id.billing_bill_id.run_id", "=", self.id),
                ("display_type", "=", "product"),
                ("account_id", "in", [row["account"].id for row in rows]),
                ("currency_id", "in", [row["currency"].id for row in rows]),
            ],
            "context": {"create": False},
        }
