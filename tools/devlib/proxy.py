"""One port for the web client.

Odoo's prefork server answers pages on one port and the browser's live connection (`/websocket`)
on another, and expects a web server in front. This stands in for it: it looks at the first line
of each connection and passes the bytes on to the right port. Browsers open a connection of its
own for a live connection, so the first line decides."""

import asyncio
import contextlib
import threading


class Proxy:
    """Listens on 127.0.0.1:`port` in a thread of its own until `close()`."""

    def __init__(self, port, http_port, live_port):
        self.port = port
        self.http_port = http_port
        self.live_port = live_port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error:
            raise self._error

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self):
        try:
            self._loop.run_until_complete(
                asyncio.start_server(self._connection, "127.0.0.1", self.port)
            )
        except OSError as error:
            self._error = error
            return
        finally:
            self._ready.set()
        self._loop.run_forever()

    async def _connection(self, reader, writer):
        try:
            first = await reader.readline()
            target = first.split(b" ")[1:2]
            live = bool(target) and target[0].split(b"?")[0] == b"/websocket"
            port = self.live_port if live else self.http_port
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, ValueError):
            writer.close()
            return
        inner_writer.write(first)
        await asyncio.gather(
            self._pass_on(reader, inner_writer),
            self._pass_on(inner_reader, writer),
            return_exceptions=True,
        )

    @staticmethod
    async def _pass_on(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
