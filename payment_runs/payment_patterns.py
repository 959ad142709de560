"""What Odoo wrote for one payment, as the pattern of others. No ORM.

The rows of a payment are its own, its entry with two items, the reconciliation with an invoice, and the
invoice with its item. Those of another payment of the same kind differ in what :class:`Facts` holds and in
nothing else, which a proof finds out for the next one.
"""

from typing import NamedTuple

#: tables by the part they play
TABLES = {
    "payment": "account_payment",
    "entry": "account_move",
    "money": "account_move_line",
    "receivable": "account_move_line",
    "partial": "account_partial_reconcile",
    "full": "account_full_reconcile",
    "invoice": "account_move",
    "item": "account_move_line",
}
MODELS = {
    "account_payment": "account.payment",
    "account_move": "account.move",
    "account_move_line": "account.move.line",
    "account_partial_reconcile": "account.partial.reconcile",
    "account_full_reconcile": "account.full.reconcile",
}
#: what is there before a payment, and changes with it
CHANGED = ("invoice", "item")
#: columns with the moment of writing
STAMPS = frozenset(("create_date", "write_date"))


class Facts(NamedTuple):
    """What tells a payment from others of its kind.

    ``ids``: ``{part: id}``; ``partners``: the payer and the company it belongs to; ``texts``: what texts
    say of it, the longest first, with its number at the end; ``numbering``: columns of the entry that
    follow from its number.
    """

    ids: dict
    partners: tuple
    amount: float
    texts: tuple
    numbering: dict


def rows_like(pattern: dict, facts: Facts, other: Facts, references: dict, amounts: dict) -> dict:
    """Return the rows of another payment.

    :param pattern: ``{part: row}`` of the payment with ``facts``
    :param other: facts of the other payment
    :param references: ``{part: {column: table it refers to}}``
    :param amounts: ``{part: columns that hold amounts}``
    """
    ids = {(TABLES[part], number): other.ids[part] for part, number in facts.ids.items()}
    ids |= {
        ("res_partner", old): new for old, new in zip(facts.partners, other.partners, strict=True)
    }
    texts = [pair for pair in zip(facts.texts, other.texts, strict=True) if pair[0]]
    rows = {}
    for part, row in pattern.items():
        found = {}
        for column, value in row.items():
            if column == "id":
                value = other.ids[part]
            elif table := references[part].get(column):
                value = ids.get((table, value), value)
            elif column in amounts[part]:
                value = other.amount if value == facts.amount else value
                value = -other.amount if value == -facts.amount else value
            elif column == "matching_number" and value == f"{facts.ids['full']}":
                value = f"{other.ids['full']}"
            elif isinstance(value, str) and column not in STAMPS:
                value = _text(value, texts)
            found[column] = value
        rows[part] = found
    rows["entry"] |= other.numbering
    return rows


def _text(value, texts):
    """Return a text of another payment. Only the longest may stand within others: a name may be any
    word."""
    [(old, new), *others] = texts
    return value.replace(old, new) if old in value else dict(others).get(value, value)


def changes(before: dict, after: dict) -> dict:
    """Return ``{part: {column: value}}`` of what a payment changed in rows that were there before."""
    return {
        part: {"id": after[part]["id"]}
        | {
            column: value
            for column, value in after[part].items()
            if value != before[part].get(column)
        }
        for part in before
    }


def comparable(rows: dict, ids: dict, references: dict, others=()) -> dict:
    """Return ``{(model, part, column): value}`` of a payment's rows, where what names one of them names
    the part it plays, so that two ways to make it can be compared.

    :param others: ``[(model, number, row)]`` of other documents, whose numbers take the place of the part
    """
    parts = {(TABLES[part], number): part for part, number in ids.items()}
    like = {MODELS[table]: part for part, table in TABLES.items()}
    looked_at = [(MODELS[TABLES[part]], part, part, row) for part, row in rows.items()]
    looked_at += [(model, like[model], number, row) for model, number, row in others]
    found = {}
    for model, part, place, row in looked_at:
        for column, value in row.items():
            if column in STAMPS or column == "access_token":
                continue
            if column == "id":
                value = place
            elif table := references[part].get(column):
                value = parts.get((table, value), value)
            elif column == "matching_number" and value == f"{ids['full']}":
                value = "full"
            found[model, place, column] = value
    return found
