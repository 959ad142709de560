"""How a worker that waits hears of new tasks at once."""

import logging
import select
import time
from contextlib import closing, suppress

import psycopg2
from psycopg2.pool import PoolError

from odoo.tools import SQL

_logger = logging.getLogger(__name__)

_CHANNEL = SQL.identifier("billing_task")


def announce(cr) -> None:
    """Have workers that wait look at the queue once this transaction is committed."""
    cr.execute(SQL("NOTIFY %s", _CHANNEL))


class Listener:
    """A connection of a worker that the database tells of new tasks.

    Opened when a worker waits for the first time. Where no connection is left, or once it is lost, a
    worker sees new tasks when it looks next; its next slice listens anew.

    :param registry: the database's registry.
    """

    def __init__(self, registry):
        self.registry = registry
        self.cr = None
        self.deaf = False

    def wait(self, seconds):
        """Wait until tasks are announced, at most so long; return the seconds that were waited."""
        begun = time.monotonic()
        if not self.deaf:
            try:
                if self.cr is None:
                    self._open()
                if self._hear(max(seconds - (time.monotonic() - begun), 0)):
                    return time.monotonic() - begun
                return seconds
            except (psycopg2.Error, PoolError) as error:
                _logger.info("A billing task worker looks for new tasks unheard: %s", error)
                self.deaf = True
                self.close()
        time.sleep(max(seconds - (time.monotonic() - begun), 0))
        return seconds

    def close(self):
        """Stop listening and give the connection back."""
        cr, self.cr = self.cr, None
        if cr is None:
            return
        # Where the connection was lost there is nothing to give back.
        with suppress(psycopg2.Error), closing(cr):
            # The pool keeps the connection, and nobody would read from it what it is told.
            cr.execute(SQL("UNLISTEN *"), log_exceptions=False)
            cr.commit()  # pylint: disable=invalid-commit

    def _open(self):
        self.cr = self.registry.cursor()
        self.cr.execute(SQL("LISTEN %s", _CHANNEL), log_exceptions=False)
        # It is told of what is committed after this, and no snapshot stays open meanwhile.
        self.cr.commit()  # pylint: disable=invalid-commit

    def _hear(self, seconds):
        """Tell whether tasks were announced since it heard last, or are within so many seconds."""
        connection = self.cr.connection
        connection.poll()
        if not connection.notifies and select.select([connection], [], [], seconds)[0]:
            connection.poll()
        heard = bool(connection.notifies)
        connection.notifies.clear()
        return heard
