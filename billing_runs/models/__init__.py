from . import billing_invoice_builder
