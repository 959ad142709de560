from odoo import models

from ..loose_many2one import LooseMany2one


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Merging customers: charges, calls and what else names them without a foreign key follow to the
    one that stays.

    A customer stands once in a price change and currency. Of two, the one who was told least stays,
    and is told of all that changes.
    """

    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        partners = self.env["res.partner"].browse(partner_ids).exists()
        changes = self._keep_one_notice(partners) if len(partners) > 1 else ()
        result = super()._merge(partner_ids, dst_partner, extra_checks)
        for change in changes:
            change._sum_customers()
        return result

    def _keep_one_notice(self, partners):
        """Take second places of the partners in price changes away.

        :return: the price changes whose sums by customer are to be made anew
        """
        # Whoever may merge contacts need not see price changes, nor those of all companies.
        rows = (
            self.env["billing.price.change.customer"]
            .sudo()
            .search([("partner_id", "in", partners.ids)])
        )
        told = list(rows._get_transitions())
        gone = rows.browse()
        for same in rows.grouped(lambda row: (row.change_id, row.currency_id)).values():
            gone |= same.sorted(lambda row: told.index(row.state))[1:]
        changes = gone.change_id
        gone.unlink()
        return changes

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
