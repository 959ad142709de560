"""Telling PostgreSQL how tables have grown under the hands of a worker.

PostgreSQL keeps the plans of a connection, those of its foreign-key checks among them, until it
hears that a table's statistics changed. A worker that fills tables which were empty when it began
would look up each document that a line belongs to by reading the whole table, and autovacuum looks
but once a minute: a first run of some thousand invoices cost three times as much at its end.
"""

import logging

from psycopg2 import Error

from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: rows that a transaction added to a table that is worth a look
ROWS = 50
#: pages beyond twice as many as the statistics know
PAGES = 8


def outgrown(cr) -> list[str]:
    """Return the tables that this transaction filled, and that have outgrown their statistics.

    Each doubling counts once, so however large a table gets it is looked at a few times.
    """
    cr.execute(
        SQL(
            """
            SELECT relname
              FROM pg_class
             WHERE relkind = 'r'
               AND relnamespace = current_schema::regnamespace
               AND pg_stat_get_xact_tuples_inserted(oid) >= %s
               AND pg_relation_size(oid)
                   > (2 * GREATEST(relpages, 0) + %s) * current_setting('block_size')::bigint
             ORDER BY relname
            """,
            ROWS,
            PAGES,
        )
    )
    return [name for (name,) in cr.fetchall()]


def refresh(cr, tables: list[str]) -> None:
    """Take the statistics of tables anew, where nobody else is just about it."""
    if tables:
        names = SQL(", ").join(map(SQL.identifier, tables))
        cr.execute(SQL("ANALYZE (SKIP_LOCKED) %s", names))


def refresh_after_commit(cr, tables: list[str]) -> None:
    """Take the statistics anew in a transaction of their own: work that is done stays done."""
    if not tables:
        return
    try:
        refresh(cr, tables)
        cr.commit()  # pylint: disable=invalid-commit
    except Error as error:
        cr.rollback()
        _logger.info("The statistics of %s stay as they were: %s", ", ".join(tables), error)
