from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError

from ..reason_codes import BLOCKING, FEE_CODES, reason_text
from .billing_payment_line import COLLECTED_STATES


class BillingPaymentLine(models.Model):
    """Collections that come back: the payment is reversed, the invoice is open again, and the mandate
    knows."""

    _inherit = "billing.payment.line"

    return_code = fields.Char(string="Code", readonly=True, copy=False)
    return_date = fields.Date(string="Came Back On", readonly=True, copy=False)
    return_move_id = fields.Many2one(
        "account.move", string="Reversal", readonly=True, copy=False, index="btree_not_null"
    )
    bank_fee = fields.Monetary(
        readonly=True, copy=False, help="What the bank took for it, apart from the amount."
    )

    def action_come_back(self):
        """Open the dialog for collections that came back without a message of the bank."""
        lines = self._as_user()
        wrong = lines.filtered(lambda line: not line._may_come_back())
        if wrong:
            raise UserError(
                self.env._(
                    "Only what was submitted can come back, not: %s.",
                    ", ".join(wrong.move_id.mapped("name")[:5]),
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Came Back"),
            "res_model": "billing.payment.return.hand",
            "view_mode": "form",
            "target": "new",
            "context": {"default_line_ids": lines.ids},
        }

    def _may_come_back(self):
        """Return whether the money was asked for: of cards, whether it was taken."""
        self.ensure_one()
        return self.state in (("done",) if self.method == "card" else COLLECTED_STATES)

    def _come_back(self, state, facts):
        """Take back collections that are not back yet.

        :param str state: ``rejected`` or ``returned``
        :param dict facts: ``{line id: {"code", "day", "text", "fee"}}``
        :return: the lines that came back now
        """
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT id FROM billing_payment_line WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [self.ids],
        )
        self.invalidate_recordset(["state", "payment_id"])
        lines = self.filtered(lambda line: line._may_come_back())
        by_hand = lines._reversed_by_hand()
        (lines - by_hand)._reverse_payments(facts)
        for line in lines:
            fact = facts[line.id]
            said = [reason_text(self.env, fact["code"]), fact["text"]]
            if line in by_hand:
                said.append(self.env._("the payment was reversed by hand before"))
            line._set_state(
                state,
                {
                    "return_code": fact["code"] or False,
                    "return_date": fact["day"],
                    "bank_fee": fact["fee"],
                    "message": ": ".join(filter(None, said)),
                },
            )
        lines._tell_mandates(state)
        lines._charge_return_fees()
        lines.run_id._end()
        return lines

    def _reversed_by_hand(self):
        """Return the lines whose payment somebody has reversed in the accounts already, and put its
        reversal on them: a second one would ask for the money twice."""
        reversed_lines = self.browse()
        for line in self:
            reversals = line.payment_id.move_id.reversal_move_ids.filtered(
                lambda move: move.state == "posted"
            )
            if reversals:
                line._own().write({"return_move_id": reversals[0].id})
                line.payment_id.write({"state": "rejected"})
                reversed_lines += line
        return reversed_lines

    def _reverse_payments(self, facts):
        """Post the opposite of each line's payment, which stays, and open its invoice again.

        What was received on the way to the bank is matched with its opposite only where the bank's
        statement has not taken it yet.
        """
        drawn_back = self.payment_id.move_id.filtered(lambda move: move.state == "draft")
        # A payment that somebody has set back stays matched with the invoice.
        drawn_back.line_ids.remove_move_reconcile()
        paid = self.filtered(lambda line: line.payment_id.move_id.state == "posted")
        if not paid:
            return
        moves = self.env["account.move"]
        reversals = moves.browse()
        for line in paid:
            move = line.payment_id.move_id
            values = {
                "date": facts[line.id]["day"],
                "ref": self.env._("Returned: %s", line.reference),
            }
            reversal = move._reverse_moves([values])
            line._own().write({"return_move_id": reversal.id})
            reversals += reversal
        reversals.action_post()
        received = moves.line_ids
        plan = []
        for line in paid:
            account = line.payment_id.destination_account_id
            for item in line.payment_id.move_id.line_ids:
                is_customers = item.account_id == account
                if is_customers:
                    received += item
                elif item.reconciled or not item.account_id.reconcile:
                    continue
                opposite = line.return_move_id.line_ids.filtered(
                    lambda other, item=item: other.account_id == item.account_id
                )
                plan.append(item + opposite)
        received.remove_move_reconcile()
        moves.line_ids._reconcile_plan(plan)
        paid.payment_id.write({"state": "rejected"})

    def _tell_mandates(self, state):
        """Undo the use of mandates whose collection the bank did not take, and block those whose
        return demands it."""
        debits = self.filtered("mandate_id")
        if state == "rejected":
            for line in debits:
                mandate = line.mandate_id
                values = dict(line.mandate_before or {})
                values["collection_count"] = max(0, mandate.collection_count - 1)
                mandate._own().write(values)
                if mandate.state == "ended":
                    mandate._set_state("active", {"ended_date": False})
        for code, lines in debits.grouped("return_code").items():
            if code in BLOCKING:
                lines.mandate_id._block(reason_text(self.env, code))

    def _charge_return_fees(self):
        """Charge the company's fee for returns that the customer answers for; the next bill has
        it."""
        charges = self.env["billing.charge"]
        rows = []
        for line in self.filtered(lambda line: line.return_code in FEE_CODES):
            company = line.company_id.sudo()
            product = company.billing_return_fee_product_id
            if not company.billing_return_fee or not product:
                continue
            row = charges._adjustment_row(
                line.partner_id,
                self.env["billing.service"],
                product,
                line.return_date,
                Decimal(str(company.billing_return_fee)),
                self.env._("Fee for a returned direct debit (%s)", line.move_id.name),
                self.env._("Returned: %s", line.reference),
            )
            rows.append(
                row
                | {
                    "company_id": company.id,
                    "currency_id": company.currency_id.id,
                    "source_key": f"return_fee:{line.id}",
                }
            )
        if rows:
            charges._insert_rows(rows)
