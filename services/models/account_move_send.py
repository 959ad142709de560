from odoo import api, models


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _is_applicable_to_company(self, method, company):
        """Printing is done for whole billing runs, not from Send & Print."""
        return method != "print" and super()._is_applicable_to_company(method, company)

    @api.model
    def _is_applicable_to_move(self, method, move, **move_data):
        return method != "print" and super()._is_applicable_to_move(method, move, **move_data)
