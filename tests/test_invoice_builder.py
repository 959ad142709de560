"""The builder's invoices are Odoo's own: every stored column is compared with plain ``create``
and ``action_post``."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

# Different in any two records: identity, time, secrets, and the reference to the record itself.
NOT_COMPARED = {"id", "create_date", "write_date", "access_token", "move_id", "move_line_id"}


class InvoiceBuilderCase(AccountTestInvoicingCommon):
    """Builds specs and compares the builder's invoices with Odoo's."""

    not_compared = NOT_COMPARED

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.builder = cls.env["billing.invoice.builder"]
        cls.company = cls.env.company
        cls.journal = cls.company_data["default_journal_sale"]
        cls.euro = cls.setup_other_currency(
            "EUR", rates=[("2020-01-01", 1.37), ("2026-02-01", 0.731)]
        )
        cls.net_30 = cls.env["account.payment.term"].create(
            {
                "name": "30 days",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "nb_days": 30})
                ],
            }
        )
        cls.customers = cls.env["res.partner"].create(
            [
                {"name": f"Customer {number}", "property_payment_term_id": cls.net_30.id}
                for number in range(4)
            ]
        )

    def spec(self, partner=None, lines=None, **values):
        return {
            "move_type": "out_invoice",
            "partner_id": (partner or self.customers[0]).id,
            "journal_id": self.journal.id,
            "currency_id": self.company.currency_id.id,
            "company_id": self.company.id,
            "invoice_date": fields.Date.to_date("2026-01-31"),
            "date": fields.Date.to_date("2026-01-31"),
            "lines": lines or [self.line()],
            **values,
        }

    def line(self, price=100.0, product=None, **values):
        return {
            "product_id": (product or self.product_a).id,
            "name": "Hosting",
            "quantity": 1.0,
            "price_unit": price,
            "discount": 0.0,
            **values,
        }

    def sale_tax(self, amount, **values):
        self.__class__.tax_number += 1
        return self.env["account.tax"].create(
            {"name": f"Tax {self.tax_number}", "amount": amount, "type_tax_use": "sale", **values}
        )

    # -- the comparison

    def assert_same_as_plain(self, *specs, plain=0):
        """Compare drafts and posted invoices of the builder with Odoo's; ``plain`` of them go the
        plain way."""
        ways = [prepared for prepared, _values in self.builder._prepare(list(specs))]
        self.assertEqual(ways.count(False), plain, "invoices that went the plain way")
        expected = self._result_of(
            lambda: self.env["account.move"].create(
                [self.builder._plain_move_values(spec) for spec in specs]
            ),
            lambda moves: moves.action_post(),
        )
        ours = self._result_of(
            lambda: self.builder._create_invoices(list(specs)),
            lambda moves: self.builder._post_invoices(moves),
        )
        for state, expected_state in expected.items():
            for number, (expected_cells, our_cells) in enumerate(
                zip(expected_state, ours[state], strict=True)
            ):
                pairs = {
                    cell: (our_cells.get(cell, "-"), expected_cells.get(cell, "-"))
                    for cell in sorted(expected_cells.keys() | our_cells.keys())
                }
                differences = [
                    f"{cell}: {our_cell!r} instead of {expected_cell!r}"
                    for cell, (our_cell, expected_cell) in pairs.items()
                    if our_cell != expected_cell
                ]
                self.assertFalse(
                    differences, f"{state}, invoice {number}:\n" + "\n".join(differences)
                )

    def _result_of(self, create, post):
        """Return ``{state: [rows of each invoice]}``, leaving the database as it was."""
        savepoint = self.env.cr.savepoint()
        try:
            moves = create()
            created = self._rows(moves)
            post(moves)
            return {"draft": created, "posted": self._rows(moves)}
        finally:
            savepoint.rollback()
            savepoint.close(rollback=False)
            self.env.cr.postcommit.clear()

    def _rows(self, moves):
        """Return ``[{cell: value}]`` of each invoice: all columns of all its rows, in the order
        of creation."""
        self.env.flush_all()
        result = []
        # Ranks above zero are raised after the commit, by a hook that tests never run.
        later = Counter(
            self.env.cr.postcommit.data.get("account.res.partner.increase_rank.customer_rank")
        )
        for move in moves:
            cells = self._cells("move", "account_move", "id", move.id)
            for partner in move.partner_id | move.commercial_partner_id:
                cells[f"rank {partner.name}"] = partner.customer_rank + later[partner.id]
            query = SQL("SELECT id FROM account_move_line WHERE move_id = %s ORDER BY id", move.id)
            for number, (line_id,) in enumerate(self.env.execute_query(query)):
                line = f"line {number}"
                cells |= self._cells(line, "account_move_line", "id", line_id)
                cells |= self._cells(
                    f"{line} tax",
                    "account_move_line_account_tax_rel",
                    "account_move_line_id",
                    line_id,
                )
                tags = "account_account_tag_account_move_line_rel"
                cells |= self._cells(f"{line} tag", tags, "account_move_line_id", line_id)
                cells |= self._cells(
                    f"{line} analytic", "account_analytic_line", "move_line_id", line_id
                )
            result.append(cells)
        return result

    def _cells(self, name, table, key, value, columns=None):
        rows = self.env.execute_query(
            SQL(
                "SELECT to_jsonb(t) - %s::text[] FROM %s t WHERE %s = %s",
                [key, *self.not_compared],
                SQL.identifier(table),
                SQL.identifier("t", key),
                value,
            )
        )
        return {
            f"{name} {number} {column}": cell
            for number, row in enumerate(sorted((row for (row,) in rows), key=str))
            for column, cell in row.items()
            if not columns or column in columns
        }


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
        self.assert_same_as_plain(self.spec(lines=lines), self.spec(lines=[self.line(0.0)]))

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
        french = self.builder.with_context(lang="fr_FR")
        self.assertEqual(
            french._create_invoices([self.spec()]).line_ids.mapped("name")[0], "Hosting"
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


@tagged("post_install", "-at_install")
class TestPlainWay(InvoiceBuilderCase):
    """What the fast way does not cover goes through Odoo's own code."""

    def test_cash_rounding(self):
        self.assert_same_as_plain(
            self.spec(invoice_cash_rounding_id=self.cash_rounding_a.id),
            self.spec(lines=[self.line(1.01)], invoice_cash_rounding_id=self.cash_rounding_b.id),
            self.spec(),
            plain=2,
        )

    def test_a_company_with_storno_accounting(self):
        self.company.account_storno = True
        self.assert_same_as_plain(self.spec(), self.spec(move_type="out_refund"), plain=2)

    def test_discounts_booked_on_their_own_account(self):
        self.company.account_discount_expense_allocation_id = self.company_data[
            "default_account_expense"
        ]
        self.assert_same_as_plain(self.spec(lines=[self.line(discount=10.0)]), plain=1)

    def test_defaults_of_the_user(self):
        self.env["ir.default"].set("account.move", "invoice_user_id", self.simple_accountman.id)
        self.assert_same_as_plain(self.spec(), plain=1)

    def test_a_price_that_odoo_is_to_find(self):
        line = {name: value for name, value in self.line().items() if name != "price_unit"}
        self.assert_same_as_plain(self.spec(lines=[line]), plain=1)

    def test_a_journal_in_another_currency(self):
        journal = self.journal.copy({"code": "EURJ", "currency_id": self.euro.id})
        self.assert_same_as_plain(self.spec(journal_id=journal.id), plain=1)
        self.assert_same_as_plain(self.spec(journal_id=journal.id, currency_id=self.euro.id))

    def test_an_unknown_value_is_refused_as_odoo_refuses_it(self):
        with self.assertRaises(ValueError):
            self.builder._create_invoices([self.spec(no_such_field=1)])


