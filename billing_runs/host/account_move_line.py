from odoo import fields, models

from ..bills.by_run import is_by_run
from ..invoicing.prepared import current_preparation


class AccountMoveLine(models.Model):
    _name = "account.move.line"
    _inherit = ["account.move.line", "billing.prepared.mixin"]

    billing_charge_ids = fields.One2many(
        "billing.charge", "move_line_id", "Charges", readonly=True, copy=False
    )

    # What customers have paid since their last bill, however many items they have.
    _billing_paid_idx = models.Index(
        "(partner_id, account_id, company_id, currency_id) INCLUDE (amount_currency)"
        " WHERE parent_state = 'posted' AND (payment_id IS NOT NULL OR statement_line_id IS NOT NULL)"
    )

    # What customers owe, from the index alone.
    _billing_owed_idx = models.Index(
        "(partner_id, account_id, company_id, currency_id) INCLUDE (amount_residual_currency)"
        " WHERE reconciled IS NOT TRUE AND parent_state = 'posted' AND amount_residual_currency <> 0"
    )

    def unlink(self):
        """Take the charges of lines that somebody deletes off their bill: a later run bills them."""
        if not self or is_by_run(self.env):
            return super().unlink()
        charges = (
            self.env["billing.charge"]
            .sudo()
            .search([("move_line_id", "in", self.ids), ("bill_id", "!=", False)])
        )
        result = super().unlink()
        charges.filtered(lambda charge: not charge.move_line_id).bill_id = False
        return result

    def _add_precomputed_values(self, vals_list):
        if current_preparation(self.env):
            known = {}
            for vals in vals_list:
                move_id = vals["move_id"]
                if move_id not in known:
                    known[move_id] = self._billing_values_from_move(
                        self.env["account.move"].browse(move_id)
                    )
                vals.update(known[move_id])
                balance = vals["balance"]
                repartition = self.env["account.tax.repartition.line"].browse(
                    vals.get("tax_repartition_line_id") or ()
                )
                vals.update(
                    debit=balance if balance > 0.0 else 0.0,
                    credit=-balance if balance < 0.0 else 0.0,
                    tax_line_id=repartition.tax_id.id,
                    tax_group_id=repartition.tax_id.tax_group_id.id,
                )
        return super()._add_precomputed_values(vals_list)

    def _billing_values_from_move(self, move):
        """Return the values that items of a new draft take over from it."""
        return {
            "company_id": move.company_id.id,
            "company_currency_id": move.company_currency_id.id,
            "journal_id": move.journal_id.id,
            "move_name": move.name,
            "parent_state": move.state,
            "date": move.date,
            "invoice_date": move.invoice_date,
            "ref": move.ref,
            "payment_id": move.origin_payment_id.id,
            "statement_line_id": move.statement_line_id.id,
            "statement_id": move.statement_line_id.statement_id.id,
            "no_followup": move.journal_id.type == "general",
        }
