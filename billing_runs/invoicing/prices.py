"""What charges come to on a customer's documents, by Odoo's own price and tax methods."""

from typing import NamedTuple

from odoo.models import BaseModel

from .guards import PRICE_ON_TAXES, changed_methods
from .lines import invoice_line_price, line_amount


class DocumentLine(NamedTuple):
    """The line of one charge on an invoice. A credit note has the opposite price."""

    product: object  # product.product
    taxes: object  # account.tax
    quantity: float
    price_unit: float
    discount: float
    amount: float  # rounded once, with the taxes that the line's price includes
    source: object = None  # account.move.line that a credit takes back

    def as_billed(self):
        """Return the values that Odoo must not choose anew where a credit takes a line back."""
        if not self.source:
            return {}
        return {
            "account_id": self.source.account_id.id,
            "tax_ids": self.taxes.ids,
            "analytic_distribution": self.source.analytic_distribution,
        }


def sale_taxes(product, account, company, position) -> BaseModel:
    """Return the taxes that Odoo puts on a customer invoice's line.

    :param product: or an empty one
    :param account: the line's, whose own taxes count where the product has none
    :param position: fiscal position of the invoice, perhaps an empty one
    """
    taxes = account.tax_ids.browse()
    if product:
        taxes = product.taxes_id.filtered_domain(taxes._check_company_domain(company))
    if not taxes:
        taxes = account.tax_ids.filtered(lambda tax: tax.type_tax_use == "sale")
    return position.map_tax(taxes._filter_taxes_by_company(company))


class DocumentPrices:
    """Prices of charges on documents of one company; what many of them share is asked once.

    A charge is kept on the basis of its product's own taxes. Where the customer's fiscal position
    replaces a tax that the price includes, Odoo's invoice lines get another price: so do these.

    What takes a charge back that was billed is taxed and booked as that charge's invoice line was,
    whatever became of the customer's fiscal position and the product since.
    """

    def __init__(self, env, company):
        self._tax = env["account.tax"]
        self._company = company
        self._taxes = {}
        self._prices = {}
        self._staying = {}

    def taxes(self, product, position):
        """Return the taxes of a product's line."""
        key = product._ids, position._ids
        if key not in self._taxes:
            template = product.product_tmpl_id.with_company(self._company)
            account = template.get_product_accounts(fiscal_pos=position)["income"]
            self._taxes[key] = sale_taxes(product, account, self._company, position)
        return self._taxes[key]

    def adapted(self, product, position, currency, price):
        """Return a price of the product's, which stands on its own taxes, on those of the line."""
        if not position or self._stays(product):
            return price
        key = product._ids, position._ids, price
        if key not in self._prices:
            self._prices[key] = product._get_tax_included_unit_price(
                self._company,
                currency,
                None,  # the day of a rate: there is nothing to convert
                "sale",
                product_currency=currency,
                product_price_unit=price,
                fiscal_position=position,
            )
        return self._prices[key]

    def _stays(self, product):
        """Return whether a product's prices are the same whatever taxes a line has: Odoo changes only
        what stands on included taxes alone."""
        key = product._ids
        if key not in self._staying:
            own = product.taxes_id.filtered(lambda tax: tax.company_id == self._company)
            self._staying[key] = not (
                changed_methods(self._tax.env, PRICE_ON_TAXES)
                or own
                and all(own.mapped("price_include"))
            )
        return self._staying[key]

    def line(self, charge, position):
        """Return the :class:`DocumentLine` of a charge."""
        if billed := billed_charge(charge):
            return self._line_taken_back(charge, billed)
        currency = charge.currency_id
        price = invoice_line_price(
            charge.quantity, charge.price_unit, charge.discount, charge.amount, currency.round
        )
        return self.line_of(charge.product_id, position, currency, *price)

    def _line_taken_back(self, charge, billed):
        """Return the line of a charge that takes back what an invoice line billed, or part of it.

        :param billed: from :func:`billed_charge`
        """
        currency, source = charge.currency_id, billed.move_line_id
        share = price_share(billed)
        amount = currency.round(exact_amount(charge) * share)
        if share != 1.0 and billed == charge.credited_id:
            amount = self._next_amount(charge, share, amount)
        price = invoice_line_price(
            charge.quantity, charge.price_unit * share, charge.discount, amount, currency.round
        )
        return DocumentLine(charge.product_id, source.tax_ids, *price, amount, source=source)

    def _next_amount(self, charge, share, alone):
        """Return what a credit comes to after the other credits of its charge: together they give
        back to the cent what was billed.

        :param float share: from :func:`price_share`
        :param float alone: what it comes to without others
        """
        before = charge.search(
            [
                ("credited_id", "=", charge.credited_id.id),
                ("state", "in", ("rated", "invoiced")),
                ("id", "<", charge.id),
            ],
            order="id",
        )
        if not before:
            return alone
        currency = charge.currency_id
        total = given = 0.0
        for other in before:
            total += other.amount
            if other.state == "invoiced":
                given += other.document_amount or other.amount
            else:
                given = currency.round(share * total)
        return currency.round(share * (total + charge.amount) - given)

    def line_of(self, product, position, currency, quantity, price_unit, discount=0.0):
        """Return the line of a product at a price on the product's own taxes."""
        price = self.adapted(product, position, currency, price_unit)
        amount = line_amount(quantity, price, discount, currency.round)
        taxes = self.taxes(product, position)
        return DocumentLine(product, taxes, quantity, price, discount, amount)

    def price_before_tax(self, product, position, currency, amount):
        """Return the price of the product's, on its own taxes, whose line comes to ``amount``
        before tax. It is not rounded."""
        taxes = self.taxes(product, position)
        own = product.taxes_id.filtered(lambda tax: tax.company_id == self._company)
        # Odoo adapts a price to the position's taxes only where all its own are included.
        if position and own and all(own.mapped("price_include")):
            taxes = own
        details = taxes._get_tax_details(
            amount,
            1.0,
            precision_rounding=currency.rounding,
            rounding_method="round_globally",
            product=product,
            special_mode="total_excluded",
        )
        return amount + included_taxes(details)

    def totals_before_tax(self, documents):
        """Return what documents come to before tax.

        :param list documents: of (currency, lines)
        """
        groups = [
            [
                self._tax._prepare_base_line_for_taxes_computation(
                    None,
                    product_id=line.product,
                    tax_ids=line.taxes,
                    price_unit=line.price_unit,
                    quantity=line.quantity,
                    discount=line.discount,
                    currency_id=currency,
                    rate=1.0,
                    special_mode=False,
                    computation_key=number,
                )
                for line in lines
            ]
            for number, (currency, lines) in enumerate(documents, start=1)
        ]
        base_lines = [base_line for group in groups for base_line in group]
        self._tax._add_tax_details_in_base_lines(base_lines, self._company)
        self._tax._round_base_lines_tax_details(base_lines, self._company)
        return [
            currency.round(sum(map(amount_before_tax, group)))
            for (currency, _lines), group in zip(documents, groups, strict=True)
        ]


