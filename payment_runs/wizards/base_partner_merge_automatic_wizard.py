from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Merging customers: their mandates follow to the one that stays, with their bank accounts.

    Odoo joins accounts with one number, but does not see archived ones, and then fails. One that is
    in use stays in use, so that its mandates go on.
    """

    _inherit = "base.partner.merge.automatic.wizard"

    def _merge_bank_accounts(self, src_partners, dst_partner):
        src_partners = src_partners.with_context(active_test=False)
        dst_partner = dst_partner.with_context(active_test=False)
        numbers = {
            account.sanitized_acc_number for account in src_partners.bank_ids if account.active
        }
        result = super()._merge_bank_accounts(src_partners, dst_partner)
        unused = dst_partner.bank_ids.filtered(
            lambda account: not account.active and account.sanitized_acc_number in numbers
        )
        # Whoever may merge contacts need not be allowed to change accounts.
        unused.sudo().write({"active": True})
        return result
