"""The payment QR code of banks in the euro zone, by Odoo's own addon for it."""

import base64
import json

from odoo.tests import BaseCase, tagged

from .workers import Database, process_test

SCRIPT = """
import base64, json
from odoo.fields import Command
from odoo.addons.billing_operations.billing_runs.layouts.typst_engine import BillingLayout
from odoo.addons.billing_operations.tests.common import BillingCase as B

B.env = env
B.make_provider()
env, company = B.env, B.company
env.ref("base.EUR").active = True
company.write({"country_id": env.ref("base.be").id, "currency_id": env.ref("base.EUR").id})
bank = env["res.bank"].create({"name": "Example Bank", "bic": "GKCCBEBB"})
company.partner_id.bank_ids = [
    Command.create(
        {"acc_number": "BE71 0961 2345 6769", "bank_id": bank.id, "allow_out_payment": True}
    )
]
move = env["account.move"].create(
    {
        "move_type": "out_invoice",
        "partner_id": B.make_customer("Example & Sons").id,
        "partner_bank_id": company.partner_id.bank_ids[:1].id,
        "invoice_line_ids": [
            Command.create({"name": "Hosting", "price_unit": 12.3, "tax_ids": [Command.clear()]})
        ],
    }
)
move.action_post()
reports, drawn = type(env["ir.actions.report"]), []
draw = reports.barcode

def barcode(self, barcode_type, value, **options):
    drawn.append([barcode_type, value])
    return draw(self, barcode_type, value, **options)

reports.barcode = barcode
engine = BillingLayout()

def code_of(move):
    [job] = engine.jobs(move).values()
    return job["files"].get("qr.png")

told = {"company": company.name, "reference": move.payment_reference, "not_asked": code_of(move)}
move.display_qr_code = True
told["code"] = code_of(move)
[pdf] = engine.compile(list(engine.prepare(move, env.ref("account.account_invoices")).values()))
told["pdf"] = base64.b64encode(pdf).decode()
told["drawn"] = drawn[:1]
company.partner_id.bank_ids.acc_number = "1234567890"
env.invalidate_all()
told["no_iban"] = code_of(move)
print("TOLD", json.dumps(told))
"""


@process_test
@tagged("post_install", "-at_install")
class TestEpcCode(BaseCase):
    def test_a_bill_in_euro_has_the_code_of_its_transfer_and_none_where_it_cannot(self):
        with Database(test_addon="there") as database:
            database.odoo("-i", "account_qr_code_sepa", "--stop-after-init")
            out = database.script(SCRIPT)
        [line] = [line for line in out.splitlines() if line.startswith("TOLD ")]
        told = json.loads(line.removeprefix("TOLD "))
        self.assertIsNone(told["not_asked"])
        self.assertTrue(base64.b64decode(told["code"]).startswith(b"\x89PNG"))
        # As the guideline EPC069-12 of the European Payments Council has it.
        lines = ["BCD", "002", "1", "SCT", "GKCCBEBB", told["company"], "BE71096123456769"]
        lines += ["EUR12.3", "", "", told["reference"], ""]
        self.assertEqual(told["drawn"], [["QR", "\n".join(lines)]])
        self.assertTrue(base64.b64decode(told["pdf"]).startswith(b"%PDF-"))
        self.assertIsNone(told["no_iban"])
