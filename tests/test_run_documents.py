"""The invoices that a run makes: grouping, signs, dates, texts, currencies, PDFs."""

from datetime import date
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunDocuments(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customer = cls.make_customer()

    def _run(self, target="posting", **values):
        run = self.make_run(self.cycle, **values)
        run._execute(target)
        return run

    def _moves(self, run):
        return self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])

    def _adjust(self, amount, product=None, service=None):
        product = product or self.product
        self.env["billing.charge"].create(
            {
                "name": "Adjustment",
                "kind": "adjustment",
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "currency_id": self.company.currency_id.id,
                "service_id": service.id if service else False,
                "product_id": product.id,
                "period_start": date(2026, 1, 1),
                "period_end": date(2026, 1, 2),
                "quantity": 1,
                "price_unit": amount,
                "amount": amount,
                "source_key": f"test:{amount}:{product.id}:{service and service.id}",
            }
        )

    def test_a_customer_gets_one_invoice_for_all_services(self):
        for _index in range(3):
            self.make_service(self.customer, self.tariff)
        move = self._moves(self._run())
        self.assertEqual(len(move), 1)
        self.assertEqual(len(move.invoice_line_ids), 3)
        self.assertEqual(move.amount_untaxed, 30.0)

    def test_the_cycle_can_ask_for_one_invoice_per_service(self):
        self.cycle.invoice_grouping = "service"
        services = [self.make_service(self.customer, self.tariff) for _index in range(3)]
        run = self._run()
        moves = self._moves(run)
        self.assertEqual(len(moves), 3)
        self.assertEqual(len(self.bill_of(run, self.customer)), 1)
        self.assertEqual(
            moves.invoice_line_ids.billing_charge_ids.service_id,
            self.env["billing.service"].concat(*services),
        )

    def test_a_customer_with_two_currencies_gets_a_bill_and_an_invoice_in_each(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "company_id": self.company.id,
                "name": date(2025, 12, 31),
                "rate": 0.8,
            }
        )
        self.make_service(self.customer, self.tariff)
        self.make_service(
            self.customer, self.make_tariff(self.scheme, 8.0, name="E", currency_id=euro.id)
        )
        run = self._run()
        moves = self._moves(run).sorted("amount_untaxed")
        self.assertEqual(moves.mapped("currency_id.name"), ["EUR", "USD"])
        self.assertEqual(moves.mapped("amount_untaxed_signed"), [10.0, 10.0])
        self.assertEqual(len(self.bill_of(run, self.customer)), 2)

    def test_a_net_below_zero_makes_a_credit_note(self):
        self.make_service(self.customer, self.tariff)
        self._adjust(-25.0)
        move = self._moves(self._run())
        self.assertEqual((move.move_type, move.state), ("out_refund", "posted"))
        self.assertEqual(move.amount_untaxed, 15.0)
        self.assertEqual(move.amount_total, 17.25)

    def test_charges_that_cancel_out_make_no_document_and_do_not_come_back(self):
        self._adjust(5.0)
        self._adjust(-5.0)
        run = self._run()
        bill = self.bill_of(run, self.customer)
        self.assertEqual((bill.state, bill.skip_reason), ("skipped", "zero_total"))
        self.assertFalse(self._moves(run))
        self.assertEqual(set(bill.charge_ids.mapped("state")), {"settled"})

    def test_amounts_that_cancel_out_before_different_taxes_are_documented(self):
        untaxed = self.make_product("Untaxed", taxes=self.env["account.tax"])
        self._adjust(100.0)
        self._adjust(-100.0, product=untaxed)
        move = self._moves(self._run())
        self.assertEqual((move.move_type, move.amount_total), ("out_invoice", 15.0))

    def test_a_total_that_turns_negative_with_tax_makes_a_credit_note(self):
        untaxed = self.make_product("Untaxed", taxes=self.env["account.tax"])
        self._adjust(105.0, product=untaxed)
        self._adjust(-100.0)
        run = self._run()
        move = self._moves(run)
        self.assertEqual(move.move_type, "out_refund")
        self.assertEqual(move.amount_total, 10.0)
        self.assertEqual(self.bill_of(run, self.customer).state, "posted")

    def test_in_a_split_bill_services_that_cancel_out_are_settled(self):
        self.cycle.invoice_grouping = "service"
        self.make_service(self.customer, self.tariff)
        other = self.make_service(self.customer, self.tariff)
        self._adjust(-10.0, service=other)
        run = self._run()
        bill = self.bill_of(run, self.customer)
        self.assertEqual(len(bill.move_ids), 1)
        self.assertEqual(
            sorted(bill.charge_ids.mapped("state")), ["invoiced", "settled", "settled"]
        )

    def test_dates_of_the_run_are_on_the_invoice(self):
        self.make_service(self.customer, self.tariff)
        move = self._moves(
            self._run(invoice_date=date(2026, 1, 15), transaction_date=date(2026, 1, 20))
        )
        self.assertEqual((move.invoice_date, move.date), (date(2026, 1, 15), date(2026, 1, 20)))

    def test_the_due_date_of_the_run_wins_over_payment_terms(self):
        self.customer.property_payment_term_id = self.env.ref("account.account_payment_term_30days")
        self.make_service(self.customer, self.tariff)
        move = self._moves(self._run(due_date=date(2026, 1, 9)))
        self.assertFalse(move.invoice_payment_term_id)
        self.assertEqual(move.invoice_date_due, date(2026, 1, 9))

    def test_the_customers_payment_term_comes_before_the_billing_terms_one(self):
        self.scheme.payment_term_id = self.env.ref("account.account_payment_term_15days")
        self.make_service(self.customer, self.tariff)
        other = self.make_customer("Other")
        self.make_service(other, self.tariff)
        self.customer.property_payment_term_id = self.env.ref("account.account_payment_term_45days")
        run = self._run()
        self.assertEqual(
            self.bill_of(run, self.customer).move_ids.invoice_date_due, date(2026, 2, 15)
        )
        self.assertEqual(self.bill_of(run, other).move_ids.invoice_date_due, date(2026, 1, 16))

    def test_without_any_term_the_cycles_due_rule_counts(self):
        self.cycle.write({"due_rule": "days", "due_days": 10})
        self.make_service(self.customer, self.tariff)
        self.assertEqual(self._moves(self._run()).invoice_date_due, date(2026, 1, 11))

    def test_the_runs_message_replaces_the_customers_own(self):
        self.customer.billing_invoice_message = "We are open <late>"
        self.make_service(self.customer, self.tariff)
        other = self.make_run(self.cycle, invoice_message="<p>Happy new year</p>")
        own = self._run("invoicing")
        self.assertIn("We are open &lt;late&gt;", self._moves(own).billing_message)
        self.make_service(self.customer, self.tariff)
        other._execute("invoicing")
        self.assertIn("Happy new year", self._moves(other).billing_message)

    def test_the_invoice_goes_to_the_customers_invoice_address(self):
        address = self.make_customer("Accounts", parent_id=self.customer.id, type="invoice")
        self.make_service(self.customer, self.tariff)
        move = self._moves(self._run())
        self.assertEqual(move.partner_id, address)
        self.assertEqual(move.commercial_partner_id, self.customer)

    def test_a_fiscal_position_maps_the_taxes_of_the_products(self):
        zero = self.make_tax("Export 0%", 0, original_tax_ids=[Command.set(self.tax.ids)])
        position = self.env["account.fiscal.position"].create(
            {"name": "Export", "company_id": self.company.id, "tax_ids": [Command.set(zero.ids)]}
        )
        self.customer.property_account_position_id = position
        self.make_service(self.customer, self.tariff)
        move = self._moves(self._run())
        self.assertEqual(move.fiscal_position_id, position)
        self.assertEqual(move.amount_total, 10.0)

    def test_prices_with_tax_come_to_the_charge_with_tax(self):
        included = self.make_tax("15% incl.", 15, price_include_override="tax_included")
        product = self.make_product("Gross", taxes=included)
        self.make_service(self.customer, self.make_tariff(self.scheme, 11.5, product_id=product.id))
        run = self._run()
        charge = self.bill_of(run, self.customer).charge_ids
        self.assertTrue(charge.price_includes_tax)
        self.assertEqual(self._moves(run).amount_total, charge.amount)
        self.assertEqual(self._moves(run).amount_untaxed, 10.0)

    def test_a_customer_is_billed_in_its_own_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.product.with_context(lang="fr_FR").name = "Hébergement"
        self.customer.lang = "fr_FR"
        self.make_service(self.customer, self.tariff)
        line = self._moves(self._run()).invoice_line_ids
        self.assertIn("Hébergement", line.name)
        self.assertIn("01/01/2026", line.name)

    def test_the_analytic_account_set_on_the_product_is_on_the_line(self):
        plan = self.env["account.analytic.plan"].create({"name": "Lines of business"})
        account = self.env["account.analytic.account"].create(
            {"name": "Hosting", "plan_id": plan.id, "company_id": self.company.id}
        )
        self.env["account.analytic.distribution.model"].create(
            {
                "product_id": self.product.id,
                "company_id": self.company.id,
                "analytic_distribution": {str(account.id): 100},
            }
        )
        self.make_service(self.customer, self.tariff)
        line = self._moves(self._run()).invoice_line_ids
        self.assertEqual(line.analytic_distribution, {str(account.id): 100})

    def test_the_run_leaves_one_message_and_its_invoices_none(self):
        self.make_service(self.customer, self.tariff)
        run = self.make_run(self.cycle)
        report = self.env.registry["ir.actions.report"]
        with patch.object(report, "_pre_render_qweb_pdf", self._one_pdf([])):
            run._execute()
        self.assertIn("credit notes: 1.", run.message_ids[0].body)
        self.assertFalse(self._moves(run).message_ids)

    def test_finished_jobs_are_billed_and_drafts_are_not(self):
        jobs = self.env["billing.job"].create(
            [
                {
                    "name": name,
                    "partner_id": self.customer.id,
                    "company_id": self.company.id,
                    "date": day,
                    "line_ids": [
                        Command.create(
                            {
                                "product_id": self.product.id,
                                "name": name,
                                "quantity": 2,
                                "price_unit": 30.0,
                            }
                        )
                    ],
                }
                for name, day in (
                    ("Installed", date(2026, 1, 1)),
                    ("Planned", date(2026, 1, 1)),
                    ("Later", date(2026, 1, 2)),
                )
            ]
        )
        (jobs[0] | jobs[2]).action_done()
        move = self._moves(self._run())
        self.assertEqual(move.amount_untaxed, 60.0)
        self.assertEqual(jobs.mapped("state"), ["billed", "draft", "done"])

    def test_invoices_of_a_run_cannot_be_deleted_by_themselves(self):
        self.make_service(self.customer, self.tariff)
        move = self._moves(self._run("invoicing"))
        with self.assertRaisesRegex(Exception, "belongs to billing run"):
            move.unlink()

    def test_every_posted_invoice_gets_its_pdf_once(self):
        self.make_service(self.customer, self.tariff)
        calls = []
        run = self.make_run(self.cycle)
        report = self.env.registry["ir.actions.report"]
        with patch.object(report, "_pre_render_qweb_pdf", self._one_pdf(calls)):
            run._execute()
        bill = self.bill_of(run, self.customer)
        self.assertEqual((run.state, bill.state), ("completed", "done"))
        self.assertEqual(len(calls), 1)
        self.assertTrue(bill.move_ids.invoice_pdf_report_id)

    def test_a_pdf_that_fails_is_that_bills_error_and_only_the_pdf_is_run_again(self):
        self.make_service(self.customer, self.tariff)
        run = self.make_run(self.cycle)
        report = self.env.registry["ir.actions.report"]
        with (
            patch.object(report, "_pre_render_qweb_pdf", side_effect=ValueError("no fonts")),
            self.assertLogs(
                "odoo.addons.billing_operations.billing_runs.bills.isolation",
                "ERROR",
            ),
        ):
            run._execute()
        bill = self.bill_of(run, self.customer)
        move = bill.move_ids
        self.assertEqual(
            (bill.error_code, run.state), ("formatting_failed", "completed_with_errors")
        )
        self.assertEqual(move.state, "posted")
        with patch.object(report, "_pre_render_qweb_pdf", self._one_pdf([])):
            run.action_run_again()
            self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual((bill.state, bill.move_ids, run.state), ("done", move, "completed"))

    @staticmethod
    def _one_pdf(calls):
        def render(report, report_ref, res_ids=None, data=None):
            import io

            calls.append(res_ids)
            return {
                res_id: {"stream": io.BytesIO(b"%PDF-1.4 test"), "attachment": None}
                for res_id in res_ids
            }, "pdf"

        return render

    def test_the_report_prints_the_message(self):
        self.make_service(self.customer, self.tariff)
        run = self._run(invoice_message="<p>Season's greetings</p>")
        html = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", self._moves(run).ids
        )[0]
        self.assertIn(b"Season&#39;s greetings", html.replace(b"Season's", b"Season&#39;s"))

    def test_a_message_from_a_template_is_printed_in_the_customers_language_until_edited(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        template = self.env["billing.message.template"].create(
            {"name": "Greetings", "body": "<p>Happy new year</p>"}
        )
        template.update_field_translations("body", {"fr_FR": {"Happy new year": "Bonne année"}})
        french = self.make_customer("French", lang="fr_FR")
        run = self.make_run(self.cycle)
        with Form(run) as form:
            form.message_template_id = template
            self.assertIn("Happy new year", form.invoice_message)
        edited = self.make_run(self.cycle, message_template_id=template.id)
        edited.invoice_message = "<p>Happy 2026</p>"
        for expected, french_expected, one in (
            ("Happy new year", "Bonne année", run),
            ("Happy 2026", "Happy 2026", edited),
        ):
            self.make_service(self.customer, self.tariff)
            self.make_service(french, self.tariff)
            one._execute("invoicing")
            self.assertIn(expected, self.bill_of(one, self.customer).move_ids.billing_message)
            self.assertIn(french_expected, self.bill_of(one, french).move_ids.billing_message)
        template.body = "<p>Another</p>"
        self.assertIn("Happy new year", run.invoice_message)
        # A customer takes it over as plain text, in its own language.
        template.update_field_translations("body", {"fr_FR": {"Another": "Un autre"}})
        with Form(french) as form:
            form.billing_message_template_id = template
        self.assertEqual(french.billing_invoice_message, "Un autre")

    def test_message_templates_are_kept_by_managers_and_stay_in_their_company(self):
        template = self.env["billing.message.template"].create({"name": "Ours", "body": "<p>x</p>"})
        user = self.make_user("message_user", "billing_operations.group_billing_user")
        manager = self.make_user("message_manager", "billing_operations.group_billing_manager")
        self.assertTrue(template.with_user(user).body)
        with self.assertRaises(AccessError):
            template.with_user(user).body = "<p>y</p>"
        template.with_user(manager).body = "<p>y</p>"
        elsewhere = self.make_company("Elsewhere")
        stranger = self.make_user(
            "message_stranger", "billing_operations.group_billing_manager", elsewhere
        )
        theirs = template.with_user(stranger).with_context(allowed_company_ids=elsewhere.ids)
        self.assertFalse(theirs.search([("id", "=", template.id)]))
        with self.assertRaises(AccessError):
            theirs.body  # noqa: B018
        cycle = self.make_cycle(
            self.env["billing.term.scheme"], company_id=elsewhere.id, name="Theirs"
        )
        with self.assertRaisesRegex(UserError, "Ours"):
            self.make_run(cycle, message_template_id=template.id)
