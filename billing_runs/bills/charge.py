from odoo import api, fields, models
from odoo.fields import Domain


class BillingCharge(models.Model):
    _inherit = "billing.charge"

    bill_id = fields.Many2one(
        "billing.bill",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    run_id = fields.Many2one(related="bill_id.run_id", string="Billing Run")

    def _leave_documents(self):
        result = super()._leave_documents()
        self.bill_id = False
        return result

    @api.model
    def _put_on_bills(self, rows):
        """Put rows of new charges on the bills that are being rated, so that nobody needs to do it
        afterwards: ``billing_on_bills`` in the context, from ``billing.bill._rate_batch``."""
        bills = self.env.context.get("billing_on_bills")
        if bills:
            for row in rows:
                row["bill_id"] = bills.get((row["partner_id"], row["currency_id"]))

    @api.model
    def _domain_open(self):
        """Return the domain of charges that a run may take: rated, and on no live bill.

        A bill that was skipped, undone or ended in error keeps its charges in sight,
        but whichever run comes first bills them.
        """
        return Domain("state", "=", "rated") & (
            Domain("bill_id", "=", False)
            | Domain("bill_id.state", "in", ("skipped", "error", "undone"))
        )
