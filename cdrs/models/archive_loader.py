"""Puts the rows of an archive of call records back."""

from odoo.tools import SQL

from ..loader import Loader

CHUNK = 50_000
STAGE = SQL.identifier("cdr_archive_stage")


class ArchiveLoader(Loader):
    """Loads calls as an archive holds them.

    What a call names and is not there any more is left empty; of an archive that another database made
    that is everything. A charged call whose charge is not there counts as ignored, and so does what
    an archive never holds: nothing is billed again.
    """

    def __init__(self, file):
        super().__init__(file)
        self.cr = file.env.cr
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
        # The charge's, where contacts were merged since: by the customer its calls are found.
        values["partner_id"] = SQL(
            "CASE WHEN %s THEN (SELECT partner_id FROM billing_charge WHERE id = %s) ELSE %s END",
            charged,
            values["charge_id"],
            values["partner_id"],
        )
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
