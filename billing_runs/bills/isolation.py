import logging

from psycopg2 import OperationalError

from odoo import models
from odoo.exceptions import UserError

from ...billing_tasks.exceptions import FatalTaskError, RetryTask, SkipTask
from ...billing_tasks.hooks import trying

_logger = logging.getLogger(__name__)


class BillingBill(models.Model):
    """How one customer's error stays on that customer's bill."""

    _inherit = "billing.bill"

    def _isolate(self, method, error_code):
        """Call ``method`` on all bills at once; on an error, find whose it is.

        The batch is tried whole. When it fails it is rolled back and halved until
        the customer at fault stands alone; that bill gets the error, all others
        are done. All bills of one customer stay together.

        :param method: batch method taking a recordset of bills
        :param str error_code: code for the bill at fault
        """
        customers = list(self.grouped("partner_id").values())
        if not customers:
            return
        try:
            # The queue's own signals and database conflicts concern the whole task.
            with trying(self.env.cr):
                method(self)
            return
        except (OperationalError, FatalTaskError, RetryTask, SkipTask):
            raise
        except Exception as error:
            if len(customers) == 1:
                self._record_error(error, error_code)
                return
        middle = len(customers) // 2
        for half in (customers[:middle], customers[middle:]):
            self.browse().concat(*half)._isolate(method, error_code)

    def _record_error(self, error, error_code):
        if isinstance(error, UserError):
            message = str(error)
        else:
            _logger.exception("Billing %s failed", self.ids)
            message = self.env._(
                "Unexpected problem: %(error)s. The server log has the details.",
                error=f"{type(error).__name__}: {error}",
            )
        self._set_error(error_code, message)
