import os
import signal
import time
from pathlib import Path

from odoo import models


class PaymentTransaction(models.Model):
    """Charges that go wrong by the last digits of their card: 1 the answer is lost, 2 it is declined,
    3 the worker dies once the card is charged, 4 before."""

    _inherit = "payment.transaction"

    def _send_payment_request(self):
        if self.provider_code != "billing_test":
            return super()._send_payment_request()
        wish = self.token_id.payment_details[-1]
        if wish == "4":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
        if wish != "2":
            with Path(self.provider_id.billing_test_file).open("a") as file:
                file.write(f"{self.reference} {self.amount}\n")
        if wish == "3":
            os.kill(os.getpid(), signal.SIGKILL)
        if wish == "1":
            raise ConnectionResetError("the answer was lost")
        return self._set_error("Do not honour") if wish == "2" else self._set_done()

    def _ask_about_charge(self):
        if self.provider_code != "billing_test" or not self.provider_id.billing_test_asked:
            return super()._ask_about_charge()
        file = Path(self.provider_id.billing_test_file)
        known = [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []
        return {"state": "done" if self.reference in known else "never"}
