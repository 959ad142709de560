from datetime import timedelta

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .wallet import NO_FUNDS, WAITING

ONE_DAY = timedelta(days=1)


class BillingRun(models.Model):
    """Stopping services whose wallets do not pay, and starting those whose wallets pay again.

    Both go through service operations: software, or the department, carries them out.
    """

    _inherit = "billing.run"

    def _stop_services(self, first: int, last: int) -> dict:
        """Ask for the services of customers in a range to be suspended that are unpaid for longer
        than the grace, from the next day on.

        Customers whom the cycle spares are left alone; so are services beyond the run's limit,
        which the next run stops.

        :return: number of services asked for
        """
        self.ensure_one()
        cycle = self.cycle_id
        before = self.cutoff_date - timedelta(days=cycle.stop_grace_days)
        unpaid = self._debit_domain(first, last) & Domain("amount", ">", 0)
        unpaid &= Domain("period_start", "<=", before)
        spared = cycle._limit_ids("spared_category_ids")
        if spared is not None:
            if len(self.env["res.partner.category"].browse(spared).exists()) < len(spared):
                # Nobody knows any more whom a deleted classification spared.
                return {"services": 0, "documents": 0}
            unpaid &= Domain("partner_id.commercial_partner_id.category_id", "not in", spared)
        groups = self.env["billing.charge"]._read_group(unpaid, ["service_id"])
        services = self.env["billing.service"].browse(sorted(s.id for (s,) in groups))
        services = services.filtered(lambda service: service.state == "active")
        return self._switch(services, "suspend", {"reason": NO_FUNDS})

    def _start_services(self, first: int, last: int) -> dict:
        """Ask for the services of customers in a range to be resumed that were stopped for want of
        funds, where their wallets paid everything and hold more.

        :return: number of services asked for
        """
        self.ensure_one()
        domain = self._service_domain() & Domain("state", "=", "suspended")
        domain &= Domain("suspension_reason", "=", NO_FUNDS)
        domain &= Domain("partner_id.commercial_partner_id", ">=", first)
        domain &= Domain("partner_id.commercial_partner_id", "<=", last)
        services = self.env["billing.service"].search(domain, order="id")
        wallets = {
            (wallet.partner_id, wallet.currency_id): wallet
            for wallet in self.env["billing.wallet"].search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("partner_id", "in", services.partner_id.commercial_partner_id.ids),
                    ("state", "=", "open"),
                ]
            )
        }
        pays = {
            key: wallet.available > 0 and wallet._open_amount() <= 0
            for key, wallet in wallets.items()
        }
        services = services.filtered(
            lambda s: pays.get((s.partner_id.commercial_partner_id, s.currency_id))
        )
        return self._switch(services, "resume", {})

    def _switch(self, services, operation: str, values: dict) -> dict:
        """Ask for an operation on services, as many as the cycle allows a run.

        Where it is asked for already nothing is asked; what a service cannot take is an exception
        of its customer.
        """
        waiting = self.env["service.operation"].sudo()
        waiting = waiting.search(
            [
                ("service_id", "in", services.ids),
                ("type", "=", operation),
                ("state", "in", WAITING),
            ]
        )
        services -= waiting.service_id
        if limit := self.cycle_id.switch_limit:
            services = services[:limit]
        asked = 0
        for service in services:
            day = self.cutoff_date + ONE_DAY
            if operation == "resume":
                day = max(self.cutoff_date, service.date_suspended)
            try:
                with self.env.cr.savepoint():
                    service.sudo().request_operation(
                        operation, values, effective_date=day, source="billing"
                    )
            except UserError as error:
                self._except(service.partner_id, service.currency_id, "switch_failed", str(error))
            else:
                asked += 1
        return {"services": len(services), "documents": asked}
