"""What makes customer invoices alike, so that one that was proven speaks for the others."""

from hashlib import md5
from typing import NamedTuple


class Shape(NamedTuple):
    """What Odoo's choices for a document depend on, its figures and its customer's name apart."""

    move_type: str
    company_id: int
    currency_id: int
    journal_id: int
    fiscal_position_id: int | None
    origins: frozenset  # kind of item, account, taxes, whether it is a product's, its distribution
    term: tuple  # payment term, whether due dates are moved or given
    customer: tuple
    given: frozenset  # names of the values that are set
    is_zero: bool

    @property
    def code(self) -> str:
        """A short text by which documents name it."""
        parts = [sorted(map(str, p)) if isinstance(p, frozenset) else p for p in self]
        return md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def shape_of(values: dict, partner) -> Shape:
    """Return the shape of a document.

    :param values: from ``InvoiceAmounts.complete``
    :param partner: ``res.partner`` to whom it goes
    """
    items = [command[2] for command in values["line_ids"]]
    return Shape(
        values["move_type"],
        values["company_id"],
        values["currency_id"],
        values["journal_id"],
        values["fiscal_position_id"] or None,
        frozenset(map(_kind, items)),
        (
            values.get("invoice_payment_term_id") or None,
            bool(values.get("billing_due_shift")),
        ),
        (
            partner.country_id.id,
            partner.state_id.id,
            bool(partner.vat),
            partner.is_company,
            partner.lang,
            partner.type,
            partner.commercial_partner_id == partner,
            partner.id == values["partner_shipping_id"],
            values["preferred_payment_method_line_id"] or None,
            bool(partner.bank_ids) if values["move_type"] == "out_refund" else None,
        ),
        frozenset(name for name, value in values.items() if value not in (None, False, "")),
        not values["amount_total"],
    )


def _kind(item):
    return (
        item["display_type"],
        item["account_id"] or None,
        tuple(tuple(command[2]) for command in item["tax_ids"]),
        tuple(tuple(command[2]) for command in item["tax_tag_ids"]),
        item.get("tax_repartition_line_id") or None,
        bool(item["product_id"]),
        bool(item["analytic_distribution"]),
        bool(item.get("discount")),
    )


def figures_of(values: dict) -> tuple:
    """Return what the figures of a document depend on, its prices apart, for a preview of it.

    :param values: from ``InvoiceAmounts.complete``
    """
    items = [command[2] for command in values["line_ids"]]
    return (
        values["move_type"],
        values["currency_id"],
        values["fiscal_position_id"] or None,
        frozenset(
            (tuple(tuple(command[2]) for command in item["tax_ids"]), bool(item.get("discount")))
            for item in items
            if item["display_type"] == "product"
        ),
    )
