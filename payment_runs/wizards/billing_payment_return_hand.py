from odoo import api, fields, models

from ..bank_messages import Answer
from ..reason_codes import REASONS


class BillingPaymentReturnHand(models.TransientModel):
    """Collections that came back without a message: by letter, say, or on paper statements."""

    _name = "billing.payment.return.hand"
    _description = "Returns by Hand"

    line_ids = fields.Many2many("billing.payment.line", string="Collections", required=True)
    kind = fields.Selection(
        [
            ("returned", "Taken, and given back"),
            ("rejected", "Never taken by the bank"),
        ],
        string="What Happened",
        required=True,
        default="returned",
    )
    code = fields.Selection(selection="_selection_code", string="Reason", required=True)
    date = fields.Date(required=True, default=lambda self: self.env.company._billing_today())
    note = fields.Char(help="Kept with the returns.")

    @api.model
    def _selection_code(self):
        return [(code, f"{code}: {self.env._(text)}") for code, text in REASONS.items()]

    def action_apply(self):
        """Take the collections back, and show what came of it."""
        self.ensure_one()
        self.line_ids._as_user()
        returns = self.env["billing.payment.return"]
        for company, lines in self.line_ids.grouped("company_id").items():
            message = returns.sudo().create(
                {"name": self.env._("By hand"), "company_id": company.id, "kind": "hand"}
            )
            message.with_company(company)._take(
                [
                    Answer(
                        self.kind,
                        "line",
                        line.reference,
                        self.code,
                        self.note or "",
                        day=self.date,
                    )
                    for line in lines
                ]
            )
            returns += message
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_payment_return_action"
        )
        return action | {"domain": [("id", "in", returns.ids)], "context": {}}
