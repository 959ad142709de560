"""What the database itself holds of wallets: their balances, and that nothing is rewritten.

A statement that books transactions has its sums added to the wallets by a trigger, once a statement
however many rows it has. Who writes a balance otherwise, or changes or deletes a transaction, is
refused, whatever program it is.
"""

FUNCTIONS = (
    "billing_wallet_add",
    "billing_wallet_refuse_balance",
    "billing_wallet_refuse_rewriting",
)

WALLET_TRIGGERS = """
CREATE OR REPLACE FUNCTION billing_wallet_refuse_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The balance of wallet % changes by its transactions alone.', NEW.id
          USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS billing_wallet_balance_written ON billing_wallet;
CREATE TRIGGER billing_wallet_balance_written
    BEFORE UPDATE OF balance, granted_balance ON billing_wallet
       FOR EACH ROW
      WHEN (pg_trigger_depth() = 0
            AND (OLD.balance IS DISTINCT FROM NEW.balance
                 OR OLD.granted_balance IS DISTINCT FROM NEW.granted_balance))
   EXECUTE FUNCTION billing_wallet_refuse_balance();

DROP TRIGGER IF EXISTS billing_wallet_starts_empty ON billing_wallet;
CREATE TRIGGER billing_wallet_starts_empty
    BEFORE INSERT ON billing_wallet
       FOR EACH ROW
      WHEN (COALESCE(NEW.balance, 0) <> 0 OR COALESCE(NEW.granted_balance, 0) <> 0)
   EXECUTE FUNCTION billing_wallet_refuse_balance();
"""

# A wallet is written with every transaction: with room on its page no index is.
WALLET_ROOM = "ALTER TABLE billing_wallet SET (fillfactor = 50)"

# An episode of low balance begins and ends with the booking that crosses the threshold.
TRANSACTION_TRIGGERS = """
CREATE OR REPLACE FUNCTION billing_wallet_add() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong integer;
BEGIN
    SELECT new_rows.wallet_id INTO wrong
      FROM new_rows
 LEFT JOIN billing_wallet AS wallet ON wallet.id = new_rows.wallet_id
     WHERE (wallet.company_id, wallet.currency_id)
           IS DISTINCT FROM (new_rows.company_id, new_rows.currency_id)
     LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'The transactions of wallet % are in its company and currency.', wrong
              USING ERRCODE = 'restrict_violation';
    END IF;
    WITH added AS (
        SELECT wallet_id,
               sum(amount) AS amount,
               sum(granted_amount) AS granted_amount,
               (array_agg(balance_after ORDER BY id DESC))[1] AS balance_after
          FROM new_rows
      GROUP BY wallet_id
    ), moved AS (
        UPDATE billing_wallet AS wallet
           SET balance = wallet.balance + added.amount,
               granted_balance = wallet.granted_balance + added.granted_amount,
               low_since = CASE WHEN wallet.balance + added.amount > COALESCE(wallet.low_balance, 0)
                                THEN NULL
                                ELSE COALESCE(wallet.low_since, now() AT TIME ZONE 'UTC') END,
               low_told = wallet.low_told
                          AND wallet.balance + added.amount <= COALESCE(wallet.low_balance, 0)
          FROM added
         WHERE wallet.id = added.wallet_id
     RETURNING wallet.id, wallet.balance, added.balance_after
    )
    SELECT id INTO wrong FROM moved WHERE balance <> balance_after LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'The balance after the transactions of wallet % does not follow.', wrong
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS billing_wallet_transaction_booked ON billing_wallet_transaction;
CREATE TRIGGER billing_wallet_transaction_booked
     AFTER INSERT ON billing_wallet_transaction
REFERENCING NEW TABLE AS new_rows
       FOR EACH STATEMENT
   EXECUTE FUNCTION billing_wallet_add();

CREATE OR REPLACE FUNCTION billing_wallet_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Transactions of wallets are neither changed nor deleted: void them instead.'
          USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS billing_wallet_transaction_changed ON billing_wallet_transaction;
CREATE TRIGGER billing_wallet_transaction_changed
    BEFORE UPDATE ON billing_wallet_transaction
       FOR EACH ROW
      WHEN (to_jsonb(OLD) - '{create_uid,write_uid,write_date}'::text[]
            IS DISTINCT FROM to_jsonb(NEW) - '{create_uid,write_uid,write_date}'::text[])
   EXECUTE FUNCTION billing_wallet_refuse_rewriting();

DROP TRIGGER IF EXISTS billing_wallet_transaction_deleted ON billing_wallet_transaction;
CREATE TRIGGER billing_wallet_transaction_deleted
    BEFORE DELETE ON billing_wallet_transaction
       FOR EACH ROW
   EXECUTE FUNCTION billing_wallet_refuse_rewriting();

DROP TRIGGER IF EXISTS billing_wallet_transaction_emptied ON billing_wallet_transaction;
CREATE TRIGGER billing_wallet_transaction_emptied
    BEFORE TRUNCATE ON billing_wallet_transaction
       FOR EACH STATEMENT
   EXECUTE FUNCTION billing_wallet_refuse_rewriting();
"""


def drop_triggers(env) -> None:
    """Let the tables of wallets go with the addon."""
    for name in FUNCTIONS:
        env.cr.execute(f"DROP FUNCTION IF EXISTS {name}() CASCADE")