def billed_charge(charge) -> BaseModel:
    """Return the charge with an invoice line that a charge takes back, whole or in part; none where
    it takes nothing back, or something that was not billed.

    What is withheld of the credits of a charge that is not owed any more, and on no invoice,
    takes those back.
    """
    base = charge.credited_id
    if not base:
        return base  # nearly all charges
    if base.state == "waived" and not base.move_line_id:
        credits = [("credited_id", "=", base.id), ("move_line_id", "!=", False)]
        base = base.search(credits, order="id desc", limit=1)
    line = base.move_line_id
    return base if line and line.currency_id == charge.currency_id else base.browse()


def price_share(charge) -> float:
    """Return how many times its own amount a billed charge comes to on its invoice line, with the
    taxes that the line's price includes.

    Somebody may have put another price or other taxes on the line since it was made: the charge
    still comes to what it came to before tax.
    """
    line = charge.move_line_id
    price = line.quantity * line.price_unit * (1 - line.discount / 100.0)
    if not charge.amount:
        return 1.0
    if not line.price_subtotal or not charge.invoiced_amount:
        return (charge.document_amount or charge.amount) / charge.amount
    # A credit stands on its credit note with the opposite sign.
    return abs(price / line.price_subtotal * charge.invoiced_amount / exact_amount(charge))


def exact_amount(charge) -> float:
    """Return what a charge comes to before it is rounded, where its amount is its price's.

    A line that takes a charge back whole has the very price that it was billed at.
    """
    exact = charge.quantity * charge.price_unit * (1 - (charge.discount or 0.0) / 100.0)
    currency = charge.currency_id
    return charge.amount if currency.compare_amounts(exact, charge.amount) else exact


def amount_before_tax(base_line: dict) -> float:
    """Return the amount of one of Odoo's base lines on its document."""
    details = base_line["tax_details"]
    return base_line["currency_id"].round(
        details["total_excluded_currency"] + details["delta_total_excluded_currency"]
    )


def included_taxes(details: dict) -> float:
    """Return the taxes that are included in the price.

    :param details: from ``account.tax._get_tax_details``
    """
    return sum(row["tax_amount"] for row in details["taxes_data"] if row["tax"].price_include)
