"""Prices that include tax, for customers whose fiscal position replaces it: preview, invoice and
tie-out are what Odoo's own invoice of the product says."""

from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from .report_common import ReportCase


class IncludedTaxCase(ReportCase):
    """Products of many taxes, and positions that replace them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        inside = {"price_include_override": "tax_included"}
        cls.vat = cls.make_tax("VAT 19 % incl.", 19, **inside)
        levy = cls.make_tax("Levy 2 %", 2)
        fee = cls.make_tax("Fee", 0.35, amount_type="fixed", sequence=0, **inside)
        parts = [
            cls.make_tax(f"Part {rate}", rate, type_tax_use="none", **inside) for rate in (4, 5)
        ]
        group = cls.make_tax(
            "Group",
            0,
            amount_type="group",
            children_tax_ids=[Command.set([part.id for part in parts])],
        )
        cls.products = {
            name: cls.make_product(name, taxes)
            for name, taxes in (
                ("included", cls.vat),
                ("included and on top", cls.vat + levy),
                ("two included", cls.vat + fee),
                ("group", group),
                ("on top", cls.tax),
                ("none", cls.env["account.tax"]),
            )
        }
        cls.positions = {
            "none": cls.env["account.fiscal.position"],
            "empty": cls.position("empty"),
            "export": cls.position("export", cls.make_tax("Export", 0)),
            "on top": cls.position("on top", cls.make_tax("9 %", 9)),
            "reduced": cls.position("reduced", cls.make_tax("7 % incl.", 7, **inside)),
            "both": cls.position(
                "both", cls.make_tax("3 % incl.", 3, **inside), cls.make_tax("1 %", 1)
            ),
            "elsewhere": cls.position("elsewhere", cls.make_tax("8 %", 8), of=levy),
            "now included": cls.position(
                "now included", cls.make_tax("6 % incl.", 6, **inside), of=cls.tax
            ),
        }

    @classmethod
    def position(cls, name, *taxes, of=None):
        for tax in taxes:
            tax.original_tax_ids = of or cls.vat
        return cls.env["account.fiscal.position"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "tax_ids": [Command.set([tax.id for tax in taxes])],
            }
        )

    @classmethod
    def customer_at(cls, position, **values):
        customer = cls.make_customer(position, **values)
        customer.property_account_position_id = cls.positions[position]
        return customer

    def check(self, run):
        """Execute a run: its report, its documents and its tie-out agree. Return its bills."""
        report = run._make_report("pre")
        self.assertEqual((report.state, self.reasons(report)), ("done", {}))
        run._execute("posting")
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(set(bills.mapped("state")), {"posted"}, bills.mapped("error_message"))
        self.assertEqual(self.reported(report), self.invoiced(run))
        self.assertEqual(self.reported(run._report("post")), self.invoiced(run))
        for row in run._tie_out():
            if self.company.tax_calculation_rounding_method == "round_per_line":
                self.assertFalse(row["difference"], row)
            self.assertTrue(row["reason"] or not row["difference"], row)
        self.assertEqual(run._step("tie_out")["state"], "done")
        return bills

    def odoos_own(self, partner, product, quantity, discount, currency=None):
        """Return the line of Odoo's own invoice of a product."""
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": date(2026, 1, 1),
                "currency_id": (currency or self.company.currency_id).id,
                "invoice_line_ids": [
                    Command.create(
                        {"product_id": product.id, "quantity": quantity, "discount": discount}
                    )
                ],
            }
        )
        return move.invoice_line_ids

    def line_values(self, line):
        return (
            line.tax_ids,
            round(line.price_unit, 9),
            line.price_subtotal,
            line.price_total,
            line.move_id.fiscal_position_id,
        )


