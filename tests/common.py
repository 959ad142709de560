"""Builders for test data: a company of our own, and what it sells, in few words."""

import io
from datetime import date
from unittest.mock import patch

from reportlab.pdfgen import canvas

from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user

from ..billing_runs.layouts import printers
from ..services.invoice_line import InvoiceLine
from ..services.models.billing_charge import LIVE_STATES

#: the company that is prepared for all classes, where the tests' runner does so
PROVIDER = "__test__.billing_provider"


def needs_program(*packages):
    """Mark tests that need an optional program, named as in `tools/devlib/programs.py`, where the
    runner knows of marks: without it they fail in one sentence. Of several names any one will do;
    tests that need all of them are marked once for each."""

    def mark(test):
        try:
            import pytest
        except ImportError:
            return test
        return pytest.mark.program(*packages)(test)

    return mark


class BillingCase(TransactionCase):
    """A company with a chart of accounts, and builders for what it bills.

    ``cls.env`` works for that company alone, as OdooBot; ``cls.user``,
    ``cls.manager`` and ``cls.outsider`` are people of it.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What a server lacks for its PDFs is no test's business but those of the layouts.
        cls.enterClassContext(patch.object(printers, "missing", lambda env: None))
        cls.make_provider()

    @classmethod
    def make_provider(cls):
        """Make the company, its tax and product, and work for that company from here on."""
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        cls.company = cls.prepared_provider() or cls.make_company("Test Provider")
        cls.env = cls.company.with_company(cls.company).env(
            context={**cls.env.context, "allowed_company_ids": cls.company.ids}
        )
        cls.company = cls.company.with_env(cls.env)
        cls.tax = cls.make_tax("Sales 15%", 15)
        cls.product = cls.make_product("Hosting")

    # === COMPANY === #

    @classmethod
    def prepare_provider(cls, env):
        """Make the company that ``make_provider`` then takes; the runner commits it, so that the
        chart of accounts is loaded once and not for every class."""
        cls.env = env(context={**env.context, "tracking_disable": True})
        company = cls.make_company("Test Provider")
        cls.env.user.company_ids -= company
        cls.env["ir.model.data"]._update_xmlids([{"xml_id": PROVIDER, "record": company}])
        del cls.env

    @classmethod
    def prepared_provider(cls):
        """Return the company that was prepared, if one was."""
        company = cls.env.ref(PROVIDER, raise_if_not_found=False)
        if company:
            cls.env.user.company_ids += company
        return company

    @classmethod
    def make_company(cls, name, currency="USD"):
        """Return a new company with the generic chart of accounts."""
        company = cls.env["res.company"].create(
            {"name": name, "currency_id": cls.env.ref(f"base.{currency}").id}
        )
        cls.env.ref(f"base.{currency}").active = True
        cls.env.user.company_ids += company
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
        # The chart brings its own currency.
        company.currency_id = cls.env.ref(f"base.{currency}")
        company.billing_bill_layout = "odoo"  # which tests put something in the place of
        return company

    @classmethod
    def make_user(cls, login, group, company=None):
        """Return a user of the company with one group, e.g. ``group_billing_user``."""
        company = company or cls.company
        return new_test_user(
            cls.env,
            login=login,
            groups=f"base.group_user,{group}" if group else "base.group_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def make_tax(cls, name, amount, **values):
        """Return a sale tax, excluded from the price unless said otherwise."""
        return cls.env["account.tax"].create(
            {
                "name": name,
                "amount": amount,
                "type_tax_use": "sale",
                "company_id": cls.company.id,
                "country_id": cls.company.account_fiscal_country_id.id,
                **values,
            }
        )

    @classmethod
    def make_product(cls, name, taxes=None, **values):
        """Return a service product; its sale taxes are the 15 % one unless given."""
        taxes = cls.tax if taxes is None else taxes
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "taxes_id": [Command.set(taxes.ids)],
                "supplier_taxes_id": [Command.clear()],
                **values,
            }
        )

    # === WHAT IS SOLD === #

    @classmethod
    def make_customer(cls, name="Customer", **values):
        """Return a customer of the company."""
        return cls.env["res.partner"].create({"name": name, "company_id": False, **values})

    @classmethod
    def make_scheme(cls, name="Monthly", **values):
        """Return billing terms: monthly in advance, from the 1st, unless said otherwise."""
        return cls.env["billing.term.scheme"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "classification": "postpaid",
                "interval_number": 1,
                "interval_unit": "month",
                "timing": "advance",
                "alignment": "calendar",
                "anchor_day": 1,
                "proration": "daily",
                **values,
            }
        )

    @classmethod
    def make_tariff(cls, scheme, price=10.0, **values):
        """Return a tariff of ``price`` a period."""
        values = {"name": "Tariff", "product_id": cls.product.id, "price": price, **values}
        return cls.env["billing.tariff"].create(
            {"company_id": cls.company.id, "term_scheme_id": scheme.id, **values}
        )

    @classmethod
    def make_service(cls, partner, tariff, start=date(2026, 1, 1), **values):
        """Return a service, active from ``start`` (ordered when that is None)."""
        service = cls.env["billing.service"].create(
            {
                "name": tariff.name,
                "partner_id": partner.id,
                "tariff_id": tariff.id,
                "company_id": cls.company.id,
                **values,
            }
        )
        if start:
            service._activate(start)
        return service

    # === RUNS === #

    @classmethod
    def make_cycle(cls, schemes, **values):
        """Return an active monthly billing cycle for ``schemes``."""
        cycle = cls.env["billing.cycle"].create(
            {
                "name": "Monthly",
                "company_id": cls.company.id,
                "start_date": date(2026, 1, 1),
                "term_scheme_ids": [Command.set(schemes.ids)],
                **values,
            }
        )
        cycle.action_activate()
        return cycle

    @classmethod
    def make_run(cls, cycle, day=date(2026, 1, 1), **values):
        """Return a pending run of ``cycle`` for a day."""
        run = cycle._create_run(day)
        if values:
            run.write(values)
        return run

    def confirm_steps(self, run, user):
        """Confirm every step before the request, as the user would, one after the other."""
        run._make_report("pre")
        for code in run._get_steps():
            run.invalidate_recordset()
            step = next((s for s in run._next_steps()["steps"] if s["code"] == code), {})
            if step.get("confirmable"):
                run.with_user(user).action_confirm_step(code)

    def bill_of(self, run, partner):
        """Return the customer's bill in the run."""
        return self.env["billing.bill"].search(
            [("run_id", "=", run.id), ("partner_id", "=", partner.id)]
        )


