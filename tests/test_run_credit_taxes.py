"""What takes a charge back is taxed and booked as the invoice line was that billed it, whatever
became of the customer, the product and the invoice since."""

from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from .test_run_included_taxes import IncludedTaxCase


class CreditTaxCase(IncludedTaxCase):
    def sell(self, customer, *names, price=119.0):
        """Return services of the customer's from 1 January, one of each product named."""
        services = self.env["billing.service"]
        for number, name in enumerate(names):
            product = self.products[name]
            tariff = self.make_tariff(
                self.scheme, price + 7.77 * number, name=name, product_id=product.id
            )
            services += self.make_service(customer, tariff)
        return services

    def bill(self, day=date(2026, 1, 1)):
        return self.check(self.make_run(self.cycle, day)).move_ids

    def booked(self, moves):
        """{account: balance} of documents, without what comes to zero."""
        totals = {}
        for item in moves.line_ids:
            totals[item.account_id] = round(totals.get(item.account_id, 0) + item.balance, 2)
        return {account: balance for account, balance in totals.items() if balance}


@tagged("post_install", "-at_install")
class TestCreditTaxes(CreditTaxCase):
    def test_a_whole_credit_takes_back_every_cent_from_any_position_to_any_other(self):
        few = ("none", "export", "both")
        for rounding, positions in (("round_per_line", self.positions), ("round_globally", few)):
            self.company.tax_calculation_rounding_method = rounding
            services, customers = self.env["billing.service"], {}
            for before in positions:
                for after in positions:
                    customer = self.customer_at(before)
                    customers[customer] = before, after
                    services += self.sell(customer, *self.products)
            invoices = self.bill()
            for customer, (_before, after) in customers.items():
                customer.property_account_position_id = self.positions[after]
            services._terminate(date(2026, 1, 1))
            notes = self.bill()
            self.assertEqual(set(notes.mapped("move_type")), {"out_refund"})
            for customer, names in customers.items():
                mine = (invoices + notes).filtered(lambda m, c=customer: m.partner_id == c)
                with self.subTest(" to ".join(names) + f", {rounding}"):
                    self.assertEqual(self.booked(mine), {})

    def test_part_of_a_month_comes_back_with_the_tax_that_was_paid_on_it(self):
        leaves, returns = self.customer_at("none"), self.customer_at("export")
        services = self.sell(leaves, "included", price=96.1) + self.sell(
            returns, "included", price=96.1
        )
        self.bill()
        leaves.property_account_position_id = self.positions["export"]
        returns.property_account_position_id = self.positions["none"]
        services._terminate(date(2026, 1, 11))
        notes = self.bill(date(2026, 1, 11)).grouped("partner_id")
        # 96.10 with 19 % is 3.10 a day, and 80.76 without is 2.605 a day.
        self.assertEqual(notes[leaves].amount_total, 65.1)
        self.assertEqual(notes[leaves].amount_tax, round(65.1 - 65.1 / 1.19, 2))
        self.assertAlmostEqual(notes[returns].amount_total, 80.76 * 21 / 31, delta=0.005001)
        self.assertEqual(notes[returns].amount_tax, 0)

    def test_a_change_credits_at_the_old_tax_and_charges_at_the_new_one(self):
        customer = self.customer_at("none")
        service = self.sell(customer, "on top", price=62.0)
        self.bill()
        customer.property_account_position_id = self.positions["empty"]
        service._change(date(2026, 1, 17), {"price": 124.0})
        move = self.bill(date(2026, 1, 17))
        lines = move.invoice_line_ids.sorted("price_subtotal")
        self.assertEqual(lines.mapped("price_subtotal"), [-30.0, 60.0])
        self.assertEqual([line.tax_ids for line in lines], [self.tax, self.tax.browse()])
        self.assertEqual(move.amount_total, -30.0 * 1.15 + 60.0)

    def test_other_taxes_and_accounts_of_the_product_leave_what_was_billed_alone(self):
        inside = self.make_tax("20 % incl.", 20, price_include_override="tax_included")
        customer = self.customer_at("none")
        service = self.sell(customer, "on top", price=100.0)
        invoice = self.bill()
        other = self.company.env["account.account"].create(
            {
                "name": "Other income",
                "code": "499801",
                "account_type": "income",
                "company_ids": [Command.link(self.company.id)],
            }
        )
        self.products["on top"].taxes_id = inside
        self.products["on top"].property_account_income_id = other
        service._terminate(date(2026, 1, 1))
        self.assertEqual(self.booked(invoice + self.bill()), {})

    def test_a_tax_that_is_archived_since_is_given_back_too(self):
        customer = self.customer_at("none")
        service = self.sell(customer, "on top")
        invoice = self.bill()
        self.products["on top"].taxes_id = self.env["account.tax"]
        self.tax.active = False
        service._terminate(date(2026, 1, 1))
        self.assertEqual(self.booked(invoice + self.bill()), {})

    def test_an_archived_account_keeps_the_credit_waiting_with_a_sentence(self):
        customer = self.customer_at("none")
        service = self.sell(customer, "on top")
        account = self.env["account.account"].create(
            {
                "name": "Old income",
                "code": "499802",
                "account_type": "income",
                "company_ids": [Command.link(self.company.id)],
            }
        )
        product = self.products["on top"]
        product.property_account_income_id = account
        invoice = self.bill()
        product.property_account_income_id = False
        account.active = False
        service._terminate(date(2026, 1, 1))
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        run._execute("posting")
        bill = self.bill_of(run, customer)
        self.assertEqual((bill.state, bill.error_code), ("error", "no_income_account"))
        self.assertIn("Unarchive it to credit", bill.error_message)
        self.assertEqual(self.reasons(report), self.unbilled(run))
        account.active = True
        self.assertEqual(self.booked(invoice + self.bill()), {})

    def belgium(self, of=None, position=None, **values):
        """Add a position of customers who are taxed in Belgium, or make one such."""
        belgium = self.env.ref("base.be")
        group = self.env["account.tax.group"].create(
            {"name": "BE", "company_id": self.company.id, "country_id": belgium.id}
        )
        abroad = self.make_tax("21 % BE", 21, country_id=belgium.id, tax_group_id=group.id)
        abroad.original_tax_ids = of or self.tax
        values = {
            "country_id": belgium.id,
            "foreign_vat": "BE0477472701",
            "tax_ids": [Command.set(abroad.ids)],
            **values,
        }
        if position:
            position.write(values)
        else:
            values |= {"name": "Belgium", "company_id": self.company.id}
            self.positions["belgium"] = self.env["account.fiscal.position"].create(values)

    def test_tax_of_another_country_comes_back_on_a_document_of_its_own(self):
        self.belgium()
        for grouping in ("customer", "service"):
            self.cycle.invoice_grouping = grouping
            customer = self.customer_at("belgium")
            first = self.sell(customer, "on top", price=62.0)
            invoice = self.bill()
            self.assertEqual(invoice.amount_total, 75.02)
            customer.property_account_position_id = self.positions["none"]
            first._change(date(2026, 1, 17), {"price": 124.0})
            moves = self.bill(date(2026, 1, 17)).grouped("move_type")
            self.assertEqual(moves["out_refund"].amount_total, 30.0 * 1.21)
            self.assertEqual(
                moves["out_refund"].fiscal_position_id, self.positions["belgium"], grouping
            )
            self.assertEqual(moves["out_invoice"].amount_total, 60.0 * 1.15)
            self.assertFalse(moves["out_invoice"].fiscal_position_id)
            first._terminate(date(2026, 1, 17))
            self.bill(date(2026, 1, 17))

    def test_a_minimum_counts_a_credit_as_it_is_documented(self):
        customer = self.customer_at("none")
        service = self.sell(customer, "included", price=96.1)
        self.bill()
        customer.write(
            {
                "property_account_position_id": self.positions["export"].id,
                "billing_low_invoice_rule": "pad",
                "billing_low_invoice_minimum": 50.0,
            }
        )
        self.company.billing_minimum_product_id = self.products["on top"]
        service._change(date(2026, 1, 11), {"price": 100.75})  # 3.25 a day instead of 3.10
        move = self.bill(date(2026, 1, 11))
        self.assertEqual(move.amount_untaxed, 50.0)

    def test_the_credit_follows_the_line_that_replaced_the_first_one(self):
        customer = self.customer_at("none")
        service = self.sell(customer, "included", price=96.1)
        first = self.bill()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=first.ids)
            .create({"date": first.date, "journal_id": first.journal_id.id})
        )
        new = self.env["account.move"].browse(wizard.modify_moves()["res_id"])
        new.fiscal_position_id = self.positions["export"]
        new.action_update_fpos_values()
        new.action_post()
        self.assertEqual(new.amount_total, 80.76)
        service._terminate(date(2026, 1, 1))
        note = self.bill()
        self.assertEqual((note.amount_total, note.amount_tax), (80.76, 0))
        self.assertEqual(self.booked(first + first.reversal_move_ids + new + note), {})

    def test_whole_credits_of_any_quantity_and_discount_leave_nothing(self):
        sold = ((3, 12.5, 41.17), (7, 33.3, 13.33), (11, 7.77, 9.99), (3, 0, 33.33))
        for rounding in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = rounding
            services, customers = self.env["billing.service"], self.env["res.partner"]
            for position in ("none", "on top", "both"):
                for number, (name, product) in enumerate(self.products.items()):
                    for quantity, discount, price in sold:
                        customer = self.customer_at(position)
                        customer.name += f" {name} {quantity} {discount}"
                        tariff = self.make_tariff(
                            self.scheme, price + number * 1.01, name=name, product_id=product.id
                        )
                        services += self.make_service(
                            customer, tariff, quantity=quantity, discount=discount
                        )
                        customers += customer
            invoices = self.bill()
            services._terminate(date(2026, 1, 1))
            moves = (invoices + self.bill()).grouped("partner_id")
            for customer in customers:
                with self.subTest(customer.name, rounding=rounding):
                    self.assertEqual(self.booked(moves[customer]), {})

    def test_a_credit_that_is_withdrawn_comes_back_with_its_tax(self):
        customer = self.customer_at("none")
        service = self.sell(customer, "included")
        run = self.make_run(self.cycle)
        self.check(run)
        service._terminate(date(2026, 1, 11))
        self.bill(date(2026, 1, 11))
        customer.property_account_position_id = self.positions["export"]
        undo = self.env["billing.run.undo"].create(
            {"run_id": run.id, "reason": "Never ordered", "outcome": "drop"}
        )
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.bill(date(2026, 1, 12))
        moves = self.env["account.move"].search(
            [("partner_id", "=", customer.id), ("state", "=", "posted")]
        )
        self.assertEqual(self.booked(moves), {})

    def test_the_analytic_account_of_a_credit_is_that_of_what_was_billed(self):
        plan = self.env["account.analytic.plan"].create({"name": "Projects"})
        old, new = self.env["account.analytic.account"].create(
            [
                {"name": name, "plan_id": plan.id, "company_id": self.company.id}
                for name in ("Old", "New")
            ]
        )
        model = self.env["account.analytic.distribution.model"].create(
            {
                "product_id": self.products["on top"].id,
                "analytic_distribution": {str(old.id): 100},
                "company_id": self.company.id,
            }
        )
        service = self.sell(self.customer_at("none"), "on top")
        invoice = self.bill()
        model.analytic_distribution = {str(new.id): 100}
        service._terminate(date(2026, 1, 1))
        self.assertEqual(
            self.bill().invoice_line_ids.analytic_distribution,
            invoice.invoice_line_ids.analytic_distribution,
        )

    def test_tax_of_home_comes_back_though_the_position_is_taxed_abroad_by_now(self):
        customer = self.customer_at("elsewhere")
        service = self.sell(customer, "included")
        invoice = self.bill()
        self.belgium(of=self.vat, position=self.positions["elsewhere"])
        service._terminate(date(2026, 1, 1))
        self.assertEqual(self.booked(invoice + self.bill()), {})

    def refused(self, customer, service, price):
        """Change a service, and return why its bill of two documents is refused."""
        customer.property_account_position_id = self.positions["none"]
        service._change(date(2026, 1, 11), {"price": price})
        run = self.make_run(self.cycle, date(2026, 1, 11))
        report = run._make_report("pre")
        run._execute("posting")
        self.assertEqual(self.reasons(report), self.unbilled(run))
        return self.bill_of(run, customer).error_code

    def account(self, name, code, account_type):
        return self.env["account.account"].create(
            {
                "name": name,
                "code": code,
                "account_type": account_type,
                "reconcile": account_type == "asset_receivable",
                "company_ids": [Command.link(self.company.id)],
            }
        )

    def test_each_document_of_a_bill_is_checked_for_its_own_account_of_the_customer(self):
        receivable = self.account("Abroad", "129801", "asset_receivable")
        own = self.customer_at("none").property_account_receivable_id
        mapped = Command.create({"account_src_id": own.id, "account_dest_id": receivable.id})
        self.belgium(account_ids=[mapped])
        customer = self.customer_at("belgium")
        service = self.sell(customer, "on top", price=310.0)
        self.bill()
        receivable.active = False
        self.assertEqual(self.refused(customer, service, 400.0), "no_receivable_account")

    def test_each_document_of_a_bill_is_checked_for_its_own_tax_account(self):
        self.belgium()
        account = self.account("Tax abroad", "229801", "liability_current")
        lines = self.positions["belgium"].tax_ids.refund_repartition_line_ids
        lines.filtered(lambda line: line.repartition_type == "tax").account_id = account
        customer = self.customer_at("belgium")
        service = self.sell(customer, "on top", price=310.0)
        self.bill()
        account.active = False
        self.assertEqual(self.refused(customer, service, 400.0), "tax_account_archived")

    def test_each_document_of_a_bill_is_checked_for_its_own_bank_account(self):
        self.belgium()
        customer = self.customer_at("belgium")
        service = self.sell(customer, "on top", price=310.0)
        self.bill()
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "12345",
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        journal = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        journal.bank_account_id = bank
        customer.property_inbound_payment_method_line_id = journal.inbound_payment_method_line_ids[
            :1
        ]
        bank.active = False
        self.assertEqual(self.refused(customer, service, 31.0), "bank_archived")

    def test_credits_of_one_charge_in_turn_give_back_what_was_billed(self):
        services, customers = self.env["billing.service"], self.env["res.partner"]
        for position in ("none", "export", "empty", "on top", "reduced"):
            for number, name in enumerate(("included", "on top", "none")):
                customer = self.customer_at(position)
                customer.name += f" {name}"
                services += self.sell(customer, name, price=96.13 + number)
                customers += customer
        moves = self.bill()
        for day in (25, 16, 8, 1):
            for service in services:
                service._change(date(2026, 1, 1), {"date_end": date(2026, 1, day)})
            moves += self.bill()
        for customer, mine in moves.grouped("partner_id").items():
            untaxed = sum(mine.mapped("amount_untaxed_in_currency_signed"))
            receivable = mine.line_ids.filtered(
                lambda item: item.account_type == "asset_receivable"
            )
            with self.subTest(customer.name):
                if mine.invoice_line_ids.tax_ids:
                    # The tax of each document is rounded by itself.
                    self.assertLessEqual(abs(round(sum(receivable.mapped("balance")), 2)), 0.02)
                else:
                    self.assertEqual(round(untaxed, 2), 0.0)
