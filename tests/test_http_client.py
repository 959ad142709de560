"""Whom a webhook may call, and what counts as an answer: against sockets, without a database."""

import doctest
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from unittest.mock import patch

from odoo.tests import BaseCase, tagged

from ..billing_tasks import net_guard
from ..billing_tasks.net_guard import Refused, is_public
from ..service_tasks import answers, http_client
from ..service_tasks.http_client import NoAnswer, NotSent, Target, resolve, send
from .web_receiver import Receiver, certificate

HEAD = b"HTTP/1.1 200 OK\r\n"


@tagged("post_install", "-at_install")
class TestHttpClient(BaseCase):
    def target(self, *parts, pause=0.0, secure=False):
        """A server that reads a request and then sends `parts`, with pauses between them."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.addCleanup(listener.close)

        def serve():
            with suppress(OSError):
                connection, _address = listener.accept()
                self.addCleanup(connection.close)
                connection.settimeout(5)
                while not secure and not connection.recv(65536).endswith(b"{}"):
                    pass
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause)
                connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return Target(secure, "localhost", listener.getsockname()[1], "/", ("127.0.0.1",))

    def send(self, *parts, **options):
        return send(self.target(*parts, **options), "POST", b"{}", timeout=0.6)

    def test_the_examples_in_the_code_hold(self):
        for module in (answers, http_client, net_guard):
            self.assertEqual(doctest.testmod(module).failed, 0)

    def test_only_the_open_internet_is_public(self):
        for address in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
            self.assertTrue(is_public(address), address)
        for address in (
            *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "0.0.0.0"),
            *("169.254.169.254", "224.0.0.1", "255.255.255.255"),
            *("::1", "::", "fe80::1%eth0", "fd00::1", "fec0::1", "ff02::1", "::7f00:1"),
            *("::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::1"),
        ):
            self.assertFalse(is_public(address), address)

    def test_private_addresses_are_refused_in_every_spelling(self):
        for host in ("127.0.0.1", "[::1]", "127.1", "0x7f.1", "2130706433", "localhost", "0"):
            with self.assertRaises(Refused, msg=host):
                resolve(f"http://{host}:8069/")
        self.assertEqual(resolve("http://[::1]:8069/a?b", True).addresses, ("::1",))

    def test_a_name_is_looked_up_once_and_every_address_of_it_is_judged(self):
        def answer(*addresses):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in addresses]

        looked_up = [answer("8.8.8.8", "127.0.0.1"), answer("8.8.8.8"), answer("127.0.0.1")]
        with patch.object(socket, "getaddrinfo", side_effect=looked_up):
            with self.assertRaises(Refused):
                resolve("http://rebinding.example/")
            target = resolve("http://rebinding.example/")
            with patch.object(socket, "create_connection", side_effect=OSError("no")) as connect:
                with self.assertRaises(NotSent):
                    send(target, "POST")
        self.assertEqual([call.args[0] for call in connect.call_args_list], [("8.8.8.8", 80)])

    def test_a_whole_answer_is_taken_and_a_huge_one_cut(self):
        self.assertEqual(self.send(HEAD + b"Content-Length: 2\r\n\r\n{}").body, b"{}")
        self.assertEqual(self.send(HEAD + b"\r\n{}").body, b"{}")
        huge = self.send(HEAD + b"Content-Length: 9000000\r\n\r\n" + b"x" * 9_000_000)
        self.assertEqual((huge.status, len(huge.body)), (200, http_client.MAX_ANSWER))

    def test_an_answer_without_its_end_is_none(self):
        for parts, pause in (
            ([HEAD + b"Content-Length: 20\r\n\r\n{}"], 0),
            ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}"], 0),
            ([HEAD + b"\r\n{", b"}"], 1),
            ([HEAD + b"\r\n"] + [b" "] * 9, 0.2),
            ([b"H"] * 9, 0.2),
            ([b"\0\xff\r\n\r\n"], 0),
            ([], 0),
        ):
            begun = time.monotonic()
            with self.assertRaises(NoAnswer, msg=parts) as caught:
                self.send(*parts, pause=pause)
            self.assertNotRegex(str(caught.exception), r"\0|Errno|_ssl")
            self.assertLess(time.monotonic() - begun, 1.5)

    def test_a_trusted_certificate_must_be_of_the_very_host(self):
        file = self.enterContext(certificate())
        receiver = Receiver(certificate=file)
        self.addCleanup(receiver.close)
        target = resolve(receiver.url, True)
        with patch.dict(os.environ, {"SSL_CERT_FILE": file}):
            self.assertEqual(send(target, "POST", b"{}").status, 200)
            with self.assertRaisesRegex(NotSent, "not trusted, Hostname mismatch"):
                send(replace(target, host="panel.example"), "POST", b"{}")
        with self.assertRaisesRegex(NotSent, "not trusted, self-signed"):
            send(target, "POST", b"{}")
        self.assertEqual(receiver.methods, ["POST"])

    def test_a_handshake_that_never_ends_sends_nothing(self):
        with patch.object(http_client, "CONNECT_TIMEOUT", 0.5), self.assertRaises(NotSent):
            self.send(b"\x16\x03\x03\x40\x00", *[b"x"] * 9, pause=0.2, secure=True)
