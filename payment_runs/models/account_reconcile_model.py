import re

from odoo import api, fields, models


class AccountReconcileModel(models.Model):
    """Reconciliation models that match bank lines by the references in their texts.

    Odoo's own conditions say for which bank lines: journals, amount, label and partners. A manual model
    proposes, an automated one also matches what fits exactly.
    """

    _inherit = "account.reconcile.model"

    billing_match = fields.Selection(
        [("reference", "Invoices and collections named in the text")],
        string="Match",
        help="Bank lines are matched with the open invoices, direct debits and files of direct debits "
        "whose references stand in their texts.",
    )

    @api.model
    def _ensure_billing_match(self, companies):
        """Have each company own a model that matches by reference; an archived one counts, too."""
        models = self.sudo().with_context(active_test=False)
        known = models.search(
            [("billing_match", "!=", False), ("company_id", "in", companies.ids)]
        ).company_id
        models.create(
            [
                {
                    "name": self.env._("Payments by reference"),
                    "company_id": company.id,
                    "billing_match": "reference",
                }
                for company in companies - known
            ]
        )

    @api.model
    def _for_bank_lines(self, lines):
        """Return ``{bank line: model}`` of the first model that is for each line, if any is."""
        models = self.sudo().search(
            [("billing_match", "=", "reference"), ("company_id", "in", lines.company_id.ids)]
        )
        return {
            line: model
            for line in lines
            if (model := next((m for m in models if m._is_for_bank_line(line)), None))
        }

    def _is_for_bank_line(self, line):
        """Return whether Odoo's conditions of the model let a bank line through."""
        self.ensure_one()
        if self.company_id != line.company_id:
            return False
        if self.match_journal_ids and line.journal_id not in self.match_journal_ids:
            return False
        if self.match_partner_ids and line.partner_id not in self.match_partner_ids:
            return False
        amount = abs(line.amount)
        if self.match_amount in ("lower", "between") and amount > self.match_amount_max:
            return False
        if self.match_amount in ("greater", "between") and amount < self.match_amount_min:
            return False
        return self._takes_label(line._billing_text())

    def _takes_label(self, text):
        wanted = self.match_label_param or ""
        if self.match_label == "contains":
            return wanted.lower() in text.lower()
        if self.match_label == "not_contains":
            return wanted.lower() not in text.lower()
        if self.match_label == "match_regex":
            return bool(re.search(wanted, text))
        return True
