"""Bring the ledger of charges up to date: what was settled, what credits take back, and what
stood on the invoices."""


def migrate(cr, version):
    if not version:
        return
    settle(cr)
    link_credits(cr)
    read_invoices(cr)


def settle(cr):
    """Charges that added up to zero were waived; they count as billed."""
    cr.execute(
        """
        UPDATE billing_charge charge
           SET state = 'settled', waive_reason = NULL
          FROM billing_bill bill
         WHERE bill.id = charge.bill_id
           AND charge.state = 'waived'
           AND charge.move_line_id IS NULL
           AND (charge.waive_reason = 'The charges add up to zero: there is nothing to invoice.'
                OR bill.skip_reason = 'zero_total' AND charge.waive_reason = bill.error_message)
        """
    )


def link_credits(cr):
    """Credits take back the charge of the same thing, price and period that they end with."""
    cr.execute(
        """
        UPDATE billing_charge credit
           SET credited_id = (
                   SELECT base.id
                     FROM billing_charge base
                    WHERE base.service_id = credit.service_id
                      AND base.kind IN ('recurring', 'addon', 'adjustment')
                      AND base.product_id = credit.product_id
                      AND base.addon_line_id IS NOT DISTINCT FROM credit.addon_line_id
                      AND base.full_start = credit.full_start
                      AND base.full_end = credit.full_end
                      AND base.full_price = credit.full_price
                      AND base.discount IS NOT DISTINCT FROM credit.discount
                      AND base.quantity = -credit.quantity
                      AND base.period_end = credit.period_end
                      AND base.period_start <= credit.period_start
                      AND base.state <> 'void'
                    ORDER BY base.id
                    LIMIT 1)
         WHERE credit.kind = 'adjustment'
           AND credit.quantity < 0
           AND credit.full_start IS NOT NULL
           AND credit.credited_id IS NULL
           AND credit.state <> 'void'
        """
    )
    cr.execute(
        """
        UPDATE billing_charge base
           SET charged_until = credit.first
          FROM (SELECT credited_id, MIN(period_start) AS first
                  FROM billing_charge
                 WHERE full_start IS NOT NULL
                   AND state <> 'void'
                 GROUP BY credited_id) credit
         WHERE base.id = credit.credited_id
        """
    )


def read_invoices(cr):
    """What stood on the invoice lines of the charges, as far as it can still be said."""
    cr.execute(
        """
        UPDATE billing_charge charge
           SET invoiced_amount = line.price_subtotal
          FROM account_move_line line
         WHERE line.id = charge.move_line_id
           AND charge.invoiced_amount IS NULL
        """
    )
