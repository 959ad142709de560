"""A company that collects from its customers, and builders for what it collects."""

import base64
from datetime import date

from .common import BillingCase

CREDITOR_ID = "DE98ZZZ09999999999"
COMPANY_IBAN = "DE89370400440532013000"
#: accounts with right check digits
IBANS = (
    "DE02120300000000202051",
    "DE02500105170137075030",
    "DE02100500000054540402",
    "DE02300209000106531065",
    "DE02200505501015871393",
    "AT026000000001349870",
    "NL91ABNA0417164300",
    "FR1420041010050500013M02606",
)


class PaymentCase(BillingCase):
    """A company with a creditor identifier, whose customers give mandates."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {"billing_creditor_id": CREDITOR_ID, "billing_creditor_name": "Provider Ltd"}
        )
        cls.user = cls.make_user("payment_user", "billing_operations.group_billing_user")
        cls.manager = cls.make_user("payment_manager", "billing_operations.group_billing_manager")
        cls.customer = cls.make_customer("Alder Ltd", ref="C1")

    @classmethod
    def make_mandate(cls, partner=None, iban=IBANS[0], active=True, **values):
        """Return a mandate of the customer, signed on paper unless said otherwise."""
        partner = partner or cls.customer
        mandates = cls.env["billing.mandate"]
        mandate = mandates.create(
            {
                "partner_id": partner.id,
                "partner_bank_id": mandates._account(partner, iban).id,
                "signed_date": date(2026, 1, 1),
                "company_id": cls.company.id,
                **values,
            }
        )
        if active:
            mandate.action_activate()
        return mandate

    @classmethod
    def as_file(cls, text):
        """Return a text as a field for a file takes it."""
        return base64.b64encode(text.encode())
