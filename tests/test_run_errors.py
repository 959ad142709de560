"""What stops one customer's bill, and only that one."""

from datetime import date
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunErrors(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.bad = cls.make_customer("Bad")
        cls.good = cls.make_customer("Good")
        cls.make_service(cls.good, cls.tariff)

    def _execute(self, **values):
        run = self.make_run(self.cycle, **values)
        run._execute("posting")
        return run

    def _assert_only_bad(self, run, code):
        bad, good = self.bill_of(run, self.bad), self.bill_of(run, self.good)
        self.assertEqual((bad.state, bad.error_code), ("error", code))
        self.assertTrue(bad.error_message)
        self.assertFalse(bad.move_ids)
        self.assertEqual(good.state, "posted")
        self.assertEqual(good.move_ids.amount_untaxed, 10.0)

    def _assert_healed(self, run, total=10.0):
        """After the cause is fixed, running again bills that customer and no other."""
        before = self.bill_of(run, self.good).move_ids
        run.action_run_again()
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        bill = self.bill_of(run, self.bad)
        self.assertEqual((bill.state, bill.error_code), ("posted", False))
        self.assertEqual(bill.move_ids.amount_untaxed, total)
        self.assertEqual(self.bill_of(run, self.good).move_ids, before)

    def test_an_archived_product_stops_only_its_customer(self):
        product = self.make_product("Old")
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, product_id=product.id))
        product.active = False
        run = self._execute()
        self._assert_only_bad(run, "product_archived")
        product.active = True
        self._assert_healed(run)

    def test_an_archived_customer_is_not_billed_in_silence(self):
        self.make_service(self.bad, self.tariff)
        self.bad.active = False
        run = self._execute()
        self._assert_only_bad(run, "partner_archived")
        self.bad.active = True
        self._assert_healed(run)

    def test_a_foreign_currency_without_a_rate_is_not_billed_one_to_one(self):
        zloty = self.env.ref("base.PLN")
        zloty.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", zloty.id)]).unlink()
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, currency_id=zloty.id))
        run = self._execute()
        self._assert_only_bad(run, "no_currency_rate")
        self.env["res.currency.rate"].create(
            {
                "currency_id": zloty.id,
                "company_id": self.company.id,
                "name": date(2025, 12, 1),
                "rate": 4.0,
            }
        )
        self._assert_healed(run)
        move = self.bill_of(run, self.bad).move_ids
        self.assertEqual(move.currency_id, zloty)
        self.assertEqual(move.amount_untaxed_signed, 2.5)

    def test_a_rate_from_after_the_invoice_date_does_not_count(self):
        zloty = self.env.ref("base.PLN")
        zloty.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", zloty.id)]).unlink()
        self.env["res.currency.rate"].create(
            {
                "currency_id": zloty.id,
                "company_id": self.company.id,
                "name": date(2026, 1, 2),
                "rate": 4.0,
            }
        )
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, currency_id=zloty.id))
        self._assert_only_bad(self._execute(), "no_currency_rate")

    def test_a_product_without_an_income_account_does_not_fall_back_to_the_journal(self):
        category = self.env["product.category"].create({"name": "No account"})
        category.property_account_income_categ_id = False
        product = self.make_product("Unbooked", categ_id=category.id)
        self.company.income_account_id = False
        good_account = self.env["account.account"].search(
            [("company_ids", "in", self.company.ids), ("account_type", "=", "income")], limit=1
        )
        self.product.property_account_income_id = good_account
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, product_id=product.id))
        run = self._execute()
        self._assert_only_bad(run, "no_income_account")
        product.property_account_income_id = good_account
        self._assert_healed(run)

    def test_an_archived_tax_is_not_used(self):
        tax = self.make_tax("Old tax", 7)
        product = self.make_product("Taxed", taxes=tax)
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, product_id=product.id))
        tax.active = False
        run = self._execute()
        self._assert_only_bad(run, "tax_archived")

    def test_an_archived_tax_is_taken_off_the_product_once_another_is_chosen(self):
        tax = self.make_tax("Old tax", 7)
        product = self.make_product("Taxed", taxes=tax)
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, product_id=product.id))
        self.assertFalse(product.billing_archived_taxes)
        tax.active = False
        run = self._execute()
        self.env.invalidate_all()
        self.assertEqual(product.billing_archived_taxes, "Old tax")
        billing = "billing_operations.group_billing_user"
        manager = self.make_user("product_manager", billing)
        clerk = self.make_user("product_clerk", billing)
        manager.group_ids |= self.env.ref("product.group_product_manager")
        button = "action_take_archived_taxes_off"
        for model in ("product.template", "product.product"):
            for user, shown in ((manager, True), (clerk, False)):
                arch = self.env[model].with_user(user).get_view(view_type="form")["arch"]
                self.assertIn("billing_archived_taxes", arch)
                self.assertEqual(button in arch, shown)
        with self.assertRaises(AccessError):
            product.with_user(clerk).action_take_archived_taxes_off()
        product = product.with_user(manager)
        with self.assertRaisesRegex(UserError, "would be billed without tax"):
            product.action_take_archived_taxes_off()
        other = self.make_tax("New tax", 9)
        with Form(product) as form:
            form.taxes_id.add(other)
        self.env.invalidate_all()
        self.assertEqual(product.billing_archived_taxes, "Old tax", "the form leaves it there")
        product.action_take_archived_taxes_off()
        self.env.invalidate_all()
        self.assertFalse(product.billing_archived_taxes)
        self.assertEqual(product.with_context(active_test=False).taxes_id, other)
        self._assert_healed(run)

    def test_an_archived_receivable_account_is_not_used(self):
        account = self.env["account.account"].create(
            {"name": "Old receivable", "code": "119999", "account_type": "asset_receivable"}
        )
        self.bad.property_account_receivable_id = account
        self.make_service(self.bad, self.tariff)
        run = self.make_run(self.cycle)
        self.assertFalse(run._readiness_problems())
        account.active = False
        # Found before any bill exists, with who can fix it.
        [problem] = run._readiness_problems()
        self.assertEqual((problem["code"], problem["who"]), ("no_receivable_account", "Accounting"))
        found = run.action_view_customers("receivable")["domain"]
        self.assertEqual(self.env["res.partner"].search(found), self.bad)
        run._execute("posting")
        self._assert_only_bad(run, "no_receivable_account")

    def test_customers_without_any_receivable_account_are_found_before_the_request(self):
        self.env["ir.default"].search(
            [
                ("field_id.name", "=", "property_account_receivable_id"),
                ("company_id", "=", self.company.id),
            ]
        ).unlink()
        self.good.property_account_receivable_id = self.env["account.account"].create(
            {"name": "Receivable", "code": "119999", "account_type": "asset_receivable"}
        )
        office = self.make_customer("Office", parent_id=self.good.id)
        self.make_service(self.bad, self.tariff)
        self.make_service(office, self.tariff)
        run = self.make_run(self.cycle)
        [problem] = run._readiness_problems()
        self.assertEqual(problem["code"], "no_receivable_account")
        self.assertIn(": 1", problem["text"])
        run._execute("posting")
        self._assert_only_bad(run, "no_receivable_account")

    def test_what_odoo_refuses_only_when_posting_is_found_before_by_the_same_checks(self):
        country = self.env.ref("base.fr")
        self.env["account.tax.group"].create(
            {"name": "FR", "company_id": self.company.id, "country_id": country.id}
        )
        abroad = self.make_tax("TVA", 20, country_id=country.id)
        levy = self.make_tax("Levy", 3)
        account = self.env["account.account"].create(
            [
                {"name": "Levy", "code": "259999", "account_type": "liability_current"},
                {"name": "In euro", "code": "119998", "account_type": "asset_receivable"},
            ]
        )
        levy.invoice_repartition_line_ids[1].account_id = account[0]
        account[0].active = False
        account[1].currency_id = self.env.ref("base.EUR")
        bank = self.env["account.journal"].search(
            [("company_id", "=", self.company.id), ("type", "=", "bank")], limit=1
        )
        bank.bank_account_id = self.env["res.partner.bank"].create(
            {"acc_number": "GB33BUKB20201555555555", "partner_id": self.company.partner_id.id}
        )
        wanted = {}
        for code, tax, values in (
            ("tax_account_archived", levy, {}),
            ("tax_country", abroad, {}),
            ("account_currency", None, {"property_account_receivable_id": account[1].id}),
            (
                "bank_archived",
                None,
                {
                    "property_inbound_payment_method_line_id": bank.inbound_payment_method_line_ids[
                        0
                    ].id
                },
            ),
        ):
            customer = self.make_customer(code, **values)
            product = self.make_product(code, tax) if tax else self.product
            tariff = self.make_tariff(self.scheme, 10.0, product_id=product.id)
            self.make_service(customer, tariff)
            wanted[customer] = code
        bank.bank_account_id.active = False
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        self.assertEqual(
            {row.partner_id: row.reason for row in report.customer_ids if row.reason}, wanted
        )
        texts = [problem["code"] for problem in run._readiness_problems()]
        self.assertEqual(sorted(texts), ["tax_account_archived", "tax_country"])
        bills = self.env.registry["billing.bill"]
        with self.env.cr.savepoint() as savepoint:
            with patch.object(bills, "_invoicing_problems", lambda bills, sheets=None: {}):
                run._execute("posting")
            for customer in wanted:
                self.assertRegex(self.bill_of(run, customer).error_code, "(invoic|post)ing_failed")
            savepoint.rollback()
        self.env.invalidate_all()
        run._execute("posting")
        for customer, code in wanted.items():
            self.assertEqual(self.bill_of(run, customer).error_code, code)
        self.assertEqual(self.bill_of(run, self.good).state, "posted")
        # The form counts them by code; each line opens its bills, each result its records.
        counted = {line.error_code: line for line in run.exception_ids}
        self.assertEqual(set(counted), set(wanted.values()))
        line = counted["tax_country"]
        self.assertEqual(line.bill_count, 1)
        self.assertIn("Map the tax in fiscal position", line.example)
        found = self.env["billing.bill"].search(line.action_view_bills()["domain"])
        self.assertEqual(found.error_code, "tax_country")
        opened = {r.stage: r.action_view_records()["res_model"] for r in run.result_ids}
        self.assertEqual(
            opened,
            {"rating": "billing.charge", "invoicing": "account.move", "posting": "account.move"},
        )

    def test_a_locked_period_is_not_billed_on_another_date(self):
        self.make_service(self.bad, self.tariff)
        self.company.sale_lock_date = date(2026, 1, 31)
        # The queue has no exception, whoever looks at the panel.
        self.env["account.lock_exception"].create(
            {
                "company_id": self.company.id,
                "user_id": self.make_user("exception", "account.group_account_manager").id,
                "sale_lock_date": False,
            }
        )
        run = self.make_run(self.cycle)
        user = self.env["res.users"].search([("login", "=", "exception")])
        self.assertFalse(
            self.company.with_user(user)._get_violated_lock_dates(
                run.transaction_date, True, self.cycle.journal_id
            )
        )
        self.assertEqual(run.with_user(user).sudo()._document_problem()[0], "locked_period")
        run._execute("posting")
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(set(bills.mapped("error_code")), {"locked_period"})
        self.assertFalse(bills.move_ids)

    def test_a_period_locked_between_draft_and_posting_loses_no_charge(self):
        self.make_service(self.bad, self.tariff)
        run = self.make_run(self.cycle)
        run._execute("invoicing")
        self.company.sale_lock_date = date(2026, 1, 31)
        run.action_continue(target_stage="posting")
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(set(bills.mapped("error_code")), {"locked_period"})
        self.assertFalse(bills.move_ids)
        self.assertEqual(set(bills.charge_ids.mapped("state")), {"rated"})

    def test_an_archived_journal_is_not_used(self):
        journal = self.cycle.journal_id.copy({"name": "Old", "code": "OLDJ"})
        self.cycle.journal_id = journal
        journal.active = False
        run = self._execute()
        self.assertEqual(self.bill_of(run, self.good).error_code, "journal_archived")

    def test_an_archived_currency_is_not_billed(self):
        zloty = self.env.ref("base.PLN")
        zloty.active = True
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, currency_id=zloty.id))
        zloty.active = False
        self._assert_only_bad(self._execute(), "currency_archived")

    def test_an_unexpected_error_in_the_middle_of_a_batch_stays_with_its_customer(self):
        for index in range(6):
            self.make_service(self.make_customer(f"Other {index}"), self.tariff)
        self.make_service(self.bad, self.tariff)
        bills, bad = self.env.registry["billing.bill"], self.bad
        prepare = bills._prepare_document

        def fail_for_bad(bill, *args):
            if bill.partner_id == bad:
                raise ZeroDivisionError("planted")
            return prepare(bill, *args)

        with (
            patch.object(bills, "_prepare_document", fail_for_bad),
            self.assertLogs("odoo.addons.billing_operations.billing_runs.bills.isolation", "ERROR"),
        ):
            run = self._execute()
        self._assert_only_bad(run, "invoicing_failed")
        self.assertIn("planted", self.bill_of(run, self.bad).error_message)
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(len(bills.filtered(lambda b: b.state == "posted")), 7)
        self._assert_healed(run)

    def test_an_error_while_posting_drops_the_draft_and_keeps_the_charge(self):
        self.make_service(self.bad, self.tariff)
        builder = self.env.registry["billing.invoice.builder"]
        post, bad = builder._post_invoices, self.bad

        def fail_for_bad(records, moves):
            if bad in moves.partner_id:
                raise UserError("The blocked partner cannot be posted.")
            return post(records, moves)

        with (
            patch.object(builder, "_post_invoices", fail_for_bad),
            patch.object(self.env.registry["billing.run"], "_posts_at_once", lambda run: False),
        ):
            run = self._execute()
        self._assert_only_bad(run, "posting_failed")
        self.assertEqual(self.bill_of(run, self.bad).charge_ids.state, "rated")
        self._assert_healed(run)

    def test_the_next_run_bills_what_an_error_left_behind(self):
        product = self.make_product("Old")
        self.make_service(self.bad, self.make_tariff(self.scheme, 10.0, product_id=product.id))
        category = product.categ_id
        product.active = False
        self._execute()
        product.write({"active": True, "categ_id": category.id})
        run = self.make_run(self.cycle, date(2026, 2, 1))
        run._execute("posting")
        self.assertEqual(self.bill_of(run, self.bad).move_ids.amount_untaxed, 20.0)
        self.assertEqual(self.bill_of(run, self.good).move_ids.amount_untaxed, 10.0)

    def test_a_hold_skips_the_customer_and_is_caught_up_later(self):
        self.make_service(self.bad, self.tariff)
        self.bad.billing_hold = True
        run = self._execute()
        bill = self.bill_of(run, self.bad)
        self.assertEqual(
            (bill.state, bill.skip_reason, bill.error_code), ("skipped", "on_hold", "on_hold")
        )
        self.bad.billing_hold = False
        later = self.make_run(self.cycle, date(2026, 2, 1))
        later._execute("posting")
        self.assertEqual(self.bill_of(later, self.bad).move_ids.amount_untaxed, 20.0)

    def test_a_customer_with_nothing_due_has_a_bill_that_says_so(self):
        yearly = self.make_scheme("Yearly", interval_unit="year", alignment="anniversary")
        self.cycle.term_scheme_ids += yearly
        self.make_service(self.bad, self.make_tariff(yearly, 99.0), start=date(2025, 6, 1))
        self.env["billing.service"].search([("partner_id", "=", self.bad.id)])._rate(
            date(2025, 6, 30)
        )
        self.env["billing.charge"].search([("partner_id", "=", self.bad.id)])._waive(
            "Paid elsewhere"
        )
        bill = self.bill_of(self._execute(), self.bad)
        self.assertEqual((bill.state, bill.skip_reason), ("skipped", "nothing_to_bill"))
        self.assertFalse(bill.error_code)

    def test_low_bills_are_left_for_later_where_the_customer_wants_that(self):
        self.make_service(self.bad, self.tariff)
        self.bad.write({"billing_low_invoice_rule": "skip", "billing_low_invoice_minimum": 15.0})
        bill = self.bill_of(self._execute(), self.bad)
        self.assertEqual((bill.state, bill.skip_reason), ("skipped", "below_minimum"))
        later = self.make_run(self.cycle, date(2026, 2, 1))
        later._execute("posting")
        self.assertEqual(self.bill_of(later, self.bad).move_ids.amount_untaxed, 20.0)

    def test_low_bills_are_padded_to_the_minimum(self):
        self.make_service(self.bad, self.tariff)
        self.bad.write({"billing_low_invoice_rule": "pad", "billing_low_invoice_minimum": 15.0})
        self.env.ref("billing_operations.product_billing_minimum").taxes_id = [
            Command.set(self.tax.ids)
        ]
        bill = self.bill_of(self._execute(), self.bad)
        self.assertEqual(bill.move_ids.amount_untaxed, 15.0)
        kinds = bill.charge_ids.sorted("id").mapped("kind")
        self.assertEqual(kinds, ["recurring", "minimum"])

    def test_low_bills_get_a_fee(self):
        self.make_service(self.bad, self.tariff)
        self.bad.write(
            {
                "billing_low_invoice_rule": "fee",
                "billing_low_invoice_minimum": 15.0,
                "billing_low_invoice_fee": 2.5,
            }
        )
        bill = self.bill_of(self._execute(), self.bad)
        self.assertEqual(bill.move_ids.amount_untaxed, 12.5)

    def test_a_bill_run_again_is_not_padded_twice(self):
        self.make_service(self.bad, self.tariff)
        self.bad.write({"billing_low_invoice_rule": "pad", "billing_low_invoice_minimum": 15.0})
        bills = self.env.registry["billing.bill"]
        with patch.object(bills, "_prepare_document", side_effect=UserError("planted")):
            run = self.make_run(self.cycle, partner_ids=[Command.set(self.bad.ids)])
            run._execute("posting")
        self.assertEqual(self.bill_of(run, self.bad).error_code, "invoicing_failed")
        run.action_run_again()
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual(self.bill_of(run, self.bad).move_ids.amount_untaxed, 15.0)
