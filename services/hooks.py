"""What the database needs before the tables of this package are created."""

import psycopg2

from odoo.exceptions import UserError


def create_extensions(env) -> None:
    """Create btree_gist, by which the database keeps billed days from overlapping.

    :raise UserError: one sentence that says who must do what, when this role may not
    """
    env.cr.execute("SELECT 1 FROM pg_extension WHERE extname = 'btree_gist'")
    if env.cr.fetchone():
        return
    try:
        with env.cr.savepoint():
            env.cr.execute("CREATE EXTENSION btree_gist")
    except psycopg2.Error as error:
        raise UserError(
            env._(
                "Billing Operations needs the PostgreSQL extension btree_gist: ask the database "
                "administrator to run CREATE EXTENSION btree_gist in database %(database)s "
                "(%(reason)s), then install again.",
                database=env.cr.dbname,
                reason=(error.pgerror or str(error)).strip().splitlines()[0],
            )
        ) from error
