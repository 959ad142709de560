"""The billing layout: posted documents become tagged PDFs that say all that Odoo's report says."""

import base64
import contextlib
import io
import json
from datetime import date
from unittest.mock import patch

from PIL import Image

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools.pdf import PdfFileReader

from ..billing_runs.layouts import typst_engine
from ..billing_runs.layouts.odoo_report import OdooReport
from ..billing_runs.layouts.typst_pool import Pool
from .common import BillingCase

BROKEN = b'#import "/bill.typ": bill\n\n#no-such-thing\n'


class LayoutCase(BillingCase):
    """A company with all that the law wants on its bills."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "billing_bill_layout": "billing",
                "country_id": cls.env.ref("base.de").id,
                "street": "Hafenstrasse 12",
                "zip": "20457",
                "city": "Hamburg",
                "vat": "DE136695976",
                "company_registry": "HRB 12345",
                "company_details": False,
            }
        )
        cls.customer = cls.make_customer("Kaffeehaus", street="Marktplatz 3", city="Bonn")
        cls.report = cls.env.ref("account.account_invoices")

    @classmethod
    def tearDownClass(cls):
        typst_engine.pool().close()
        super().tearDownClass()

    def make_move(self, *lines, post=True, **values):
        """Return an invoice with lines of name, quantity and price, or of values."""
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_date": date(2026, 1, 1),
                "invoice_line_ids": [
                    Command.create({"product_id": self.product.id, "name": "Hosting"} | line)
                    for line in lines or ({"quantity": 2, "price_unit": 45.0},)
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    def render(self, moves):
        return self.company._bill_layout().render(moves, self.report)

    def pages(self, move):
        """The pages of a document's PDF as texts without blanks, which readers put anywhere."""
        content = self.render(move)[move]
        if isinstance(content, Exception):
            raise content
        pages = PdfFileReader(io.BytesIO(content), strict=False).pages
        return ["".join(page.extract_text().split()) for page in pages]

    def text(self, move):
        return "".join(self.pages(move))

    def assertSays(self, text, *parts):
        for part in parts:
            self.assertIn("".join(part.split()), text)


