import hashlib

from odoo import api, models

from ..archives import ArchiveProblem, Limits, kind_of
from ..line_texts import problem_text
from .cdr_file import LIVE_STATES

#: settings, each a number: megabytes, times, files
LIMIT_PARAMETERS = {
    "packed": "billing_operations.cdr_max_packed_mb",
    "unpacked": "billing_operations.cdr_max_unpacked_mb",
    "ratio": "billing_operations.cdr_max_ratio",
    "entries": "billing_operations.cdr_max_entries",
}
MEGABYTE = 1 << 20


class CdrFile(models.Model):
    """How files come in, whichever way: each is stored as it came, and looked into by its task."""

    _inherit = "cdr.file"

    @api.model
    def _receive(self, carrier, items, way, *, kind="calls", period=None, sender=None, hold=False):
        """Store files as they came, and have them processed where the carrier wants that.

        What can be read in no way is stored as well, in error, so that nobody has to miss it.

        :param carrier: a ``cdr.carrier``
        :param items: ``[(name, content)]``
        :param str way: how they came, a value of ``received_by``
        :param str sender: of e-mails, who sent it
        :param bool hold: keep them until a person releases them
        :return: the new files, in the order of ``items``
        """
        files = self.sudo().with_context(mail_create_nolog=True)
        limits = self._limits()
        found = self.browse()
        for name, content in items:
            values = {
                "name": name,
                "carrier_id": carrier.id,
                "kind": kind,
                "period": period,
                "received_by": way,
                "sender": sender,
                "size": len(content),
            }
            values |= files._first_look(carrier, name, content, limits, hold)
            file = files._own().create(values)
            attachment = (
                self.env["ir.attachment"]
                .sudo()
                .create({"name": name, "raw": content, "res_model": self._name, "res_id": file.id})
            )
            file._own().write({"attachment_id": attachment.id})
            found += file
        if carrier.auto_import:
            found.filtered(lambda file: file.state == "pending")._start()
        return self.browse(found.ids)

    @api.model
    def _first_look(self, carrier, name, content, limits, hold):
        """Return what can be said of a file before it is read: its state, and its fingerprint where it
        is not packed."""
        try:
            if len(content) > limits.packed:
                limit = limits.packed // MEGABYTE
                raise ArchiveProblem("too_large", name=name, limit=limit)
            packed = kind_of(name, content[:8]) != "plain"
        except ArchiveProblem as problem:
            message = problem_text(self.env, problem.code, problem.values)
            return {"state": "error", "message": message}
        if not content:
            return {"state": "error", "message": problem_text(self.env, "empty", {})}
        values = {"state": "held" if hold else "pending"}
        if not packed:
            values["sha256"] = hashlib.sha256(content).hexdigest()
            twin = self._twin_of(carrier, values["sha256"])
            if twin and not hold:
                values |= {"state": "duplicate", "duplicate_of_id": twin.id}
        return values

    @api.model
    def _twin_of(self, carrier, sha256, but=None):
        """Return another file of the carrier that brought the same content, if any."""
        domain = [
            ("carrier_id", "=", carrier.id),
            ("sha256", "=", sha256),
            ("state", "in", LIVE_STATES),
        ]
        if but:
            domain.append(("id", "!=", but.id))
        return self.sudo().search(domain, order="id", limit=1)

    def _start(self):
        """Put the tasks that process these files in the queue; potential duplicates are held."""
        todo = self.browse()
        for file in self:
            twin = (
                file.sha256
                and not file.is_released
                and file._twin_of(file.carrier_id, file.sha256, but=file)
            )
            if twin:
                file._set_state("duplicate", {"duplicate_of_id": twin.id})
            else:
                # One after the other: the next one may be its twin.
                file._set_state("processing", {"message": False, "ignore_reason": False})
                todo += file
        self.env["billing.task"].enqueue_many(
            [
                {
                    "type_code": "cdr_import",
                    "record": file,
                    "identity_key": f"cdr_import:{file.id}",
                    "exclusive_key": f"cdr_file:{file.id}",
                }
                for file in todo
            ]
        )

    @api.model
    def _limits(self):
        """Return how large files may be, by the settings."""
        defaults = Limits()
        values = {}
        for name, parameter in LIMIT_PARAMETERS.items():
            unit = MEGABYTE if name in ("packed", "unpacked") else 1
            default = getattr(defaults, name) // unit
            text = self.env["ir.config_parameter"].sudo().get_param(parameter)
            number = int(text) if text and text.isdecimal() and int(text) > 0 else default
            values[name] = number * unit
        return Limits(**values)
