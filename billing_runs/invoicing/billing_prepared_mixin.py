from odoo import models

from .prepared import current_preparation


class BillingPreparedMixin(models.AbstractModel):
    """Lets ``create`` take the builder's complete values as they are.

    Odoo computes most fields of a journal entry after it is inserted, and inverts those that are
    given. For records made by the builder all that is known beforehand, so stored computed values
    are inserted with the rest: nothing is computed twice, updated after the insert or inverted.
    Constraints and company checks run as ever.
    """

    _name = "billing.prepared.mixin"
    _description = "Prepared Values"

    def _add_missing_default_values(self, values):
        """Look up the defaults once for records with the same values given."""
        preparation = current_preparation(self.env)
        if not preparation:
            return super()._add_missing_default_values(values)
        key = (self._name, frozenset(values))
        if key not in preparation.defaults:
            complete = super()._add_missing_default_values(values)
            preparation.defaults[key] = {
                name: value for name, value in complete.items() if name not in values
            }
        return preparation.defaults[key] | values

    def _add_precomputed_values(self, vals_list):
        result = super()._add_precomputed_values(vals_list)
        if current_preparation(self.env):
            for vals in vals_list:
                fields = (self._fields[name] for name in vals if name != "__precomputed__")
                vals["__precomputed__"] = {
                    field for field in fields if field.inverse and field.column_type
                }
        return result

    def _create(self, data_list):
        if current_preparation(self.env):
            for data in data_list:
                fields = (self._fields[name] for name in data["stored"])
                data["protected"].update(field for field in fields if field.compute)
        return super()._create(data_list)

    def new(self, values=None, origin=None, ref=None):
        """Share the records that Odoo makes to find the currency of every amount it inserts."""
        preparation = current_preparation(self.env)
        if not preparation or not values or len(values) != 1:
            return super().new(values, origin, ref)
        ((name, value),) = values.items()
        key = (self._name, name, value)
        dummy = preparation.dummies.get(key)
        if dummy is None or not self.env.cache.contains(dummy, self._fields[name]):
            dummy = preparation.dummies[key] = super().new(values, origin, ref)
        return dummy

    def _check_company(self, fnames=None):
        """Check each company's related records once instead of once per record."""
        if fnames or not current_preparation(self.env):
            return super()._check_company(fnames)
        names = [
            name for name, field in self._fields.items() if field.relational and field.check_company
        ]
        for company, records in self.grouped("company_id").items():
            for name in names:
                others = records.sudo().mapped(name).with_context(active_test=False)
                if (
                    others
                    and others.filtered_domain(others._check_company_domain(company)) != others
                ):
                    return super()._check_company(fnames)  # says which
        return None
