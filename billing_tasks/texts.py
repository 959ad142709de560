"""Texts for people, on every floor."""


def plural(count: int, one: str, many: str) -> str:
    """Return the text for a count of one, or the one for any other count.

    Both come translated, so that a language can word each as it needs.
    """
    return one if count == 1 else many


def labels(records, name: str) -> dict:
    """Return ``{value: what people read}`` of a selection field, in their language."""
    return dict(records._fields[name]._description_selection(records.env))


def label(record, name: str) -> str:
    """Return what people read for a record's value of a selection field; nothing for no value."""
    value = record[name]
    return labels(record, name).get(value, value or "")
