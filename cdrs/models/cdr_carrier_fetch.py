from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...billing_tasks import server_limits
from ...billing_tasks.exceptions import TaskControl
from ..remote import (
    Address,
    RemoteProblem,
    connection,
    names_that_match,
    read_host_key,
)
from ..remote_texts import remote_text

SERVERS = ("ftp", "ftps", "sftp")
PRIVATE_PARAMETER = "billing_operations.cdr_allow_private"
#: of one conversation: so many files, and no more once so many bytes are there
MOST_FILES = 50
ENOUGH_BYTES = 50 << 20
LONGEST = 300.0


class ServerProblem(TaskControl):
    """The server did not do what was asked, and nothing came of it: it is tried again later."""


class CdrCarrier(models.Model):
    """How files are fetched from a carrier's server: look, fetch what is whole and new, move it away.

    Each is an intent of the task ``cdr_fetch``. All three can be repeated without harm, so a retry that
    does not know what became of one simply does it again: what was stored is known by
    ``cdr.remote.file``, and what was moved is not there any more.
    """

    _inherit = "cdr.carrier"

    last_fetch_date = fields.Datetime(string="Last Look", readonly=True, copy=False)
    fetch_mark = fields.Char(
        readonly=True, copy=False, help="Which attempt of which task looked last."
    )

    # === ACTIONS === #

    def action_fetch(self):
        """Have these carriers' servers looked at now, and the mailboxes to which they send."""
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(self.env._("Only billing managers may fetch CDR files."))
        self.check_access("read")
        by_mail = self.filtered(lambda carrier: carrier.way_in == "email")
        if wrong := (self - by_mail).filtered(lambda carrier: carrier.way_in not in SERVERS):
            raise UserError(
                self.env._("%s has no server from which files are fetched.", wrong[0].name)
            )
        by_mail._fetch_mails()
        (self - by_mail).sudo()._enqueue_fetch()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._(
                    "Servers and mailboxes are being looked at. New files come to CDRs."
                ),
            },
        }

    def action_read_host_key(self):
        """Read the key that the server shows, for an administrator to compare before it is saved."""
        self.ensure_one()
        self.check_access("write")
        if self.way_in != "sftp":
            raise UserError(self.env._("Only servers by SFTP have such a key."))
        try:
            self.host_key = read_host_key(self._address())
        except RemoteProblem as problem:
            raise UserError(remote_text(self.env, problem.code, problem.values)) from problem

    @api.model
    def _cron_fetch(self):
        """Look at the servers that are to be looked at every hour."""
        carriers = self.search([("way_in", "in", SERVERS), ("auto_fetch", "=", True)])
        carriers._enqueue_fetch()

    def _enqueue_fetch(self, delay=None):
        """Ask for looks at these servers; without ``delay`` also one that waits is due now."""
        tasks = self.env["billing.task"]
        _new, waiting = tasks.enqueue_many(
            [
                {
                    "type_code": "cdr_fetch",
                    "record": carrier,
                    "delay_until": delay and fields.Datetime.now() + delay,
                    "identity_key": f"cdr_fetch:{carrier.id}",
                    "exclusive_key": f"cdr_fetch:{carrier.id}",
                }
                for carrier in self
            ]
        )
        if not delay:
            tasks.browse(waiting)._requeue()

    # === THE TASK === #

    def _next_fetch_step(self, task):
        """Return the next intent of a task: look, fetch, move; None when nothing is left to do."""
        self.ensure_one()
        mark = f"{task.id}:{task.attempt_count}"
        if self.fetch_mark != mark:
            return {"reference": f"look:{mark}", "step": "look", "mark": mark}
        remote = self.env["cdr.remote.file"]
        mine = [("carrier_id", "=", self.id)]
        if self.after_fetch == "move":
            fetched = remote.search([*mine, ("state", "=", "fetched")], limit=MOST_FILES)
            if fetched:
                names = fetched.mapped("name")
                return {"reference": f"move:{fetched.ids[-1]}", "step": "move", "names": names}
        ready = remote.search(
            self._ready_domain(), order="modified_text, name, id", limit=MOST_FILES
        )
        if ready:
            names = ready.mapped("name")
            return {"reference": f"fetch:{ready.ids[0]}", "step": "fetch", "names": names}
        if not self.done_marker and remote.search_count([*mine, ("state", "=", "seen")], limit=1):
            # What was new at this look is looked at once more.
            self._enqueue_fetch(timedelta(minutes=self.settle_minutes, seconds=5))
        return None

    def _ready_domain(self):
        wait = 0 if self.done_marker else self.settle_minutes
        settled = self.last_fetch_date - timedelta(minutes=wait)
        return [
            ("carrier_id", "=", self.id),
            ("state", "=", "seen"),
            ("seen_date", "<=", settled),
        ]

    def _do_fetch_step(self, intent):
        """Do one step on the server; reads the database, never writes it."""
        try:
            with connection(self._address()) as session:
                if intent["step"] == "look":
                    found = names_that_match(
                        session.entries(), self.file_pattern, self.done_marker or ""
                    )
                    return {"entries": [[e.name, e.size, e.modified] for e in found]}
                if intent["step"] == "fetch":
                    return self._fetch_some(session, intent["names"])
                return self._move_some(session, intent["names"])
        except RemoteProblem as problem:
            raise ServerProblem(remote_text(self.env, problem.code, problem.values)) from problem

    def _fetch_some(self, session, names):
        """Fetch files until there are enough bytes. One that cannot be fetched leaves the others."""
        limit = self.env["cdr.file"]._limits().packed
        present = {entry.name: entry for entry in session.entries()}
        files, problems, size = [], [], 0
        for name in names:
            entry = present.get(name)
            if entry is None:
                problems.append([name, self.env._("%s is not on the server any more.", name)])
                continue
            known = self.env["cdr.remote.file"].search(
                [("carrier_id", "=", self.id), ("name", "=", name)], limit=1
            )
            if (int(known.size), known.modified_text) != (entry.size, entry.modified):
                problems.append([name, self.env._("%s is still being written.", name)])
                continue
            if entry.size > limit:
                values = {"name": name, "limit": limit >> 20}
                problems.append([name, remote_text(self.env, "too_large", values)])
                continue
            try:
                content = session.fetch(name, limit)
            except RemoteProblem as problem:
                if problem.code != "too_large":
                    raise
                # Its size was not known; in the middle of a file nothing else can be asked for.
                problems.append([name, remote_text(self.env, problem.code, problem.values)])
                break
            if 0 <= entry.size != len(content):
                problems.append([name, self.env._("%s did not come as a whole.", name)])
                continue
            files.append([name, content])
            size += len(content)
            if size >= ENOUGH_BYTES:
                break
        return {"files": files, "problems": problems}

    def _move_some(self, session, names):
        """Move fetched files away; those that are not there any more were moved before."""
        present = {entry.name for entry in session.entries()}
        for name in names:
            if name in present:
                session.move(name, self.done_folder)
            if self.done_marker and f"{name}{self.done_marker}" in present:
                session.move(f"{name}{self.done_marker}", self.done_folder)
        return {"moved": names}

    def _note_fetch_step(self, task, intent, answer):
        """Write what a step brought."""
        if intent["step"] == "look":
            self._note_entries(answer["entries"])
            self.write({"last_fetch_date": fields.Datetime.now(), "fetch_mark": intent["mark"]})
        elif intent["step"] == "fetch":
            self._note_files(task, answer)
        else:
            self._remote(answer["moved"]).state = "moved"

    def _remote(self, names):
        return self.env["cdr.remote.file"].search(
            [("carrier_id", "=", self.id), ("name", "in", names)]
        )

    def _note_entries(self, entries):
        """Keep which files there are, and since when they have been as they are."""
        now = fields.Datetime.now()
        known = {file.name: file for file in self.env["cdr.remote.file"].search(
            [("carrier_id", "=", self.id)]
        )}  # fmt: skip
        new = []
        for name, size, modified in entries:
            file = known.pop(name, None)
            values = {"size": size, "modified_text": modified, "seen_date": now, "state": "seen"}
            if file is None:
                new.append({"carrier_id": self.id, "name": name, **values})
            elif (int(file.size), file.modified_text) != (size, modified):
                # Another content under a known name.
                file.write(values)
        self.env["cdr.remote.file"].create(new)
        gone = self.env["cdr.remote.file"].union(*known.values())
        gone.filtered(lambda file: file.state == "seen").unlink()

    def _note_files(self, task, answer):
        files = self.env["cdr.file"]
        for name, content in answer["files"]:
            file = files._receive(self, [(name, content)], self.way_in)
            self._remote([name]).write({"state": "fetched", "file_id": file.id})
        for _name, reason in answer["problems"]:
            task._log(reason, "warning")
        # What could not be fetched waits for the next look.
        passed_over = [name for name, _reason in answer["problems"]]
        self._remote(passed_over).seen_date = self.last_fetch_date + timedelta(seconds=1)

    def _address(self):
        """Return where the carrier's files lie, with what opens the door."""
        carrier = self.sudo()
        allowed = self.env["ir.config_parameter"].sudo().get_param(PRIVATE_PARAMETER) == "True"
        limits = server_limits.limits()
        times = [limit / 2 for limit in (limits.real_cron, limits.real) if limit > 0]
        return Address(
            way=carrier.way_in,
            host=carrier.host or "",
            port=carrier.port,
            username=carrier.username or "",
            password=carrier.password or "",
            private_key=carrier.private_key or "",
            host_key=carrier.host_key or "",
            certificate=carrier.certificate or "",
            folder=carrier.remote_folder or "",
            allow_private=allowed,
            patience=min([LONGEST, *times]),
        )
