"""Counting many things in one query."""

from odoo.tools import SQL


def count_each(env, questions) -> tuple:
    """Return how many records each of some questions finds.

    :param questions: pairs of a model's name and a domain; the rights of the environment's user hold
    """
    counts = SQL(", ").join(
        SQL("(%s)", env[model]._search(domain).select(SQL("COUNT(*)")))
        for model, domain in questions
    )
    [row] = env.execute_query(SQL("SELECT %s", counts))
    return row