class ServiceCase(BillingCase):
    """A monthly tariff of 30 in advance with one add-on, counted from the day of activation."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme(alignment="anniversary")
        cls.disk = cls.make_product("Disk")
        cls.tariff = cls.make_tariff(cls.scheme, price=30.0)
        cls.addon = cls.make_addon(cls.tariff, minimum=1.0, maximum=10.0)
        cls.customer = cls.make_customer()

    @classmethod
    def make_addon(cls, tariff, **values):
        """Return an add-on of the tariff: disks at 2, the first one included."""
        return cls.env["billing.tariff.addon"].create(
            {
                "tariff_id": tariff.id,
                "product_id": cls.disk.id,
                "price": 2.0,
                "included": 1.0,
                **values,
            }
        )

    def order(self, tariff=None, disk=0, **values):
        """Return an ordered service, with `disk` units of the add-on when that is given."""
        tariff = tariff or self.tariff
        if disk:
            line = {"addon_id": tariff.addon_ids.id, "quantity": disk}
            values["addon_line_ids"] = [Command.create(line)]
        return self.make_service(self.customer, tariff, start=None, **values)

    def active(self, start=date(2026, 1, 1), tariff=None, disk=0, **values):
        """Return a service active from `start`."""
        service = self.order(tariff, disk, **values)
        service._activate(start)
        return service

    def carry_out(self, services):
        """Do what was asked for on the services, as the departments' staff would."""
        for task in services.service_task_ids.filtered(lambda t: t.state == "new").sorted("id"):
            task.sudo().action_assign_to_me()
            task.sudo().action_close()

    def money(self, charges):
        """[(kind, first day, end, amount)] of charges in order."""
        return [
            (charge.kind, charge.period_start, charge.period_end, charge.amount)
            for charge in charges.sorted(lambda charge: (charge.period_start, charge.id))
        ]

    def total(self, services):
        """What the services' live charges come to."""
        live = services.charge_ids.filtered(lambda charge: charge.state in LIVE_STATES)
        return round(sum(live.mapped("amount")), 2)

    def invoice(self, charges):
        """Return a draft invoice with one line a charge, which marks them invoiced."""
        names = ("quantity", "price_unit", "discount")
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": charges.partner_id.id,
                "invoice_line_ids": [
                    Command.create(
                        {"product_id": charge.product_id.id, "name": charge.name}
                        | {name: charge[name] for name in names}
                    )
                    for charge in charges
                ],
            }
        )
        lines = move.invoice_line_ids.sorted("id")
        charges._mark_invoiced(
            {
                charge.id: InvoiceLine(line.id, line.price_subtotal, move.id)
                for charge, line in zip(charges, lines, strict=True)
            }
        )
        return move


class DeliveryCase(BillingCase):
    """A run that ended with posted documents and PDFs, ready to be delivered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.email = "billing@provider.example"
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)

    @classmethod
    def make_documents(cls, *customers):
        """Return a run with one posted invoice and PDF for each customer's values.

        Each PDF is one page, as wide as 100 + the customer's place among them.
        """
        for values in customers:
            cls.make_service(cls.make_customer(**values), cls.tariff)
        run = cls.make_run(cls.cycle)
        run._execute("posting")
        moves = cls.env["account.move"].search(
            [("billing_bill_id.run_id", "=", run.id)], order="partner_id"
        )
        for number, move in enumerate(moves):
            cls.attach_pdf(move, 100 + number)
        return run

    @classmethod
    def attach_pdf(cls, move, width=100):
        """Give a document its PDF of one page."""
        content = io.BytesIO()
        page = canvas.Canvas(content, pagesize=(width, 100))
        page.showPage()
        page.save()
        cls.env["ir.attachment"].create(
            {
                "name": f"{move.name.replace('/', '_')}.pdf",
                "raw": content.getvalue(),
                "mimetype": "application/pdf",
                "res_model": "account.move",
                "res_id": move.id,
                "res_field": "invoice_pdf_report_file",
            }
        )
        move.invalidate_recordset(["invoice_pdf_report_id", "invoice_pdf_report_file"])

    def deliver(self, run):
        """Run the run's tasks here and now."""
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", "billing.run"), ("res_id", "=", run.id)]
        )

    def deliveries(self, run, **values):
        """Return the run's deliveries that have these values, oldest first."""
        domain = [("run_id", "=", run.id), *((name, "=", value) for name, value in values.items())]
        return self.env["billing.delivery"].search(domain, order="id")
