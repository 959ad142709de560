"""The words on a bill: Odoo's own where it has them, in all languages it is translated to."""

from lxml import etree

#: label: where the invoice report has it
REPORT_LABELS = {
    "invoice": "//t[@name='invoice_title']",
    "draft_invoice": "//t[@name='draft_invoice_title']",
    "cancelled_invoice": "//t[@name='cancelled_invoice_title']",
    "credit_note": "//t[@name='credit_note_title']",
    "draft_credit_note": "//t[@name='draft_credit_note_title']",
    "cancelled_credit_note": "//t[@name='cancelled_credit_note_title']",
    "invoice_date": "//div[@name='invoice_date']/t[1]/strong",
    "credit_note_date": "//div[@name='invoice_date']/t[2]/strong",
    "due_date": "//div[@name='due_date']/strong",
    "supply_date": "//div[@name='taxable_supply_date']/strong",
    "delivery_date": "//div[@name='delivery_date']/strong",
    "source": "//div[@name='origin']/strong",
    "customer_code": "//div[@name='customer_code']/strong",
    "reference": "//div[@name='reference']/strong",
    "incoterm": "//div[@name='incoterm_id']/strong",
    "description": "//th[@name='th_description']/span",
    "quantity": "//th[@name='th_quantity']/span",
    "price": "//th[@name='th_priceunit']/span",
    "discount": "//th[@name='th_discount']/span",
    "taxes": "//th[@name='th_taxes']/span",
    "amount": "//th[@name='th_subtotal']/span",
    "shipping": "//div[@name='shipping_address_block']/strong",
}
TOTAL_LABELS = {"total": "//tr[@class='o_total']/td[1]/strong"}


def read_labels(env) -> dict[str, str]:
    """Return the labels of a bill in the environment's language."""
    labels = _own_labels(env)
    english = _own_labels(env(context={**env.context, "lang": "en_US"}))
    for template, paths in (
        ("account.report_invoice_document", REPORT_LABELS),
        ("account.document_tax_totals_template", TOTAL_LABELS),
    ):
        for label, text in _template_labels(env, template, paths).items():
            # Odoo leaves some words in English where this addon has a translation.
            if text != english[label]:
                labels[label] = text
    return labels


def _own_labels(env):
    return {
        # What a changed report no longer has.
        "invoice": env._("Invoice"),
        "draft_invoice": env._("Draft Invoice"),
        "cancelled_invoice": env._("Cancelled Invoice"),
        "credit_note": env._("Credit Note"),
        "draft_credit_note": env._("Draft Credit Note"),
        "cancelled_credit_note": env._("Cancelled Credit Note"),
        "invoice_date": env._("Invoice Date"),
        "credit_note_date": env._("Credit Note Date"),
        "due_date": env._("Due Date"),
        "supply_date": env._("Taxable Supply"),
        "delivery_date": env._("Delivery Date"),
        "source": env._("Source"),
        "customer_code": env._("Customer Code"),
        "reference": env._("Reference"),
        "incoterm": env._("Incoterm"),
        "description": env._("Description"),
        "quantity": env._("Quantity"),
        "price": env._("Unit Price"),
        "discount": env._("Disc.%"),
        "taxes": env._("Taxes"),
        "amount": env._("Amount"),
        "shipping": env._("Shipping Address"),
        "total": env._("Total"),
        # What Odoo's report does not say, or says in sentences.
        "page": env._("Page {page} of {pages}"),
        "period": env._("Billing Period"),
        "carried": env._("Carried Forward"),
        "brought": env._("Brought Forward"),
        "original": env._("Credited Invoice"),
        "rounding": env._("Rounding"),
        "amount_due": env._("Amount Due"),
        "account": env._("Your Account"),
        "opening_balance": env._("Opening Balance"),
        "payments": env._("Payments"),
        "this_bill": env._("This Bill"),
        "other_entries": env._("Other Entries"),
        "closing_balance": env._("Closing Balance"),
        "payment": env._("Payment"),
        "payment_reference": env._("Payment Reference"),
        "bank_account": env._("Bank Account"),
        "collection_date": env._("Collection Date"),
        "mandate": env._("Mandate Reference"),
        "creditor": env._("Creditor ID"),
        "debited_account": env._("Debited Account"),
        "scan": env._("Scan to pay with your banking app"),
        "pay_online": env._("Scan or click to pay online"),
        "registry": env._("Company ID"),
        "tax_id": env._("Tax ID"),
    }


def _template_labels(env, xml_id, paths):
    view = env.ref(xml_id, raise_if_not_found=False)
    if not view:
        return {}
    root = etree.fromstring(view.sudo().arch_db)
    found = {}
    for label, path in paths.items():
        node = next(iter(root.xpath(path)), None)
        text = "".join(node.itertext()).strip() if node is not None else ""
        if text:
            found[label] = text
    return found
