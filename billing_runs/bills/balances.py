from odoo import fields, models
from odoo.tools import SQL


class BillingBill(models.Model):
    """What the customer owed before and after a bill, as the ledger stood when it was posted.

    Kept on the bill, so that a payment booked later on an earlier date changes no bill that the
    customer has. Taken from the customer's trade receivables in the bill's company and currency;
    contacts share the account of their company. The figures of a first bill start with what the
    ledger held before it.

    What is owed is what open items leave open, and few items are open however long a customer stays;
    only payments are added up from the beginning, by an index of their own.
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

    _last_balance = models.Index(
        "(partner_id, balance_date DESC, id DESC) WHERE balance_date IS NOT NULL"
    )
    _balances_add_up = models.Constraint(
        "CHECK (closing_balance = opening_balance - payments + billed + other_entries)",
        "Opening balance, payments, bill and other entries must come to the closing balance.",
    )

    def _set_posted(self):
        """Move bills whose documents have just been posted to ``posted``, and write down their
        balances: in one statement, so that each row is written once.

        :raise UserError: one of them cannot become posted
        """
        self.fetch(["state"])
        todo = self._to_move("posted")
        if not todo:
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
                    SELECT customer.*, COALESCE(owed.balance, 0) AS balance,
                           COALESCE(documents.billed, 0) AS billed,
                           COALESCE(paid.received, 0) AS received
                      FROM customer
                      LEFT JOIN LATERAL (
                           SELECT SUM(item.amount_residual_currency) AS balance
                             FROM account_move_line item
                            WHERE item.account_id = ANY(%(accounts)s)
                              AND item.partner_id = customer.partner_id
                              AND item.reconciled IS NOT TRUE
                              AND item.parent_state = 'posted'
                              AND item.amount_residual_currency <> 0
                              AND item.company_id = customer.company_id
                              AND item.currency_id = customer.currency_id) owed ON TRUE
                      LEFT JOIN LATERAL (
                           SELECT -SUM(item.amount_currency) AS received
                             FROM account_move_line item
                            WHERE item.partner_id = customer.partner_id
                              AND (item.payment_id IS NOT NULL
                                   OR item.statement_line_id IS NOT NULL)
                              AND item.account_id = ANY(%(accounts)s)
                              AND item.parent_state = 'posted'
                              AND item.company_id = customer.company_id
                              AND item.currency_id = customer.currency_id) paid ON TRUE
                      LEFT JOIN LATERAL (
                           SELECT SUM(item.amount_currency) AS billed
                             FROM account_move move
                             JOIN account_move_line item ON item.move_id = move.id
                            WHERE move.billing_bill_id = customer.id
                              AND item.account_id = ANY(%(accounts)s)
                              -- Not by the index of partners, which holds all items of years.
                              AND item.partner_id IS NOT DISTINCT FROM customer.partner_id
                              AND item.parent_state = 'posted'
                              AND item.company_id = customer.company_id
                              AND item.currency_id = customer.currency_id) documents ON TRUE
                ), figures AS (
                    SELECT ledger.*,
                           COALESCE(last.closing_balance,
                                    ledger.balance - ledger.billed) AS opening,
                           ledger.received
                               - COALESCE(last.received_to_date, ledger.received) AS payments
                      FROM ledger
                      LEFT JOIN LATERAL (
                           SELECT old.*
                             FROM res_partner contact
                            CROSS JOIN LATERAL (
                                  SELECT closing_balance, received_to_date, balance_date, id
                                    FROM billing_bill
                                   WHERE partner_id = contact.id
                                     AND company_id = ledger.company_id
                                     AND currency_id = ledger.currency_id
                                     AND balance_date IS NOT NULL
                                     AND state != 'undone'
                                     AND id != ALL(%(bills)s)
                                   ORDER BY balance_date DESC, id DESC
                                   LIMIT 1) old
                            WHERE contact.commercial_partner_id = ledger.partner_id
                            ORDER BY old.balance_date DESC, old.id DESC
                            LIMIT 1) last ON TRUE
                )
                UPDATE billing_bill bill
                   SET state = 'posted', write_uid = %(user)s, write_date = %(now)s,
                       balance_date = clock_timestamp() AT TIME ZONE 'UTC',
                       opening_balance = figures.opening,
                       payments = figures.payments,
                       billed = figures.billed,
                       other_entries = figures.balance - figures.opening + figures.payments
                           - figures.billed,
                       closing_balance = figures.balance,
                       received_to_date = figures.received
                  FROM figures
                 -- Said twice, so that bills of earlier runs are not read.
                 WHERE bill.id = figures.id AND bill.id = ANY(%(bills)s)
                """,
                bills=todo.ids,
                accounts=self._trade_receivables(),
                user=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        todo.invalidate_recordset()
        todo.modified(["state"])

    def _trade_receivables(self):
        """Return the ids of the accounts on which customers owe what they were billed, archived ones
        among them."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM account_account
                 WHERE account_type = 'asset_receivable' AND non_trade IS NOT TRUE
                """
            )
        )
        return [row[0] for row in rows]
