"""Files that come by e-mail to a carrier's address."""

import imaplib
from email.message import EmailMessage

from odoo.tests import tagged

from .cdr_common import HEAD, CdrCase, call_line
from .cdr_servers import PASSWORD, USER, imap_server


@tagged("post_install", "-at_install")
class TestCdrMail(CdrCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        domain = cls.env["mail.alias.domain"].create({"name": "cdr.example.com"})
        cls.company.alias_domain_id = domain
        cls.carrier.write(
            {
                "way_in": "email",
                "alias_name": "cdr-north",
                "alias_domain_id": domain.id,
                "sender_emails": "noc@north.example\n@files.example",
            }
        )

    def mail(self, sender, *files, message_id="<1@x>"):
        mail = EmailMessage()
        mail["From"], mail["To"] = sender, "cdr-north@cdr.example.com"
        mail["Subject"], mail["Message-Id"] = "Calls of January", message_id
        mail.set_content("See attached.")
        for name, content in files:
            mail.add_attachment(content, maintype="text", subtype="csv", filename=name)
        return mail.as_bytes()

    def send(self, sender, *files, message_id="<1@x>"):
        mail = self.mail(sender, *files, message_id=message_id)
        thread = self.env["mail.thread"].message_process(False, mail)
        return self.env["cdr.file"].browse(thread)

    def test_files_of_listed_senders_are_stored_at_once_and_read_by_a_task(self):
        one, two = (HEAD + call_line(1)).encode(), (HEAD + call_line(2)).encode()
        for sender in ("NOC <noc@north.example>", "robot@files.example"):
            one += b"\n"
            first = self.send(
                sender, ("a.csv", one), ("b.csv", two), message_id=f"<{sender[:3]}@x>"
            )
            self.assertEqual(first.state, "processing")
            self.assertEqual(first.received_by, "email")
        self.work()
        files = self.env["cdr.file"].search([("carrier_id", "=", self.carrier.id)], order="id")
        self.assertEqual(
            files.mapped("state"), ["processed", "processed", "processed", "duplicate"]
        )
        self.assertEqual(files[0].record_count, 1)

    def test_files_of_others_are_held(self):
        file = self.send("somebody@else.example", ("a.csv", (HEAD + call_line(1)).encode()))
        self.work()
        self.assertEqual(file.state, "held")
        self.assertEqual(file.sender, "somebody@else.example")
        file.action_release()
        self.work()
        self.assertEqual((file.state, file.record_count), ("processed", 1))

    def test_a_mail_without_a_file_is_in_error(self):
        file = self.send("noc@north.example")
        self.assertEqual(file.state, "error")
        self.assertIn("no file", file.message)

    def test_what_cannot_be_read_does_not_break_the_gateway(self):
        file = self.send("noc@north.example", ("calls.7z", b"7z\xbc\xaf\x27\x1c\x00"))
        self.assertEqual(file.state, "error")
        self.assertIn("7z", file.message)

    def test_mails_come_from_a_real_mailbox_once(self):
        content = (HEAD + call_line(1)).encode()
        with imap_server() as port:
            with imaplib.IMAP4("127.0.0.1", port) as box:
                box.login(USER, PASSWORD)
                box.append("INBOX", None, None, self.mail("noc@north.example", ("a.csv", content)))
            server = self.env["fetchmail.server"].create(
                {
                    "name": "Calls",
                    "server_type": "imap",
                    "server": "127.0.0.1",
                    "port": port,
                    "user": USER,
                    "password": PASSWORD,
                    "state": "done",
                }
            )
            self.env.flush_all()
            with self.enter_registry_test_mode(), self.registry.cursor() as cr:
                for _look in range(2):
                    self.assertFalse(server.with_env(self.env(cr=cr))._fetch_mail())
            self.env.invalidate_all()
        self.work()
        files = self.env["cdr.file"].search([("carrier_id", "=", self.carrier.id)])
        self.assertEqual((files.state, files.record_count), ("processed", 1))
