"""The builder's invoices are Odoo's own: every stored column is compared with plain ``create`` and
``action_post``."""

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .invoice_common import InvoiceBuilderCase


@tagged("post_install", "-at_install")
class TestInvoicesEqualOdoos(InvoiceBuilderCase):
    """One kind of invoice a test; drafts and posted."""

    def test_the_invoices_come_in_the_order_of_the_specs(self):
        rounding = self.cash_rounding_a.id
        specs = [
            self.spec(self.customers[1], ref="a"),
            self.spec(self.customers[0], ref="b", invoice_cash_rounding_id=rounding),
            self.spec(self.customers[2], ref="c", currency_id=self.euro.id),
            self.spec(self.customers[1], ref="d", move_type="out_refund"),
        ]
        self.assertEqual(self.builder._create_invoices(specs).mapped("ref"), ["a", "b", "c", "d"])
        self.assert_same_as_plain(*specs, plain=1)

    def test_no_tax(self):
        self.assert_same_as_plain(self.spec(lines=[self.line(tax_ids=[])]))

    def test_no_product_but_an_account(self):
        account = self.company_data["default_account_revenue"]
        line = self.line(account_id=account.id, tax_ids=self.tax_sale_a.ids) | {"product_id": False}
        self.assert_same_as_plain(self.spec(lines=[line]))

    def test_a_tax_on_top_of_the_price(self):
        self.assert_same_as_plain(
            self.spec(lines=[self.line(33.33, tax_ids=self.sale_tax(15.0).ids)] * 3)
        )

    def test_a_tax_inside_the_price(self):
        tax = self.sale_tax(21.0, price_include_override="tax_included")
        self.assert_same_as_plain(self.spec(lines=[self.line(21.53, tax_ids=tax.ids)] * 2))

    def test_several_taxes_one_on_top_of_another(self):
        first = self.sale_tax(10.0, include_base_amount=True, sequence=1)
        second = self.sale_tax(7.5, sequence=2)
        inside = self.sale_tax(
            3.0, price_include_override="tax_included", include_base_amount=True, sequence=0
        )
        lines = [
            self.line(19.99, tax_ids=(first + second).ids),
            self.line(5.05, tax_ids=(first + second + inside).ids),
        ]
        self.assert_same_as_plain(self.spec(lines=lines))

    def test_a_group_of_taxes(self):
        children = self.sale_tax(5.0, type_tax_use="none") + self.sale_tax(
            9.975, type_tax_use="none"
        )
        group = self.sale_tax(
            0.0, amount_type="group", children_tax_ids=[Command.set(children.ids)]
        )
        self.assert_same_as_plain(self.spec(lines=[self.line(17.77, tax_ids=group.ids)] * 3))

    def test_a_fixed_tax(self):
        fixed = self.sale_tax(0.35, amount_type="fixed", include_base_amount=True, sequence=0)
        lines = [self.line(10.0, quantity=3.0, tax_ids=(fixed + self.tax_sale_a).ids)]
        self.assert_same_as_plain(
            self.spec(lines=lines), self.spec(lines=lines, move_type="out_refund")
        )

    def test_a_tax_distributed_over_accounts_and_tags(self):
        self.assert_same_as_plain(
            self.spec(lines=[self.line(123.45, tax_ids=self.tax_armageddon.ids), self.line(1.0)]),
            self.spec(
                lines=[self.line(123.45, tax_ids=self.tax_armageddon.ids)], move_type="out_refund"
            ),
        )
        tags = self.env["account.account.tag"].create(
            [{"name": f"Tag {number}", "applicability": "taxes"} for number in range(3)]
        )
        account = self.copy_account(self.company_data["default_account_tax_sale"])
        repartition = [
            Command.create({"repartition_type": "base", "tag_ids": [Command.set(tags[0].ids)]}),
            Command.create(
                {
                    "factor_percent": 40,
                    "tag_ids": [Command.set(tags[1].ids)],
                    "account_id": account.id,
                }
            ),
            Command.create({"factor_percent": 60, "tag_ids": [Command.set(tags[1:].ids)]}),
        ]
        tax = self.sale_tax(
            20.0, invoice_repartition_line_ids=repartition, refund_repartition_line_ids=repartition
        )
        self.product_a.account_tag_ids = self.env["account.account.tag"].create(
            {"name": "Product tag", "applicability": "products"}
        )
        lines = [self.line(9.99, tax_ids=tax.ids)] * 2
        self.assert_same_as_plain(
            self.spec(lines=lines), self.spec(lines=lines, move_type="out_refund")
        )

    def test_a_reverse_charge_tax(self):
        repartition = [
            Command.create({"repartition_type": "base"}),
            Command.create({"factor_percent": 100}),
            Command.create({"factor_percent": -100}),
        ]
        tax = self.sale_tax(
            19.0, invoice_repartition_line_ids=repartition, refund_repartition_line_ids=repartition
        )
        self.assert_same_as_plain(self.spec(lines=[self.line(77.7, tax_ids=tax.ids)]))

    def test_a_cash_basis_tax(self):
        self.company.tax_exigibility = True
        transition = self.copy_account(
            self.company_data["default_account_tax_sale"], {"reconcile": True}
        )
        tax = self.sale_tax(
            15.0,
            tax_exigibility="on_payment",
            cash_basis_transition_account_id=transition.id,
            price_include_override=False,
        )
        self.assert_same_as_plain(
            self.spec(lines=[self.line(31.11, tax_ids=tax.ids)]),
            self.spec(lines=[self.line(31.11, tax_ids=tax.ids)], move_type="out_refund"),
        )

    def test_foreign_currency_with_the_rate_of_the_invoice_date(self):
        lines = [self.line(33.33, tax_ids=self.tax_sale_a.ids), self.line(0.05, quantity=7.0)]
        later = fields.Date.to_date("2026-02-28")
        self.assert_same_as_plain(
            self.spec(lines=lines, currency_id=self.euro.id),
            self.spec(lines=lines, currency_id=self.euro.id, invoice_date=later, date=later),
            self.spec(lines=lines, currency_id=self.euro.id, invoice_date=later),
            self.spec(lines=lines, currency_id=self.euro.id, move_type="out_refund"),
        )

    def test_both_ways_of_rounding_taxes(self):
        included = self.sale_tax(21.0, price_include_override="tax_included")
        lines = [
            self.line(0.07 + number / 100, quantity=1.37, tax_ids=self.sale_tax(7.7).ids)
            for number in range(25)
        ]
        lines += [
            self.line(1.01, quantity=number + 0.5, tax_ids=included.ids) for number in range(9)
        ]
        for method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = method
            with self.subTest(method):
                self.assert_same_as_plain(
                    self.spec(lines=lines), self.spec(lines=lines, currency_id=self.euro.id)
                )

    def test_discounts_small_prices_and_lines_of_nothing(self):
        lines = [
            self.line(0.00123, quantity=12345.67),
            self.line(19.99, discount=33.333),
            self.line(19.99, discount=100.0),
            self.line(0.0),
            self.line(5.0, quantity=0.0),
            self.line(-12.5, name="Refund of a part"),
        ]
        self.assert_same_as_plain(self.spec(lines=lines))
        # An invoice of nothing is paid as soon as it is posted, and others may follow that up.
        self.assert_same_as_plain(self.spec(lines=[self.line(0.0)]), written=False)

    def test_sections_and_notes_between_the_lines(self):
        lines = [
            {"display_type": "line_section", "name": "Server 1", "sequence": 1},
            self.line(10.0, sequence=2),
            {"display_type": "line_note", "name": "Until further notice", "sequence": 3},
            self.line(20.0, sequence=4),
        ]
        self.assert_same_as_plain(self.spec(lines=lines))

    def test_payment_terms_with_instalments(self):
        fixed_and_rest = self.env["account.payment.term"].create(
            {
                "name": "10 now, half later",
                "line_ids": [
                    Command.create({"value": "fixed", "value_amount": 10, "nb_days": 0}),
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 30}),
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 60}),
                ],
            }
        )
        self.assert_same_as_plain(
            self.spec(invoice_payment_term_id=self.pay_terms_b.id),
            self.spec(invoice_payment_term_id=fixed_and_rest.id, currency_id=self.euro.id),
            self.spec(invoice_payment_term_id=fixed_and_rest.id, move_type="out_refund"),
            self.spec(invoice_payment_term_id=self.pay_terms_a.id),
            self.spec(invoice_payment_term_id=fixed_and_rest.id, billing_due_shift=-31),
            self.spec(invoice_payment_term_id=self.pay_terms_b.id, billing_due_shift=7),
        )

    def test_instalments_on_one_day_are_one_line(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Twice the same day",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 10})
                    for _ in "12"
                ],
            }
        )
        self.assert_same_as_plain(self.spec(invoice_payment_term_id=term.id))

    def test_early_payment_discounts(self):
        for computation, plain in (("included", 0), ("excluded", 0), ("mixed", 1)):
            term = self.env["account.payment.term"].create(
                {
                    "name": f"2 % in 10 days, {computation}",
                    "early_discount": True,
                    "early_pay_discount_computation": computation,
                    "line_ids": [
                        Command.create({"value": "percent", "value_amount": 100, "nb_days": 30})
                    ],
                }
            )
            with self.subTest(computation):
                self.assert_same_as_plain(
                    self.spec(invoice_payment_term_id=term.id, currency_id=self.euro.id),
                    plain=plain,
                )

    def test_a_due_date_clears_the_term(self):
        due_date = fields.Date.to_date("2026-02-17")
        spec = self.spec(invoice_payment_term_id=self.pay_terms_b.id, invoice_date_due=due_date)
        self.assert_same_as_plain(spec)
        move = self.builder._create_invoices([spec])
        self.assertFalse(move.invoice_payment_term_id)
        self.assertEqual(move.invoice_date_due, due_date)

    def test_neither_term_nor_due_date(self):
        self.assert_same_as_plain(
            self.spec(invoice_payment_term_id=False),
            self.spec(invoice_payment_term_id=False, invoice_date_due=None),
        )

    def test_a_fiscal_position_changes_taxes_and_accounts(self):
        self.partner_b.property_account_position_id = self.fiscal_pos_a
        automatic = self.env["account.fiscal.position"].create(
            {"name": "Belgium", "auto_apply": True, "country_id": self.env.ref("base.be").id}
        )
        self.customers[2].country_id = self.env.ref("base.be")
        self.customers[3].country_id = self.env.ref("base.us")
        line = {name: value for name, value in self.line().items() if name != "tax_ids"}
        self.assert_same_as_plain(
            self.spec(self.partner_b, [line]),
            self.spec(self.customers[0], [line], fiscal_position_id=self.fiscal_pos_a.id),
            self.spec(self.partner_b, [line], fiscal_position_id=False),
            self.spec(self.customers[2], [line]),
            self.spec(self.customers[3], [line]),
        )
        self.assertEqual(
            self.builder._create_invoices([self.spec(self.customers[2])]).fiscal_position_id,
            automatic,
        )

    def test_prices_adapted_to_the_taxes_of_a_fiscal_position(self):
        inside = {"price_include_override": "tax_included"}
        own = self.sale_tax(21.0, **inside)
        self.product_a.taxes_id = own
        specs = []
        for taxes in (self.env["account.tax"], self.sale_tax(6.0, **inside), self.sale_tax(9.0)):
            taxes.original_tax_ids = own
            position = self.env["account.fiscal.position"].create(
                {"name": "Abroad", "tax_ids": [Command.set(taxes.ids)]}
            )
            currency = self.company.currency_id
            price = self.product_a._get_tax_included_unit_price(
                self.company,
                currency,
                None,
                "sale",
                product_currency=currency,
                product_price_unit=33.33,
                fiscal_position=position,
            )
            self.assertNotEqual(price, 33.33)
            for move_type in ("out_invoice", "out_refund"):
                specs += [
                    self.spec(
                        lines=[self.line(price), self.line(price, quantity=7.0, discount=12.5)],
                        move_type=move_type,
                        fiscal_position_id=position.id,
                        partner_shipping_id=self.customers[0].id,
                        currency_id=document_currency.id,
                    )
                    for document_currency in (currency, self.euro)
                ]
        for rounding in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = rounding
            self.assert_same_as_plain(*specs)

    def test_no_position_of_the_same_vat_zone_by_the_delivery_address(self):
        self.company.vat = "BE0477472701"
        self.customers[0].write(
            {"vat": "BE0477472701", "country_id": self.env.ref("base.be").id, "is_company": True}
        )
        self.env["res.partner"].create(
            {
                "type": "delivery",
                "parent_id": self.customers[0].id,
                "country_id": self.env.ref("base.fr").id,
            }
        )
        self.env["account.fiscal.position"].create(
            [
                {
                    "name": code,
                    "auto_apply": True,
                    "country_id": self.env.ref(f"base.{code}").id,
                    "vat_required": True,
                }
                for code in ("be", "fr")
            ]
        )
        self.assert_same_as_plain(self.spec())

    def test_analytic_distributions_given_and_found(self):
        plan = self.env["account.analytic.plan"].create({"name": "Departments"})
        accounts = self.env["account.analytic.account"].create(
            [{"name": name, "plan_id": plan.id} for name in ("Hosting", "Telephony")]
        )
        tax = self.sale_tax(10.0, analytic=True)
        given = {str(accounts[0].id): 33.333, str(accounts[1].id): 66.667}
        lines = [
            self.line(50.0, analytic_distribution=given, tax_ids=tax.ids),
            self.line(7.0, tax_ids=tax.ids),
        ]
        self.assert_same_as_plain(self.spec(lines=lines))
        self.env["account.analytic.distribution.model"].create(
            [
                {
                    "product_id": self.product_a.id,
                    "analytic_distribution": {str(accounts[1].id): 100},
                },
                {
                    "partner_id": self.customers[1].id,
                    "analytic_distribution": {str(accounts[0].id): 100},
                },
            ]
        )
        other = self.line(9.0, self.product_b)
        self.assert_same_as_plain(
            self.spec(lines=lines),
            self.spec(self.customers[1], [other]),
            self.spec(self.customers[2], [other]),
        )

    def test_names_in_the_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.product_a.with_context(lang="fr_FR").name = "Hébergement"
        self.product_a.description_sale = "With backup"
        self.customers[1].lang = "fr_FR"
        line = {name: value for name, value in self.line().items() if name != "name"}
        self.assert_same_as_plain(self.spec(lines=[line]), self.spec(self.customers[1], [line]))

    def test_names_in_the_language_of_the_one_who_bills(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.tax_sale_a.with_context(lang="fr_FR").name = "TVA"
        self.env = self.env(context={**self.env.context, "lang": "fr_FR"})
        self.builder = self.builder.with_env(self.env)
        self.assert_same_as_plain(
            self.spec(), self.spec(self.customers[1], invoice_payment_term_id=self.pay_terms_b.id)
        )
        self.assertIn("TVA", self.builder._create_invoices([self.spec()]).line_ids.mapped("name"))

    def test_a_company_that_is_not_the_current_one(self):
        other = self.setup_other_company(name="Another company")["company"]
        self.env.user.company_ids += other
        context = {"allowed_company_ids": [other.id, self.company.id]}
        self.env = self.env(context={**self.env.context, **context})
        self.builder = self.builder.with_env(self.env)
        self.assertEqual(self.env.company, other)
        self.fiscal_pos_a.auto_apply = True
        self.customers[1].country_id = self.env.ref("base.us")
        line = {name: value for name, value in self.line().items() if name != "tax_ids"}
        self.assert_same_as_plain(
            self.spec(lines=[line]),
            self.spec(self.customers[1], [line]),
            self.spec(self.partner_b, [line], move_type="out_refund"),
        )

    def test_addresses_of_a_company_and_its_people(self):
        parent = self.partner_b
        parent.is_company = True
        child, delivery = self.env["res.partner"].create(
            [
                {"name": "Accounting", "parent_id": parent.id, "type": "invoice"},
                {"name": "Warehouse", "parent_id": parent.id, "type": "delivery"},
            ]
        )
        self.assert_same_as_plain(
            self.spec(child), self.spec(parent), self.spec(delivery), self.spec(child)
        )

    def test_salesperson_bank_account_and_payment_method(self):
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "BE6853900754",
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        own_bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "BE7700000001",
                "partner_id": self.customers[1].id,
                "currency_id": self.euro.id,
            }
        )
        self.customers[1].user_id = self.simple_accountman
        self.customers[2].property_inbound_payment_method_line_id = self.inbound_payment_method_line
        specs = [self.spec(customer) for customer in self.customers]
        specs += [self.spec(customer, move_type="out_refund") for customer in self.customers]
        self.assert_same_as_plain(*specs)
        moves = self.builder._create_invoices(specs)
        self.assertEqual(moves[0].partner_bank_id, bank)
        self.assertEqual(moves[5].partner_bank_id, own_bank)

    def test_texts_and_origin(self):
        self.env["ir.config_parameter"].set_param("account.use_invoice_terms", True)
        self.company.invoice_terms = "<p>Terms of the company</p>"
        self.assert_same_as_plain(
            self.spec(narration="<p>Thank <b>you</b></p>", ref="PO 17", invoice_origin="BR/1"),
            self.spec(narration=False),
            self.spec(),
        )

    def test_units_of_measure(self):
        self.assert_same_as_plain(
            self.spec(
                lines=[
                    self.line(3.0, self.product_b),
                    self.line(4.0, product_uom_id=self.uom_dozen.id),
                ]
            )
        )

    def test_accounts_with_taxes_or_reconciliation_of_their_own(self):
        account = self.copy_account(
            self.company_data["default_account_revenue"], {"reconcile": True}
        )
        account.tax_ids = self.sale_tax(4.0)
        self.product_a.write({"property_account_income_id": account.id, "taxes_id": False})
        line = {name: value for name, value in self.line().items() if name != "tax_ids"}
        self.assert_same_as_plain(
            self.spec(lines=[line]),
            self.spec(lines=[line | {"tax_ids": self.tax_sale_b.ids}, line | {"tax_ids": []}]),
        )

    def test_a_branch_bills_with_the_journal_of_its_parent(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        self.env.user.company_ids += branch
        for record, name in (
            (self.customers[0], "property_account_receivable_id"),
            (self.product_a, "property_account_income_id"),
        ):
            record.with_company(branch)[name] = record[name]
        context = {"allowed_company_ids": [branch.id, self.company.id]}
        self.env = self.env(context=dict(self.env.context, **context))
        self.builder = self.builder.with_env(self.env)
        line = {name: value for name, value in self.line().items() if name != "tax_ids"}
        self.assert_same_as_plain(self.spec(company_id=branch.id, lines=[line]))

    def test_many_invoices_at_once(self):
        specs = [
            self.spec(
                self.customers[number % 4],
                [self.line(9.99 + number, tax_ids=self.tax_sale_a.ids)] * (1 + number % 3),
                currency_id=(self.euro if number % 5 == 0 else self.company.currency_id).id,
                move_type="out_refund" if number % 7 == 0 else "out_invoice",
            )
            for number in range(30)
        ]
        self.assert_same_as_plain(*specs)
