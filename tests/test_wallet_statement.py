"""The statement of a wallet as paper: with the seller on it, and text that can be read."""

from odoo.tests import tagged

from . import printers
from .common import needs_program
from .wallet_common import WalletCase


@tagged("post_install", "-at_install")
@needs_program("wkhtmltopdf", "chromium")
class TestStatementOnPaper(WalletCase):
    def test_the_statement_names_the_seller_and_can_be_read(self):
        self.company.write({"street": "4 Exchange Place", "city": "Manchester"})
        self.wallet._credit(12.34, "Top-up")
        today = self.company._billing_today()
        statement = self.env["billing.wallet.statement"].create(
            {"wallet_id": self.wallet.id, "date_from": today, "date_to": today}
        )
        reports = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        content, kind = reports._render_qweb_pdf(
            "billing_operations.report_wallet_statement", statement.ids
        )
        self.assertEqual(kind, "pdf")
        [text] = printers.pages(content)
        for words in ("4 Exchange Place", "Statement of Wallet", self.wallet.number, "12.34"):
            with self.subTest(words=words):
                self.assertIn(printers.plain(words), text)
