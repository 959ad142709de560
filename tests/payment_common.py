"""A company that collects from its customers, and builders for what it collects."""

import base64
from datetime import date

from odoo.fields import Command

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
        cls.make_collector()

    @classmethod
    def make_collector(cls):
        """Have the company collect, with its people and a customer."""
        cls.eur = cls.env.ref("base.EUR")
        cls.eur.active = True
        cls.company.currency_id = cls.eur
        bank = cls.env["res.bank"].create({"name": "Bank", "bic": "COBADEFFXXX"})
        account = cls.env["res.partner.bank"].create(
            {
                "partner_id": cls.company.partner_id.id,
                "acc_number": COMPANY_IBAN,
                "bank_id": bank.id,
            }
        )
        cls.journal = cls.env["account.journal"].search(
            [("company_id", "=", cls.company.id), ("type", "=", "bank")], limit=1
        )
        cls.journal.bank_account_id = account
        cls.company.write(
            {
                "billing_creditor_id": CREDITOR_ID,
                "billing_creditor_name": "Provider Ltd",
                "billing_debit_journal_id": cls.journal.id,
                "email": "billing@provider.example",
            }
        )
        cls.user = cls.make_user("payment_user", "billing_operations.group_billing_user")
        cls.manager = cls.make_user("payment_manager", "billing_operations.group_billing_manager")
        cls.customer = cls.make_payer("Alder Ltd", ref="C1")

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

    @classmethod
    def make_payer(cls, name="Payer", **values):
        """Return a customer who pays by direct debit."""
        values = {
            "billing_payment_preference": "direct_debit",
            "email": "payer@x.example",
            **values,
        }
        return cls.make_customer(name, **values)

    @classmethod
    def make_invoice(cls, partner=None, amount=100.0, due=date(2026, 3, 1), **values):
        """Return a posted invoice, without taxes."""
        partner = partner or cls.customer
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": date(2026, 2, 1),
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "currency_id": cls.eur.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": cls.product.id,
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **values,
            }
        )
        move.action_post()
        return move

    @classmethod
    def make_payment_run(cls, select=True, **values):
        """Return a payment run as the user would prepare it, with its lines."""
        run = cls.env["billing.payment.run"].with_user(cls.user).create(values)
        if select:
            run.action_select()
        return run

    @classmethod
    def submit(cls, run):
        """Confirm and submit a run, and do its tasks."""
        run.action_confirm()
        run.action_submit()
        cls.work(run)
        return run

    @classmethod
    def work(cls, run):
        """Do the tasks of a run here and now."""
        cls.env["billing.task"]._run_inline(
            domain=[("res_model", "=", run._name), ("res_id", "in", run.ids)]
        )
        cls.env.invalidate_all()

    @classmethod
    def states(cls, run):
        """Return ``{invoice's amount: state or reason}`` of a run's lines."""
        return {
            line.move_id.amount_total: line.error_code or line.state for line in run.sudo().line_ids
        }
