"""Texts for people, on every floor."""


def plural(count: int, one: str, many: str) -> str:
    """Return the text for a count of one, or the one for any other count.

    Both come translated, so that a language can word each as it needs.
    """
    return one if count == 1 else many
