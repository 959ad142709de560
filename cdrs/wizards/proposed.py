"""Fields of dialogs that come filled in and can be changed. No database."""

from odoo.fields import Field


def proposed(kind: type[Field], compute: str, **options) -> Field:
    """Return a field that a method fills in when the dialog opens, and that people may change.

    :param kind: the class of the field, such as ``fields.Date``
    """
    return kind(compute=compute, store=True, precompute=True, readonly=False, **options)
