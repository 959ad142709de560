import os
import random
import time
from pathlib import Path

from odoo import api, models

from odoo.addons.billing_operations.billing_tasks.handlers import ExternalHandler


class BillingTask(models.Model):
    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        return {
            **super()._get_task_handlers(),
            "test_insert": self._test_insert,
            "test_sleep": self._test_sleep,
            "test_alone": self._test_sleep,
            "test_narrow": self._test_sleep,
            "test_count": self._test_count,
            "test_wallet": self._test_wallet,
            "test_send": ExternalHandler(
                prepare=self._test_prepare,
                call=self._test_call,
                record=self._test_record,
                ask=self._test_ask,
            ),
        }

    def _test_effect(self, task, **values):
        return self.env["billing.test.effect"].create({"task_id": task.id, **values})

    def _test_insert(self, task):
        self._test_effect(task)

    def _test_sleep(self, task):
        """Insert a row, sleep for the parameter `seconds`, note the time; kill itself if asked
        to."""
        effect = self._test_effect(task, begun=time.time())
        task._log("going to sleep")
        if task.parameters.get("die"):
            os.kill(os.getpid(), 9)
        time.sleep(task.parameters.get("seconds", 0))
        effect.ended = time.time()

    def _test_count(self, task):
        """Add one to a row that every task of this kind writes: conflicts without end."""
        row = self.env["billing.test.effect"].search([("name", "=", "counter")])
        counter = row.counter
        time.sleep(0.01)
        row.counter = counter + 1

    def _test_wallet(self, task):
        """Move money of some wallets by chance: top them up, debit, grant, transfer."""
        chance = random.Random(task.id)
        wallets = self.env["billing.wallet"].browse(task.parameters["wallets"])
        some = wallets.browse(chance.sample(wallets.ids, 4))
        held = some._lock_balances()
        one, other = some[:2]
        amount = chance.randint(1, 2000) / 100
        way = chance.choice(("credit", "debit", "debit", "debit", "grant", "transfer"))
        key = {"source_key": f"test:{task.id}"}
        if way == "credit":
            one._credit(amount, "Top-up", **key)
        elif way == "grant":
            one._grant(amount / 10, "Welcome", **key)
        elif way == "transfer" and held[one.id].paid >= amount:
            one._transfer(other, amount, "Family")
        elif way == "debit":
            some[0].transaction_ids._book(
                [
                    {
                        "wallet_id": wallet.id,
                        "kind": "debit",
                        "amount": -amount,
                        "source_key": f"test:{task.id}:{wallet.id}",
                    }
                    for wallet in some
                    if held[wallet.id].balance + 5 >= amount
                ]
            )
        time.sleep(0.005)
        self._test_effect(task)

    # The other side of the external handler is a file with a line for each call that reached it.
    def _test_prepare(self, task):
        sent = self.env["billing.test.effect"].search([("task_id", "=", task.id)]).mapped("name")
        for item in task.parameters["items"]:
            if f"{task.id}/{item}" not in sent:
                return {"reference": f"{task.id}/{item}"}
        return None

    def _test_call(self, task, intent):
        """Send a line; the first attempt dies over one item, before or after it reached the
        other side."""
        item = int(intent["reference"].partition("/")[2])
        odd = bool(task.id % 2)
        if task.retry_count == 0 and item == task.parameters["die_at"] and odd:
            os.kill(os.getpid(), 9)
        with Path(task.parameters["file"]).open("a") as file:
            file.write(intent["reference"] + "\n")
        if task.retry_count == 0 and item == task.parameters["die_at"] and not odd:
            os.kill(os.getpid(), 9)
        return "sent"

    def _test_ask(self, task, intent):
        file = Path(task.parameters["file"])
        lines = file.read_text().split() if file.exists() else []
        return "sent" if intent["reference"] in lines else "never"

    def _test_record(self, task, intent, answer):
        if answer == "sent":
            self._test_effect(task, name=intent["reference"])
