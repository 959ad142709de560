"""Where the invoice builder takes Odoo's own way, and what it refuses."""

from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.billing_operations.billing_runs.invoicing import posting, prepared

from .invoice_common import InvoiceBuilderCase


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
        self.assert_same_as_plain(self.spec(), self.spec(move_type="out_refund"), plain=1)

    def test_discounts_booked_on_their_own_account(self):
        self.company.account_discount_expense_allocation_id = self.company_data[
            "default_account_expense"
        ]
        self.assert_same_as_plain(self.spec(lines=[self.line(discount=10.0)]), plain=1)

    def test_defaults_of_the_user(self):
        self.env["ir.default"].set("account.move", "invoice_user_id", self.simple_accountman.id)
        self.assert_same_as_plain(self.spec(), plain=1)

    def test_addons_that_change_how_drafts_are_made_are_obeyed_for_the_shapes_they_touch(self):
        moves = self.env.registry["account.move"]

        def _compute_amount(moves):
            original(moves)
            moves.filtered(lambda move: move.move_type == "out_refund").ref = "by another addon"

        original = moves._compute_amount
        specs = [self.spec(), self.spec(self.customers[1], move_type="out_refund")]
        with patch.object(moves, "_compute_amount", _compute_amount):
            self.assert_same_as_plain(*specs, plain=1, written=None)

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

    def test_nobody_forges_the_marks_from_outside(self):
        for value in (True, 1, {"defaults": {}}, "x"):
            context = {prepared.CONTEXT_KEY: value, posting.CONTEXT_KEY: value}
            env = self.env(context={**self.env.context, **context})
            self.assertIsNone(prepared.current_preparation(env))
            self.assertIsNone(posting.current_posting(env))
