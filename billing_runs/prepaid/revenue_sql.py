"""What wallets paid, for the books: money that was granted was never on customers' deposits.

Granted money is spent first, and a debit's charges in the order of their ids: the paid share of each
is what the granted part leaves of it.
"""

# The highest transaction of each run that a standing entry covers.
COVERED = """
    SELECT billing_wallet_run_id AS run_id, max(billing_wallet_up_to) AS up_to
      FROM account_move
     WHERE billing_wallet_run_id IS NOT NULL
       AND company_id = %(company)s
       AND state = 'posted'
  GROUP BY billing_wallet_run_id
"""
# Transactions that a standing entry names one by one.
NAMED = """
    SELECT rel.transaction_id
      FROM billing_wallet_transaction_move_rel AS rel
      JOIN account_move AS move ON move.id = rel.move_id
     WHERE move.state = 'posted'
"""
# What the run booked that no entry covers, and debits taken back since that an entry covered.
USED = f"""
    CREATE TEMPORARY TABLE revenue_used ON COMMIT DROP AS
    WITH covered AS MATERIALIZED ({COVERED})
    SELECT booked.id, booked.id AS origin_id, 1 AS sign, FALSE AS is_void
      FROM billing_wallet_transaction AS booked
 LEFT JOIN covered ON covered.run_id = booked.run_id
     WHERE booked.run_id = %(run)s
       AND booked.id > COALESCE(covered.up_to, 0)
     UNION ALL
    SELECT void.id, void.voided_id, -1, TRUE
      FROM billing_wallet_transaction AS void
      JOIN billing_wallet_transaction AS booked ON booked.id = void.voided_id
      JOIN covered ON covered.run_id = booked.run_id AND booked.id <= covered.up_to
     WHERE void.company_id = %(company)s
       AND void.voided_id IS NOT NULL
       AND void.id NOT IN ({NAMED})
"""
SHARES = """
    CREATE TEMPORARY TABLE revenue_share ON COMMIT DROP AS
    SELECT currency_id, product_id, partner_id,
           sum(sign * (amount - (GREATEST(LEAST(reached, granted), 0)
                                 - GREATEST(LEAST(reached - amount, granted), 0)))) AS paid
      FROM (SELECT used.sign, charge.currency_id, charge.product_id, charge.partner_id,
                   charge.amount, -booked.granted_amount AS granted,
                   sum(charge.amount) OVER (PARTITION BY used.id ORDER BY charge.id) AS reached
              FROM revenue_used AS used
              JOIN billing_wallet_transaction AS booked ON booked.id = used.origin_id
        CROSS JOIN LATERAL (
                   SELECT * FROM billing_charge WHERE wallet_transaction_id = used.origin_id
                    UNION ALL
                   SELECT * FROM billing_charge WHERE returned_transaction_id = used.origin_id
                   ) AS charge) AS charged
  GROUP BY currency_id, product_id, partner_id
"""
# Money that customers paid in or were paid out, whose tax no entry has declared.
TOP_UPS = f"""
    SELECT booked.currency_id, sum(booked.amount)::text, array_agg(booked.id ORDER BY booked.id)
      FROM billing_wallet_transaction AS booked
 LEFT JOIN billing_wallet_transaction AS voided ON voided.id = booked.voided_id
     WHERE booked.company_id = %(company)s
       AND booked.kind IN ('credit', 'reimburse', 'void')
       AND (COALESCE(voided.payment_id, booked.payment_id) IS NOT NULL
            OR COALESCE(voided.statement_line_id, booked.statement_line_id) IS NOT NULL)
       AND booked.date <= %(date)s
       AND booked.id NOT IN ({NAMED})
  GROUP BY booked.currency_id
"""
# Why wallets and the deposit account differ, by currency.
BY_HAND = """
    booked.kind IN ('credit', 'reimburse', 'grant', 'expiry', 'void')
    AND COALESCE(voided.run_id, booked.run_id) IS NULL
    AND COALESCE(voided.payment_id, booked.payment_id) IS NULL
    AND COALESCE(voided.statement_line_id, booked.statement_line_id) IS NULL
    AND COALESCE(voided.kind, booked.kind) <> 'transfer'
    AND booked.amount <> booked.granted_amount
"""
NOT_COVERED = f"""
    COALESCE(voided.run_id, booked.run_id) IS NOT NULL
    AND booked.amount <> booked.granted_amount
    AND CASE WHEN booked.voided_id IS NULL
             THEN booked.id > COALESCE((SELECT up_to FROM covered
                                         WHERE covered.run_id = booked.run_id), 0)
             ELSE booked.id NOT IN ({NAMED})
        END
"""
