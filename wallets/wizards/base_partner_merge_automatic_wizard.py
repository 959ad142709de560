from odoo import models
from odoo.exceptions import UserError


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Merging customers: their wallets follow to the one that stays, and no money is lost.

    A customer has one wallet a company and currency. Of two, one that nothing was ever booked on
    goes; where both have transactions the customers stay two, as what was booked stays.
    """

    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        partners = self.env["res.partner"].browse(partner_ids).exists()
        if len(partners) > 1:
            self._keep_one_wallet(partners)
        return super()._merge(partner_ids, dst_partner, extra_checks)

    def _keep_one_wallet(self, partners):
        """Remove wallets that would be second ones of the customer who stays.

        :raise UserError: two of them have transactions
        """
        # Whoever may merge contacts need not see wallets, nor those of all companies.
        wallets = self.env["billing.wallet"].sudo().search([("partner_id", "in", partners.ids)])
        for same in wallets.grouped(lambda w: (w.company_id, w.currency_id)).values():
            if len(same) < 2:
                continue
            used = same.filtered("transaction_ids")
            if len(used) > 1:
                raise UserError(
                    self.env._(
                        "%(customers)s cannot be merged, because money was booked on wallets"
                        " %(wallets)s: transfer what one holds to the other and archive its"
                        " customer instead.",
                        customers=", ".join(used.partner_id.mapped("display_name")),
                        wallets=", ".join(used.mapped("number")),
                    )
                )
            (same - (used or same[0])).unlink()
