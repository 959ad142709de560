from odoo import fields, models

from ..archive_rows import ArchiveReader

#: what an archive must hold of each call
NEEDED = ("line_number", "record_key", "call_time", "call_day", "direction", "state")


class CdrFile(models.Model):
    """Archives of call records are read back by the importer that reads carriers' files.

    Their calls come back as they were and are not rated or billed again. And calls of months that
    were archived are not taken a second time, from whatever file.
    """

    _inherit = "cdr.file"

    archive_id = fields.Many2one(
        "cdr.archive", readonly=True, index="btree_not_null", ondelete="restrict", copy=False
    )

    def _archive_format(self):
        """Return the shipped format of archives."""
        return self.env.ref("billing_operations.cdr_format_archive")

    def _holds_archive(self):
        """Return whether the file is read as an archive."""
        return self.kind == "calls" and self._get_format().kind == "archive"

    def _archive_reader(self, content):
        """Return what reads the rows of an archive."""
        return ArchiveReader(content, self._restored_columns(), NEEDED)

    def _restored_columns(self):
        """Return ``{column: type}`` that are taken from an archive. Only its own database gives a call
        the number back that it had."""
        columns = self.env["cdr.archive"]._archived_columns()
        if not self.archive_id:
            columns.pop("id")
        for name in ("company_id", "carrier_id"):
            columns.pop(name)
        return columns

    def _archived_until(self):
        """Return the last day of which the carrier's archives hold calls, None where they hold none."""
        [(last,)] = (
            self.env["cdr.archive"]
            .sudo()
            ._read_group([("carrier_id", "=", self.carrier_id.id)], [], ["last_date:max"])
        )
        return last or None
