"""What full periods cost with tax, as Odoo's own invoice lines would say."""

from decimal import Decimal

from ...services.proration import round_amount, smallest_coin, to_decimal
from ..invoicing.fiscal_positions import FiscalPositions
from ..invoicing.prices import DocumentPrices, amount_before_tax


class GrossPrices:
    """Gross prices of one company's services; what many of them share is asked once."""

    def __init__(self, env, company):
        self.env = env
        self.company = company
        self._prices = DocumentPrices(env, company)
        self._positions = FiscalPositions(env, company)
        self._known = {}

    def position(self, partner):
        """Return the fiscal position of a customer's invoices, perhaps an empty one."""
        delivery = partner.browse(partner.address_get(["delivery"])["delivery"])
        return self._positions.get(partner, delivery)

    def gross(self, product, position, currency, price, quantity, discount) -> Decimal:
        """Return what an invoice line of a full period comes to with tax.

        :param price: of one unit, on the basis of the product's own taxes
        """
        key = (product, position, currency, price, quantity, discount)
        if key not in self._known:
            line = self._prices.line_of(product, position, currency, quantity, price, discount)
            total = to_decimal(self._with_taxes(line, currency))
            self._known[key] = round_amount(total, smallest_coin(currency))
        return self._known[key]

    def _with_taxes(self, line, currency) -> float:
        """Return what an invoice line comes to with taxes, each rounded as on an invoice."""
        taxes = self.env["account.tax"]
        base_line = taxes._prepare_base_line_for_taxes_computation(
            None,
            product_id=line.product,
            tax_ids=line.taxes,
            price_unit=line.price_unit,
            quantity=line.quantity,
            discount=line.discount,
            currency_id=currency,
            rate=1.0,
            special_mode=False,
        )
        taxes._add_tax_details_in_base_lines([base_line], self.company)
        taxes._round_base_lines_tax_details([base_line], self.company)
        added = sum(tax["tax_amount_currency"] for tax in base_line["tax_details"]["taxes_data"])
        return amount_before_tax(base_line) + added
