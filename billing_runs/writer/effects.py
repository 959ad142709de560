"""What a transaction has done besides the rows that are compared: other tables and hooks."""

from collections import Counter
from copy import copy
from typing import NamedTuple

from .not_written import NotWritten

#: tables of a document or a payment, whose rows are compared column by column; Odoo updates them more often than
#: the writer
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
    "account.res.partner.increase_rank.customer_rank",
    "._track_finalize",
    "sequence.mixin",
)


class Effects(NamedTuple):
    """What happened between two looks."""

    tables: dict  # {table: (rows that came in addition, rows that were updated)}
    hooks: Counter  # (when, name of what is called then)

    def and_then(self, later: "Effects") -> "Effects":
        """Return what happened here and later together."""
        tables = dict(self.tables)
        for name, (rows, updates) in later.tables.items():
            before, earlier = tables.get(name, (0, 0))
            more = None if updates is None else earlier + updates
            tables[name] = (before + rows, more)
        return Effects(tables, self.hooks + later.hooks)


class Look:
    """The state of a transaction at a moment."""

    def __init__(self, cr):
        cr.execute("SHOW track_counts")
        if cr.fetchone()[0] != "on":
            raise NotWritten("PostgreSQL does not count what is written (track_counts is off)")
        # What pg_stat_xact_user_tables says of tables, which also joins and adds up their indexes.
        cr.execute(
            """
            SELECT relname, ins - del, upd
              FROM pg_class, pg_stat_get_xact_tuples_inserted(oid) AS ins,
                   pg_stat_get_xact_tuples_updated(oid) AS upd,
                   pg_stat_get_xact_tuples_deleted(oid) AS del
             WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace
               AND ins + upd + del > 0
            """
        )
        self.tables = {name: counts for name, *counts in cr.fetchall()}
        self.hooks = Counter()
        for when, callbacks in (("precommit", cr.precommit), ("postcommit", cr.postcommit)):
            names = [getattr(call, "__qualname__", repr(call)) for call in callbacks._funcs]
            names += [f"{key}" for key, value in callbacks.data.items() if _says_something(value)]
            self.hooks.update((when, name) for name in names if not name.endswith(COUNTED))

    def effects_since(self, before: "Look") -> Effects:
        tables = {}
        for name, counts in self.tables.items():
            more = [
                now - then
                for now, then in zip(counts, before.tables.get(name, (0, 0)), strict=True)
            ]
            if any(more):
                tables[name] = (more[0], None if name in COMPARED else more[1])
        return Effects(tables, self.hooks - before.hooks)


def _says_something(data):
    """Return whether what a hook finds is more than an empty or a struck-out list."""
    return (
        any(value is not None for value in data.values()) if isinstance(data, dict) else bool(data)
    )


class Hooks:
    """The hooks of a transaction, to be put back as they were."""

    def __init__(self, cr):
        self._kept = [
            (callbacks, list(callbacks._funcs), {k: copy(v) for k, v in callbacks.data.items()})
            for callbacks in (cr.postcommit, cr.postrollback)
        ]

    def restore(self):
        for callbacks, functions, data in self._kept:
            callbacks._funcs.clear()
            callbacks._funcs.extend(functions)
            callbacks.data.clear()
            callbacks.data.update(data)