@tagged("post_install", "-at_install")
class TestChecks(InvoiceBuilderCase):
    """The fast way leaves no check of Odoo out."""

    def test_records_of_another_company_are_refused(self):
        other = self.setup_other_company(name="Another company")
        self.env.user.company_ids += other["company"]
        for values in (
            {"journal_id": other["default_journal_sale"].id},
            {"lines": [self.line(account_id=other["default_account_revenue"].id)]},
            {"lines": [self.line(tax_ids=other["default_tax_sale"].ids)]},
        ):
            with self.subTest(values), self.assertRaises(UserError):
                self.builder._create_invoices([self.spec(), self.spec(**values)])
                self.env.flush_all()

    def test_no_message_and_no_follower_per_invoice(self):
        move = self.builder._create_invoices([self.spec()])
        self.builder._post_invoices(move)
        self.assertFalse(move.message_ids)
        self.assertFalse(move.message_follower_ids)


@tagged("post_install", "-at_install")
class TestNumbers(InvoiceBuilderCase):
    """Batches are numbered as Odoo numbers invoices one by one."""

    def dated(self, *dates, **values):
        return [
            self.spec(self.customers[number % 4], invoice_date=date, date=date, **values)
            for number, date in enumerate(map(fields.Date.to_date, dates))
        ]

    def post(self, specs):
        return self.builder._post_invoices(self.builder._create_invoices(specs)).mapped("name")

    def test_numbers_go_on_from_what_was_posted_by_hand(self):
        def by_hand():
            move = self.env["account.move"].create(self.builder._plain_move_values(self.spec()))
            move.action_post()
            return move.name

        self.assertEqual(by_hand(), "INV/2026/00001")
        self.assertEqual(self.post([self.spec()] * 2), ["INV/2026/00002", "INV/2026/00003"])
        self.assertEqual(by_hand(), "INV/2026/00004")
        self.assertEqual(self.post([self.spec()]), ["INV/2026/00005"])

    def test_a_new_year_starts_anew_within_one_batch(self):
        specs = self.dated("2026-01-02", "2025-12-31", "2025-12-31", "2026-01-02", "2027-01-01")
        self.assert_same_as_plain(*specs)
        self.assertEqual(
            self.post(specs),
            [
                "INV/2026/00001",
                "INV/2025/00001",
                "INV/2025/00002",
                "INV/2026/00002",
                "INV/2027/00001",
            ],
        )

    def test_formats_that_people_chose(self):
        dates = ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-31", "2025-12-31"]
        names = {"FACT-26-01-098": 12, "2026/01/7": 12, "X0041Z": 12, "BILL/25-26/0009": 3, "9": 12}
        for name, last_month in names.items():
            with self.subTest(name):
                self.company.fiscalyear_last_month = str(last_month)
                savepoint = self.env.cr.savepoint()
                first = self.builder._create_invoices(self.dated("2026-01-15"))
                self.builder._post_invoices(first)
                first.name = name
                self.env.flush_all()
                specs = self.dated(*dates, *dates)
                self.assert_same_as_plain(*specs)
                savepoint.rollback()
                savepoint.close(rollback=False)
                self.env.cr.postcommit.clear()

    def test_credit_notes_with_and_without_numbers_of_their_own(self):
        specs = []
        for move_type in ("out_invoice", "out_refund", "out_refund", "out_invoice"):
            specs += self.dated("2026-01-31", "2026-02-28", move_type=move_type)
        for own_numbers in (True, False):
            self.journal.refund_sequence = own_numbers
            with self.subTest(own_numbers):
                self.assert_same_as_plain(*specs)

    def test_journals_have_their_own_numbers(self):
        other = self.journal.copy({"code": "OTHER"})
        specs = self.dated("2026-01-31", "2026-01-31")
        specs += [spec | {"journal_id": other.id} for spec in specs]
        self.assert_same_as_plain(*specs)

    def test_the_order_is_date_reference_and_creation(self):
        specs = [
            self.spec(ref="b"),
            self.spec(ref="a"),
            *self.dated("2026-01-30"),
            self.spec(ref="a"),
        ]
        self.assert_same_as_plain(*specs)
        self.assertEqual(
            self.post(specs),
            ["INV/2026/00004", "INV/2026/00002", "INV/2026/00001", "INV/2026/00003"],
        )

    def test_a_lock_date_moves_the_accounting_date(self):
        self.company.tax_lock_date = fields.Date.to_date("2026-01-31")
        self.assert_same_as_plain(*self.dated("2026-01-31", "2026-02-01"))
        self.company.tax_lock_date = False
        self.company.sale_lock_date = fields.Date.to_date("2026-01-31")
        self.assert_same_as_plain(*self.dated("2026-01-31", "2026-02-01"))

    def test_a_journal_with_a_hash_chain(self):
        self.journal.restrict_mode_hash_table = True
        self.not_compared = NOT_COMPARED | {"inalterable_hash"}  # of ids, among others
        specs = [self.spec(), self.spec(self.customers[1])]
        self.assert_same_as_plain(*specs)
        moves = self.builder._post_invoices(self.builder._create_invoices(specs))
        self.assertTrue(all(moves.mapped("inalterable_hash")))

    def test_what_may_not_be_posted_is_refused_and_nothing_is_posted(self):
        moves = self.builder._create_invoices([self.spec(), self.spec(lines=[self.line(-5.0)])])
        with self.assertRaisesRegex(UserError, "negative total"):
            self.builder._post_invoices(moves)
        self.assertEqual(moves.mapped("state"), ["draft", "draft"])
        moves[0].invoice_line_ids.account_id.active = False
        with self.assertRaisesRegex(UserError, "is archived"):
            self.builder._post_invoices(moves[0])

    def test_posted_invoices_are_not_posted_again(self):
        moves = self.builder._create_invoices([self.spec()])
        self.builder._post_invoices(moves)
        with self.assertRaisesRegex(UserError, "must be in draft"):
            self.builder._post_invoices(moves)

    def test_drafts_changed_by_people_are_posted_as_they_are(self):
        moves = self.builder._create_invoices([self.spec(), self.spec(self.customers[1])])
        moves[0].invoice_line_ids.price_unit = 200.0
        moves[1].invoice_payment_term_id = self.pay_terms_b
        self.builder._post_invoices(moves)
        self.assertEqual(moves[0].amount_total, 230.0)
        terms = moves[1].line_ids.filtered(lambda line: line.display_type == "payment_term")
        self.assertEqual(sorted(terms.mapped("balance")), [34.5, 80.5])

    def test_customers_rank_by_the_number_of_their_invoices(self):
        old, new = self.customers[:2]
        old.customer_rank = 5
        self.post([self.spec(old), self.spec(new), self.spec(new), self.spec(old)])
        self.assertEqual(new.customer_rank, 2)
        later = self.env.cr.postcommit.data["account.res.partner.increase_rank.customer_rank"]
        self.assertEqual(dict(later), {old.id: 2})

    def test_a_batch_asks_hardly_more_of_the_database_than_one_invoice(self):
        def queries(count):
            before = self.env.cr.sql_log_count
            moves = self.builder._create_invoices([self.spec(self.customers[0])] * count)
            self.env.flush_all()
            created = self.env.cr.sql_log_count
            self.builder._post_invoices(moves)
            self.env.flush_all()
            return created - before, self.env.cr.sql_log_count - created

        queries(1)
        for one, many in zip(queries(1), queries(50), strict=True):
            self.assertLess(many - one, 15)


