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
        unknown = Domain("billing_payment_line_ids", "any", [*of_method, ("state", "=", "unknown")])
        collected = Domain("billing_payment_line_ids", "any", [*of_method, ("state", "=", "done")])
        still_open = Domain("payment_state", "in", ("not_paid", "partial"))
        return {
            "to_collect": mine & chosen & still_open & ~live,
            "on_the_way": mine & live & ~unknown,
            "unknown": mine & unknown,
            "collected": mine & collected & ~live,
        }

    def _counted_domains(self, model):
        domains = super()._counted_domains(model)
        if model == "account.move":
            domains = {
                **domains,
                **{
                    f"{method}:{what}": domain
                    for method in ("direct_debit", "card")
                    for what, domain in self._collection_domains(method).items()
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
            "unknown": self.env._("unknown whether collected"),
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
        """Prepare a payment run by direct debit for the run's invoices, and open it."""
        return self._prepare_collection("direct_debit")

    def action_collect_card(self):
        """Prepare a payment run by card for the run's invoices, and open it."""
        return self._prepare_collection("card")

    def _collection_currency(self, method):
        """Return the currency that most invoices to collect are in, as values of a payment run: direct
        debits know one only."""
        if method == "direct_debit":
            return {}
        groups = self._company_moves()._read_group(
            self._collection_domains(method)["to_collect"], ["currency_id"], ["__count"]
        )
        most = max(groups, key=lambda group: group[1], default=(self.company_id.currency_id, 0))
        return {"currency_id": most[0].id}

    def _prepare_collection(self, method):
        self.ensure_one()
        self._check_user()
        runs = self.env["billing.payment.run"].with_company(self.company_id)
        domain = [("billing_run_id", "=", self.id), ("state", "=", "draft")]
        run = runs.search([*domain, ("method", "=", method)], limit=1)
        if not run:
            run = runs.create(
                {
                    "company_id": self.company_id.id,
                    "billing_run_id": self.id,
                    "reference": self.number,
                    "method": method,
                    **self._collection_currency(method),
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
