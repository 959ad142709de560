from odoo import fields, models
from odoo.tools import SQL

from ..archive_rows import ArchiveReader
from .cdr_file_import import CHUNK, CallLoader

#: what an archive must hold of each call
NEEDED = ("line_number", "record_key", "call_time", "call_day", "direction", "state")
STAGE = SQL.identifier("cdr_archive_stage")


class CdrFile(models.Model):
    """Archives of call records are read back by the importer that reads carriers' files.

    Their calls come back as they were and are not rated or billed again. And calls of months that
    were archived are not taken a second time, from whatever file.
    """

    _inherit = "cdr.file"

    archive_id = fields.Many2one(
        "cdr.archive", readonly=True, index="btree_not_null", ondelete="restrict", copy=False
    )

    def _get_format(self):
        if self.archive_id:
            return self.env.ref("billing_operations.cdr_format_archive")
        return super()._get_format()

    def _holds_archive(self):
        """Return whether the file is read as an archive."""
        return self.kind == "calls" and self._get_format().kind == "archive"

    def _reader(self, layout, content):
        if layout.kind != "archive":
            return super()._reader(layout, content)
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

    def _loader(self):
        if self._holds_archive():
            return ArchiveLoader(self)
        return super()._loader() if self.kind == "fixed_fee" else KeptCallLoader(self)

    def _end(self, problem):
        super()._end(problem)
        if not problem and self.archive_id:
            self.archive_id._restored()


class KeptCallLoader(CallLoader):
    """Loads calls, apart from those of months that the carrier's archives hold: nothing would tell
    that they were billed before."""

    def _window(self):
        window = super()._window()
        [[last]] = self.file.env.execute_query(
            SQL(
                "SELECT max(last_date) FROM cdr_archive WHERE carrier_id = %s",
                self.file.carrier_id.id,
            )
        )
        return SQL("(%s OR r.call_day <= %s)", window, last) if last else window


class ArchiveLoader:
    """Loads calls as an archive holds them.

    What a call names and is not there any more is left empty; of an archive that another database made
    that is everything. A charged call whose charge is not there counts as ignored, and so does what
    an archive never holds: nothing is billed again.

    :ivar calls: how many calls were taken
    :ivar had_already: how many of them were there before
    """

    def __init__(self, file):
        self.file = file
        self.cr = file.env.cr
        self.calls = 0
        self.had_already = 0
        self._columns = file._restored_columns()
        self._rows = []
        self._is_staged = False

    def add(self, rows):
        """Take rows: the number of a line of the archive and the values in it."""
        self.calls += len(rows)
        self._rows += [row[1:] for row in rows]
        if len(self._rows) >= CHUNK:
            self.flush()

    def flush(self):
        """Put in what was taken."""
        if not self._rows:
            return
        if not self._is_staged:
            self.cr.execute(SQL("DROP TABLE IF EXISTS %s", STAGE))
            self.cr.execute(
                SQL(
                    "CREATE TEMPORARY TABLE %s (%s) ON COMMIT DROP",
                    STAGE,
                    SQL(", ").join(
                        SQL("%s %s", SQL.identifier(name), SQL(kind))  # pylint: disable=sql-injection
                        for name, kind in self._columns.items()
                    ),
                )
            )
            self._is_staged = True
        self.file._copy(STAGE, list(self._columns), self._rows)
        self.cr.execute(self._insert(list(self._columns)))
        self.had_already += len(self._rows) - self.cr.rowcount
        self.cr.execute(SQL("TRUNCATE %s", STAGE))
        self._rows = []

    def _insert(self, names):
        file = self.file
        own = {
            "company_id": file.company_id.id,
            "carrier_id": file.carrier_id.id,
            "file_id": file.id,
        }
        values = {name: self._value(name) for name in names}
        charged = SQL("(s.state = 'charged' AND %s IS NOT NULL)", values["charge_id"])
        values["charge_id"] = SQL("CASE WHEN s.state = 'charged' THEN %s END", values["charge_id"])
        values["state"] = SQL("CASE WHEN %s THEN 'charged' ELSE 'ignored' END", charged)
        values["error_code"] = SQL("NULL")
        return SQL(
            "INSERT INTO cdr_record (%s) SELECT %s FROM %s AS s ON CONFLICT DO NOTHING",
            SQL(", ").join(map(SQL.identifier, [*names, *own])),
            SQL(", ").join([*values.values(), *(SQL("%s", value) for value in own.values())]),
            STAGE,
        )

    def _value(self, name):
        """Return a column's value: of a link only what is there, in this company or in all."""
        column = SQL.identifier("s", name)
        field = self.file.env["cdr.record"]._fields[name]
        if field.type != "many2one":
            return column
        if not self.file.archive_id:
            return SQL("NULL::integer")
        comodel = self.file.env[field.comodel_name]
        of_company = SQL("")
        if (company := comodel._fields.get("company_id")) and company.store:
            of_company = SQL(
                " AND COALESCE(there.company_id, %(id)s) = %(id)s", id=self.file.company_id.id
            )
        return SQL(
            "(SELECT there.id FROM %s AS there WHERE there.id = %s%s)",
            SQL.identifier(comodel._table),
            column,
            of_company,
        )