@tagged("post_install", "-at_install")
class TestConcurrentPosting(TransactionCase):
    """Posters in transactions of their own; their data is committed and taken away again."""

    def setUp(self):
        super().setUp()
        self.created = []
        self.addCleanup(self._take_away)
        with self._environment() as env:
            company = env.company
            accounts = env["account.account"].create(
                [
                    {"name": "Receivable", "code": "BOC1", "account_type": "asset_receivable"},
                    {"name": "Income", "code": "BOC2", "account_type": "income"},
                ]
            )
            journal = env["account.journal"].create(
                {"name": "Concurrent", "code": "BOC", "type": "sale"}
            )
            partners = env["res.partner"].create(
                [
                    # Odoo writes a new customer's rank while posting: one poster a customer.
                    {"name": f"C {number}", "property_account_receivable_id": accounts[0].id}
                    for number in range(60)
                ]
            )
            date = fields.Date.to_date("2026-01-31")
            moves = env["billing.invoice.builder"]._create_invoices(
                [
                    {
                        "move_type": "out_invoice",
                        "partner_id": partners[number].id,
                        "journal_id": journal.id,
                        "currency_id": company.currency_id.id,
                        "company_id": company.id,
                        "invoice_date": date,
                        "date": date,
                        "invoice_date_due": date,
                        "lines": [
                            {
                                "account_id": accounts[1].id,
                                "name": "x",
                                "price_unit": 1.0,
                                "tax_ids": [],
                            }
                        ],
                    }
                    for number in range(60)
                ]
            )
            self.move_ids = moves.ids
            self.created = [
                (records._name, records.ids) for records in (partners, journal, accounts)
            ]

    @contextmanager
    def _environment(self):
        with self.env.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _take_away(self):
        with self._environment() as env:
            moves = env["account.move"].browse(self.move_ids).exists()
            moves.filtered(lambda move: move.state == "posted").button_draft()
            moves.posted_before = False
            moves.with_context(force_delete=True).unlink()
            for model, ids in self.created:
                env[model].browse(ids).unlink()

    def _post(self, ids, barrier, by_hand=False):
        with self._environment() as env:
            moves = env["account.move"].browse(ids)
            moves.mapped("state")  # the transaction's snapshot is older than the others' numbers
            barrier.wait(30)
            if by_hand:
                for move in moves:
                    move.action_post()
                    env.cr.commit()
            else:
                env["billing.invoice.builder"]._post_invoices(moves)

    def _assert_numbered_without_gaps(self):
        with self._environment() as env:
            moves = env["account.move"].browse(self.move_ids)
            numbers = sorted(moves.filtered("posted_before").mapped("sequence_number"))
            self.assertEqual(set(moves.mapped("sequence_prefix")) - {""}, {"BOC/2026/"})
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
            for move in moves.filtered("posted_before"):
                self.assertEqual(set(move.line_ids.mapped("move_name")), {move.name})
            return len(numbers)

    def test_batches_and_people_post_at_once_without_gap_or_duplicate(self):
        barrier = threading.Barrier(4)
        parts = [self.move_ids[:20], self.move_ids[20:40], self.move_ids[40:55]]
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(self._post, part, barrier) for part in parts]
            jobs.append(pool.submit(self._post, self.move_ids[55:], barrier, by_hand=True))
            for job in jobs:
                job.result(120)
        self.assertEqual(self._assert_numbered_without_gaps(), 60)

    def test_a_batch_rolled_back_gives_its_numbers_back(self):
        with self.assertRaises(ZeroDivisionError), self._environment() as env:
            moves = env["account.move"].browse(self.move_ids[:20])
            env["billing.invoice.builder"]._post_invoices(moves)
            raise ZeroDivisionError
        self._post(self.move_ids[20:40], threading.Barrier(1))
        self.assertEqual(self._assert_numbered_without_gaps(), 20)
