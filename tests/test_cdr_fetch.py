"""Files are fetched from real servers, each once, and only when they are whole."""

import os
import socket
import tempfile
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..cdrs import remote
from ..cdrs.remote import Address, RemoteProblem, connection, is_plain_name
from .cdr_common import HEAD, CdrCase, call_line
from .cdr_servers import PASSWORD, USER, ftp_server, sftp_server
from .web_receiver import certificate

PRIVATE = "billing_operations.cdr_allow_private"


@tagged("post_install", "-at_install")
class TestCdrFetch(CdrCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.env["ir.config_parameter"].set_param(PRIVATE, "True")

    def server(self, way, port, **values):
        return self.make_carrier(
            name=f"Server {way} {port} {values.pop('label', '')}",
            way_in=way,
            host="127.0.0.1",
            port=port,
            username=USER,
            password=PASSWORD,
            settle_minutes=0,
            **values,
        )

    def put(self, name, *numbers, age=0):
        file = self.folder / name
        file.write_text(HEAD + "".join(map(call_line, numbers)))
        if age:
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - age))
        return file

    def fetch(self, carrier):
        """Look at the server as the button does; return the task."""
        carrier.action_fetch()
        task = self.env["billing.task"].search(
            [("type_id.code", "=", "cdr_fetch"), ("res_id", "=", carrier.id)], limit=1
        )
        self.work()
        return task

    def files_of(self, carrier):
        return self.env["cdr.file"].search([("carrier_id", "=", carrier.id)], order="id")

    def test_ftp_fetches_each_file_once_and_leaves_it(self):
        self.put("one.csv", 1)
        self.put("two.csv", 2, 3)
        (self.folder / "folder.csv").mkdir()
        with ftp_server(self.folder) as port:
            carrier = self.server("ftp", port, file_pattern="*.csv")
            task = self.fetch(carrier)
            self.assertEqual(task.state, "completed", task.error_message)
            files = self.files_of(carrier)
            self.assertEqual(sorted(files.mapped("name")), ["one.csv", "two.csv"])
            self.assertEqual(set(files.mapped("state")), {"processed"})
            self.assertEqual(sum(files.mapped("record_count")), 3)
            self.fetch(carrier)
            self.assertEqual(self.files_of(carrier), files)
            self.assertTrue((self.folder / "one.csv").exists())
            self.put("one.csv", 1, 4)
            self.fetch(carrier)
            self.assertEqual(len(self.files_of(carrier)), 3)

    def test_ftp_moves_fetched_files_where_the_carrier_says(self):
        self.put("one.csv", 1)
        with ftp_server(self.folder) as port:
            carrier = self.server("ftp", port, after_fetch="move", done_folder="done")
            task = self.fetch(carrier)
        self.assertEqual(task.state, "completed", task.error_message)
        self.assertTrue((self.folder / "done" / "one.csv").exists())
        self.assertFalse((self.folder / "one.csv").exists())

    def test_a_file_that_grows_is_left_alone_until_it_is_whole(self):
        file = self.put("one.csv", 1)
        with ftp_server(self.folder) as port:
            carrier = self.server("ftp", port)
            carrier.settle_minutes = 1
            self.fetch(carrier)
            self.assertFalse(self.files_of(carrier))
            again = self.env["billing.task"].search(
                [("type_id.code", "=", "cdr_fetch"), ("state", "=", "pending")]
            )
            self.assertEqual(len(again), 1, "it looks again by itself")
            self.put("one.csv", 1, 2)
            noted = self.env["cdr.remote.file"].search([("carrier_id", "=", carrier.id)])
            noted.seen_date -= timedelta(minutes=5)
            self.fetch(carrier)
            self.assertFalse(self.files_of(carrier), "it has grown between the looks")
            noted.seen_date -= timedelta(minutes=5)
            self.fetch(carrier)
            self.assertEqual(self.files_of(carrier).record_count, 2)
            self.assertEqual(file.name, "one.csv")

    def test_a_done_marker_says_that_a_file_is_whole(self):
        self.put("one.csv", 1)
        self.put("two.csv", 2)
        (self.folder / "two.csv.ok").touch()
        with ftp_server(self.folder) as port:
            carrier = self.server("ftp", port, done_marker=".ok", after_fetch="move")
            self.fetch(carrier)
        self.assertEqual(self.files_of(carrier).mapped("name"), ["two.csv"])
        self.assertTrue((self.folder / "one.csv").exists())
        self.assertTrue((self.folder / "done" / "two.csv.ok").exists())

    def test_ftps_verifies_the_certificate_and_never_falls_back(self):
        self.put("one.csv", 1)
        with certificate() as file:
            text = Path(file).read_text()
            pem = text[text.index("-----BEGIN CERTIFICATE") :]
            with ftp_server(self.folder, certificate=file) as port:
                carrier = self.server("ftps", port)
                task = self.fetch(carrier)
                self.assertEqual(task.state, "error")
                self.assertIn("certificate", task.error_message)
                self.assertFalse(self.files_of(carrier))
                trusting = self.server("ftps", port, certificate=pem, label="trusting")
                task = self.fetch(trusting)
                self.assertEqual(task.state, "completed", task.error_message)
                self.assertEqual(self.files_of(trusting).record_count, 1)
        with ftp_server(self.folder) as port:
            task = self.fetch(self.server("ftps", port))
            self.assertEqual(task.state, "error", "a plain server is not talked to")

    def test_sftp_talks_only_to_the_server_with_the_pinned_key(self):
        self.put("one.csv", 1)
        with sftp_server(self.folder) as (port, key):
            carrier = self.server("sftp", port, after_fetch="move")
            task = self.fetch(carrier)
            self.assertEqual(task.state, "error")
            self.assertIn("not known", task.error_message)
            carrier.action_read_host_key()
            self.assertEqual(carrier.host_key, key)
            task = self.fetch(carrier)
            self.assertEqual(task.state, "completed", task.error_message)
            self.assertEqual(self.files_of(carrier).record_count, 1)
            self.assertTrue((self.folder / "done" / "one.csv").exists())
        with sftp_server(self.folder) as (port, _key):
            carrier.port = port
            task = self.fetch(carrier)
            self.assertEqual(task.state, "error")
            self.assertIn("another key", task.error_message)

    def test_sftp_lets_in_by_a_key(self):
        import asyncssh

        self.put("one.csv", 1)
        mine = asyncssh.generate_private_key("ssh-ed25519")
        with sftp_server(self.folder, client_key=mine.export_public_key()) as (port, key):
            carrier = self.server("sftp", port, host_key=key)
            carrier.write({"password": False, "private_key": mine.export_private_key().decode()})
            task = self.fetch(carrier)
            self.assertEqual(task.state, "completed", task.error_message)
            self.assertEqual(self.files_of(carrier).record_count, 1)

    def test_a_wrong_password_is_said_in_words_and_never_logged(self):
        with ftp_server(self.folder) as port:
            carrier = self.server("ftp", port)
            carrier.password = "wrong-word"
            task = self.fetch(carrier)
        self.assertEqual(task.state, "error")
        self.assertIn("does not let us in", task.error_message)
        texts = " ".join([task.error_message, *task.log_ids.mapped("message")])
        self.assertNotIn("wrong-word", texts)

    def test_a_dead_server_is_a_task_error_and_leaves_nothing(self):
        with closing(socket.socket()) as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        carrier = self.server("ftp", port)
        task = self.fetch(carrier)
        self.assertEqual(task.state, "error")
        self.assertIn("No connection", task.error_message)
        self.assertFalse(self.files_of(carrier))

    def test_a_server_that_speaks_slowly_is_left_in_time(self):
        with closing(socket.socket()) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()

            def drip():
                conn, _address = listener.accept()
                with closing(conn):
                    for _byte in range(100):
                        try:
                            conn.sendall(b"2")
                        except OSError:
                            return
                        threading.Event().wait(0.1)

            threading.Thread(target=drip, daemon=True).start()
            port = listener.getsockname()[1]
            address = Address("ftp", "127.0.0.1", port, allow_private=True, patience=0.6)
            with self.assertRaises(RemoteProblem) as caught, connection(address):
                pass
        self.assertEqual(caught.exception.code, "too_slow")

    def test_private_networks_are_refused_unless_settings_allow_them(self):
        self.env["ir.config_parameter"].set_param(PRIVATE, "False")
        with patch.object(socket, "create_connection") as connect:
            task = self.fetch(self.server("ftp", 21))
        connect.assert_not_called()
        self.assertEqual(task.state, "error")
        self.assertIn("private network", task.error_message)

    def test_addresses_that_a_server_sends_are_ignored(self):
        self.put("one.csv", 1)
        options = {"masquerade_address": "10.9.8.7"}
        with ftp_server(self.folder, handler_options=options) as port:
            carrier = self.server("ftp", port)
            task = self.fetch(carrier)
        self.assertEqual(task.state, "completed", task.error_message)
        self.assertEqual(self.files_of(carrier).record_count, 1)

    def test_a_file_above_the_limit_is_passed_over_with_a_word(self):
        (self.folder / "big.csv").write_bytes(b"x" * (2 << 20))
        self.put("one.csv", 1)
        self.env["ir.config_parameter"].set_param("billing_operations.cdr_max_packed_mb", "1")
        with ftp_server(self.folder) as port:
            carrier = self.server("ftp", port)
            task = self.fetch(carrier)
        self.assertEqual(task.state, "completed", task.error_message)
        self.assertEqual(self.files_of(carrier).mapped("name"), ["one.csv"])
        self.assertIn("big.csv", " ".join(task.log_ids.mapped("message")))

    def test_a_step_whose_end_nobody_saw_is_done_again_without_harm(self):
        self.put("one.csv", 1)
        with ftp_server(self.folder) as port:
            carrier = self.server("ftp", port, after_fetch="move")
            self.fetch(carrier)
            (self.folder / "done" / "one.csv").rename(self.folder / "one.csv")
            noted = self.env["cdr.remote.file"].search([("carrier_id", "=", carrier.id)])
            noted.state = "fetched"
            carrier.action_fetch()
            task = self.env["billing.task"].search([("res_id", "=", carrier.id)], limit=1)
            intent = {"reference": "move:1", "step": "move", "names": ["one.csv"]}
            task.write({"intent": intent, "intent_state": "sending"})
            self.work()
            self.assertEqual(task.state, "completed", task.error_message)
            self.assertEqual(noted.state, "moved")
            self.assertTrue((self.folder / "done" / "one.csv").exists())
            self.assertEqual(len(self.files_of(carrier)), 1)

    def test_names_are_names_and_no_paths(self):
        for name in ("calls.csv", "Anrufe März.csv", "a b;c.csv"):
            self.assertTrue(is_plain_name(name), name)
        for name in ("", "..", "../x", "a/b", "a\\b", "a\r\nDELE b", "x" * 300):
            self.assertFalse(is_plain_name(name), name)

    def test_who_may_fetch_and_read_secrets(self):
        user = self.make_user("cdr_user", "billing_operations.group_billing_user")
        manager = self.make_user("cdr_manager", "billing_operations.group_billing_manager")
        chief = self.make_user("cdr_chief", "billing_operations.group_billing_administrator")
        carrier = self.server("ftp", 21)
        with self.assertRaises(AccessError):
            carrier.with_user(user).action_fetch()
        carrier.with_user(manager).action_fetch()
        for person in (user, manager):
            with self.assertRaises(AccessError):
                carrier.with_user(person).read(["password"])
            with self.assertRaises(AccessError):
                carrier.with_user(person).write({"name": "x"})
            self.assertTrue(carrier.with_user(person).has_secret)
        self.assertEqual(carrier.with_user(chief).password, PASSWORD)
        with self.assertRaises(UserError):
            self.carrier.action_fetch()

    def test_the_cron_looks_at_the_servers_that_are_to_be_looked_at(self):
        carrier = self.server("ftp", 21)
        quiet = self.server("ftp", 22, auto_fetch=False)
        self.env["cdr.carrier"]._cron_fetch()
        tasks = self.env["billing.task"].search([("type_id.code", "=", "cdr_fetch")])
        self.assertIn(carrier.id, tasks.mapped("res_id"))
        self.assertNotIn(quiet.id, tasks.mapped("res_id"))
        self.assertLess(tasks[0].delay_date, fields.Datetime.now() + timedelta(minutes=1))
        self.assertEqual(remote.PORTS["sftp"], 22)
