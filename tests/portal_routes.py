"""Every address of the addon: what it shows of a customer, to whom, and what it changes.

``test_portal_routes.py`` tries each with another customer's ids, as all kinds of people and with all
kinds of tokens. It fails where an address of the addon has no row here: add one, with the records
that its numbers stand for. ``PortalRoutesCase.make_customer_with_all`` makes these.
"""

from typing import NamedTuple


class Route(NamedTuple):
    """One address."""

    #: ``page`` or ``file`` (GET), ``form`` (POST with the form's token), ``json`` (POST of Odoo's
    #: pages), or ``signed`` (POST of other systems)
    kind: str
    #: what its numbers stand for, in their order: attributes of a customer in the tests
    records: tuple = ()
    #: which secret of the customer it shows who may see it: attribute of a customer's secrets
    shows: str = ""
    #: the parameter of its link's token, and the record that gives it, where it opens without login
    token: str = ""
    token_of: str = ""
    #: whether such a link ends some day
    expires: bool = True
    #: what is sent with a POST
    form: dict = {}
    #: whether people inside with billing's rights may open it
    staff: bool = False
    #: whether customers may open it at all
    customers: bool = True


KINDS = "<any(change, suspend, resume, end):kind>"

ROUTES = {
    # billing_tasks
    "/billing_operations/health": Route("page", customers=False),
    # billing_runs/portal
    "/my/bills": Route("page", shows="bill"),
    "/my/bills/page/<int:page>": Route("page", ("one",), shows="bill"),
    "/my/bills/<int:bill_id>": Route("page", ("bill",), shows="bill", staff=True),
    "/my/bills/<int:bill_id>/files/<int:file_id>": Route(
        "file", ("bill", "pdf"), shows="pdf", staff=True
    ),
    "/my/bills/<int:bill_id>/pay/<any(bill,anyway,all):scope>": Route(
        "page", ("bill", "scope"), shows="bill"
    ),
    "/my/bills/<int:bill_id>/pay/<any(bill,anyway,all):scope>/transaction": Route(
        "json", ("bill", "scope"), form={"payment": True}
    ),
    # billing_runs/calls
    "/my/invoices/<int:invoice_id>/calls": Route(
        "page", ("invoice",), shows="call", token="access_token", token_of="invoice",
        expires=False, staff=True,
    ),
    "/my/invoices/<int:invoice_id>/calls/page/<int:page>": Route(
        "page", ("invoice", "one"), shows="call", token="access_token", token_of="invoice",
        expires=False, staff=True,
    ),
    "/my/invoices/<int:invoice_id>/calls.csv": Route(
        "file", ("invoice",), shows="call", token="access_token", token_of="invoice",
        expires=False, staff=True,
    ),
    # payment_runs
    "/my/mandates": Route("page", shows="mandate"),
    "/my/mandates/<int:mandate_id>": Route(
        "page", ("draft_mandate",), shows="draft_mandate", token="token",
        token_of="draft_mandate",
    ),
    "/my/mandates/<int:mandate_id>/sign": Route(
        "form", ("draft_mandate",), token="token", token_of="draft_mandate",
        form={"name": "A", "iban": "DE02120300000000202051", "agree": "1"},
    ),
    "/my/mandates/<int:mandate_id>/revoke": Route(
        "form", ("mandate",), form={"confirm": "revoke"}
    ),
    "/billing_operations/payment_file/<int:file_id>": Route(
        "file", ("file",), customers=False
    ),
    "/invoice/transaction/<int:invoice_id>": Route(
        "json", ("invoice",), form={"payment": True, "access_token": "x"}
    ),
    # wallets
    "/my/wallets": Route("page", shows="wallet"),
    "/my/wallets/<int:wallet_id>": Route("page", ("wallet",), shows="wallet"),
    "/my/wallets/<int:wallet_id>/page/<int:page>": Route(
        "page", ("wallet", "one"), shows="wallet"
    ),
    "/my/wallets/<int:wallet_id>/top_up": Route("form", ("wallet",), form={"amount": "20"}),
    "/my/wallets/<int:wallet_id>/transaction": Route(
        "json", ("wallet",), form={"payment": True}
    ),
    "/my/wallets/<int:wallet_id>/top_up_by_card": Route(
        "form", ("wallet",),
        form={"threshold": "5", "amount": "20", "ceiling": "60", "agree": "1"},
    ),
    # service_tasks
    "/my/services/<int:service_id>": Route(
        "page", ("service",), shows="password", token="token", token_of="service"
    ),
    # services; `test_portal_security.py` tries these with every kind of request
    "/my/services": Route("page", shows="service"),
    "/my/services/page/<int:page>": Route("page", ("one",), shows="service"),
    f"/my/services/<int:service_id>/{KINDS}": Route("page", ("service", "kind")),
    f"/my/services/<int:service_id>/{KINDS}/check": Route("form", ("service", "kind"), form={"day": "2030-01-01"}),
    f"/my/services/<int:service_id>/{KINDS}/confirm": Route("form", ("service", "kind"), form={"day": "2030-01-01"}),
    "/my/services/<int:service_id>/requests/<int:operation_id>/withdraw": Route(
        "form", ("service", "operation"), form={"day": "2030-01-01"}
    ),
    "/my/services/order": Route("page"),
    "/my/services/order/<int:tariff_id>": Route("page", ("tariff",)),
    "/my/services/order/<int:tariff_id>/check": Route("form", ("tariff",), form={"day": "2030-01-01"}),
    "/my/services/order/<int:tariff_id>/confirm": Route("form", ("tariff",), form={"day": "2030-01-01"}),
    # accounting_export
    "/billing/xero/callback": Route("page", customers=False),
    "/billing_operations/webhook/<int:module_id>": Route("signed", ("module",), form={"state": "done"}),
}  # fmt: skip
