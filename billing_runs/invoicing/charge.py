from odoo import api, fields, models
from odoo.tools import SQL


class BillingCharge(models.Model):
    """What charges come to on their documents."""

    _inherit = "billing.charge"

    document_amount = fields.Monetary(
        "On the Invoice",
        readonly=True,
        copy=False,
        help="What the invoice line must come to where the customer's fiscal position replaced a"
        " tax that the price includes. Empty: the charge's amount.",
    )

    @api.model
    def _set_document_amounts(self, amounts):
        """Keep what charges come to on their lines, for the tie-out.

        :param dict amounts: ``{charge: amount}``, None where it is the charge's own
        """
        if not amounts:
            return
        charges = self.browse().concat(*amounts)
        charges.flush_recordset(["document_amount"])
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_charge charge
                   SET document_amount = line.amount
                  FROM unnest(%s::int[], %s::numeric[]) AS line (charge_id, amount)
                 WHERE charge.id = line.charge_id
                   AND charge.document_amount IS DISTINCT FROM line.amount
                """,
                charges.ids,
                list(amounts.values()),
            )
        )
        charges.invalidate_recordset(["document_amount"])
