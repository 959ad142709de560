from odoo import api, fields, models
from odoo.tools import SQL

from .billing_card_charge import CODES
from .billing_payment_line import EXCLUSIONS


class BillingPaymentException(models.Model):
    """What went wrong with collections, wherever it stands: what came back, what nobody knows, what
    is tried again, and what was charged and is not booked.

    States: ``unknown`` and ``not_booked`` wait for a person; ``retry`` waits for its day; ``rejected``,
    ``returned`` and ``declined`` are over. Counted from collections and charges whenever it is read;
    billing users read it, nobody writes it.
    """

    _name = "billing.payment.exception"
    _description = "Exception of Payment Runs"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "reference"
    _depends = {
        "billing.payment.line": [
            *(
                "state",
                "return_code",
                "error_code",
                "message",
                "return_date",
                "amount",
                "reference",
            ),
            *("run_id", "move_id", "partner_id", "company_id", "collection_date", "method"),
        ],
        "billing.card.charge": [
            *("state", "code", "message", "problem", "amount", "reference", "line_id", "wallet_id"),
            *("planned_date", "ended_date", "sent_date", "partner_id", "company_id"),
        ],
    }

    reference = fields.Char(readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    run_id = fields.Many2one("billing.payment.run", readonly=True)
    move_id = fields.Many2one("account.move", string="Invoice", readonly=True)
    wallet_id = fields.Many2one("billing.wallet", readonly=True)
    line_id = fields.Many2one("billing.payment.line", string="Collection", readonly=True)
    charge_id = fields.Many2one("billing.card.charge", readonly=True)
    method = fields.Selection(
        selection=lambda self: self.env["billing.payment.run"]._fields["method"].selection,
        readonly=True,
    )
    date = fields.Date(readonly=True, help="When it came back, or was tried.")
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary(readonly=True)
    state = fields.Selection(
        [
            ("unknown", "Unknown"),
            ("not_booked", "Not Booked"),
            ("retry", "To Retry"),
            ("rejected", "Rejected"),
            ("returned", "Returned"),
            ("declined", "Declined"),
        ],
        string="What It Is",
        readonly=True,
    )
    bank_code = fields.Char(string="Bank's Code", readonly=True)
    error_code = fields.Selection(
        selection=list(dict([*CODES, *EXCLUSIONS]).items()), string="Reason", readonly=True
    )
    code = fields.Char(compute="_compute_code", help="The bank's code, or the reason by card.")
    message = fields.Char(string="What Happened", readonly=True)

    @api.depends("bank_code", "error_code")
    def _compute_code(self):
        names = dict(self._fields["error_code"]._description_selection(self.env))
        for exception in self:
            exception.code = exception.bank_code or names.get(exception.error_code, "")

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT line.id * 2 AS id, line.reference, line.company_id, line.partner_id,
                   line.run_id, line.move_id, NULL::integer AS wallet_id, line.id AS line_id,
                   NULL::integer AS charge_id, line.method, line.currency_id, line.amount,
                   COALESCE(line.return_date, line.collection_date) AS date, line.state,
                   line.return_code AS bank_code, line.error_code, line.message
              FROM billing_payment_line AS line
             WHERE line.state IN ('unknown', 'rejected', 'returned')
         UNION ALL
            SELECT charge.id * 2 + 1, charge.reference, charge.company_id, charge.partner_id,
                   charge.run_id, line.move_id, charge.wallet_id, charge.line_id,
                   charge.id, 'card', charge.currency_id, charge.amount,
                   COALESCE(charge.ended_date, charge.sent_date, charge.planned_date)::date,
                   CASE WHEN charge.problem IS NOT NULL THEN 'not_booked'
                        WHEN charge.state = 'waiting' THEN 'retry'
                        ELSE charge.state END,
                   NULL, COALESCE(charge.code, before.code),
                   COALESCE(charge.problem, charge.message, before.message)
              FROM billing_card_charge AS charge
         LEFT JOIN billing_payment_line AS line ON line.id = charge.line_id
         LEFT JOIN LATERAL (
                   SELECT earlier.code, earlier.message
                     FROM billing_card_charge AS earlier
                    WHERE earlier.line_id = charge.line_id AND earlier.id < charge.id
                       OR earlier.wallet_id = charge.wallet_id AND earlier.id < charge.id
                    ORDER BY earlier.id DESC
                    LIMIT 1
                   ) AS before ON charge.state = 'waiting'
             WHERE charge.problem IS NOT NULL
                OR charge.state = 'waiting' AND charge.attempt > 1
                -- What becomes of other charges stands on their collections.
                OR charge.kind = 'top_up' AND charge.state IN ('unknown', 'declined')
            """
        )

    def action_open_source(self):
        """Open the collection, or the charge, that it is about."""
        self.ensure_one()
        self.check_access("read")
        record = self.charge_id or self.line_id
        record.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.reference or self.env._("Exception"),
            "res_model": record._name,
            "res_id": record.id,
            "views": [[False, "form"]],
        }
