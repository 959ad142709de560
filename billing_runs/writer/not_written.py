"""What says that documents cannot be written by sets."""


class NotWritten(Exception):
    """The documents have to go Odoo's own way; the message says why."""
