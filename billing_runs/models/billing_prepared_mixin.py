from odoo import models

from ..prepared import is_prepared


class BillingPreparedMixin(models.AbstractModel):
    """Lets ``create`` take the builder's complete values as they are.

    Odoo computes most fields of a journal entry after it is inserted, and inverts those that are
    given. For records made by the builder all that is known beforehand, so stored computed values
    are inserted with the rest: nothing is computed twice, updated after the insert or inverted.
    Constraints and company checks run as ever.
    """

    _name = "billing.prepared.mixin"
    _description = "Prepared Values"

    def _add_precomputed_values(self, vals_list):
        super()._add_precomputed_values(vals_list)
        if is_prepared(self.env):
            for vals in vals_list:
                fields = {self._fields[name] for name in vals if name != "__precomputed__"}
                vals["__precomputed__"] = {
                    field for field in fields if field.inverse and field.column_type
                }

    def _create(self, data_list):
        if is_prepared(self.env):
            for data in data_list:
                data["protected"].update(
                    field for name in data["stored"] if (field := self._fields[name]).compute
                )
        return super()._create(data_list)

    def _check_company(self, fnames=None):
        """Check each company's related records once instead of once per record."""
        if is_prepared(self.env) and "company_id" in self._fields:
            names = [
                name
                for name, field in self._fields.items()
                if field.relational and field.check_company
            ]
            for company, records in self.grouped("company_id").items():
                for name in names:
                    others = records.sudo().mapped(name).with_context(active_test=False)
                    if (
                        others
                        and others.filtered_domain(others._check_company_domain(company)) != others
                    ):
                        return super()._check_company(fnames)
            return None
        return super()._check_company(fnames)
