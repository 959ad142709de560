from odoo import models

from ..invoicing.prepared import QUIET


class BillingInvoiceWriter(models.AbstractModel):
    """Stored fields of other addons, which Odoo computes of what is written."""

    _inherit = "billing.invoice.writer"

    def _to_compute(self, computed, rows):
        """Return what of documents Odoo computes: what there is, and they have no value for.

        :param dict computed: ``{model: names of stored fields}``
        :param rows: the documents, which are inserted with no and with zero where nothing is known, as
            most will stay
        """
        found = {}
        for model, names in computed.items():
            fields = self.env[model]._fields
            # One may have been taken away since.
            given = rows[0].keys() if model == "account.move" else ()
            found[model] = {name for name in names if name in fields and name not in given}
        for name in found.get("account.move", ()):
            nothing = self.env["account.move"]._fields[name].falsy_value
            if isinstance(nothing, int | float):
                for row in rows:
                    row[name] = nothing
        return found

    def _compute_others(self, computed, ids):
        """Have Odoo compute fields of what is in its tables.

        :param dict computed: ``{model: names of stored fields}``
        :param dict ids: ``{model: ids}``
        """
        for model, some in ids.items():
            names = sorted(computed.get(model, ()))
            if not names:
                continue
            records = self.env[model].with_context(**QUIET).browse(some)
            # What stays as it was inserted is not written again; the user need not see it.
            records.sudo().fetch(names)
            for name in names:
                self.env.add_to_compute(records._fields[name], records)
            records.env.flush_all()
