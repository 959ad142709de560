from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.proof import has_proof
from ..credits import allocate_credit

# An invoice is credited and replaced in one go: its charges go straight to the replacement.
REPLACING = "replacing"


class AccountMove(models.Model):
    """The ledger of charges follows what people and other modules make of its documents."""

    _inherit = "account.move"

    billing_replaces_id = fields.Many2one(
        "account.move",
        "Replaces",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The invoice that was credited and replaced by this one.",
    )

    def write(self, vals):
        result = super().write(vals)
        if "state" in vals and not has_proof(self.env, REPLACING):
            (self | self.reversed_entry_id)._follow_in_ledger()
        return result

    def _follow_in_ledger(self):
        """Let the charges on these documents follow their state, credit notes and lines.

        Following it up in the ledger needs no right of theirs in billing.
        """
        charges = self.env["billing.charge"].sudo().browse(self._touched_charge_ids())
        left = {}
        for move, group in charges.grouped("move_id").items():
            left.update(move._left_of_charges(group))
        charges._follow_documents(left)

    def _touched_charge_ids(self) -> list[int]:
        """Ids of the charges on these documents of which the ledger might say something else.

        Most documents are just posted: one query finds that there is nothing to do.
        """
        if not self:
            return []
        self.env["billing.charge"].flush_model()
        self.env["account.move.line"].flush_model(["price_subtotal"])
        self.flush_model(["state", "reversed_entry_id"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT charge.id
                  FROM billing_charge charge
                  JOIN account_move move ON move.id = charge.move_id
                  JOIN account_move_line line ON line.id = charge.move_line_id
                 WHERE charge.move_id = ANY(%s)
                   AND (move.state = 'cancel'
                        OR charge.state = 'waived'
                        OR charge.credited_amount <> 0
                        OR line.price_subtotal IS DISTINCT FROM charge.invoiced_amount
                        OR EXISTS (SELECT 1 FROM account_move note
                                    WHERE note.reversed_entry_id = move.id))
                 ORDER BY charge.id
                """,
                self.ids,
            )
        )
        return [charge_id for (charge_id,) in rows]

    def _left_of_charges(self, charges) -> dict[int, float]:
        """{charge id: the part of it, 0 to 1, that this document still bills}."""
        self.ensure_one()
        if self.state == "cancel":
            return dict.fromkeys(charges.ids, 0.0)
        credited = self._credited_by_line()
        left = {}
        for charge in charges:
            line, billed = charge.move_line_id, charge.invoiced_amount
            remains = line.price_subtotal - credited.get(line, 0.0)
            gone = self.currency_id.is_zero(remains) or remains * line.price_subtotal < 0
            if credited.get(line) and gone:
                left[charge.id] = 0.0
            elif not billed:
                left[charge.id] = 1.0
            else:
                left[charge.id] = min(max(remains / billed, 0.0), 1.0)
        return left

    def _credited_by_line(self) -> dict:
        """{invoice line: what credit notes made by hand take back of its subtotal}."""
        notes = self.sudo().reversal_move_ids.filtered_domain(self._hand_note_domain())
        if not notes:
            return {}
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        total = sum(notes.mapped("amount_total"))
        whole = self.currency_id.compare_amounts(total, self.amount_total) >= 0
        # Where lines of both signs are netted, the total says nothing about a single one.
        if whole and all(line.price_subtotal >= 0 for line in lines):
            return {line: line.price_subtotal for line in lines}

        def facts(items):
            return [(line.name, line.product_id.id, line.price_subtotal) for line in items]

        noted = notes.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        taken = allocate_credit(facts(lines), facts(noted), self.currency_id.round)
        return dict(zip(lines, taken, strict=True))

    def _hand_note_domain(self) -> Domain:
        """The credit notes that people or other modules made. Packages that make credit notes of
        their own, and follow them up in the ledger themselves, leave them out here."""
        return Domain("state", "=", "posted")

    def _bills_charges(self) -> bool:
        """Whether this document bills charges of the ledger."""
        self.ensure_one()
        charges = self.env["billing.charge"].sudo()
        return bool(charges.search_count([("move_id", "=", self.id)], limit=1))

    def _take_over_charges(self):
        """Put the charges of invoices that were credited and replaced on their replacements."""
        for move in self:
            old = move.billing_replaces_id._lines_in_order()
            new = move._lines_in_order()
            if len(old) == len(new):
                charges = self.env["billing.charge"].sudo()
                found = charges.search([("move_line_id", "in", old.ids)])
                found._move_to_lines(dict(zip(old, new, strict=True)))

    def _lines_in_order(self):
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        return lines.sorted(lambda line: (line.sequence, line.id))
