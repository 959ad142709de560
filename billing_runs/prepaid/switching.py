from datetime import timedelta

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .wallet import NO_FUNDS, WAITING

ONE_DAY = timedelta(days=1)
# Beyond every id: a range without end. (One from 0 on would be empty: Odoo takes 0 for no record.)
LAST_ID = 2**31 - 1


class BillingRun(models.Model):
    """Stopping services whose wallets do not pay, and starting those whose wallets pay again.

    Both go through service operations: software, or the department, carries them out.
    """

    _inherit = "billing.run"

    def _stop_services(self, first: int, last: int) -> dict:
        """Ask for the services of customers in a range to be suspended that are unpaid for longer
        than the grace, from the next day on.

        :return: number of services asked for
        """
        return self._switch(self._services_to_stop(first, last), "suspend", {"reason": NO_FUNDS})

    def _services_to_stop(self, first: int = 1, last: int = LAST_ID):
        """Return the active services of customers in a range that are unpaid for longer than the
        grace.

        Customers whom the cycle spares are left alone; so are services beyond the run's limit,
        which the next run stops.
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
                return self.env["billing.service"]
            unpaid &= Domain("partner_id.commercial_partner_id.category_id", "not in", spared)
        groups = self.env["billing.charge"]._read_group(unpaid, ["service_id"])
        services = self.env["billing.service"].browse(sorted(s.id for (s,) in groups))
        return services.filtered(lambda service: service.state == "active")

    def _start_services(self, first: int, last: int) -> dict:
        """Ask for the services of customers in a range to be resumed that were stopped for want of
        funds, where their wallets paid everything and hold more.

        :return: number of services asked for
        """
        return self._switch(self._services_to_start(first, last), "resume", {})

    def _services_to_start(self, first: int = 1, last: int = LAST_ID):
        """Return the stopped services of customers in a range whose wallets pay again."""
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
        return services.filtered(
            lambda s: pays.get((s.partner_id.commercial_partner_id, s.currency_id))
        )

    def _groups_of(self, services, size: int) -> list[tuple[int, int]]:
        """Return the customers of services as ranges of so many, each its first and last id."""
        customers = sorted(set(services.partner_id.commercial_partner_id.ids))
        groups = (customers[n : n + size] for n in range(0, len(customers), size))
        return [(group[0], group[-1]) for group in groups]

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
            services = services[: max(limit - self._switched(operation), 0)]
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

    def _switched(self, operation: str) -> int:
        """Return how many services earlier groups of the same stage asked for."""
        name = "stop" if operation == "suspend" else "start"
        stages = self._stages()
        stage = stages[stages.place(name)]
        return self._sum_results(stage)["documents"] if self._open_result(stage) else 0
