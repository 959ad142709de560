"""Telling PostgreSQL how tables have grown under the hands of a worker.

PostgreSQL keeps the plans of a connection, those of its foreign-key checks among them, until it
hears that a table's statistics changed. A worker that fills tables which were empty when it began
would look up each document that a line belongs to by reading the whole table, and autovacuum looks
but once a minute: a first run of some thousand invoices cost three times as much at its end.
"""

import logging
from collections.abc import Iterable

from psycopg2 import Error

from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: rows that a transaction added to a table that is worth a look
ROWS = 50
#: pages beyond twice as many as the statistics know
PAGES = 8
#: a table that is so many times as large as is known of it cannot wait until nothing else is to be done
AT_ONCE = 8


def outgrown(cr) -> dict[str, float]:
    """Return the tables that this transaction filled, and that have outgrown their statistics, with how
    many times as large as these know they are.

    Each doubling counts once, so however large a table gets it is looked at a few times.
    """
    cr.execute(
        SQL(
            """
            SELECT relname, times
              FROM pg_class, LATERAL (
                   SELECT pg_relation_size(oid)::float8 / current_setting('block_size')::int
                        / (GREATEST(relpages, 0) + %s / 2.0)) AS size (times)
             WHERE relkind = 'r'
               AND relnamespace = current_schema::regnamespace
               AND pg_stat_get_xact_tuples_inserted(oid) >= %s
               AND times > 2
             ORDER BY relname
            """,
            PAGES,
            ROWS,
        )
    )
    return dict(cr.fetchall())


def refresh(cr, tables: Iterable[str]) -> None:
    """Take the statistics of tables anew, where nobody else is just about it.

    Of their size and of columns in indexes alone: the tables are wide, and work waits for it.
    PostgreSQL does not count that as having looked, so that autovacuum soon takes all of them.
    """
    if not tables:
        return
    cr.execute(
        SQL(
            """
            SELECT class.relname, array_agg(DISTINCT attribute.attname)
              FROM pg_class AS class
              JOIN pg_index AS index ON index.indrelid = class.oid
              JOIN pg_attribute AS attribute
                ON attribute.attrelid = class.oid AND attribute.attnum = ANY(index.indkey)
             WHERE class.relnamespace = current_schema::regnamespace AND class.relname = ANY(%s)
             GROUP BY class.relname
            """,
            list(tables),
        )
    )
    columns = dict(cr.fetchall())
    names = [
        SQL("%s (%s)", table, SQL(", ").join(map(SQL.identifier, columns[name])))
        if name in columns
        else table
        for name, table in ((name, SQL.identifier(name)) for name in tables)
    ]
    cr.execute(SQL("ANALYZE (SKIP_LOCKED) %s", SQL(", ").join(names)))


def refresh_after_commit(cr, tables: Iterable[str]) -> None:
    """Take the statistics anew in a transaction of their own: work that is done stays done."""
    if not tables:
        return
    try:
        refresh(cr, tables)
        cr.commit()  # pylint: disable=invalid-commit
    except Error as error:
        cr.rollback()
        _logger.info("The statistics of %s stay as they were: %s", ", ".join(tables), error)