@tagged("post_install", "-at_install")
class TestIncludedTaxes(IncludedTaxCase):
    def test_every_line_is_that_of_odoos_own_invoice(self):
        for number, product in enumerate(self.products.values()):
            product.list_price = 41.17 + number
        for rounding in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = rounding
            cycle = self.make_cycle(self.scheme, name=rounding)
            sold = {}
            for position in self.positions:
                customer = self.customer_at(position)
                for name, product in self.products.items():
                    tariff = self.make_tariff(
                        self.scheme, product.list_price, name=name, product_id=product.id
                    )
                    for quantity, discount in ((1, 0), (3, 12.5)):
                        service = self.make_service(
                            customer, tariff, quantity=quantity, discount=discount
                        )
                        sold[service] = customer, product, quantity, discount
            run = self.make_run(cycle)
            self.check(run)
            for service, (customer, product, quantity, discount) in sold.items():
                line = service.charge_ids.move_line_id
                own = self.odoos_own(customer, product, quantity, discount)
                with self.subTest(f"{product.name} {customer.name} {quantity} {rounding}"):
                    self.assertEqual(self.line_values(line), self.line_values(own))
            for service in sold:
                service._terminate(date(2026, 2, 1))

    def test_part_periods_and_foreign_currency_are_adapted_once(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "company_id": self.company.id,
                "name": date(2025, 1, 1),
                "rate": 0.87,
            }
        )
        tariffs = [
            self.make_tariff(
                self.scheme,
                77.77,
                name=currency.name,
                product_id=product.id,
                currency_id=currency.id,
            )
            for currency in (euro, self.company.currency_id)
            for product in self.products.values()
        ]
        for position in self.positions:
            customer = self.customer_at(position)
            for day, tariff in enumerate(tariffs, start=2):
                self.make_service(customer, tariff, date(2026, 1, day), quantity=3)
        bills = self.check(self.make_run(self.cycle, date(2026, 1, 31)))
        for charge in bills.charge_ids.filtered(
            lambda charge: charge.product_id == self.products["included"]
        ):
            if charge.partner_id.name in ("export", "empty"):
                exact = charge.amount / 1.19
                self.assertLess(abs(charge.move_line_id.price_subtotal - exact), 0.005 + 1e-9)
                self.assertEqual(charge.document_amount, charge.move_line_id.price_subtotal)
            elif charge.partner_id.name == "none":
                self.assertFalse(charge.document_amount)
                self.assertEqual(charge.move_line_id.price_total, charge.amount)

    def test_credit_notes_are_adapted_as_invoices_are(self):
        for position in self.positions:
            for name, product in self.products.items():
                customer = self.customer_at(position)
                self.adjust(customer, -59.5, product)
                self.adjust(customer, 20.23, self.products["on top"])
                if name == "included" and position in ("empty", "export"):
                    alone = self.customer_at(position)
                    self.adjust(alone, -59.5, product)
        bills = self.check(self.make_run(self.cycle))
        self.assertEqual(set(bills.move_ids.mapped("move_type")), {"out_refund"})
        alone = bills.filtered(lambda bill: len(bill.charge_ids) == 1)
        self.assertEqual(alone.move_ids.mapped("amount_total"), [50.0, 50.0])

    def test_what_cancels_out_with_the_customers_own_taxes_makes_no_document(self):
        home, abroad = self.customer_at("none"), self.customer_at("empty")
        for customer in (home, abroad):
            self.adjust(customer, 238.0, self.products["included"])
            self.adjust(customer, -200.0, self.products["on top"])
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        run._execute("posting")
        bill = self.bill_of(run, abroad)
        self.assertEqual((bill.state, bill.skip_reason), ("skipped", "zero_total"))
        self.assertEqual(self.reasons(report), self.unbilled(run))
        self.assertEqual(self.bill_of(run, home).move_ids.amount_total, 8.0)

    def test_a_line_changed_by_hand_does_not_tie_whatever_its_taxes(self):
        for position in ("none", "empty", "reduced", "both"):
            for product in ("included", "included and on top"):
                tariff = self.make_tariff(
                    self.scheme, 119.0, name=product, product_id=self.products[product].id
                )
                customer = self.customer_at(position)
                self.make_service(customer, tariff)
        run = self.make_run(self.cycle)
        run._execute("invoicing")
        self.assertFalse(run._tie_out_differences())
        for move in self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)]):
            line = move.invoice_line_ids
            price = line.price_unit
            with self.subTest(f"{move.partner_id.name} {line.product_id.name}"):
                line.price_unit = price + 1.0
                [row] = run._tie_out_differences()
                self.assertAlmostEqual(row["difference"], -1.0, delta=0.0101)
                line.price_unit = price
                self.assertFalse(run._tie_out_differences())

    def test_taxes_changed_after_the_run_do_not_open_a_difference(self):
        customer = self.customer_at("export")
        tariff = self.make_tariff(self.scheme, 238.0, product_id=self.products["included"].id)
        self.make_service(customer, tariff)
        run = self.make_run(self.cycle)
        run._execute("posting")
        self.products["included"].taxes_id = self.tax
        customer.property_account_position_id = False
        self.assertEqual(self.bill_of(run, customer).move_ids.amount_total, 200.0)
        self.assertFalse(run._tie_out_differences())

    def test_a_charge_billed_anew_at_home_comes_to_its_own_amount_again(self):
        customer = self.customer_at("export")
        self.adjust(customer, 238.0, self.products["included"])
        run = self.make_run(self.cycle)
        run._execute("posting")
        charge = self.bill_of(run, customer).charge_ids
        self.assertEqual(charge.document_amount, 200.0)
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Moved"})
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        customer.property_account_position_id = False
        again = self.make_run(self.cycle)
        self.check(again)
        self.assertEqual(charge.move_line_id.price_total, 238.0)
        self.assertFalse(charge.document_amount)


