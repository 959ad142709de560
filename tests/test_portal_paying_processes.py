"""Two server processes that take a customer's payments of the same bill at the same moment."""

import json
import threading
import unittest

import requests

from .workers import Database, Workers, free_port, process_test

COUNT = 3
LOGIN = "pays_twice"
BILLS = """
from dateutil.relativedelta import relativedelta
from odoo.addons.billing_operations.tests.portal_bills_common import PortalCase


class Data(PortalCase):
    env = env

    @classmethod
    def make_card_provider(cls, company, journal, **values):
        env["account.payment.method"].sudo().create(
            {"name": "Test", "code": "billing_test", "payment_type": "inbound"}
        )
        provider = env["payment.provider"].create(
            {
                "name": "Test", "code": "billing_test", "state": "test",
                "allow_tokenization": True, "company_id": company.id,
                "payment_method_ids": [(6, 0, cls.method.ids)], "billing_test_file": file,
            }
        )
        provider.journal_id = journal
        return provider


Data.make_provider()
Data.make_collector()
Data.make_portal()
Data.portal_user(login, Data.customer)
card = Data.make_card(digits="4240")
for month in range(count):
    Data.bill_on(Data.start + relativedelta(months=month))
bills = env["billing.bill"].search([("partner_id", "=", Data.customer.id)], order="id")
env.cr.commit()
print("SETTING:" + json.dumps({
    "bills": bills.ids, "moves": bills.move_ids.ids, "card": card.id, "method": Data.method.id,
    "provider": Data.provider.id, "partner": Data.customer.id,
}))
"""
OPEN = "SELECT id, payment_state, amount_residual::float FROM account_move WHERE id = ANY(ARRAY{})"


class Browser:
    """A customer's browser, logged in."""

    def __init__(self, url, database):
        self.url = url
        self.session = requests.Session()
        self.call("/web/session/authenticate", {"db": database, "login": LOGIN, "password": LOGIN})

    def call(self, path, params):
        """Return what a JSON route answers."""
        body = {"jsonrpc": "2.0", "method": "call", "id": 0, "params": params}
        return self.session.post(self.url + path, json=body, timeout=90).json()

    def page(self, path):
        return self.session.get(self.url + path, timeout=90).text


def at_once(*functions):
    """Call functions at the same moment, each in a thread of its own; return what they returned."""
    barrier, results = threading.Barrier(len(functions)), [None] * len(functions)

    def run(number, function):
        barrier.wait(30)
        results[number] = function()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


@process_test
class TestPaidTwice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.enterClassContext(Database(test_addon=True))

    def setUp(self):
        super().setUp()
        self.database = self.enterContext(Database(test_addon="there", template=self.base.name))
        self.file = self.database.folder / "charged"
        out = self.database.script(
            "import json" + BILLS, login=LOGIN, count=COUNT, file=str(self.file)
        )
        line = next(line for line in out.splitlines() if line.startswith("SETTING:"))
        self.setting = json.loads(line.removeprefix("SETTING:"))
        port = free_port()
        options = {"http_enable": True, "http_port": port, "gevent_port": free_port(), "workers": 2}
        server = self.enterContext(Workers(self.database, 1, {}, (), options))
        url = f"http://127.0.0.1:{port}"
        server.until(lambda: self.answers(url), 60, "the server did not answer")
        self.browsers = [Browser(url, self.database.name) for _number in range(2)]

    def answers(self, url):
        try:
            return requests.get(f"{url}/web/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def start(self, browser, bill, **values):
        """Have a browser pay a bill; return the answer of the server."""
        params = {
            "amount": 100,
            "provider_id": self.setting["provider"],
            "payment_method_id": self.setting["method"],
            "token_id": None,
            "flow": "redirect",
            "tokenization_requested": False,
            "landing_route": "/my",
            **values,
        }
        return browser.call(f"/my/bills/{bill}/pay/bill/transaction", params)

    def book(self, browser):
        """Wait for the booking of what a browser has paid, as its page does."""
        for _time in range(20):
            answer = browser.call("/payment/status/poll", {})
            if "result" in answer:
                return answer["result"]
            self.assertEqual(answer["error"]["data"]["message"], "retry")
        raise AssertionError("the payment was not booked")

    def charged(self):
        return [line.split()[0] for line in self.file.read_text().splitlines()]

    def invoices(self):
        return self.database.execute(OPEN.format(self.setting["moves"]))

    def test_of_two_that_pay_one_bill_with_a_saved_card_one_is_charged(self):
        card = {"flow": "token", "token_id": self.setting["card"], "payment_method_id": None}
        for number, bill in enumerate(self.setting["bills"], 1):
            answers = at_once(
                *(
                    lambda b=browser, bill=bill: self.start(b, bill, **card)
                    for browser in self.browsers
                )
            )
            paid = [
                browser
                for browser, answer in zip(self.browsers, answers, strict=True)
                if "result" in answer
            ]
            refused = [
                answer["error"]["data"]["message"] for answer in answers if "error" in answer
            ]
            self.assertEqual((len(paid), len(refused)), (1, 1), answers)
            self.assertRegex(refused[0], "at this very moment|has changed meanwhile")
            self.assertEqual(len(self.charged()), number)
            self.assertEqual(self.book(paid[0])["state"], "done")
        self.assertEqual({row[1:] for row in self.invoices()}, {("paid", 0.0)})
        payments = "SELECT count(*), sum(amount)::float FROM account_payment WHERE partner_id = %s"
        self.assertEqual(
            self.database.execute(payments % self.setting["partner"]), [(COUNT, 100.0 * COUNT)]
        )

    def test_of_two_that_paid_one_bill_elsewhere_the_second_payment_is_the_customers_credit(self):
        for bill in self.setting["bills"]:
            references = [
                self.start(browser, bill)["result"]["reference"] for browser in self.browsers
            ]
            # Both have paid on the provider's page, which says so.
            self.database.script(
                "found = env['payment.transaction'].search([('reference', 'in', references)])\n"
                "assert len(found) == 2\nfound._set_done()\nenv.cr.commit()",
                references=references,
            )
            booked = at_once(*(lambda b=browser: self.book(b) for browser in self.browsers))
            self.assertEqual([answer["state"] for answer in booked], ["done", "done"])
        self.assertEqual({row[1:] for row in self.invoices()}, {("paid", 0.0)})
        left = """
            SELECT count(DISTINCT line.payment_id), sum(line.amount_residual)::float
              FROM account_move_line line
              JOIN account_account account ON account.id = line.account_id
             WHERE line.partner_id = %s AND account.account_type = 'asset_receivable'
               AND NOT line.reconciled AND line.parent_state = 'posted'
        """
        self.assertEqual(
            self.database.execute(left % self.setting["partner"]), [(COUNT, -100.0 * COUNT)]
        )
        transactions = """
            SELECT count(*), count(DISTINCT payment_id) FROM payment_transaction
             WHERE partner_id = %s AND state = 'done' AND is_post_processed
        """
        self.assertEqual(
            self.database.execute(transactions % self.setting["partner"]), [(2 * COUNT, 2 * COUNT)]
        )
        said = """
            SELECT count(DISTINCT res_id), count(*) FROM mail_message
             WHERE model = 'account.move' AND body LIKE '%%kept as the customer''s credit%%'
               AND res_id = ANY(ARRAY{})
        """
        self.assertEqual(
            self.database.execute(said.format(self.setting["moves"])), [(COUNT, COUNT)]
        )
        page = self.browsers[0].page("/my/bills")
        self.assertIn("This is your credit", page)
        self.assertIn(f"{100 * COUNT}.00", page)
