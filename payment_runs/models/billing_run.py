from odoo import api, models
from odoo.fields import Domain

from ..steps import COLLECTION_STEPS
from .billing_payment_line import LIVE_STATES


class BillingRun(models.Model):
    """What of a billing run's invoices is collected, and the steps about it."""

    _inherit = "billing.run"

    @api.model
    def _step_registry(self):
        return super()._step_registry() + list(COLLECTION_STEPS)

    def _collection_domains(self, method):
        """Return ``{name: domain}`` of the run's invoices that customers pay by a method:
        ``to_collect``, ``on_the_way`` in a payment run, ``collected``."""
        self.ensure_one()
        mine = Domain(
            [
                ("billing_bill_id.run_id", "=", self.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "posted"),
                ("move_type", "=", "out_invoice"),
            ]
        )
        chosen = Domain("commercial_partner_id.billing_payment_preference", "=", method)
        of_method = [("method", "=", method)]
        live = Domain("billing_payment_line_ids", "any", [*of_method, ("state", "in", LIVE_STATES)])
        collected = Domain("billing_payment_line_ids", "any", [*of_method, ("state", "=", "done")])
        still_open = Domain("payment_state", "in", ("not_paid", "partial"))
        return {
            "to_collect": mine & chosen & still_open & ~live,
            "on_the_way": mine & live,
            "collected": mine & collected & ~live,
        }

    def _counted_domains(self, model):
        domains = super()._counted_domains(model)
        if model == "account.move":
            domains = {
                **domains,
                **{
                    f"direct_debit:{what}": domain
                    for what, domain in self._collection_domains("direct_debit").items()
                },
            }
        return domains

    def _collection_counts(self, method):
        moves = self._company_moves()
        return {
            what: moves.search_count(domain)
            for what, domain in self._collection_domains(method).items()
        }

    def _collection_links(self, method, counts):
        labels = {
            "to_collect": self.env._("to collect"),
            "on_the_way": self.env._("in a payment run"),
            "collected": self.env._("collected"),
        }
        return [
            {
                "label": labels[what],
                "count": count,
                "method": "action_view_collections",
                "args": [method, what],
            }
            for what, count in counts.items()
            if count
        ]

    def action_view_collections(self, method, what):
        """Open the invoices that a step of collection counts."""
        return self._view_counted("account.move", f"{method}:{what}", self.env._("Invoices"))

    def action_collect_direct_debit(self):
        """Prepare a payment run for the run's invoices, and open it."""
        self.ensure_one()
        self._check_user()
        runs = self.env["billing.payment.run"].with_company(self.company_id)
        domain = [("billing_run_id", "=", self.id), ("state", "=", "draft")]
        run = runs.search(domain, limit=1)
        if not run:
            run = runs.create(
                {
                    "company_id": self.company_id.id,
                    "billing_run_id": self.id,
                    "reference": self.number,
                    # Whatever is due later is collected with the rest: the person sees the dates.
                    "due_date_to": False,
                }
            )
        run.action_select()
        return {
            "type": "ir.actions.act_window",
            "res_model": run._name,
            "res_id": run.id,
            "view_mode": "form",
            "views": [[False, "form"]],
        }
