from odoo import models
from odoo.tools import SQL


class BillingRun(models.Model):
    """The runs of the cycle before this one. Runs for single customers do not count.

    Two questions: what did the cycle bill last (to compare amounts with), and what did people
    confirm last (to compare their checks with). What a customer's own last bill was is a third
    one, which the bill answers, see ``bills/balances.py``.
    """

    _inherit = "billing.run"

    def _previous_billed_run(self):
        """Return the last run before this one that has posted documents which were not taken
        back, by invoice date, or an empty one."""
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT run.id
                  FROM billing_run run
                 WHERE run.cycle_id = %(cycle)s
                   AND run.mode = 'batch'
                   AND (run.invoice_date, run.id) < (%(invoice_date)s, %(run)s)
                   AND EXISTS (SELECT 1
                                 FROM billing_bill bill
                                 JOIN account_move move ON move.billing_bill_id = bill.id
                                WHERE bill.run_id = run.id
                                  AND bill.state != 'undone'
                                  AND move.state = 'posted')
              ORDER BY run.invoice_date DESC, run.id DESC
                 LIMIT 1
                """,
                cycle=self.cycle_id.id,
                invoice_date=self.invoice_date,
                run=self.id,
            )
        )
        return self.browse([run_id for (run_id,) in self.env.cr.fetchall()])

    def _previous_prepared_run(self):
        """Return the last run before this one that was not cancelled, by invoice date, whatever
        it has billed."""
        self.ensure_one()
        return self.search(
            [
                ("cycle_id", "=", self.cycle_id.id),
                ("id", "<", self.id),
                ("state", "!=", "cancelled"),
                ("mode", "=", "batch"),
            ],
            order="invoice_date desc, id desc",
            limit=1,
        )
