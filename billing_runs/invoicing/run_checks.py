from odoo import SUPERUSER_ID, models
from odoo.fields import Domain


class BillingRun(models.Model):
    """What stops a run where Odoo would go on in silence."""

    _inherit = "billing.run"

    def _document_problem(self):
        """Return ``(code, message)`` of what keeps the whole run from invoicing, or None."""
        self.ensure_one()
        journal = self.cycle_id.journal_id
        if not journal.active:
            return "journal_archived", self.env._(
                "Journal %(journal)s is archived. Unarchive it, or choose another one on the"
                " billing cycle.",
                journal=journal.name,
            )
        # Seen by the queue: an exception for one person does not let its tasks post.
        company = self.company_id.with_user(SUPERUSER_ID)
        locks = company._get_violated_lock_dates(self.transaction_date, True, journal)
        if locks:
            return "locked_period", self.env._(
                "%(date)s lies in a locked period (up to %(lock)s). Change the lock date, or run"
                " with a later transaction date.",
                date=self.transaction_date,
                lock=max(lock[0] for lock in locks),
            )
        return None

    def _currencies_without_rate(self, currencies):
        """Return those foreign currencies that have no rate on the invoice date yet.

        Odoo would convert them one to one.
        """
        self.ensure_one()
        foreign = currencies - self.company_id.currency_id
        rates = self.env["res.currency.rate"]._read_group(
            [
                ("currency_id", "in", foreign.ids),
                ("company_id", "in", (False, self.company_id.root_id.id)),
                ("name", "<=", self.invoice_date),
            ],
            ["currency_id"],
        )
        return foreign.filtered(lambda currency: (currency,) not in rates)

    def _no_receivable_domain(self):
        """Return the domain of customers without a receivable account in use, in the company of
        the environment: for many at once what ``no_receivable_account`` says of a bill. An account
        that a fiscal position maps is seen in the pre-billing report."""
        account = "property_account_receivable_id"
        return Domain(
            "commercial_partner_id",
            "any!",
            Domain(account, "=", False) | Domain(account, "any!", [("active", "=", False)]),
        )

    # === PRODUCTS === #

    def _read_product_accounts(self, products):
        """Read what :meth:`_product_problem` looks at for many products at once."""
        templates = products.product_tmpl_id.with_company(self.company_id)
        taxes = templates.with_context(active_test=False).taxes_id.flatten_taxes_hierarchy()
        parts = taxes.invoice_repartition_line_ids
        accounts = parts.account_id | templates.property_account_income_id
        accounts.mapped("active")

    def _product_problem(self, product, position, credit, currency):
        """Return ``(code, message)`` of what keeps a product from being invoiced, or None.

        :param position: fiscal position of the customer, or an empty one
        :param bool credit: it is for a credit note
        :param currency: of the document
        """
        if not product.active:
            return self._archived_product_problem(product)
        template = product.product_tmpl_id.with_company(self.company_id)
        income = template.get_product_accounts(fiscal_pos=position)["income"]
        if not income or not income.active:
            return "no_income_account", self.env._(
                "Product %(product)s has no income account in use. Set one on the product or its"
                " category.",
                product=product.display_name,
            )
        # Odoo leaves archived taxes out and bills without them. They stay set when others are
        # chosen, for the product's form shows them no more.
        taxes = template.with_context(active_test=False).taxes_id
        taxes = position.map_tax(taxes._filter_taxes_by_company(self.company_id))
        archived = taxes.filtered(lambda tax: not tax.active)
        if archived:
            return "tax_archived", self.env._(
                "Tax %(tax)s of product %(product)s is archived. Unarchive it, or choose another one"
                " on the product and take the archived one off there.",
                tax=archived[0].name,
                product=product.display_name,
            )
        return self._tax_problem(product, taxes, position, credit) or self._currency_problem(
            income, currency
        )

    def _taken_back_problem(self, product, position, credit, currency, account, taxes):
        """Return ``(code, message)`` of what keeps a credit from being documented, or None: it is
        booked and taxed as the invoice line was that it takes back.

        :param account: of that line
        :param taxes: of that line
        """
        if not product.active:
            return self._archived_product_problem(product)
        if not account.active:
            return "no_income_account", self.env._(
                "Account %(account)s, on which %(product)s was booked, is archived. Unarchive it"
                " to credit what was billed.",
                account=account.display_name,
                product=product.display_name,
            )
        return self._tax_problem(product, taxes, position, credit) or self._currency_problem(
            account, currency
        )

    def _archived_product_problem(self, product):
        return "product_archived", self.env._(
            "Product %(product)s is archived. Unarchive it, or change the tariff.",
            product=product.display_name,
        )

    def _tax_problem(self, product, taxes, position, credit):
        country = self._taxed_in(position)
        abroad = taxes.filtered(lambda tax: tax.country_id != country)
        if abroad:
            return "tax_country", self.env._(
                "Tax %(tax)s of product %(product)s is of %(country)s, but the invoice is taxed in"
                " %(taxed)s. Map the tax in fiscal position %(position)s, or change the product's.",
                tax=abroad[0].name,
                product=product.display_name,
                country=abroad[0].country_id.name,
                taxed=country.name,
                position=position.name or "–",
            )
        return self._tax_account_problem(taxes, credit)

    def _taxed_in(self, position):
        """Return the country whose taxes a document with a fiscal position has."""
        if position.foreign_vat:
            return position.country_id
        return self.company_id.account_fiscal_country_id

    def _tax_account_problem(self, taxes, credit):
        parts = taxes.flatten_taxes_hierarchy()
        parts = parts.refund_repartition_line_ids if credit else parts.invoice_repartition_line_ids
        archived = parts.filtered(lambda part: part.account_id and not part.account_id.active)
        if archived:
            return "tax_account_archived", self.env._(
                "Account %(account)s of tax %(tax)s is archived. Unarchive it, or choose another"
                " one on the tax.",
                account=archived[0].account_id.display_name,
                tax=archived[0].tax_id.name,
            )
        return None

    def _currency_problem(self, account, currency):
        """Return ``(code, message)`` where an account takes amounts of another currency only."""
        forced = account.currency_id
        if not forced or forced in (currency, self.company_id.currency_id):
            return None
        return "account_currency", self.env._(
            "Account %(account)s takes amounts in %(currency)s only. Choose another account, or"
            " take the currency off it.",
            account=account.display_name,
            currency=forced.name,
        )
