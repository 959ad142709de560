import logging

from odoo import models
from odoo.exceptions import UserError

from ..invoicing.prepared import QUIET
from .numbers import NUMBERED

_logger = logging.getLogger(__name__)

#: what a document has only once it has its number, and what each has of its own
NOT_SHARED = frozenset(
    ("id", *NUMBERED["account.move"], "partner_id", "commercial_partner_id", "line_ids")
)
#: what Odoo's computes ask of a document beside what they declare
ASKED = ("move_type", "company_id", "journal_id")


class BillingInvoiceWriter(models.AbstractModel):
    """Stored fields of other addons, which Odoo computes for what is written."""

    _inherit = "billing.invoice.writer"

    def _expect(self, computed, rows):
        """Have documents inserted with what is likely to be computed of them, once for all that have the
        same values: what comes out so in the end need not be written again.

        :param dict computed: ``{model: names of stored fields}``
        :param rows: the documents; they get what is expected
        """
        moves = self.env["account.move"].with_context(**QUIET)
        for name in sorted(computed.get("account.move") or ()):
            source = self._sources(moves._fields[name], rows)
            nothing = moves._fields[name].falsy_value
            if not source and isinstance(nothing, int | float):
                for row in rows:
                    row[name] = nothing
            known = {}
            try:
                for row in rows if source else ():
                    key = tuple(row[column] for column in source)
                    if key not in known:
                        move = moves.new(dict(zip(source, key, strict=True)))
                        known[key] = moves._fields[name].convert_to_write(move[name], move)
                    row[name] = known[key]
            except (UserError, ValueError, TypeError, AttributeError, KeyError) as reason:
                # It asks for what this part of a document has not; the whole one will do.
                for row in rows:
                    row.pop(name, None)
                _logger.debug("Nothing is expected of %s: %s", name, reason)

    def _sources(self, field, rows):
        """Return the columns that a document's computed field is expected to follow from, None where it
        needs more than the columns of the document, or its customer, which few have in common."""
        fields = self.env["account.move"]._fields
        paths = self.env.registry.field_depends[field]
        names = {*ASKED, *(path.split(".")[0] for path in paths)}
        known = field.column_type and all(
            fields[name].store and fields[name].column_type and all(name in row for row in rows)
            for name in names
        )
        return sorted(names) if known and NOT_SHARED.isdisjoint(names) else None

    def _compute_others(self, computed, rows, items):
        """Have Odoo compute fields of what is in its tables."""
        ids = {"account.move": rows, "account.move.line": items}
        for model, names in computed.items():
            records = (
                self.env[model].with_context(**QUIET).browse([row["id"] for row in ids[model]])
            )
            # What stays as it was inserted is not written again.
            records.fetch(sorted(names))
            for name in sorted(names):
                self.env.add_to_compute(records._fields[name], records)
            records.env.flush_all()
