"""Which state may follow which, said in people's words."""

from odoo.exceptions import UserError


def to_move(records, state: str, transitions: dict[str, set]):
    """Return those of `records` that are not in `state` yet.

    :raises UserError: where one of them cannot come to it.
    """
    todo = records.filtered(lambda record: record.state != state)
    names = dict(records._fields["state"]._description_selection(records.env))
    for record in todo:
        if state not in transitions[record.state]:
            raise UserError(
                records.env._(
                    "%(record)s is %(old)s and cannot become %(new)s.",
                    record=record.display_name,
                    old=names[record.state].lower(),
                    new=names[state].lower(),
                )
            )
    return todo
