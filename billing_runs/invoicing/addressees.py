from typing import NamedTuple

from odoo import models

from .addresses import Addresses
from .fiscal_positions import FiscalPositions
from .guards import changed_methods
from .lines import net_by_tax, split_sign
from .prices import DocumentPrices, billed_charge

# With these Odoo's invoices choose for themselves; an addon that changes one of them is asked.
CHOOSING = {"account.move": "_compute_partner_shipping_id _compute_fiscal_position_id"}
# What documents are made of; to read all that charges and customers have takes longer.
CHARGE_FIELDS = (
    "bill_id credited_id currency_id product_id service_id name quantity price_unit discount amount"
    " state"
).split()
CUSTOMER_FIELDS = (
    "property_account_position_id property_account_receivable_id property_payment_term_id"
    " property_inbound_payment_method_line_id billing_invoice_message"
    " active commercial_partner_id company_id company_name complete_name country_id is_company lang"
    " name parent_id state_id type user_id vat zip"
).split()


class Addressee(NamedTuple):
    """To whom a customer's documents go, and how they are taxed for that."""

    address: object  # res.partner
    delivery: object  # res.partner
    position: object  # account.fiscal.position, perhaps an empty one


class PlannedDocument(NamedTuple):
    """A group of a bill's charges that makes a document; ``sign`` 0: they add up to nothing."""

    charges: object  # billing.charge
    position: object  # account.fiscal.position
    lines: list  # of DocumentLine, one for each charge
    sign: int


class Worksheet(NamedTuple):
    """What a bill is to be: checked first, and made then."""

    addressee: Addressee
    documents: list[PlannedDocument]


class BillingBill(models.Model):
    """Whom a bill's documents go to, and what its charges come to for them. Checks, low-invoice
    rules, the preview and invoicing all ask here."""

    _inherit = "billing.bill"

    def _addressees(self):
        """Return ``{customer: Addressee}`` of bills of one company."""
        company = self.company_id
        partners = self.partner_id
        partners.with_company(company).fetch(CUSTOMER_FIELDS)
        addresses = Addresses(self.env, company, partners)
        chosen = {partner: addresses.get(partner, "invoice") for partner in partners}
        asks_odoo = bool(changed_methods(self.env, CHOOSING))
        positions = FiscalPositions(self.env, company)
        result = {}
        for partner, address in chosen.items():
            delivery = addresses.get(address, "delivery")
            position = positions.get(address, delivery)
            if asks_odoo:
                move = self._new_document(address)
                delivery, position = move.partner_shipping_id, move.fiscal_position_id
            result[partner] = Addressee(address, delivery, position)
        return result

    def _new_document(self, address):
        return self.env["account.move"].new(
            {
                "move_type": "out_invoice",
                "partner_id": address.id,
                "company_id": self.company_id.id,
                "journal_id": self.run_id.cycle_id.journal_id.id,
            }
        )

    def _document_prices(self):
        """Return the :class:`DocumentPrices` of a batch of bills."""
        return DocumentPrices(self.env, self.company_id)

    def _document_groups(self, charges, position):
        """Return the bill's charges in the groups that make a document each.

        One document a bill, or one a service where the cycle says so. What takes back something
        that was taxed in another country goes on a document of its own: Odoo keeps the taxes of
        two countries apart.

        :param position: fiscal position of the bill's addressee
        :return: ``{(service or none, fiscal position): charges}``
        """
        self.ensure_one()
        by_service = self.run_id.cycle_id.invoice_grouping == "service"
        none = self.env["billing.service"]

        def key(charge):
            billed = billed_charge(charge)
            taxed = (
                self._position_taking_back(billed.move_line_id, position) if billed else position
            )
            return charge.service_id if by_service else none, taxed

        return charges.grouped(key)

    def _position_taking_back(self, line, position):
        """Return the fiscal position of a document that takes an invoice line back: the customer's,
        unless the line is taxed in another country."""
        taxed_in = self.run_id._taxed_in
        before = line.move_id.fiscal_position_id
        country = line.tax_ids.country_id[:1] or taxed_in(before)
        for candidate in (position, before, position.browse()):
            if taxed_in(candidate) == country:
                return candidate
        return before

    def _worksheets(self):
        """Return ``{bill: its Worksheet}``; a bill without charges makes no documents."""
        if not self:
            return {}
        charges, prices = self._rated_charges(), self._document_prices()
        addressees, sheets = self._addressees(), {}
        for bill in self:
            addressee, documents = addressees[bill.partner_id], []
            mine = charges.get(bill, self.env["billing.charge"])
            groups = bill._document_groups(mine, addressee.position)
            for (_service, position), group in groups.items():
                lines = [prices.line(charge, position) for charge in group]
                sign = split_sign(net_by_tax(lines), bill.currency_id.is_zero)
                documents.append(PlannedDocument(group, position, lines, sign))
            sheets[bill] = Worksheet(addressee, documents)
        return sheets

    def _rated_charges(self):
        """Return ``{bill: its charges to be billed}``."""
        return (
            self.env["billing.charge"]
            .search_fetch(
                [("bill_id", "in", self.ids), ("state", "=", "rated")], CHARGE_FIELDS, order="id"
            )
            .grouped("bill_id")
        )
