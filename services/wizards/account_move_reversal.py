from odoo import models

from ...billing_tasks.proof import with_proof, without_proof
from ..models.account_move import REPLACING


class AccountMoveReversal(models.TransientModel):
    """An invoice that is credited and replaced: what it billed is billed by the new one."""

    _inherit = "account.move.reversal"

    def _modify_default_reverse_values(self, origin_move):
        values = super()._modify_default_reverse_values(origin_move)
        if origin_move._bills_charges():
            values["billing_replaces_id"] = origin_move.id
        return values

    def reverse_moves(self, is_modify=False):
        if not is_modify:
            return super().reverse_moves(is_modify=is_modify)
        replacing = with_proof(self, REPLACING)
        action = super(AccountMoveReversal, replacing).reverse_moves(is_modify=is_modify)
        new_moves = without_proof(self.new_move_ids, REPLACING)
        new_moves.filtered("billing_replaces_id")._take_over_charges()
        (new_moves | new_moves.billing_replaces_id)._follow_in_ledger()
        return action
