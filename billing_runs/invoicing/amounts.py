"""The amounts of a customer invoice: taxes, totals and payment terms, by Odoo's own tax and term
methods."""

import json

from odoo import fields
from odoo.fields import Command

from ..cycles.dates import shift_due_date
from .guards import TERMS, changed_methods
from .tax_patterns import TaxPatterns
from .values import SECTIONS, NotPrepared

# What an item has when it stands for neither a sale nor a section, and a section has of an item.
NO_SALE = {
    "product_id": False,
    "product_uom_id": False,
    "quantity": 0.0,
    "price_unit": 0.0,
    "discount": 0.0,
}
NO_AMOUNT = {
    "balance": 0.0,
    "amount_currency": 0.0,
    "price_subtotal": 0.0,
    "price_total": 0.0,
    "tax_tag_ids": (),
}


class InvoiceAmounts:
    """Completes the values of invoices of one company with tax lines, payment term lines and
    totals."""

    def __init__(self, env, company, values):
        """:param values: the batch's :class:`~.invoice_values.InvoiceValues`"""
        self.env = env
        self.company = company
        self.values = values
        self._tax = env["account.tax"]
        self._known_taxes = {}
        self._patterns = TaxPatterns(env, company)

    def complete(self, move, lines):
        """Return the values with which ``account.move.create`` has nothing left to compute for
        this invoice.

        :param dict move: from ``InvoiceValues.move_values``
        :param list[dict] lines: from ``InvoiceValues.line_values``
        :raise NotPrepared: where only Odoo itself can say them
        """
        currency = self.env["res.currency"].browse(move["currency_id"])
        sign = 1 if move["move_type"] == "out_refund" else -1
        updates, tax_lines = self._taxes(currency, move["invoice_currency_rate"], sign, lines)
        items = [line | update for line, update in zip(lines, updates, strict=True)]
        items += (NO_SALE | line for line in tax_lines)
        totals = self._totals(currency, sign, items)
        terms, due_date = self._terms(currency, move, totals)
        items += (NO_SALE | line for line in terms)
        residual = sum(line["amount_currency"] for line in terms)
        residual_balance = sum(line["balance"] for line in terms)
        return (
            move
            | totals
            | {
                "invoice_date_due": due_date,
                "amount_residual": -sign * currency.round(residual),
                "amount_residual_signed": self.company.currency_id.round(residual_balance),
                "line_ids": [
                    Command.create(self._item_values(move, currency, item)) for item in items
                ],
            }
        )

    # === TAXES === #

    def _taxes(self, currency, rate, sign, lines):
        """Return the amounts and tags of the lines, and the tax lines: invoices of one tariff are
        computed once."""
        key = self._document_key(currency, rate, sign, lines)
        if key not in self._known_taxes:
            self._known_taxes[key] = self._compute_taxes(currency, rate, sign, lines)
        return self._known_taxes[key]

    def _document_key(self, currency, rate, sign, lines):
        """Return what the taxes of an invoice depend on."""
        return (currency, rate, sign, tuple(self._tax_key(line) for line in lines))

    @staticmethod
    def _tax_key(line):
        if line["display_type"] in SECTIONS:
            return None
        names = (
            "product_id",
            "product_uom_id",
            "tax_ids",
            "account_id",
            "price_unit",
            "quantity",
            "discount",
        )
        distribution = line["analytic_distribution"]
        return (*(line[name] for name in names), distribution and json.dumps(distribution))

    def _base_lines(self, currency, rate, sign, lines):
        """Return what Odoo's tax methods take, one for each line. They are items."""
        env = self.env
        return [
            self._tax._prepare_base_line_for_taxes_computation(
                None,
                product_id=env["product.product"].browse(line["product_id"] or ()),
                product_uom_id=env["uom.uom"].browse(line["product_uom_id"] or ()),
                tax_ids=self._tax.browse(line["tax_ids"]),
                account_id=env["account.account"].browse(line["account_id"]),
                price_unit=line["price_unit"],
                quantity=line["quantity"],
                discount=line["discount"],
                analytic_distribution=line["analytic_distribution"],
                currency_id=currency,
                rate=rate,
                sign=sign,
                is_refund=sign > 0,
                special_mode=False,
                name=line["name"],
            )
            for line in lines
        ]

    def _compute_taxes(self, currency, rate, sign, lines):
        items = [line for line in lines if line["display_type"] == "product"]
        key = self._patterns.key(currency, rate, sign, items)
        of_lines, of_taxes = self._patterns.find(key, sign, items) or self._ask_odoo(
            key, currency, rate, sign, items
        )
        amounts = iter(of_lines)
        updates = [
            NO_SALE | NO_AMOUNT if line["display_type"] in SECTIONS else next(amounts)
            for line in lines
        ]
        tax_lines = [
            NO_AMOUNT
            | line
            | {
                "display_type": "tax",
                "sequence": 10000,
                "tax_ids": line["tax_ids"][0][2],
                "tax_tag_ids": line["tax_tag_ids"][0][2],
            }
            for line in of_taxes
        ]
        return updates, tax_lines

    def _ask_odoo(self, key, currency, rate, sign, items):
        """Return the amounts of the items and those of the tax lines, and learn from them.

        :param key: from :meth:`TaxPatterns.key`
        """
        base_lines = self._base_lines(currency, rate, sign, items)
        self._tax._add_tax_details_in_base_lines(base_lines, self.company)
        self._tax._round_base_lines_tax_details(base_lines, self.company)
        self._tax._add_accounting_data_in_base_lines_tax_details(
            base_lines, self.company, include_caba_tags=False
        )
        results = self._tax._prepare_tax_lines(base_lines, self.company)
        company_currency = self.company.currency_id
        of_lines = [
            {
                "balance": company_currency.round(update["balance"]),
                "amount_currency": currency.round(update["amount_currency"]),
                "price_subtotal": base_line["tax_details"]["total_excluded_currency"],
                "price_total": base_line["tax_details"]["total_included_currency"],
                "tax_tag_ids": update["tax_tag_ids"][0][2],
            }
            for base_line, update in results["base_lines_to_update"]
        ]
        of_taxes = [
            line
            | {
                "balance": company_currency.round(line["balance"]),
                "amount_currency": currency.round(line["amount_currency"]),
            }
            for line in results["tax_lines_to_add"]
        ]
        self._patterns.learn(key, sign, items, base_lines, (of_lines, of_taxes))
        return of_lines, of_taxes

    # === TOTALS AND TERMS === #

    def _totals(self, currency, sign, items):
        """As ``account.move._compute_amount``, on the product and tax items of a draft."""
        company_currency = self.company.currency_id
        untaxed, tax, untaxed_balance, tax_balance = 0.0, 0.0, 0.0, 0.0
        for item in items:
            if item["display_type"] == "tax":
                tax += item["amount_currency"]
                tax_balance += item["balance"]
            else:
                untaxed += item["amount_currency"]
                untaxed_balance += item["balance"]
        total = sign * currency.round(untaxed + tax)
        untaxed = currency.round(untaxed)
        return {
            "amount_untaxed": sign * untaxed,
            "amount_tax": sign * currency.round(tax),
            "amount_total": total,
            "amount_untaxed_signed": -company_currency.round(untaxed_balance),
            "amount_untaxed_in_currency_signed": -untaxed,
            "amount_tax_signed": -company_currency.round(tax_balance),
            "amount_total_signed": -company_currency.round(untaxed_balance + tax_balance),
            "amount_total_in_currency_signed": -sign * total,
        }

    def _terms(self, currency, move, totals):
        """As ``account.move._compute_needed_terms`` and ``_compute_invoice_date_due``.

        :return: the payment term items, and the due date of the last one
        """
        company_currency = self.company.currency_id
        item = {
            "display_type": "payment_term",
            "sequence": 12000,
            "account_id": self.values.receivable_account(move).id,
            "name": False,
            "discount_date": False,
            "tax_ids": (),
        }
        if not move["invoice_payment_term_id"]:
            due_date = fields.Date.to_date(move.get("invoice_date_due")) or self.values.today
            item |= NO_AMOUNT | {
                "date_maturity": due_date,
                "discount_balance": 0.0,
                "discount_amount_currency": 0.0,
                "balance": totals["amount_total_signed"],
                "amount_currency": totals["amount_total_in_currency_signed"],
            }
            return [item], due_date
        term = self.env["account.payment.term"].browse(move["invoice_payment_term_id"])
        self._check_term(term)
        sign = -1 if move["move_type"] == "out_refund" else 1
        terms = self._whole_term(term, move, totals, sign) or term._compute_terms(
            date_ref=move["invoice_date"] or move["date"],
            currency=currency,
            company=self.company,
            tax_amount=totals["amount_tax_signed"],
            tax_amount_currency=totals["amount_tax"] * sign,
            untaxed_amount=totals["amount_untaxed_signed"],
            untaxed_amount_currency=totals["amount_untaxed"] * sign,
            sign=sign,
            cash_rounding=self.env["account.cash.rounding"],
        )
        item |= {
            "discount_date": terms.get("discount_date") or False,
            "discount_balance": company_currency.round(terms.get("discount_balance") or 0.0),
            "discount_amount_currency": currency.round(
                terms.get("discount_amount_currency") or 0.0
            ),
        }
        if len(term.line_ids) > 1:
            del item["name"]  # "installment #n", in Odoo's words
        by_date = {}
        shift, first = move.get("billing_due_shift") or 0, move["invoice_date"] or move["date"]
        for line in terms["line_ids"]:
            due_date = shift_due_date(fields.Date.to_date(line["date"]), shift, first)
            amounts = by_date.setdefault(due_date, [0.0, 0.0])
            amounts[0] += line["company_amount"]
            amounts[1] += line["foreign_amount"]
        items = [
            NO_AMOUNT
            | item
            | {
                "date_maturity": date,
                "balance": company_currency.round(balance),
                "amount_currency": currency.round(amount),
            }
            for date, (balance, amount) in by_date.items()
        ]
        return items, max(by_date, default=self.values.today)

    def _whole_term(self, term, move, totals, sign):
        """Return what ``_compute_terms`` says of a term by which all is due on one day, whose day is
        asked for once; None of other terms."""
        if (
            len(term.line_ids) != 1
            or term.early_discount
            or not self.values.memo(self._has_odoo_terms)
        ):
            return None
        date = self.values.memo(self._due_date, term.line_ids, move["invoice_date"] or move["date"])
        amount = totals["amount_tax_signed"] + totals["amount_untaxed_signed"]
        foreign = totals["amount_tax"] * sign + totals["amount_untaxed"] * sign
        return {"line_ids": [{"date": date, "company_amount": amount, "foreign_amount": foreign}]}

    def _has_odoo_terms(self):
        return not changed_methods(self.env, TERMS)

    @staticmethod
    def _due_date(line, first):
        return line._get_due_date(first)

    @staticmethod
    def _check_term(term):
        if term.early_discount and term.early_pay_discount_computation == "mixed":
            raise NotPrepared("early payment discount that changes the taxes")

    def _item_values(self, move, currency, item):
        """Return what ``account.move.line.create`` takes; the values that follow from the invoice
        are added there."""
        residual = residual_currency = 0.0
        reconciled = False
        if item["account_id"] and self.values.memo(self._keeps_residual, item["account_id"]):
            residual, residual_currency = item["balance"], item["amount_currency"]
            reconciled = self.company.currency_id.is_zero(residual) and currency.is_zero(
                residual_currency
            )
        return item | {
            "partner_id": move["commercial_partner_id"],
            "currency_id": currency.id,
            "amount_residual": residual,
            "amount_residual_currency": residual_currency,
            "reconciled": reconciled,
            "is_storno": False,
            "deductible_amount": 100.0,
            "analytic_distribution": item.get("analytic_distribution", False),
            "tax_ids": [Command.set(item["tax_ids"])] if item["tax_ids"] else [],
            "tax_tag_ids": [Command.set(item["tax_tag_ids"])] if item["tax_tag_ids"] else [],
        }

    def _keeps_residual(self, account_id):
        account = self.env["account.account"].browse(account_id)
        return account.reconcile or account.account_type in ("asset_cash", "liability_credit_card")
