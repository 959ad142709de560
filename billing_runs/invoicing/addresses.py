"""Where customers' invoices and goods go, for a whole batch."""

from odoo.fields import Domain

from .guards import changed_methods

KINDS = ("invoice", "delivery")


class Addresses:
    """Odoo's ``res.partner.address_get`` for the customers of one company; who has such an
    address at all is read once.

    Odoo's method looks at what its user may see. Runs see the partners of every company, so
    where a customer has addresses of another one they are passed over here, as they are for the
    people of this company.
    """

    def __init__(self, env, company, partners):
        self._env = env
        self._company = company
        self._changed = bool(changed_methods(env, {"res.partner": "address_get"}))
        # One prefetch for all of them, whatever way they came here.
        partners = env["res.partner"].sudo().browse(partners.ids)
        self._partners = dict(zip(partners._ids, partners, strict=True))
        tree = Domain("commercial_partner_id", "in", partners.commercial_partner_id.ids)
        self._families = {kind: self._with(tree & Domain("type", "=", kind)) for kind in KINDS}
        self._shared = self._with(tree & ~Domain(partners._check_company_domain(company)))

    def _with(self, domain):
        """Return the customers one of whose contacts is in ``domain``."""
        partners = self._env["res.partner"].sudo().with_context(active_test=False)
        groups = partners._read_group(domain, ["commercial_partner_id"])
        return frozenset(customer.id for (customer,) in groups)

    def get(self, partner, kind):
        """Return a customer's address of one of :data:`KINDS`: perhaps the customer itself."""
        known = self._partners.get(partner.id, partner.sudo())
        customer = known.commercial_partner_id.id
        if self._changed:
            address = known.address_get([kind])[kind]
        elif known.type == "contact" and customer not in self._families[kind]:
            return partner
        elif customer in self._shared:
            address = self._search(known, kind).id
        else:
            address = known.address_get([kind])[kind]
        return self._env["res.partner"].browse(address)

    def _search(self, partner, kind):
        """As ``address_get``: the addresses below, depth first, then those of the parents, up to
        the company that they belong to."""
        contact = None
        visited = set()
        current = partner
        while current:
            waiting = [current]
            while waiting:
                found = waiting.pop(0)
                visited.add(found)
                if found.type == kind:
                    return found
                if found.type == "contact" and not contact:
                    contact = found
                waiting[:0] = [
                    child
                    for child in found.child_ids
                    if child not in visited and not child.is_company and self._is_usable(child)
                ]
            if current.is_company or not self._is_usable(current.parent_id):
                break
            current = current.parent_id
        return contact or partner

    def _is_usable(self, partner):
        return not partner.company_id or partner.company_id in self._company.sudo().parent_ids
