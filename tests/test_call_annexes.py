"""Itemised calls that go to the customer with a bill: as PDF, as CSV, or both."""

import io
import resource
import time
from datetime import datetime
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger
from odoo.tools.pdf import PdfFileReader

from ..billing_runs.calls import annex_layouts
from ..billing_runs.layouts import typst_engine
from ..billing_runs.layouts.typst_pool import LayoutError
from .printers import pages, plain
from .usage_common import UsageCase


@tagged("post_install", "-at_install")
class TestCallAnnexes(UsageCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_bill_layout = "billing"
        cls.customer.billing_call_annex = "both"
        cls.other = cls.make_customer("Other Office", billing_call_annex="csv")
        cls.other_service = cls.make_service(cls.other, cls.tariff)
        cls.make_number("+44 20 7946 0001", cls.other_service)

    @classmethod
    def tearDownClass(cls):
        typst_engine.pool().close()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.load(
            self.january(2, caller="+442079460000", callee="+442079461111"),
            self.january(9, "447700900123", caller="+442079460000", callee="+447700900123"),
            self.january(5, identifier="442079460001", callee="+442079462222"),
        )

    def formatted(self, month=1):
        run = self.billed(month, "formatting")
        bill = self.bill_of(run, self.customer)
        return bill, bill.move_ids

    def text(self, attachment):
        reader = PdfFileReader(io.BytesIO(attachment.raw), strict=False)
        pages = "".join(page.extract_text() for page in reader.pages)
        return "".join(pages.split())

    def test_a_customer_gets_the_files_that_the_customer_wants(self):
        bill, move = self.formatted()
        self.assertEqual(bill.state, "done")
        pdf, csv = bill._get_annexes(move)
        number = move.name.replace("/", "-")
        self.assertEqual((pdf.name, csv.name), (f"Calls {number}.pdf", f"Calls {number}.csv"))
        text = self.text(pdf)
        for part in ("+447700900123", "+442079461111", "0:01:00", "0.12", "2calls,0:02:00"):
            self.assertIn(part, text)
        self.assertNotIn("442079462222", text)
        self.assertEqual(len(csv.raw.decode("utf-8-sig").splitlines()), 3)
        other = self.bill_of(bill.run_id, self.other)
        self.assertEqual(other._get_annexes(other.move_ids).mapped("mimetype"), ["text/csv"])
        self.assertEqual((pdf.res_model, pdf.res_id), ("account.move", move.id))

    def test_who_wants_none_and_an_invoice_without_calls_get_none(self):
        self.customer.billing_call_annex = False
        bill, move = self.formatted()
        self.assertFalse(bill._get_annexes(move))
        self.customer.billing_call_annex = "both"
        bill, move = self.formatted(2)
        self.assertTrue(move)
        self.assertFalse(bill._get_annexes(move))

    def test_the_setting_is_each_companys_own_and_holds_for_contacts(self):
        contact = self.make_customer("Accounts", parent_id=self.customer.id)
        self.assertEqual(contact.billing_call_annex, "both")
        elsewhere = self.make_company("Elsewhere")
        self.assertFalse(self.customer.with_company(elsewhere).billing_call_annex)

    def test_it_is_made_once_and_again_with_a_new_pdf(self):
        bill, move = self.formatted()
        first = bill._get_annexes(move)
        self.assertIsNone(move._tie_call_annexes())
        self.assertEqual(bill._get_annexes(move), first)
        move.button_draft()
        self.assertFalse(bill._get_annexes(move))
        move.action_post()
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])
        again = bill._get_annexes(move)
        self.assertEqual(again.mapped("name"), first.mapped("name"))
        self.assertFalse(again & first)

    def test_the_annex_speaks_the_customers_language(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "de_DE"
        bill, move = self.formatted()
        pdf, csv = bill._get_annexes(move)
        lines = csv.raw.decode("utf-8-sig").splitlines()
        self.assertTrue(lines[1].endswith(";60;60;0;0,06"), lines[1])
        self.assertTrue(lines[0].startswith("Dienst;Zeit;Richtung;Von;An;Ziel;"), lines[0])
        [first, *_others] = pages(pdf.raw)
        for words in (f"Anrufe zu {move.name}", "Dauer", "Seite 1 von 1"):
            self.assertIn(plain(words), first)

    @mute_logger("odoo.addons.billing_operations.billing_runs.bills.isolation")
    def test_what_goes_wrong_is_an_error_of_that_bill_alone(self):
        broken = lambda layout, jobs: [LayoutError("no room")] * len(jobs)  # noqa: E731
        self.other.billing_call_annex = False
        with patch.object(annex_layouts.CallsByTypst, "compile", broken):
            bill, _move = self.formatted()
        self.assertEqual((bill.state, bill.error_code), ("error", "formatting_failed"))
        self.assertIn("no room", bill.error_message)
        self.assertEqual(self.bill_of(bill.run_id, self.other).state, "done")
        with patch.object(
            annex_layouts.CallsByTypst, "prepare", side_effect=ValueError("no letters")
        ):
            self.load(self.january(12))
            bill, _move = self.formatted(2)
        self.assertIn("no letters", bill.error_message)

    def test_many_calls_become_several_pdfs_and_very_many_a_csv_file_alone(self):
        with patch("odoo.addons.billing_operations.billing_runs.calls.annexes.PART", 1):
            bill, move = self.formatted()
        names = bill._get_annexes(move).mapped("name")
        self.assertEqual([name[-8:] for name in names[:2]], [" 1-2.pdf", " 2-2.pdf"])
        self.assertEqual(len(names), 3)
        with patch("odoo.addons.billing_operations.billing_runs.calls.annexes.MOST", 1):
            self.load(self.january(12), self.january(13))
            self.customer.billing_call_annex = "pdf"
            bill, move = self.formatted(2)
        self.assertEqual(bill._get_annexes(move).mapped("mimetype"), ["text/csv"])

    def test_without_typst_odoos_report_engine_lays_it_out(self):
        printed = []

        def run_wkhtmltopdf(report, bodies, report_ref=False, **options):
            printed.append((str(bodies[0]), report_ref))
            return b"%PDF-1.4 printed"

        reports = self.registry["ir.actions.report"]
        with (
            patch(
                "odoo.addons.billing_operations.billing_runs.calls.annex_layouts.is_available",
                lambda: False,
            ),
            patch.object(reports, "_run_wkhtmltopdf", run_wkhtmltopdf),
        ):
            run = self.billed(stage="posting")
            move = self.bill_of(run, self.customer).move_ids
            self.assertIsNone(move._tie_call_annexes())
        [(body, report)] = printed
        self.assertEqual(report, "billing_operations.report_invoice_calls")
        self.assertEqual(move.billing_call_annex_ids[0].raw, b"%PDF-1.4 printed")
        self.assertIn("+447700900123", body)
        self.assertEqual(body.count("<tr>"), 3)
        self.assertIn("Calls of INV", body)

    def test_formatting_asks_no_more_of_many_customers_than_of_few(self):
        run = self.formatted()[0].run_id
        moves = self.env["billing.bill"].search([("run_id", "=", run.id)]).move_ids

        def statements(records):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env["account.move"].browse(records.ids)._call_annex_sizes()
            return self.env.cr.sql_log_count - before

        self.assertGreater(len(moves), 1)
        statements(moves)  # what is looked up once a process
        self.assertLessEqual(statements(moves), statements(moves[:1]) + 1)

    def test_ten_thousand_calls_take_bounded_time_and_memory(self):
        self.customer.billing_call_annex = "pdf"
        run = self.billed(stage="posting")
        move = self.bill_of(run, self.customer).move_ids
        charge = self.usage(run).filtered(lambda c: c.partner_id == self.customer)[:1]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO cdr_record (company_id, carrier_id, file_id, line_number, record_key,
                                        call_time, call_day, direction, caller, callee, seconds,
                                        service_id, partner_id, plan_id, rate_id, class_id,
                                        billed_seconds, amount, charged_amount, currency_id, state,
                                        charge_id, answered, withheld)
                SELECT company_id, carrier_id, file_id, n, 'many ' || n,
                       %s::timestamp + n * interval '1 minute', call_day, 'out', '+442079460000',
                       '+4420' || lpad(n::text, 8, '0'), seconds, service_id, partner_id, plan_id,
                       rate_id, class_id, billed_seconds, amount, charged_amount, currency_id,
                       state, charge_id, TRUE, FALSE
                  FROM (SELECT * FROM cdr_record WHERE charge_id = %s LIMIT 1) AS one,
                       generate_series(1, 9999) AS n
                """,
                datetime(2026, 1, 2),
                charge.id,
            )
        )
        self.env.cr.execute(
            "UPDATE billing_charge SET usage_calls = 10000 WHERE id = %s", [charge.id]
        )
        self.env.invalidate_all()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.process_time()
        self.assertIsNone(move._tie_call_annexes())
        took = time.process_time() - start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        annexes = move.billing_call_annex_ids
        self.assertEqual(len(annexes), 3)
        # What Typst's own processes take is held by their limits.
        self.assertLess(took, 10)
        self.assertLess(grown, 120_000, "kB")
        self.assertLess(sum(len(annex.raw) for annex in annexes), 3_000_000)
        last = self.text(annexes[2])
        self.assertIn("+442000009999", last)

    def test_the_bills_e_mail_carries_them_and_print_bundles_the_pdfs(self):
        self.customer.email = "harbour@x.example"
        _bill, move = self.formatted()
        deliveries = self.env["billing.delivery"]
        deliveries._create_missing(move)
        delivery = deliveries.search([("move_id", "=", move.id)])
        message = delivery._build_message(self.env["ir.mail_server"], delivery._template())
        names = [part.get_filename() for part in message.iter_attachments()]
        number = move.name.replace("/", "-")
        self.assertIn(f"Calls {number}.pdf", names)
        self.assertIn(f"Calls {number}.csv", names)
        self.assertIn(move.invoice_pdf_report_id.name, names)
        printed = self.env["billing.print.bundle"]._files_to_print(move)
        self.assertEqual(printed.mapped("mimetype"), ["application/pdf"] * 2)
