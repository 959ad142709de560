"""The structured invoice of a document: made by Odoo, completed by what its run knows.

Odoo's addon ``account_edi_ubl_cii`` makes it. This one does not need it: where it is not installed
there are no structured invoices, and everything else is as it is.
"""

from decimal import Decimal
from typing import NamedTuple

from . import einvoice
from .lines import service_period, whole_period

#: the model that makes a Cross Industry Invoice
BUILDER = "account.edi.xml.cii"
FACTURX = "facturx"


class Known:
    """What was asked of the database while the structured invoices of one batch were made: Odoo asks
    the same for each line. In the context of what is asked, where no RPC call can put one."""

    def __init__(self):
        self.external_ids = {}
        self.existing = set()


def asked_before(env) -> Known | None:
    """Return what is known already, None where no structured invoices are made together."""
    found = env.context.get("billing_structured_known")
    return found if isinstance(found, Known) else None


class Structured(NamedTuple):
    """The structured invoice of a document."""

    xml: bytes
    #: what it lacks for one of the countries that use it, in sentences
    lacks: set[str]


def can_make(env) -> bool:
    """Return whether structured invoices can be made in this database."""
    return BUILDER in env


def make(move, known=None) -> Structured:
    """Return the structured invoice that is embedded in a document's PDF.

    What it lacks is said where somebody wants to send it.

    :param Known known: of the batch, so that it asks once
    """
    move = move.with_context(billing_structured_known=known or Known())
    xml, lacks = move.env[BUILDER]._export_invoice(move)
    return Structured(complete(move, xml), lacks)


def complete(move, xml: bytes) -> bytes:
    """Return a structured invoice with what is known of the document besides.

    :param xml: that Odoo made, in any syntax
    """
    lines = move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
    spoken = move.with_context(lang=move.partner_id.lang or move.env.lang)
    return einvoice.complete(
        xml,
        einvoice.Invoice(
            [
                einvoice.Line(
                    _name(line, number),
                    Decimal(str(line.price_unit)),
                    Decimal(str(line.discount)),
                    service_period(line.billing_charge_ids),
                )
                for number, line in enumerate(lines, 1)
            ],
            whole_period(lines.billing_charge_ids),
            spoken._billing_payment_means().get(spoken),
        ),
    )


def _name(line, number):
    """Return what a line without product is called."""
    text = (line.name or "").strip().partition("\n")[0]
    name = text or line.product_id.display_name or line.billing_charge_ids.service_id[:1].name
    return name or line.env._("Line %(number)s", number=number)
