"""Where the rows of a month-end are booked: accounts and analytic distributions for a whole count."""

from collections.abc import Iterable

from ..invoicing.fiscal_positions import FiscalPositions
from ..invoicing.guards import changed_methods

#: By Odoo's own these choose models by product, category, account and company, and by the customer
#: where a model names that customer or one of the customer's tags.
CHOOSING = {
    "account.analytic.distribution.model": """
        _get_distribution _get_applicable_models _get_default_search_domain_vals _create_domain
    """
}


def together(model, ids: Iterable[int]) -> dict:
    """Return ``{id: record}`` of records of one batch: what is read of one is read of all."""
    records = model.browse(sorted(set(ids)))
    return dict(zip(records._ids, records, strict=True))


class Places:
    """Accounts and analytic distributions of the rows of one count, as invoices would have them.

    Each answer is asked for once for all rows that it depends on in the same way: an account for
    each product and fiscal position, a distribution for each product, account and what analytic
    distribution models say of customers.
    """

    def __init__(self, closing, rows: list[dict]):
        """:param rows: those that are to be booked, with the ids of their products and customers"""
        self._closing = closing
        self._company = closing.company_id
        self._positions = FiscalPositions(closing.env, self._company)
        self._models = closing.env["account.analytic.distribution.model"]
        self._products = together(
            closing.env["product.product"], (row["product_id"] for row in rows)
        )
        self._partners = together(closing.env["res.partner"], (row["partner_id"] for row in rows))
        self._of_customers: dict = {}
        self._accounts: dict = {}
        self._codes: dict = {}
        self._distributions: dict = {}
        self._journal_account = None
        self._named = None

    # === ACCOUNTS === #

    def account(self, product_id: int, partner_id: int) -> int:
        """Return the account on which an invoice would book the product for the customer."""
        if partner_id not in self._of_customers:
            self._of_customers[partner_id] = self._positions.get(self._partners[partner_id])
        position = self._of_customers[partner_id]
        key = product_id, position
        if key not in self._accounts:
            template = self._products[product_id].product_tmpl_id
            accounts = template.with_company(self._company).get_product_accounts(
                fiscal_pos=position
            )
            account = accounts["income"] or self._account_of_journal()
            self._accounts[key] = self._closing._check_account(account, template)
        return self._accounts[key]

    def _account_of_journal(self):
        if self._journal_account is None:
            journal = self._closing.env["account.journal"].search(
                [("company_id", "=", self._company.id), ("type", "=", "sale")], limit=1
            )
            self._journal_account = journal.default_account_id
        return self._journal_account

    # === ANALYTIC DISTRIBUTIONS === #

    def distribution(self, product_id: int, partner_id: int, account_id: int) -> dict | None:
        """Return the analytic distribution that an invoice line would get."""
        tags = self._partners[partner_id].category_id.ids
        key = product_id, account_id, *self._what_counts(partner_id, tags)
        if key not in self._distributions:
            found = self._models._get_distribution(
                {
                    "product_id": product_id,
                    "product_categ_id": self._products[product_id].categ_id.id,
                    "partner_id": partner_id,
                    "partner_category_id": tags,
                    "account_prefix": self._code(account_id),
                    "company_id": self._company.id,
                }
            )
            self._distributions[key] = found or None
        return self._distributions[key]

    def _what_counts(self, partner_id: int, tags: list[int]) -> tuple:
        """Return what of a customer the distribution depends on: the customer and the tags that a
        model names, and all of it where an addon chooses in its own way."""
        if self._named is None:
            self._named = self._read_named()
        if not self._named:
            return partner_id, frozenset(tags)
        partners, categories = self._named
        return partner_id in partners and partner_id, categories.intersection(tags)

    def _read_named(self) -> tuple:
        if changed_methods(self._closing.env, CHOOSING):
            return ()
        models = self._models.search([("company_id", "in", [self._company.id, False])])
        return frozenset(models.partner_id.ids), frozenset(models.partner_category_id.ids)

    def _code(self, account_id: int) -> str | bool:
        if account_id not in self._codes:
            accounts = self._closing.env["account.account"].with_company(self._company)
            self._codes[account_id] = accounts.browse(account_id).code
        return self._codes[account_id]
