from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.counting import count_each
from .step import Step

_lt = LazyTranslate(__name__)


class Customers(Step):
    """Whom the run selects, and what its customers lack."""

    code = "customers"
    title = _lt("Check customers")
    place = 20

    def show(self, run, before):
        checks = run._customer_checks()
        questions = [("res.partner", domain) for _label, domain in checks.values()]
        counts = count_each(run.env, questions)
        links = [
            {"label": label, "count": count, "method": "action_view_customers", "args": [code]}
            for (code, (label, _domain)), count in zip(checks.items(), counts, strict=True)
            if count
        ]
        sentence = run.env._("Selected: %s.", run._selected_text())
        lost = run._lost_limit_texts()
        if not run.selected_customer_count:
            sentence = run.env._("Nobody is selected. Look at the criteria and filters.")
            return {"state": "attention", "sentence": " ".join([sentence, *lost])}
        return {
            "state": "attention" if links or lost else "done",
            "sentence": " ".join([sentence, *lost]),
            "links": links,
        }


class BillingRun(models.Model):
    """What is checked of the customers that a run selects."""

    _inherit = "billing.run"

    def action_view_customers(self, code):
        """Open the selected customers that a check of the customers step counted."""
        self.ensure_one()
        label, _domain = self._customer_checks()[code]
        return self._view_counted("res.partner", code, label)

    def _customer_checks(self):
        """Return ``{code: (label, domain on res.partner)}`` of what may be missing.

        Upper floors add checks of what they need.
        """
        self.ensure_one()
        selected = Domain("id", "in", SQL("(%s)", self._selected_partners()))
        by_email = Domain("invoice_sending_method", "in", (False, "email"))
        no_address = Domain.OR(
            Domain(field, "=", False) for field in ("street", "city", "country_id")
        )
        return {
            "email": (
                self.env._("without e-mail address"),
                self._addressed(selected & by_email, Domain("email_normalized", "=", False)),
            ),
            "address": (
                self.env._("without complete address"),
                self._addressed(selected, no_address),
            ),
            "tax": (
                self.env._("companies without tax number"),
                selected & Domain("is_company", "=", True) & Domain("vat", "in", (False, "")),
            ),
            "card": (
                self.env._("paying by card without a stored card"),
                selected
                & Domain("billing_payment_preference", "=", "card")
                & ~Domain("payment_token_ids", "any", [("active", "=", True)]),
            ),
            "bank": (
                self.env._("paying by direct debit without a bank account"),
                selected
                & Domain("billing_payment_preference", "=", "direct_debit")
                & ~Domain(
                    "commercial_partner_id",
                    "any!",
                    Domain("bank_ids", "any!", [("active", "=", True)]),
                ),
            ),
            "receivable": (
                self.env._("without a receivable account in use (accounting can fix it)"),
                selected & self._no_receivable_domain(),
            ),
            "hold": (self.env._("on billing hold"), selected & Domain("billing_hold", "=", True)),
        }
