"""What says that documents cannot be written by sets."""


class NotWritten(Exception):
    """The documents have to go Odoo's own way; the message says why."""


class ProvenWrong(Exception):
    """A proven shape was proven again and is not equal any more.

    :ivar values: of the ``billing.invoice.proof`` that says so
    """

    def __init__(self, values):
        super().__init__(values["reason"])
        self.values = values
