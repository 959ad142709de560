"""A company with bills, mandates, cards and a way to pay online, and its customers' logins."""

import io
from datetime import date

from reportlab.pdfgen import canvas

from odoo.fields import Command

from .card_common import CardCase


class PortalCase(CardCase):
    """A customer with one bill a month of 100, without tax, from December 2025 on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_portal()

    @classmethod
    def make_portal(cls):
        """Make the customer's service, its cycle, and a form to pay with."""
        cls.provider.write({"is_published": True, "redirect_form_view_id": cls.make_form().id})
        # Whether a bill is paid by itself is the business of those tests that say so.
        cls.customer.billing_payment_preference = "transfer"
        cls.untaxed = cls.make_product("Untaxed", taxes=cls.env["account.tax"])
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 100.0, product_id=cls.untaxed.id)
        cls.start = date(2025, 12, 1)
        cls.service = cls.make_service(cls.customer, cls.tariff, cls.start)
        cls.cycle = cls.make_cycle(cls.scheme, name="Portal", start_date=cls.start)

    @classmethod
    def make_form(cls):
        """Return the form that a provider without its own page sends people on with."""
        return cls.env["ir.ui.view"].create(
            {"name": "Form", "type": "qweb", "arch": "<form action='x' method='post'/>"}
        )

    @classmethod
    def bill_on(cls, day, partner=None, stage="posting", pdf=True):
        """Return a customer's bill of a day's run, its documents with a PDF each."""
        run = cls.make_run(cls.cycle, day)
        run.write({"invoice_date": day, "cutoff_date": day})
        run._execute(stage)
        bills = cls.env["billing.bill"].search([("run_id", "=", run.id)])
        for number, move in enumerate(bills.move_ids.filtered(lambda m: m.state == "posted")):
            if pdf:
                cls.attach(move, f"{move.name.replace('/', '_')}.pdf", cls.page(100 + number))
        return bills.filtered(lambda bill: bill.partner_id == (partner or cls.customer))

    @staticmethod
    def page(width):
        """Return a PDF of one page of this width."""
        content = io.BytesIO()
        pdf = canvas.Canvas(content, pagesize=(width, 100))
        pdf.showPage()
        pdf.save()
        return content.getvalue()

    @classmethod
    def attach(cls, move, name, content, field="invoice_pdf_report_file"):
        """Give a document a file in one of its fields."""
        attachment = cls.env["ir.attachment"].create(
            {
                "name": name,
                "raw": content,
                "res_model": "account.move",
                "res_id": move.id,
                "res_field": field,
            }
        )
        move.invalidate_recordset()
        return attachment

    @classmethod
    def pay(cls, move, amount=None):
        """Register a payment of a document."""
        wizard = cls.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create({"amount": amount} if amount else {})._create_payments()

    def submit_now(self, run):
        """Submit a run of direct debits, and do its tasks."""
        run.with_user(self.user).action_submit()
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", run._name), ("res_id", "=", run.id)]
        )
        self.env.invalidate_all()

    @classmethod
    def portal_user(cls, login, partner, company=None):
        """Return the login of a customer's contact."""
        company = company or cls.company
        return cls.env["res.users"].create(
            {
                "name": login,
                "login": login,
                "password": login,
                "partner_id": partner.id,
                "group_ids": [Command.set(cls.env.ref("base.group_portal").ids)],
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
            }
        )

    def get(self, path):
        """Return the answer to a GET, with what was changed before written."""
        self.env.flush_all()
        return self.url_open(path)

    def payment(self, **values):
        """Return what Odoo's payment form sends."""
        return {
            "provider_id": self.provider.id,
            "payment_method_id": self.method.id,
            "token_id": None,
            "flow": "redirect",
            "tokenization_requested": False,
            "landing_route": "/my",
            **values,
        }

    def request_payment(self, path, amount, **values):
        """Create the transaction of a page, and return it."""
        self.env.flush_all()
        answer = self.make_jsonrpc_request(
            f"{path}/transaction", self.payment(amount=amount, **values)
        )
        return self.env["payment.transaction"].search([("reference", "=", answer["reference"])])

    def refusal(self, path, params):
        """Return what a request of a page is refused with; empty where it is not."""
        self.env.flush_all()
        body = {"jsonrpc": "2.0", "method": "call", "id": 0, "params": params}
        answer = self.opener.post(f"{self.base_url()}{path}", json=body, timeout=30).json()
        return answer.get("error", {}).get("data", {}).get("message", "")

    def finish(self, transaction):
        """Have the provider say that the money is there, and book it."""
        transaction._set_done()
        transaction._post_process()
        self.env.invalidate_all()