@tagged("post_install", "-at_install")
class TestBillLayout(LayoutCase):
    def test_page_1_says_who_bills_whom(self):
        first = self.pages(self.make_move())[0]
        self.assertSays(first, "Test Provider", "Hafenstrasse 12", "20457 Hamburg", "DE136695976")
        self.assertSays(first, "HRB 12345", "Kaffeehaus", "Marktplatz 3", "Page 1 of 1")

    def test_every_number_of_an_invoice_is_on_it(self):
        move = self.make_move({"quantity": 3, "price_unit": 1234.5, "discount": 12.5})
        text = self.text(move)
        self.assertSays(text, move.name, "3", "1,234.50", "12.5", "3,240.56", "Sales 15%")
        self.assertSays(text, "Untaxed Amount", "486.08", "$ 3,726.64", move.payment_reference)

    def test_a_credit_note_says_what_it_is_and_what_it_credits(self):
        move = self.make_move()
        note = move._reverse_moves([{"invoice_date": date(2026, 1, 5)}])
        note.action_post()
        text = self.text(note)
        self.assertSays(text, f"Credit Note {note.name}", move.name, "$ 103.50")
        self.assertNotIn("Payment", text)

    def test_a_draft_is_marked_as_one(self):
        self.assertSays(self.text(self.make_move(post=False)), "Draft Invoice")

    def test_lines_come_with_tax_where_prices_do(self):
        included = self.make_tax("15% incl.", 15, price_include_override="tax_included")
        self.company.account_price_include = "tax_included"
        move = self.make_move({"price_unit": 11.5, "tax_ids": [Command.set(included.ids)]})
        self.assertSays(self.text(move), "11.50", "10.00", "1.50")

    def test_another_currency_comes_with_the_taxes_in_the_companys(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "company_id": self.company.id,
                "name": "2025-12-31",
                "rate": 0.5,
            }
        )
        self.company.display_invoice_tax_company_currency = True
        move = self.make_move({"price_unit": 100.0}, currency_id=euro.id)
        self.assertSays(self.text(move), "115.00 €", "Amount (EUR)", "Taxes USD", "$ 230.00")

    def test_early_discount_and_instalments_are_said(self):
        terms = self.env["account.payment.term"]
        early = terms.create(
            {
                "name": "2 % in 7 days",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 7,
                "display_on_invoice": True,
            }
        )
        self.assertSays(
            self.text(self.make_move(invoice_payment_term_id=early.id)),
            "due if paid before 01/08/2026",
        )
        halves = terms.create(
            {
                "name": "Halves",
                "display_on_invoice": True,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (10, 40)
                ],
            }
        )
        text = self.text(self.make_move(invoice_payment_term_id=halves.id))
        self.assertSays(text, "Instalment 1: $ 51.75 due on 01/11/2026", "02/10/2026")

    def test_payments_and_what_is_left_are_said(self):
        move = self.make_move()
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create({"amount": 3.5, "payment_date": date(2026, 1, 2)}).action_create_payments()
        self.assertSays(self.text(move), "Paid on 01/02/2026", "Amount Due", "$ 100.00")
        self.report = self.env.ref("account.account_invoices_without_payment")
        self.assertNotIn("Paidon", self.text(move))

    def test_legal_texts_message_and_terms_are_printed_as_text(self):
        position = self.env["account.fiscal.position"].create(
            {"name": "Abroad", "note": "<p>Reverse charge</p>"}
        )
        self.tax.invoice_legal_notes = "<p>Article 196</p>"
        move = self.make_move(
            {"price_unit": 45.0, "tax_ids": [Command.set(self.tax.ids)]},
            fiscal_position_id=position.id,
            narration="<p>Our <b>terms</b></p><ul><li>apply</li></ul>",
            billing_message="<p>Season's greetings &lt;3 #panic()</p>",
        )
        text = self.text(move)
        self.assertSays(text, "Reverse charge", "Article 196", "Our terms", "• apply")
        self.assertSays(text, "greetings <3 #panic()")

    def test_300_lines_have_their_head_on_every_page_and_carry_the_subtotal(self):
        lines = [{"name": f"Extension {n}", "price_unit": 1.0} for n in range(300)]
        pages = self.pages(self.make_move(*lines))
        listed = [page for page in pages if "Description" in page]
        self.assertGreater(len(listed), 5)
        self.assertEqual(pages[: len(listed)], listed)
        for page in listed[:-1]:
            self.assertSays(page, "Carried Forward")
        for page in listed[1:]:
            self.assertSays(page, "Brought Forward")
        self.assertNotIn("BroughtForward", pages[0])
        self.assertNotIn("CarriedForward", "".join(pages[len(listed) - 1 :]))
        self.assertSays(pages[-1], "$ 345.00", f"Page {len(pages)} of {len(pages)}")
        for number in range(300):
            self.assertIn(f"Extension{number}", "".join(pages))

    def test_long_names_leave_the_numbers_their_place(self):
        name = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz " * 20
        text = self.text(self.make_move({"name": name, "price_unit": 12345678.9}))
        self.assertSays(text, "12,345,678.90", "14,197,530.74")

    def test_a_language_from_right_to_left_is_printed_in_it(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.customer.write({"lang": "ar_001", "name": "شركة النور"})
        jobs = typst_engine.BillingLayout().jobs(self.make_move())
        data = json.loads(next(iter(jobs.values()))["data"])
        self.assertEqual((data["dir"], data["lang"]), ("rtl", "ar"))
        self.assertSays(self.text(self.make_move()), "النور")

    def test_a_letter_without_a_font_is_the_error_of_its_document_alone(self):
        odd, plain = self.make_move({"name": "Letter \U0001f702"}), self.make_move()
        contents = self.render(odd | plain)
        self.assertIsInstance(contents[odd], UserError)
        self.assertIn("\U0001f702", str(contents[odd]))
        self.assertIn(odd.name, str(contents[odd]))
        self.assertTrue(contents[plain].startswith(b"%PDF"))

    def test_the_companys_logo_is_drawn_and_named(self):
        self.company.logo = PIXEL
        move = self.make_move()
        job = typst_engine.BillingLayout().jobs(move)[move]
        self.assertIn("logo.png", job["files"])
        self.assertSays(self.text(move), "Test Provider")

    def test_a_logo_of_10_mb_makes_no_big_bill(self):
        content = io.BytesIO()
        Image.effect_noise((4400, 2700), 90).save(content, format="PNG")
        self.assertGreater(len(content.getvalue()), 10_000_000)
        self.company.logo = base64.b64encode(content.getvalue())
        move = self.make_move()
        self.assertLess(len(self.render(move)[move]), 800_000)

    def test_a_pdf_is_tagged_and_has_title_and_language(self):
        move = self.make_move()
        reader = PdfFileReader(io.BytesIO(self.render(move)[move]), strict=False)
        root = reader.trailer["/Root"]
        self.assertTrue(root["/MarkInfo"]["/Marked"])
        self.assertIn("/StructTreeRoot", root)
        self.assertEqual(root["/Lang"], "en-US")
        self.assertEqual(reader.metadata["/Title"], f"Invoice {move.name}")

    def test_a_pdf_for_archives_says_which_standards_it_keeps(self):
        self.company.billing_bill_archive = True
        move = self.make_move()
        root = PdfFileReader(io.BytesIO(self.render(move)[move]), strict=False).trailer["/Root"]
        metadata = root["/Metadata"].get_data()
        self.assertIn(b"<pdfaid:part>3</pdfaid:part>", metadata)
        self.assertIn(b"<pdfuaid:part>1</pdfuaid:part>", metadata)

    def test_long_names_of_taxes_leave_room_for_what_was_sold(self):
        name = "VAT exempt, supply within the community under article 138 of the directive"
        tax = self.env["account.tax"].create(
            {"name": name, "invoice_label": name, "amount": 0, "type_tax_use": "sale"}
        )
        lines = [
            {"name": f"Rack space in hall {n}, second floor", "tax_ids": [Command.set(tax.ids)]}
            for n in range(1, 21)
        ]
        move = self.make_move(*lines)
        pdf = PdfFileReader(io.BytesIO(self.render(move)[move]), strict=False)
        self.assertLessEqual(len(pdf.pages), 2)
        for number in (1, 20):
            self.assertSays(self.text(move), f"Rack space in hall {number}, second floor")

    def test_the_qr_code_is_what_odoo_gives_for_the_bank_account(self):
        image = base64.b64encode(base64.b64decode(PIXEL)).decode()
        moves = type(self.env["account.move"])
        move = self.make_move()
        move.display_qr_code = True
        with patch.object(
            moves, "_generate_qr_code", lambda *a, **k: f"data:image/png;base64,{image}"
        ):
            self.assertSays(self.text(move), "Scan to pay with your banking app")

    def test_many_documents_are_read_with_few_queries(self):
        moves = self.env["account.move"]
        for count in (1, 40):
            moves |= self.make_move(*({"price_unit": 1.0} for _number in range(count)))
        engine = typst_engine.BillingLayout()
        engine.jobs(moves)

        def queries(move):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            engine.jobs(move)
            return self.env.cr.sql_log_count - before

        self.assertLessEqual(queries(moves[1]), queries(moves[0]) + 2)


@tagged("post_install", "-at_install")
class TestBillLayoutInUse(LayoutCase):
    """Where documents get their PDFs: runs, Odoo's buttons, settings."""

    def test_a_run_makes_its_pdfs_and_a_failing_one_is_its_bills_error(self):
        scheme = self.make_scheme()
        tariff = self.make_tariff(scheme, 10.0)
        odd = self.make_customer("Odd \U0001f702")
        for partner in (odd, self.customer):
            self.make_service(partner, tariff)
        run = self.make_run(self.make_cycle(scheme))
        with self.assertNoLogs("odoo.addons.billing_operations", "ERROR"):
            run._execute()
        bills = {partner: self.bill_of(run, partner) for partner in (odd, self.customer)}
        self.assertEqual(bills[odd].error_code, "formatting_failed")
        self.assertIn("\U0001f702", bills[odd].error_message)
        self.assertFalse(bills[odd].move_ids.message_ids)
        self.assertEqual(bills[self.customer].state, "done")
        move = bills[self.customer].move_ids
        self.assertTrue(move.invoice_pdf_report_id.raw.startswith(b"%PDF"))
        odd.name = "Even"
        run.action_run_again()
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual(bills[odd].state, "done")

    def test_a_document_is_laid_out_once_and_anew_when_it_changed_meanwhile(self):
        scheme = self.make_scheme()
        self.make_service(self.customer, self.make_tariff(scheme, 10.0))
        run = self.make_run(self.make_cycle(scheme))
        run._execute("posting")
        bill = self.bill_of(run, self.customer)
        reading = bill._read_documents()
        contents = reading.compile()
        made = []
        compiled = typst_engine.BillingLayout.compile

        def compile_(engine, prepared):
            made.append(len(prepared))
            return compiled(engine, prepared)

        with patch.object(typst_engine.BillingLayout, "compile", compile_):
            with contextlib.closing(self.env.cr.savepoint()):
                bill._tie_documents(reading, contents)
                self.assertEqual(bill.state, "done")
                self.assertEqual(bill.move_ids.invoice_pdf_report_id.raw, *contents.values())
            self.assertEqual(made, [])
            self.env.cr.execute(
                "UPDATE account_move SET write_date = write_date + interval '1 second'"
                " WHERE id = ANY(%s)",
                [bill.move_ids.ids],
            )
            self.env.invalidate_all()
            bill._tie_documents(reading, contents)
        self.assertEqual((made, bill.state), ([1], "done"))

    def test_the_pdfs_of_a_batch_are_attached_in_one_statement(self):
        scheme = self.make_scheme()
        tariff = self.make_tariff(scheme, 10.0)
        for number in range(4):
            self.make_service(self.make_customer(f"Batch {number}"), tariff)
        run = self.make_run(self.make_cycle(scheme))
        run._execute("posting")
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        reading = bills._read_documents()
        contents = reading.compile()
        statements, execute = [], Cursor.execute

        def noted(cursor, query, *args, **kwargs):
            statements.append(str(getattr(query, "code", query)))
            return execute(cursor, query, *args, **kwargs)

        with patch.object(Cursor, "execute", noted):
            bills._tie_documents(reading, contents)
            self.env.flush_all()
        attaching = [text for text in statements if 'INSERT INTO "ir_attachment"' in text]
        self.assertEqual((len(bills), set(bills.mapped("state")), len(attaching)), (4, {"done"}, 1))

    def test_printing_gives_the_document_that_was_sent(self):
        move = self.make_move()
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])
        sent = move.invoice_pdf_report_id.raw
        printed = self.env["ir.actions.report"]._render_qweb_pdf(self.report, move.ids)[0]
        self.assertEqual(printed, sent)

    def test_printing_a_draft_uses_the_layout_and_other_documents_odoos_report(self):
        reports = self.env["ir.actions.report"]
        draft = self.make_move(post=False)
        self.assertTrue(reports._render_qweb_pdf(self.report, draft.ids)[0].startswith(b"%PDF"))
        vendor = self.make_move(move_type="in_invoice", post=False)
        self.assertIn(b"<html", reports._render_qweb_pdf(self.report, vendor.ids)[0])

    def test_a_document_that_fails_stops_sending_with_the_reason(self):
        move = self.make_move({"name": "Letter \U0001f702"})
        with self.assertRaisesRegex(UserError, "\U0001f702"):
            self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])

    def test_without_a_choice_typst_decides(self):
        self.company.billing_bill_layout = False
        self.assertEqual(self.company._bill_layout().code, "billing")
        with patch.object(typst_engine, "is_available", lambda: False):
            self.assertEqual(self.company._bill_layout().code, "odoo")
            self.company.billing_bill_layout = "billing"
            self.assertIn("pip install typst", self.company._bill_layout().missing(self.env))
            move = self.make_move()
            self.assertIn("pip install typst", str(self.render(move)[move]))

    def test_a_countrys_own_report_stays_until_a_layout_is_chosen(self):
        move = self.make_move()
        moves = type(move)
        with patch.object(moves, "_get_name_invoice_report", lambda self: "l10n_xx.report"):
            self.assertEqual(self.company._bill_layout_of(move, self.report).code, "billing")
            self.company.billing_bill_layout = False
            self.assertIsInstance(self.company._bill_layout_of(move, self.report), OdooReport)

    def test_the_settings_show_a_bill(self):
        self.make_move()
        settings = self.env["res.config.settings"].create({"company_id": self.company.id})
        url = settings.action_preview_bill_layout()["url"]
        attachment = self.env["ir.attachment"].browse(int(url.rpartition("/")[2]))
        self.assertTrue(attachment.raw.startswith(b"%PDF"))
        colleague = self.make_user("colleague", "billing_operations.group_billing_manager")
        with self.assertRaises(AccessError):
            attachment.with_user(colleague).read(["raw"])

    # === A TEMPLATE OF ONE'S OWN === #

    def set_template(self, source):
        self.company.billing_bill_template = base64.b64encode(source)
        self.env.flush_all()

    def test_a_template_of_ones_own_fills_slots(self):
        self.make_move()
        self.set_template(
            b'#import "/bill.typ": bill\n#let data = json(bytes(sys.inputs.data))\n'
            b"#bill(data, after-totals: [Thank you], footer: data => data.seller.name)"
        )
        self.assertSays(self.text(self.make_move()), "Thank you")

    def test_a_broken_template_is_refused_with_line_and_reason(self):
        self.make_move()
        with self.assertRaisesRegex(UserError, "line 3.*no-such-thing|line 3.*unknown variable"):
            self.set_template(BROKEN)

    def test_a_template_that_imports_a_package_is_refused_before_it_is_compiled(self):
        self.make_move()
        with (
            patch.object(Pool, "compile_all", side_effect=AssertionError),
            self.assertRaisesRegex(UserError, "Line 2.*package"),
        ):
            self.set_template(b'// A template of our own\n#import "@preview/tiaoma:0.3.0": qr\n')

    def test_a_template_that_fails_for_one_customer_is_that_bills_error(self):
        self.make_move()
        self.set_template(
            b'#import "/bill.typ": bill\n#let data = json(bytes(sys.inputs.data))\n'
            b'#if data.buyer.lines.contains("Odd") { panic("no page for this one") }\n#bill(data)\n'
        )
        scheme = self.make_scheme()
        tariff = self.make_tariff(scheme, 10.0)
        odd = self.make_customer("Odd")
        for partner in (odd, self.customer):
            self.make_service(partner, tariff)
        run = self.make_run(self.make_cycle(scheme))
        run._execute()
        bill = self.bill_of(run, odd)
        self.assertEqual((bill.state, bill.error_code), ("error", "formatting_failed"))
        self.assertRegex(bill.error_message, "line 3: .*no page for this one")
        self.assertFalse(bill.move_ids.invoice_pdf_report_id)
        other = self.bill_of(run, self.customer)
        self.assertEqual(other.state, "done")
        self.assertTrue(other.move_ids.invoice_pdf_report_id)

    def test_a_template_reads_nothing_of_the_server(self):
        self.make_move()
        for path in ("/etc/passwd", "../../etc/passwd"):
            with self.assertRaises(UserError):
                self.set_template(f'#read("{path}")'.encode())

    def test_only_administrators_set_a_template(self):
        clerk = self.make_user("clerk", "base.group_erp_manager")
        company = self.company.with_user(clerk)
        company.write({"billing_bill_archive": True})
        with self.assertRaises(AccessError):
            company.write({"billing_bill_template": base64.b64encode(b"= Hello")})
        with self.assertRaises(AccessError):
            company.read(["billing_bill_template"])

    def test_a_template_needs_an_invoice_to_be_tried_on(self):
        with self.assertRaisesRegex((UserError, ValidationError), "none yet"):
            self.set_template(b"= Hello")


PIXEL = (
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    b"gg=="
)
