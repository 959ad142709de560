"""Customers' fiscal positions for a whole batch."""

from odoo.fields import Domain

from .guards import PREPARED_METHODS, changed_methods

# By Odoo's own these look at a customer's country, state, zip and, where asked to, tax number.
MATCHING = "_get_first_matching_fpos _get_fpos_validation_functions"


class FiscalPositions:
    """Odoo's ``account.fiscal.position._get_fiscal_position`` for the customers of one company;
    what does not depend on the customer is read once.

    Where an addon changes Odoo's method, that one is asked.
    """

    def __init__(self, env, company):
        self._model = env["account.fiscal.position"].with_company(company)
        self._company = company
        self._automatic = None
        self._europe = None
        name = self._model._name
        self._changed = bool(changed_methods(env, {name: PREPARED_METHODS[name]}))
        self._by_place = None if changed_methods(env, {name: MATCHING}) else {}

    def get(self, partner, delivery=None):
        """Return the fiscal position of a customer and delivery address, perhaps an empty one."""
        if self._changed:
            return self._model._get_fiscal_position(partner, delivery)
        company = self._company
        if not delivery:
            delivery = partner
        elif company.vat and partner.vat and company.vat[:2] == partner.vat[:2]:
            if company.vat[:2] in self._european_codes():
                delivery = partner
        return (
            delivery.with_company(company).property_account_position_id
            or (delivery != partner and partner.with_company(company).property_account_position_id)
            or (partner.country_id and self._positions() and self._first_match(delivery))
            or self._model
        )

    def _first_match(self, delivery):
        """Ask Odoo once for each place, where tax numbers play no part."""
        positions = self._positions()
        if self._by_place is None or any(positions.mapped("vat_required")):
            return positions._get_first_matching_fpos(delivery)
        key = (delivery.country_id._ids, delivery.state_id._ids, delivery.zip)
        if key not in self._by_place:
            self._by_place[key] = positions._get_first_matching_fpos(delivery)
        return self._by_place[key]

    def _european_codes(self):
        if self._europe is None:
            countries = self._model.env.ref("base.europe").country_ids
            self._europe = frozenset(countries.mapped("code"))
        return self._europe

    def _positions(self):
        if self._automatic is None:
            self._automatic = self._model.search(
                Domain(self._model._check_company_domain(self._company))
                & Domain("auto_apply", "=", True)
            )
        return self._automatic
