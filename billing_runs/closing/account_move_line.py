from odoo import models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def action_open_closing_lines(self):
        """Open what an item of a month-end counts; of the counter item all of its entry."""
        self.ensure_one()
        self.check_access("read")
        lines = self.env["billing.closing.line"]
        mine = lines.search([("item_id", "=", self.id)])
        if not mine:
            mine = lines.search(
                [
                    ("item_id", "in", self.move_id.line_ids.ids),
                    ("currency_id", "=", self.currency_id.id),
                ]
            )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_closing_line_action"
        )
        return action | {
            "domain": [("id", "in", mine.ids)],
            "context": {},
            "display_name": self.account_id.display_name,
        }
