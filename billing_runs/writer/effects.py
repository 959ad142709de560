"""What a transaction has done besides the rows that are compared: other tables and hooks."""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from ..invoicing.posting import RANKS
from .not_written import NotWritten

#: tables of a document or a payment, whose rows are compared column by column; Odoo writes them more
#: often than the writer, and makes items that it takes away again
COMPARED = frozenset(
    (
        "account_move",
        "account_move_line",
        "account_move_line_account_tax_rel",
        "account_account_tag_account_move_line_rel",
        "account_payment",
        "account_partial_reconcile",
        "account_full_reconcile",
    )
)
#: hooks that are looked at otherwise, or not: customers' ranks are compared as if they were raised at
#: once; what looks for messages to write depends on what it was told to look at; what numbers are
#: remembered concerns this transaction alone
COUNTED = (
    "increase_partner_rank",
    "_raise_ranks_together.<locals>.raise_customers",
    RANKS,
    "._track_finalize",
    "sequence.mixin",
)


class Effects(NamedTuple):
    """What happened between two looks."""

    tables: dict  # {table: (rows that came, that were updated, that went)}
    hooks: Counter  # (when, name of what is called then)

    def and_then(self, later: "Effects") -> "Effects":
        """Return what happened here and later together."""
        tables = dict(self.tables)
        for name, counts in later.tables.items():
            tables[name] = _sum(tables.get(name, (0, 0, 0)), counts)
        return Effects(tables, self.hooks + later.hooks)


class Look:
    """The state of a transaction at a moment."""

    def __init__(self, cr, tables=None):
        """:param dict tables: ``{table: counts}`` where they are known"""
        self.tables = self._counts(cr) if tables is None else tables
        self.hooks = Counter()
        for when, callbacks in (("precommit", cr.precommit), ("postcommit", cr.postcommit)):
            calls = Counter(getattr(call, "__qualname__", repr(call)) for call in callbacks._funcs)
            # One that is called already may find more.
            found = Counter({f"{key}": _weight(value) for key, value in callbacks.data.items()})
            for name, count in (calls + found).items():
                if not name.endswith(COUNTED):
                    self.hooks[when, name] = count

    @staticmethod
    def _counts(cr):
        # What pg_stat_xact_user_tables says of tables, which also joins and adds up their indexes. Few
        # are written, so it is quicker to ask twice of these than to keep what was said of all.
        cr.execute(
            """
            SELECT relname, pg_stat_get_xact_tuples_inserted(oid),
                   pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_deleted(oid)
              FROM pg_class
             WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace
               AND pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
                   + pg_stat_get_xact_tuples_deleted(oid) > 0
            """
        )
        found = {name: counts for name, *counts in cr.fetchall()}
        if not found:
            cr.execute("SHOW track_counts")
            if cr.fetchone()[0] != "on":
                raise NotWritten("PostgreSQL does not count what is written (track_counts is off)")
        return found

    def effects_since(self, before: "Look") -> Effects:
        tables = {}
        for name, counts in self.tables.items():
            then = before.tables.get(name, (0, 0, 0))
            more = tuple(count - earlier for count, earlier in zip(counts, then, strict=True))
            if name in COMPARED:
                more = (more[0] - more[2], 0, 0)
            if any(more):
                tables[name] = more
        return Effects(tables, self.hooks - before.hooks)


def _sum(*counts):
    return tuple(map(sum, zip(*counts, strict=True)))


def _weight(data, deep=True) -> float:
    """Return how much there is of what a hook finds, what was struck out apart."""
    if isinstance(data, dict):
        return (
            sum(_weight(value, False) for value in data.values() if value is not None)
            if deep
            else 1
        )
    if data is None or isinstance(data, int | float):
        return data or 0
    if isinstance(data, Collection) and not isinstance(data, str):
        return len(data) if deep else 1 + len(data)
    return 1
