from odoo import fields, models
from odoo.tools import SQL


class BillingBill(models.Model):
    """What the customer owed before and after a bill, as the ledger stood when it was posted.

    Kept on the bill, so that a payment booked later on an earlier date changes no bill that the
    customer has. Taken from the customer's trade receivables in the bill's company and currency;
    contacts share the account of their company. The figures of a first bill start with what the
    ledger held before it.
    """

    _inherit = "billing.bill"

    balance_date = fields.Datetime("As of", readonly=True)
    opening_balance = fields.Monetary(
        readonly=True, help="What the customer owed after the bill before this one."
    )
    payments = fields.Monetary(
        readonly=True, help="Received since the bill before this one, as booked."
    )
    billed = fields.Monetary("This Bill", readonly=True, help="Its documents, with tax.")
    other_entries = fields.Monetary(
        readonly=True,
        help="What else was booked on the customer's account since the bill before this one, such"
        " as invoices and credit notes of other origin.",
    )
    closing_balance = fields.Monetary(
        readonly=True, help="What the customer owes after this bill. Negative: a credit."
    )
    received_to_date = fields.Monetary(
        readonly=True, help="All that the customer ever paid; the next bill counts from here."
    )

    _balances_add_up = models.Constraint(
        "CHECK (closing_balance = opening_balance - payments + billed + other_entries)",
        "Opening balance, payments, bill and other entries must come to the closing balance.",
    )

    def _record_balances(self):
        """Write down the balances of bills whose documents have just been posted."""
        if not self:
            return
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH customer AS (
                    SELECT bill.id, bill.company_id, bill.currency_id,
                           partner.commercial_partner_id AS partner_id
                      FROM billing_bill bill
                      JOIN res_partner partner ON partner.id = bill.partner_id
                     WHERE bill.id = ANY(%(bills)s)
                ), ledger AS (
                    SELECT customer.id,
                           SUM(item.amount_currency) AS balance,
                           COALESCE(SUM(item.amount_currency)
                               FILTER (WHERE move.billing_bill_id = customer.id), 0) AS billed,
                           COALESCE(-SUM(item.amount_currency)
                               FILTER (WHERE move.origin_payment_id IS NOT NULL
                                          OR move.statement_line_id IS NOT NULL), 0) AS received
                      FROM customer
                      JOIN account_move_line item
                        ON item.partner_id = customer.partner_id
                       AND item.company_id = customer.company_id
                       AND item.currency_id = customer.currency_id
                       AND item.parent_state = 'posted'
                      JOIN account_account account
                        ON account.id = item.account_id
                       AND account.account_type = 'asset_receivable'
                       AND account.non_trade IS NOT TRUE
                      JOIN account_move move ON move.id = item.move_id
                     GROUP BY customer.id
                ), figures AS (
                    SELECT ledger.*,
                           COALESCE(last.closing_balance,
                                    ledger.balance - ledger.billed) AS opening,
                           ledger.received
                               - COALESCE(last.received_to_date, ledger.received) AS payments
                      FROM ledger
                      JOIN customer USING (id)
                      LEFT JOIN LATERAL (
                           SELECT old.closing_balance, old.received_to_date
                             FROM res_partner contact
                             JOIN billing_bill old ON old.partner_id = contact.id
                            WHERE contact.commercial_partner_id = customer.partner_id
                              AND old.company_id = customer.company_id
                              AND old.currency_id = customer.currency_id
                              AND old.balance_date IS NOT NULL
                              AND old.state != 'undone'
                              AND old.id != ALL(%(bills)s)
                            ORDER BY old.balance_date DESC, old.id DESC
                            LIMIT 1) last ON TRUE
                )
                UPDATE billing_bill bill
                   SET balance_date = clock_timestamp() AT TIME ZONE 'UTC',
                       opening_balance = figures.opening,
                       payments = figures.payments,
                       billed = figures.billed,
                       other_entries = figures.balance - figures.opening + figures.payments
                           - figures.billed,
                       closing_balance = figures.balance,
                       received_to_date = figures.received
                  FROM figures
                 WHERE bill.id = figures.id
                """,
                bills=self.ids,
            )
        )
        self.invalidate_recordset(
            [
                "balance_date",
                "opening_balance",
                "payments",
                "billed",
                "other_entries",
                "closing_balance",
                "received_to_date",
            ]
        )
