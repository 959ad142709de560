from odoo import fields, models
from odoo.exceptions import UserError
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
        if "state" in vals:
            self._check_replaced(vals["state"])
        result = super().write(vals)
        if "state" in vals and not has_proof(self.env, REPLACING):
            self._hand_charges_to_and_fro()
            credited = self.reversed_entry_id
            # Whoever reverses a credit note brings back what it credited.
            (self | credited | credited.reversed_entry_id)._follow_in_ledger()
        return result

    def unlink(self):
        if not self:
            return super().unlink()  # as Odoo calls it for each line that it writes
        replaced = self.billing_replaces_id
        self._give_charges_back()
        result = super().unlink()
        replaced.exists()._follow_in_ledger()
        return result

    def _follow_in_ledger(self):
        """Let the charges on these documents follow their state, credit notes and lines.

        Following it up in the ledger needs no right of theirs in billing.
        """
        touched = self._touched_charge_ids()
        if not touched:
            return
        charges = self.env["billing.charge"].sudo().browse(touched)
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
        credited = {
            name: self._credited_by_line(name) for name in ("price_subtotal", "price_total")
        }
        left = {}
        for charge in charges:
            # The share is exact in the amount that the charge itself is.
            name = "price_total" if charge.price_includes_tax else "price_subtotal"
            line, billed = charge.move_line_id, charge.invoiced_amount
            if line.price_subtotal:
                billed *= line[name] / line.price_subtotal
            taken = credited[name].get(line, 0.0)
            remains = line[name] - taken
            gone = self.currency_id.is_zero(remains) or remains * line[name] < 0
            if taken and gone:
                left[charge.id] = 0.0
            elif not billed:
                left[charge.id] = 1.0
            else:
                left[charge.id] = min(max(remains / billed, 0.0), 1.0)
        return left

    def _credited_by_line(self, name: str) -> dict:
        """{invoice line: what credit notes made by hand take back of it}.

        :param name: of the field with its amount, with or without tax
        """
        notes = self._hand_notes()
        if not notes:
            return {}
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        total = sum(notes.mapped("amount_total"))
        whole = self.currency_id.compare_amounts(total, self.amount_total) >= 0
        # Where lines of both signs are netted, the total says nothing about a single one.
        if whole and all(line[name] >= 0 for line in lines):
            return {line: line[name] for line in lines}

        def facts(items):
            return [(line.name, line.product_id.id, line[name]) for line in items]

        noted = notes.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        taken = allocate_credit(facts(lines), facts(noted), self.currency_id.round)
        return dict(zip(lines, taken, strict=True))

    def _hand_notes(self):
        """The credit notes that people or other modules made and that still stand."""
        notes = self.sudo().reversal_move_ids.filtered_domain(self._hand_note_domain())
        return notes.filtered(lambda note: not note._is_reversed())

    def _is_reversed(self) -> bool:
        """Whether posted entries reverse all of this document."""
        self.ensure_one()
        later = self.reversal_move_ids.filtered(lambda move: move.state == "posted")
        total = sum(later.mapped("amount_total"))
        return bool(later) and self.currency_id.compare_amounts(total, self.amount_total) >= 0

    def _hand_note_domain(self) -> Domain:
        """The credit notes that people or other modules made. Packages that make credit notes of
        their own, and follow them up in the ledger themselves, leave them out here."""
        return Domain("state", "=", "posted")

    def _bills_charges(self, states: tuple = ("invoiced", "waived")) -> bool:
        """Whether charges of the ledger in one of these states are on this document."""
        self.ensure_one()
        charges = self.env["billing.charge"].sudo()
        domain = [("move_id", "=", self.id), ("state", "in", states)]
        return bool(charges.search_count(domain, limit=1))

    # === CREDITED AND REPLACED === #

    def _take_over_charges(self):
        """Put the charges of invoices that were credited and replaced on their replacements.

        Called once, on drafts that are still line by line what they replace.
        """
        for move in self:
            old = move.billing_replaces_id._lines_in_order()
            new = move._lines_in_order()
            if len(old) == len(new):
                for before, line in zip(old, new, strict=True):
                    line.billing_replaces_id = before
                move._take_charges()

    def _take_charges(self):
        """Put what is on the lines that these documents' lines replace on them."""
        lines = self.invoice_line_ids.filtered("billing_replaces_id")
        self._move_charges({line.billing_replaces_id: line for line in lines})

    def _give_charges_back(self):
        """Put charges on these documents back on the lines that theirs replace."""
        lines = self.invoice_line_ids.filtered("billing_replaces_id")
        self._move_charges({line: line.billing_replaces_id for line in lines})
        self.billing_replaces_id._follow_in_ledger()

    def _move_charges(self, lines: dict):
        if lines:
            domain = [("move_line_id", "in", [line.id for line in lines])]
            self.env["billing.charge"].sudo().search(domain)._move_to_lines(lines)

    def _hand_charges_to_and_fro(self):
        """A replacement that is cancelled leaves its charges to the invoice that it replaces, and
        takes them again when it is brought back."""
        for move in self.filtered("billing_replaces_id"):
            if move.state == "cancel":
                move._give_charges_back()
            else:
                move._take_charges()

    def _check_replaced(self, state: str):
        """Refuse what would let an invoice and its replacement stand side by side: both bill."""
        for move in self.filtered(lambda move: move.state != state):
            move = move.sudo()
            old = move.billing_replaces_id
            if old and move.state == "cancel" and not old._bills_charges(("waived",)):
                raise UserError(
                    self.env._(
                        "%(invoice)s replaced %(old)s and was cancelled; what they billed is"
                        " billed elsewhere now. It cannot be brought back.",
                        invoice=move.display_name,
                        old=old.display_name,
                    )
                )
            replacement = move.state == "posted" and move.reversed_entry_id._live_replacement()
            if state == "posted":
                credited = move.reversed_entry_id.reversed_entry_id
                replacement = credited._live_replacement()
                if replacement:
                    move = move.reversed_entry_id
            if replacement:
                raise UserError(
                    self.env._(
                        "%(note)s credits %(old)s, which %(invoice)s replaces: both would stand."
                        " Cancel %(invoice)s first.",
                        note=move.display_name,
                        old=move.reversed_entry_id.display_name,
                        invoice=replacement.display_name,
                    )
                )

    def _live_replacement(self):
        """The replacement that bills in the place of this invoice, if any."""
        later = self.search([("billing_replaces_id", "in", self.ids), ("state", "!=", "cancel")])
        return later.filtered(lambda move: move._bills_charges())[:1]

    def _lines_in_order(self):
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        return lines.sorted(lambda line: (line.sequence, line.id))
