from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    # The start page adds up what runs have invoiced: the index alone answers it.
    _billing_invoiced_idx = models.Index(
        "(company_id, invoice_date, currency_id) INCLUDE (amount_untaxed_in_currency_signed)"
        " WHERE billing_bill_id IS NOT NULL AND state = 'posted'"
    )
