"""Links to records that the database does not look up row by row, for tables that are loaded by the
million."""

from odoo import fields
from odoo.tools import SQL, sql

FOREIGN_KEYS = """
    SELECT keys.conname
      FROM pg_constraint AS keys
      JOIN pg_attribute AS attribute
        ON attribute.attrelid = keys.conrelid
       AND keys.conkey = ARRAY[attribute.attnum]
     WHERE keys.contype = 'f'
       AND keys.conrelid = %s::regclass
       AND attribute.attname = %s
"""

HOLD = """
CREATE OR REPLACE FUNCTION billing_hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %I = $1)', TG_ARGV[0], TG_ARGV[1])
       INTO named
      USING OLD.id;
    IF named THEN
        RAISE EXCEPTION 'Row % of % is named by %.%.', OLD.id, TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1]
              USING ERRCODE = 'foreign_key_violation', TABLE = TG_ARGV[0],
                    COLUMN = TG_ARGV[1], CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$
"""


class LooseMany2one(fields.Many2one):
    """A many2one without a foreign key.

    Of a million rows loaded at once the database would look every link up one by one, and lock the
    row at its other end. Who deletes what such rows name is held back by the models themselves.
    """

    def update_db_foreign_key(self, model, column):
        """Leave the column without a foreign key."""
        model.env.cr.execute(FOREIGN_KEYS, [model._table, self.name])
        for (name,) in model.env.cr.fetchall():
            sql.drop_constraint(model.env.cr, model._table, name)


class HeldMany2one(LooseMany2one):
    """A many2one whose other end the database refuses to delete while a row names it.

    That is the half of a foreign key that costs nothing when rows come in. The other half, that
    the record is there, is left to who inserts; and who deletes does not see what is inserted at the
    same moment. So rows are made of records that others keep, by foreign keys or because the same
    transaction locks or writes them. Where nothing does, see ``hold``.
    """

    def update_db_foreign_key(self, model, column):
        """Have the database refuse to delete what rows name."""
        result = super().update_db_foreign_key(model, column)
        cr = model.env.cr
        table = SQL.identifier(model.env[self.comodel_name]._table)
        trigger = SQL.identifier(f"hold_{model._table}_{self.name}")
        cr.execute(HOLD)
        cr.execute(SQL("DROP TRIGGER IF EXISTS %s ON %s", trigger, table))
        cr.execute(
            SQL(
                "CREATE TRIGGER %s AFTER DELETE ON %s FOR EACH ROW"
                " EXECUTE FUNCTION billing_hold(%s, %s)",
                trigger,
                table,
                model._table,
                self.name,
            )
        )
        return result


def hold(records) -> None:
    """Have nobody delete records who does not see what this transaction inserts.

    They are written, as they are: who deletes one at the same moment, whoever comes first, is told to
    begin anew, or this transaction is.
    """
    if records:
        table = SQL.identifier(records._table)
        records.env.cr.execute(
            SQL("UPDATE %s SET id = id WHERE id = ANY(%s)", table, sorted(records.ids))
        )


def drop_holds(env) -> None:
    """Let go of the records that rows of the addon named."""
    env.cr.execute("DROP FUNCTION IF EXISTS billing_hold() CASCADE")
