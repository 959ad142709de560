from datetime import timedelta

from odoo import models
from odoo.exceptions import LockError
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.exceptions import RetryTask


class BillingBill(models.Model):
    """Rating: everything due becomes charges, and the charges go on the bill."""

    _inherit = "billing.bill"

    def _rate(self):
        """Rate what the charge sources hold of the bills' customers (pending → rated).

        Customers on hold are skipped before anything is rated: when the hold ends,
        the missed periods are caught up. An error stays on its customer's bill.
        """
        # Alone, or all that customers have by company would be read.
        partners = self.partner_id.with_company(self.company_id)
        partners.fetch(["billing_hold", "billing_low_invoice_rule"])
        held = self.filtered(lambda bill: bill._partner().billing_hold)
        held._set_skipped("on_hold", self.env._("Billing of this customer is on hold."))
        todo = self - held
        todo -= todo._refuse_unratable()
        todo._isolate(lambda bills: bills._rate_batch(), "rating_failed")

    def _rate_batch(self):
        if not self:
            return
        run = self.run_id
        mine = {(bill.partner_id.id, bill.currency_id.id): bill.id for bill in self}
        bills = self.with_context(billing_on_bills=mine)
        try:
            for source in run._charge_sources():
                source.rate_bills(bills)
            self._take_charges()
        except LockError as error:
            # Another run is rating the same customers: its turn first.
            raise RetryTask(delay=timedelta(seconds=5)) from error
        empty = self - self._with_charges()
        empty._set_skipped(
            "nothing_to_bill",
            self.env._("Nothing is due up to %(date)s.", date=run.cutoff_date),
        )
        rated = self - empty
        low = rated._apply_low_invoice_rule()
        (rated - low)._set_state("rated")

    def _partner(self):
        """Return the customer as the bill's company sees it."""
        self.ensure_one()
        return self.partner_id.with_company(self.company_id)

    def _refuse_unratable(self):
        """Put bills of which something due cannot be rated in error; return them."""
        refused = self.browse()
        if not self:
            return refused
        by_customer = {(bill.partner_id, bill.currency_id): bill for bill in self}
        problems = {}
        for source in self.run_id._charge_sources():
            for record, problem in source.problems(source.of_bills(self)).items():
                bill = by_customer.get((record.partner_id, record.currency_id))
                if bill:
                    problems.setdefault(bill, problem)
        for bill, (code, message) in problems.items():
            bill._set_error(code, message)
            refused |= bill
        return refused

    def _take_charges(self):
        """Put every open charge of the customers that the run selects on its bill: those of before,
        since new ones come with their bill.

        Another run may want the same charges: the row locks of this UPDATE decide,
        and the later one finds them taken.
        """
        if not self:
            return
        run = self.run_id
        domain = run._open_charge_domain() & Domain("partner_id", "in", self.partner_id.ids)
        charges = self.env["billing.charge"].search(domain, order="id")
        charges.lock_for_update(allow_referencing=True)
        charges.invalidate_recordset(["state", "bill_id"])
        charges = charges.filtered_domain(self.env["billing.charge"]._domain_open())
        charges.flush_recordset()
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_charge charge
                   SET bill_id = bill.id
                  FROM billing_bill bill
                 WHERE charge.id = ANY(%(charges)s)
                   AND bill.id = ANY(%(bills)s)
                   AND charge.partner_id = bill.partner_id
                   AND charge.currency_id = bill.currency_id
                """,
                charges=charges.ids,
                bills=self.ids,
            )
        )
        charges.invalidate_recordset(["bill_id"])
        self.invalidate_recordset(["charge_ids"])
        # A minimum or fee of an earlier attempt was for another total.
        charges.filtered(lambda charge: charge.kind == "minimum")._void()

    def _with_charges(self):
        """Return the bills that have a rated charge."""
        groups = self.env["billing.charge"]._read_group(
            [("bill_id", "in", self.ids), ("state", "=", "rated")], ["bill_id"]
        )
        return self.browse().concat(*(bill for (bill,) in groups))
