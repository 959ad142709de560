"""Numbers for many invoices at once, under Odoo's own lock and in its own format."""

import re

from psycopg2.errors import LockNotAvailable

#: tells this lock from others that are taken by two numbers
LOCK = 0x0B1113
CONTEXT_KEY = "billing_committed_numbers"
#: what documents and their items have only once they are numbered: ``{model: names}``
NUMBERED = {
    "account.move": (
        "name",
        "sequence_prefix",
        "sequence_number",
        "made_sequence_gap",
        "payment_reference",
    ),
    "account.move.line": ("move_name", "name"),
}


def wait_for_others(cr, journal_ids) -> None:
    """Wait until nobody else who writes by sets gives numbers of these journals, until the transaction
    ends. Odoo's lock would hold, but let a waiting one try all numbers that were taken since its
    transaction began, one after the other; and it is given up in between while a shape is proven."""
    for journal_id in sorted(journal_ids):
        cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, journal_id])


def committed(env, journal_id: int, prefix: str, number: int | None = None) -> int:
    """Return the highest number of a sequence that others have committed, or this one if they have; 0
    where there is none, or this cannot be seen at once. A transaction itself sees no more than what was
    there when it began. While addons are installed, nobody else is at work and tables may be locked.
    """
    if not env.registry.ready:
        return 0
    try:
        with env.registry.cursor() as cr:
            cr.execute("SET LOCAL lock_timeout = '200ms'")
            cr.execute(
                """
                SELECT max(sequence_number) FROM account_move
                 WHERE journal_id = %s AND sequence_prefix = %s AND state = 'posted'
                   AND sequence_number = COALESCE(%s, sequence_number)
                """,
                [journal_id, prefix, number],
                log_exceptions=False,
            )
            return cr.fetchone()[0] or 0
    except LockNotAvailable:
        return 0


class Committed:
    """The highest numbers that others had committed when a document was written by sets, for Odoo, which
    makes the same one then.

    Lives in the context as an object, so that no call from outside can set it.
    """

    def __init__(self):
        self._highest = {}

    def keep(self, move, number_format: str, values: dict, highest: int) -> None:
        self._highest[self._sequence(move, number_format, values)] = highest

    def get(self, move, number_format: str, values: dict) -> int:
        """Return the highest number of a sequence; 0 where it was not asked for."""
        return self._highest.get(self._sequence(move, number_format, values), 0)

    @staticmethod
    def _sequence(move, number_format, values):
        return move.journal_id.id, number_format.format(**values | {"seq": 0})


def known_committed(env) -> Committed | None:
    """Return the :class:`Committed` numbers that are known, while a document is made both ways."""
    known = env.context.get(CONTEXT_KEY)
    return known if isinstance(known, Committed) else None


class Numbers:
    """Gives invoices of one transaction their numbers, one after the other.

    Odoo locks a sequence by giving a posted invoice the next number in the unique index; whoever
    wants the same waits until the transaction ends. So the first invoice of each sequence has to be
    in its table before it is numbered; all others need no more than counting on.
    """

    def __init__(self, moves):
        """:param moves: an empty recordset of ``account.move``"""
        self._moves = moves
        self._holders = {}
        self._given = set()
        fixed = moves._sequence_fixed_regex.replace(r"?P<seq>", "")
        self._split = re.compile(moves._make_regex_non_capturing(fixed))

    @staticmethod
    def key(values):
        """Return what Odoo's choice of a sequence depends on.

        :param dict values: an invoice's
        """
        return (
            values["journal_id"],
            values["date"],
            values["move_type"] == "out_refund",
        )

    def lock(self, key, move):
        """Lock the sequence of ``key`` with an invoice that is in its table, posted, without a name."""
        number_format, values = move._get_next_sequence_format()
        prefix, _number = self._parts(number_format.format(**values))
        wait_for_others(move.env.cr, [move.journal_id.id])
        highest = committed(move.env, move.journal_id.id, prefix)
        if known := known_committed(move.env):
            known.keep(move, number_format, values, highest)
        # There, even where it was committed after this transaction's snapshot was taken.
        self._given.add((move.journal_id.id, prefix, highest))
        values["seq"] = max(values["seq"], highest)
        self._holders[key] = (move, number_format, values)

    def _parts(self, name):
        found = self._split.match(name)
        return name[: found.start(1)], int(found.group(1) or 0)

    def next(self, key):
        """Return ``(name, prefix, number)`` of the next invoice."""
        move, number_format, values = self._holders[key]
        name = move._locked_increment(number_format, dict(values))
        prefix, number = self._parts(name)
        self._given.add((key[0], prefix, number))
        return name, prefix, number

    def is_gap(self, move, prefix, number):
        """Return whether the number before an invoice's is missing."""
        if number <= 1 or (move.journal_id.id, prefix, number - 1) in self._given:
            return False
        before = [
            ("journal_id", "=", move.journal_id.id),
            ("sequence_prefix", "=", prefix),
            ("sequence_number", "=", number - 1),
        ]
        return not (
            self._moves.sudo().search_count(before, limit=1)
            or committed(move.env, move.journal_id.id, prefix, number - 1)
        )
