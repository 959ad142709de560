from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_date

from ...services.proration import to_decimal
from ..invoicing.prices import DocumentPrices
from .revenue_sql import SHARES, TOP_UPS, USED


class BillingRun(models.Model):
    """One summarised entry a run: what wallets paid moves from customers' deposits to income.

    A company that wants it chooses when the tax is due. On consumption the entry has the taxes of
    what was used. On top-up it declares the tax of what was paid in since the last entry, and tax
    of what was used comes off the account on which it stayed meanwhile.
    """

    _inherit = "billing.run"

    revenue_move_ids = fields.One2many(
        "account.move", "billing_wallet_run_id", string="Revenue Entries", readonly=True
    )
    revenue_move_count = fields.Integer(compute="_compute_revenue_move_count")
    revenue_problem = fields.Char(
        "Revenue Entry Failed",
        readonly=True,
        copy=False,
        help="Why the entry of what wallets paid could not be posted.",
    )

    @api.depends("revenue_move_ids")
    def _compute_revenue_move_count(self):
        counts = dict(
            self.env["account.move"]._read_group(
                [("billing_wallet_run_id", "in", self.ids)], ["billing_wallet_run_id"], ["__count"]
            )
        )
        for run in self:
            run.revenue_move_count = counts.get(run._origin, 0)

    # === ACTIONS === #

    def action_view_revenue(self):
        """Open the run's revenue entries."""
        return self._view_records(
            "account.move",
            [("billing_wallet_run_id", "in", self.ids)],
            self.env._("Revenue Entries"),
        )

    def action_ask_post_revenue(self):
        """Ask before the revenue entry is posted."""
        return self._ask("action_post_revenue")

    def action_post_revenue(self):
        """Post the entry of what the run's wallets paid, where none covers it yet."""
        self._check_user()
        for run in self:
            if run._stages().by_bills or run.company_id.billing_wallet_revenue == "none":
                raise UserError(
                    self.env._("%s: its company posts no entries of prepaid revenue.", run.number)
                )
            run.sudo()._post_revenue()
            run._own().write({"revenue_problem": False})
        return True

    def _revenue_question(self) -> str:
        """Return what posting the revenue entry would move, for the dialog that asks first."""
        sentences = []
        for run in self:
            lines = run.sudo()._revenue_lines()[0]
            account = run.company_id.billing_wallet_account_id
            amounts: dict = {}
            for line in lines:
                if line["account_id"] == account.id:
                    currency = self.env["res.currency"].browse(line["currency_id"])
                    amounts[currency] = amounts.get(currency, 0.0) + line["amount_currency"]
            sentences.append(
                self.env._(
                    "%(run)s: move %(amounts)s from customers' deposits to income.",
                    run=run.number,
                    amounts=", ".join(c.format(a) for c, a in amounts.items()) or "0",
                )
            )
        return "\n".join(sentences)

    # === BUSINESS === #

    def _post_revenue_at_end(self):
        """Post the revenue entry where the company wants one. A run ends all the same where it
        cannot be posted: the run says why, and it can be posted by hand."""
        self.ensure_one()
        if self.company_id.billing_wallet_revenue == "none":
            return
        problem = False
        try:
            with self.env.cr.savepoint():
                self.sudo()._post_revenue()
        except UserError as error:
            problem = str(error)
            self.message_post(body=self.env._("The revenue entry was not posted: %s", error))
        self._own().write({"revenue_problem": problem})

    def _post_revenue(self):
        """Post what the run's wallets paid that no entry covers.

        :return: the entry, none where there is nothing to move
        """
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        lines, up_to, named = self._revenue_lines()
        if not lines:
            return self.env["account.move"]
        company = self.company_id
        move = (
            self.env["account.move"]
            .with_company(company)
            .with_context(skip_invoice_sync=True)
            .create(
                {
                    "move_type": "entry",
                    "journal_id": company.billing_wallet_journal_id.id,
                    "date": self.transaction_date,
                    "ref": self.env._("Prepaid revenue of %s", self.number),
                    "line_ids": [Command.create(line) for line in lines],
                    "billing_wallet_run_id": self.id,
                    "billing_wallet_up_to": up_to,
                    "billing_wallet_transaction_ids": [Command.set(named)],
                }
            )
        )
        move.action_post()
        if move.date != self.transaction_date:
            raise UserError(
                self.env._(
                    "%(day)s lies in a locked period. Unlock it, or choose another transaction"
                    " date.",
                    day=format_date(self.env, self.transaction_date),
                )
            )
        return move

    def _revenue_lines(self):
        """Return (journal items, last transaction of the run, other transactions) of the entry.

        The items of each currency add up to nothing; those on the deposit account come to what
        wallets paid.
        """
        self.ensure_one()
        cr = self.env.cr
        company = self.company_id
        values = {"run": self.id, "company": company.id, "date": self.transaction_date}
        self.env.flush_all()
        cr.execute("DROP TABLE IF EXISTS revenue_used, revenue_share, prepaid_due")
        cr.execute(SQL(USED, **values))
        cr.execute("ANALYZE revenue_used")
        cr.execute(SQL(SHARES))
        cr.execute(
            "SELECT COALESCE(max(id) FILTER (WHERE NOT is_void), 0),"
            "       COALESCE(array_agg(id) FILTER (WHERE is_void), '{}') FROM revenue_used"
        )
        up_to, named = cr.fetchone()
        lines = []
        taxed_before = company.billing_wallet_revenue == "top_up"
        for currency, groups in self._revenue_groups().items():
            lines += self._revenue_of(currency, groups, taxed_before)
        if taxed_before:
            cr.execute(SQL(TOP_UPS, **values))
            for currency_id, amount, ids in cr.fetchall():
                currency = self.env["res.currency"].browse(currency_id)
                lines += self._top_up_tax_lines(currency, to_decimal(amount))
                named += ids
        cr.execute("DROP TABLE revenue_used, revenue_share, prepaid_due")
        return lines, up_to, named

    def _revenue_groups(self) -> dict:
        """Return ``{currency: [(product, fiscal position, what was paid with tax)]}``."""
        cr = self.env.cr
        cr.execute(
            "CREATE TEMPORARY TABLE prepaid_due ON COMMIT DROP AS"
            " SELECT DISTINCT partner_id, 0 AS position_id FROM revenue_share"
        )
        self._lay_out_positions()
        cr.execute(
            """
            SELECT share.currency_id, share.product_id, due.position_id, sum(share.paid)::text
              FROM revenue_share AS share
              JOIN prepaid_due AS due USING (partner_id)
          GROUP BY share.currency_id, share.product_id, due.position_id
            HAVING sum(share.paid) <> 0
          ORDER BY share.currency_id, share.product_id, due.position_id
            """
        )
        groups: dict = {}
        for currency, product, position, paid in cr.fetchall():
            groups.setdefault(self.env["res.currency"].browse(currency), []).append(
                (
                    self.env["product.product"].browse(product),
                    self.env["account.fiscal.position"].browse(position or ()),
                    float(paid),
                )
            )
        return groups

    def _revenue_of(self, currency, groups, taxed_before: bool) -> list[dict]:
        """Return the items that move what was paid in one currency to income.

        :param taxed_before: its tax was declared when it was paid in
        """
        company = self.company_id
        prices = DocumentPrices(self.env, company)
        base_lines = []
        for product, position, paid in groups:
            template = product.product_tmpl_id.with_company(company)
            account = template.get_product_accounts(fiscal_pos=position)["income"]
            account = account or company.billing_wallet_journal_id.default_account_id
            if not account:
                raise UserError(
                    self.env._(
                        "Product %s has no income account. Set it on the product or its category.",
                        product.display_name,
                    )
                )
            taxes = prices.taxes(product, position)
            base_lines.append(self._base_line(currency, taxes, paid, product, account))
        base_items, tax_items = self._tax_items(currency, base_lines, keep_taxes=not taxed_before)
        if taxed_before:
            tax_items = self._merged_tax(currency, tax_items, self.env._("Tax on used deposits"))
        total = sum(paid for _product, _position, paid in groups)
        text = self.env._("Used deposits")
        return self._balanced(currency, [*base_items, *tax_items], total, text)

    def _top_up_tax_lines(self, currency, amount) -> list[dict]:
        """Return the items that declare the tax of what was paid in: its base goes through the
        deposit account without changing it."""
        company = self.company_id
        account = company.billing_wallet_account_id
        base = self._base_line(
            currency, company.billing_wallet_tax_id, float(amount), None, account
        )
        base_items, tax_items = self._tax_items(currency, [base])
        if not tax_items:
            return []
        if account.id in (item["account_id"] for item in tax_items):
            raise UserError(
                self.env._(
                    "Tax %s has no account: it would stay among customers' deposits. Set it in the"
                    " tax's distribution for invoices.",
                    company.billing_wallet_tax_id.name,
                )
            )
        opposite = [
            {
                **item,
                "amount_currency": -item["amount_currency"],
                "balance": -item["balance"],
                "tax_ids": False,
                "tax_tag_ids": False,
            }
            for item in base_items
        ]
        clearing = self._merged_tax(currency, tax_items, self.env._("Tax on top-ups"), sign=-1)
        return [*base_items, *opposite, *tax_items, *clearing]

    # === JOURNAL ITEMS === #

    def _base_line(self, currency, taxes, paid: float, product, account) -> dict:
        rate = self.env["res.currency"]._get_conversion_rate(
            self.company_id.currency_id, currency, self.company_id, self.transaction_date
        )
        return self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            None,
            product_id=product or self.env["product.product"],
            tax_ids=taxes,
            price_unit=paid,
            quantity=1.0,
            discount=0.0,
            currency_id=currency,
            rate=rate,
            sign=-1,
            special_mode="total_included",
            account_id=account,
        )

    def _tax_items(self, currency, base_lines: list[dict], keep_taxes: bool = True):
        """Return (items of the bases, items of the taxes) as an invoice of the same would have."""
        tax_model, company = self.env["account.tax"], self.company_id
        tax_model._add_tax_details_in_base_lines(base_lines, company)
        tax_model._round_base_lines_tax_details(base_lines, company)
        tax_model._add_accounting_data_in_base_lines_tax_details(base_lines, company)
        result = tax_model._prepare_tax_lines(base_lines, company)
        bases = []
        for base, amounts in result["base_lines_to_update"]:
            bases.append(
                {
                    "name": base["product_id"].display_name or self.env._("Top-ups"),
                    "account_id": base["account_id"].id,
                    "product_id": base["product_id"].id,
                    "currency_id": currency.id,
                    "tax_ids": [Command.set(base["tax_ids"].ids)] if keep_taxes else False,
                    **amounts,
                    **({} if keep_taxes else {"tax_tag_ids": False}),
                }
            )
        return bases, result["tax_lines_to_add"]

    def _merged_tax(self, currency, items: list[dict], name: str, sign: int = 1) -> list[dict]:
        """Return one item on the account on which the tax of deposits stays."""
        if not items:
            return []
        return [
            {
                "name": name,
                "account_id": self.company_id.billing_wallet_tax_account_id.id,
                "currency_id": currency.id,
                "amount_currency": sign * sum(item["amount_currency"] for item in items),
                "balance": sign * sum(item["balance"] for item in items),
            }
        ]

    def _balanced(self, currency, items: list[dict], total: float, name: str) -> list[dict]:
        """Return items with the one on the deposit account, which is exactly what was paid.

        What rounding leaves goes with the first of them.
        """
        own = self.company_id.currency_id
        rest = currency.round(-total - sum(item["amount_currency"] for item in items))
        if items and not currency.is_zero(rest):
            items[0]["amount_currency"] = currency.round(items[0]["amount_currency"] + rest)
            if currency == own:
                items[0]["balance"] = own.round(items[0]["balance"] + rest)
        deposit = {
            "name": name,
            "account_id": self.company_id.billing_wallet_account_id.id,
            "currency_id": currency.id,
            "amount_currency": currency.round(total),
            "balance": own.round(-sum(item["balance"] for item in items)),
        }
        return [deposit, *items]
