from odoo import models

from ..loose_many2one import LooseMany2one


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Merging customers: charges, calls and what else names them without a foreign key follow to the
    one that stays."""

    _inherit = "base.partner.merge.automatic.wizard"

    def _get_fk_on(self, table):
        """Also: links that have no foreign key, which Odoo goes by."""
        loose = {
            (model._table, field.name)
            for model in map(self.env.get, self.env.registry)
            if model._auto and not model._abstract
            for field in model._fields.values()
            if isinstance(field, LooseMany2one)
            and field.store
            and self.env[field.comodel_name]._table == table
        }
        return [*super()._get_fk_on(table), *sorted(loose)]