@tagged("post_install", "-at_install")
class TestLowInvoicesWithIncludedTaxes(IncludedTaxCase):
    MINIMUM = 37.41
    FEE = 4.99

    def ruled(self, position, rule):
        return self.customer_at(
            position,
            billing_low_invoice_rule=rule,
            billing_low_invoice_minimum=self.MINIMUM,
            billing_low_invoice_fee=self.FEE,
        )

    def check_low(self, rounding, grouping, product):
        """Bill customers of every position with both rules, and check the totals before tax."""
        self.company.tax_calculation_rounding_method = rounding
        self.cycle.invoice_grouping = grouping
        self.company.billing_minimum_product_id = self.products[product]
        tariffs = [
            self.make_tariff(self.scheme, 3.33 + number, name=name, product_id=sold.id)
            for number, (name, sold) in enumerate(self.products.items())
        ]
        for position in self.positions:
            for rule in ("pad", "fee"):
                customer = self.ruled(position, rule)
                for tariff in tariffs:
                    self.make_service(customer, tariff)
        for bill in self.check(self.make_run(self.cycle)):
            total = round(sum(bill.move_ids.mapped("amount_untaxed")), 2)
            extra = bill.charge_ids.filtered(lambda charge: charge.kind == "minimum")
            with self.subTest(f"{bill.partner_id.name} {extra.name}"):
                self.assertEqual(len(extra), 1)
                if bill.partner_id.billing_low_invoice_rule == "pad":
                    self.assertEqual(total, self.MINIMUM)
                else:
                    self.assertEqual(total, round(self.without(extra) + self.FEE, 2))

    def without(self, extra):
        """Return what the other charges of a bill come to before tax on documents of their own."""
        lines = extra.bill_id.move_ids.invoice_line_ids - extra.move_line_id
        copies = self.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": move.partner_id.id,
                    "invoice_date": move.invoice_date,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": line.product_id.id,
                                "price_unit": line.price_unit,
                                "quantity": line.quantity,
                                "discount": line.discount,
                            }
                        )
                        for line in mine
                    ],
                }
                for move, mine in lines.grouped("move_id").items()
            ]
        )
        return sum(copies.mapped("amount_untaxed"))

    def test_with_tax_in_the_price(self):
        self.check_low("round_per_line", "customer", "included")

    def test_with_one_tax_in_the_price_and_one_on_top(self):
        self.check_low("round_per_line", "service", "included and on top")

    def test_with_two_taxes_in_the_price_and_taxes_rounded_per_document(self):
        self.check_low("round_globally", "customer", "two included")

    def test_with_a_group_of_taxes_rounded_per_document(self):
        self.check_low("round_globally", "service", "group")

    def test_the_minimum_is_compared_with_what_the_customer_pays_before_tax(self):
        tariff = self.make_tariff(self.scheme, 44.0, product_id=self.products["included"].id)
        home, abroad = self.ruled("none", "skip"), self.ruled("now included", "skip")
        net = self.make_tariff(self.scheme, 38.0, name="Net", product_id=self.product.id)
        self.make_service(home, tariff)  # 36.97 before tax
        self.make_service(abroad, net)  # 35.85 before the tax that is included there
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        run._execute("posting")
        self.assertEqual(self.reasons(report), self.unbilled(run))
        for customer in (home, abroad):
            self.assertEqual(self.bill_of(run, customer).skip_reason, "below_minimum")
