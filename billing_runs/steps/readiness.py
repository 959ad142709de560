from odoo import api, models
from odoo.fields import Domain

from ...billing_tasks.counting import count_each


class BillingRun(models.Model):
    """Close-readiness: what would stop bills, found before any exists."""

    _inherit = "billing.run"

    def _readiness_problems(self):
        """Return what is in the way of the run, as dicts.

        Keys: ``code``, ``text`` (in the user's words), ``who`` (can fix it) and
        ``blocking`` (no bill at all could be produced).
        """
        self.ensure_one()
        problems = []
        accountant = self.env._("Accounting: who may change lock dates and journals")
        document = self._document_problem()
        if document:
            code, text = document
            problems.append({"code": code, "text": text, "who": accountant, "blocking": True})
        for code, text, who in self._readiness_warnings():
            problems.append({"code": code, "text": text, "who": who, "blocking": False})
        return problems

    def _readiness_warnings(self):
        """Yield ``(code, text, who)`` of what concerns some bills, not all."""
        accounting = self.env._("Accounting")
        managers = self.env._("Billing managers")
        later = self._later_invoice_date()
        if later:
            yield (
                "date_before_last_number",
                self.env._(
                    "Invoices up to %(date)s have numbers already: this run's would be out of"
                    " order.",
                    date=self._date_text(later),
                ),
                accounting,
            )
        services = self._service_domain() & self._live_service_domain()
        sold = self._sold_products(services)
        currencies = self.env["res.currency"].concat(*{currency for _product, currency in sold})
        for currency in self._currencies_without_rate(currencies):
            yield (
                "no_currency_rate",
                self.env._(
                    "There is no rate of %(currency)s on or before %(date)s.",
                    currency=currency.name,
                    date=self._date_text(self.invoice_date),
                ),
                accounting,
            )
        counted = (
            (
                "product_archived",
                self._archived_product_domain()
                if any(not product.active for product, _currency in sold)
                else Domain.FALSE,
                self.env._("Services with an archived product: %s"),
                managers,
            ),
            (
                "partner_archived",
                Domain("partner_id.active", "=", False),
                self.env._("Services of archived customers: %s"),
                self.env._("Billing users"),
            ),
            (
                "no_receivable_account",
                Domain("partner_id", "any!", self._no_receivable_domain()),
                self.env._("Services of customers without a receivable account in use: %s"),
                accounting,
            ),
        )
        questions = [("billing.service", services & domain) for _code, domain, _t, _w in counted]
        counts = count_each(self.env, questions)
        for (code, _domain, text, who), count in zip(counted, counts, strict=True):
            if count:
                yield code, text % count, who
        for code, text in self._product_problems(sold):
            yield code, text, accounting
        lacking = self._stages().pdf_states and self.company_id._bill_layout().missing(self.env)
        if lacking:
            yield "no_printer", lacking, self.env._("The server's administrator")
        if self.cycle_id.journal_id.has_sequence_holes:
            yield (
                "sequence_gaps",
                self.env._(
                    "Journal %s has gaps in its invoice numbers.", self.cycle_id.journal_id.name
                ),
                accounting,
            )

    def _later_invoice_date(self):
        """Return the newest invoice date with a number in the journal, where it is later."""
        [(newest,)] = self.env["account.move"]._read_group(
            [
                ("journal_id", "=", self.cycle_id.journal_id.id),
                ("state", "=", "posted"),
                ("move_type", "in", ("out_invoice", "out_refund")),
            ],
            aggregates=["date:max"],
        )
        return newest if newest and newest > self.transaction_date else None

    def _sold_products(self, services):
        """Return ``[(product, currency)]`` that the selected services bill, add-ons among them."""
        groups = self.env["billing.service"]._read_group(
            services, ["tariff_id.product_id", "currency_id"]
        ) + self.env["billing.service.addon"]._read_group(
            [("service_id", "any", services), ("quantity", ">", 0)],
            ["addon_id.product_id", "service_id.currency_id"],
        )
        # One set, so that what is read of one product is read of all.
        products = self.env["product.product"].concat(*(product for product, _c in groups))
        by_id = {product.id: product for product in products}
        return [(by_id[product.id], currency) for product, currency in dict.fromkeys(groups)]

    @api.model
    def _archived_product_domain(self):
        addons = [("quantity", ">", 0), ("addon_id.product_id.active", "=", False)]
        return Domain("tariff_id.product_id.active", "=", False) | Domain(
            "addon_line_ids", "any", addons
        )

    def _product_problems(self, sold):
        """Return ``(code, text)`` of the products sold that cannot be invoiced. Customers' fiscal
        positions come on top in the pre-billing report.

        :param sold: from :meth:`_sold_products`
        """
        position = self.env["account.fiscal.position"]
        self._read_product_accounts(self.env["product.product"].concat(*(p for p, _c in sold)))
        problems = (
            self._product_problem(product, position, False, currency)
            for product, currency in sold
            if product.active  # archived ones are counted by service
        )
        return list(dict.fromkeys(filter(None, problems)))
