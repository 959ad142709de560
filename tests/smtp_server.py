"""A real mail server on the loopback, which keeps what it took."""

import socket
from contextlib import contextmanager

from aiosmtpd.controller import Controller


class Inbox:
    """What reached the server: ``(Message-Id, recipients)`` of each e-mail taken.

    :param refused: addresses that the server refuses
    """

    def __init__(self, refused=()):
        self.refused = set(refused)
        self.before = {}  # {address: what to do before its e-mail is taken}
        self.after = {}  # {address: what to do when it is taken, before the client hears of it}
        self.taken = []
        self.messages = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 5.1.1 no such user here"
        self.before.pop(address, _nothing)()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        content = envelope.content.decode("utf-8", "replace")
        header = next(x for x in content.splitlines() if x.lower().startswith("message-id:"))
        self.taken.append((header.split(":", 1)[1].strip(), tuple(envelope.rcpt_tos)))
        self.messages.append(content)
        self.after.pop(envelope.rcpt_tos[0], _nothing)()
        return "250 OK"

    def recipients(self):
        """Return the addresses that got an e-mail, one for each e-mail."""
        return sorted(address for _reference, addresses in self.taken for address in addresses)


def _nothing():
    pass


@contextmanager
def smtp_server(**options):
    """Run the server in a thread of this process; yields its inbox, which knows the port."""
    inbox = Inbox(**options)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        inbox.port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()
