from odoo import models

from ..invoicing.prepared import QUIET
from .numbers import NUMBERED

#: what a document has only once it has its number
LATER = frozenset(("id", *NUMBERED["account.move"]))
#: what Odoo's computes ask of a document beside what they declare
ASKED = ("move_type", "company_id", "journal_id")


class BillingInvoiceWriter(models.AbstractModel):
    """Stored fields of other addons, which Odoo computes for what is written."""

    _inherit = "billing.invoice.writer"

    def _compute_before(self, computed, rows):
        """Have Odoo compute what follows from the documents' own values alone, once for all documents
        that have the same, so that they are inserted with it.

        :param dict computed: ``{model: names of stored fields}``
        :param rows: the documents; they get what is computed
        :return: what is left to compute, like ``computed``
        """
        moves = self.env["account.move"].with_context(**QUIET)
        # A field may have been taken away since it was found out.
        computed = {
            model: {name for name in names if name in self.env[model]._fields}
            for model, names in computed.items()
        }
        names = computed.get("account.move") or ()
        sources = {name: self._sources(moves._fields[name], rows) for name in sorted(names)}
        for name, source in sources.items():
            known = {}
            for row in rows if source else ():
                key = tuple(row[column] for column in source)
                if key not in known:
                    move = moves.new(dict(zip(source, key, strict=True)))
                    known[key] = moves._fields[name].convert_to_write(move[name], move)
                row[name] = known[key]
        return computed | {"account.move": {name for name in names if not sources[name]}}

    def _sources(self, field, rows):
        """Return the columns that a document's computed field follows from, None where it needs more
        than the columns of the document."""
        fields = self.env["account.move"]._fields
        paths = self.env.registry.field_depends[field]
        names = {*ASKED, *(path.split(".")[0] for path in paths)}
        known = all(
            fields[name].store and fields[name].column_type and all(name in row for row in rows)
            for name in names
        )
        return sorted(names) if known and LATER.isdisjoint(names) else None

    def _compute_after(self, computed, rows, items):
        """Have Odoo compute the other fields of what is in its tables."""
        ids = {"account.move": rows, "account.move.line": items}
        for model, names in computed.items():
            records = (
                self.env[model].with_context(**QUIET).browse([row["id"] for row in ids[model]])
            )
            for name in sorted(names):
                self.env.add_to_compute(records._fields[name], records)
            records.env.flush_all()
