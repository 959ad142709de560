from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import split_every

from ...billing_tasks.texts import plural
from ..bank_references import Open, paid
from ..netting import to_units

#: how many bank lines one task matches
LINES = 200
KINDS = [
    ("exact", "Fits"),
    ("part", "Pays a Part"),
    ("more", "More Than Open"),
]


class AccountBankStatementLine(models.Model):
    """Lines of bank statements that pay invoices, or bring the money of direct debits: proposed by
    the reconciliation models, matched with a button.

    Billing users match; *Undo* is Odoo's own.
    """

    _inherit = "account.bank.statement.line"

    billing_match = fields.Selection(
        KINDS, string="Proposal", compute="_compute_billing_match", search="_search_billing_match"
    )
    billing_match_text = fields.Char(string="Pays", compute="_compute_billing_match")
    billing_match_amount = fields.Monetary(
        string="Open There", currency_field="currency_id", compute="_compute_billing_match"
    )

    # === COMPUTES === #

    @api.depends("payment_ref", "amount", "is_reconciled", "partner_id")
    def _compute_billing_match(self):
        proposals = self._billing_proposals()
        for line in self:
            kind, items, _model = proposals.get(line.id, (False, None, None))
            line.billing_match = kind
            line.billing_match_text = items and line._billing_match_label(items)
            line.billing_match_amount = items and sum(items.mapped("amount_residual_currency"))

    @api.model
    def _search_billing_match(self, operator, value):
        if operator != "in":
            return NotImplemented
        open_lines = self.search(
            Domain("is_reconciled", "=", False) & Domain("company_id", "in", self.env.companies.ids)
        )
        proposals = open_lines._billing_proposals()
        ids = [line_id for line_id, (kind, *_rest) in proposals.items() if kind in value]
        domain = Domain("id", "in", ids)
        return domain | Domain("id", "not in", list(proposals)) if False in value else domain

    def _billing_match_label(self, items):
        names = list(dict.fromkeys(item.move_id.name or item.name or "" for item in items))
        text = ", ".join(names[:3])
        if len(names) > 3:
            text = self.env._("%(names)s and %(number)s more", names=text, number=len(names) - 3)
        partners = items.partner_id
        return f"{text} ({partners.display_name})" if len(partners) == 1 else text

    # === PROPOSALS === #

    def _billing_text(self):
        """Return all that the bank says of a line."""
        self.ensure_one()
        details = self.transaction_details or {}
        said = [str(value) for value in details.values() if isinstance(value, str | int)]
        return " ".join(filter(None, (self.payment_ref, self.ref, *said)))

    def _billing_proposals(self):
        """Return ``{line id: (kind, journal items, reconciliation model)}`` of the lines that are
        open and that a reconciliation model is for."""
        open_lines = self.filtered(lambda line: line._origin.id and not line.is_reconciled)
        models = self.env["account.reconcile.model"]._for_bank_lines(open_lines)
        if not models:
            return {}
        lines = open_lines.filtered(lambda line: line in models)
        proposals = {}
        for company, some in lines.grouped("company_id").items():
            named = self.env["account.move.line"]._named_in(
                company, {line.id: line._billing_text() for line in some}
            )
            for line in some:
                found = named.get(line.id)
                if not found:
                    continue
                kind, items = line._billing_paid(found)
                if kind != "none":
                    proposals[line.id] = (kind, items, models[line])
        return proposals

    def _billing_paid(self, found):
        """Return what the line's amount pays of the items that its text names."""
        currency = self.foreign_currency_id or self.currency_id
        amount = self.amount_currency if self.foreign_currency_id else self.amount
        places = currency.decimal_places
        kind, items = paid(
            to_units(amount, places),
            [
                Open(
                    item.id,
                    item.date_maturity or item.date,
                    to_units(item.amount_residual_currency, places),
                )
                for item in found
                if item.currency_id == currency
            ],
        )
        taken = found.browse(item.id for item in items)
        if kind == "more" and len(taken.partner_id) != 1:
            # Nobody can say whose the rest is.
            return "none", taken.browse()
        return kind, taken

    # === ACTIONS === #

    @api.model
    def action_open_billing_matches(self):
        """Open the bank lines that wait to be matched, with what they seem to pay."""
        self._check_billing_user()
        self.env["account.reconcile.model"]._ensure_billing_match(self.env.companies)
        return self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_bank_match_action"
        )

    def action_billing_match(self):
        """Match lines with what is proposed. Of several, only those that fit exactly."""
        self._check_billing_user()
        proposals = self._billing_proposals()
        if len(self) == 1 and self.id not in proposals:
            raise UserError(
                self.env._(
                    "No open invoice or collection is named in “%s”. Match it by hand.",
                    self._billing_text(),
                )
            )
        wanted = self.filtered(
            lambda line: (
                line.id in proposals and (len(self) == 1 or proposals[line.id][0] == "exact")
            )
        )
        number = wanted.sudo()._billing_match_all()
        left = len(self) - number
        message = plural(
            number, self.env._("1 bank line is matched."), self.env._("%s are matched.", number)
        )
        if left:
            message += " " + plural(
                left,
                self.env._("1 does not fit exactly: look at it by itself."),
                self.env._("%s do not fit exactly: look at each by itself.", left),
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": message,
                "type": "warning" if left else "success",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    @api.model
    def _check_billing_user(self):
        if not self.env.su and not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Only billing users may match bank lines here."))

    # === MATCHING === #

    def _billing_match_all(self, kinds=None):
        """Match lines one after the other, each with what is open then.

        :return: how many were matched
        """
        number, proposals = 0, self._billing_proposals()
        taken = self.env["account.move.line"]
        for line in self:
            proposal = proposals.get(line.id)
            if proposal and proposal[1] & taken:
                # A line before this one paid some of it.
                proposal = line._billing_proposals().get(line.id)
            kind, items, model = proposal or (None, None, None)
            if kind and (not kinds or kind in kinds):
                line._billing_take(items, model)
                taken |= items
                number += 1
        return number

    def _billing_take(self, items, model):
        """Put journal items in the place of the suspense account and match them; what is left over
        is the customer's credit."""
        self.ensure_one()
        if not self.partner_id and len(items.partner_id) == 1:
            self.partner_id = items.partner_id
        liquidity, suspense, other = self._seek_for_lines()
        if other or len(suspense) != 1:
            raise UserError(
                self.env._("This line was matched with something else already. Undo that first.")
            )
        currency = self.foreign_currency_id or self.currency_id
        rest, balance = -suspense.amount_currency, -suspense.balance
        rows = []
        for item in items:
            part = item.amount_residual_currency
            if abs(part) > abs(rest):
                part = rest
            rows.append(self._billing_counterpart(item.account_id, item, part, model))
            rest = currency.round(rest - part)
            balance += rows[-1]["balance"]
        if currency.is_zero(rest):
            # What rounding has left is the last one's.
            rows[-1]["balance"] -= balance
        else:
            receivable = items.partner_id.with_company(
                self.company_id
            ).property_account_receivable_id
            rows.append(self._billing_counterpart(receivable, items[:1], rest, model))
            rows[-1]["balance"] = -balance
        self.with_context(force_delete=True, skip_readonly_check=True).write(
            {"line_ids": [Command.delete(suspense.id), *(Command.create(row) for row in rows)]}
        )
        made = (self.move_id.line_ids - liquidity).sorted("id")
        self.env["account.move.line"]._reconcile_plan(
            [item + mine for item, mine in zip(items, made, strict=False)]
        )

    def _billing_counterpart(self, account, item, amount, model):
        """Return the values of the journal item that pays an amount of an open one."""
        currency = self.foreign_currency_id or self.currency_id
        found = self._prepare_counterpart_amounts_using_st_line_rate(currency, -amount, -amount)
        return {
            "name": self.payment_ref or item.name or item.move_id.name,
            "account_id": account.id,
            "partner_id": item.partner_id.id,
            "currency_id": currency.id,
            "amount_currency": -amount,
            "balance": found["balance"],
            "reconcile_model_id": model.id,
        }

    # === BY ITSELF === #

    @api.model
    def _cron_billing_match(self):
        """Have matched what fits exactly, where a company's reconciliation models are automated."""
        models = self.env["account.reconcile.model"]
        with_chart = self.env["res.company"].search([("chart_template", "!=", False)])
        models._ensure_billing_match(with_chart)
        automated = models.search(
            [("billing_match", "=", "reference"), ("trigger", "=", "auto_reconcile")]
        )
        for company in automated.company_id:
            lines = self.search([("is_reconciled", "=", False), ("company_id", "=", company.id)])
            self.env["billing.task"].sudo().with_company(company).enqueue_many(
                [
                    {
                        "type_code": "bank_match",
                        "parameters": {"line_ids": ids},
                        "identity_key": f"bank_match:{company.id}:{ids[0]}",
                        "exclusive_key": f"bank_match:{company.id}",
                    }
                    for ids in split_every(LINES, sorted(lines.ids), list)
                ]
            )

    @api.model
    def _task_billing_match(self, task):
        """Match the lines that a task names, as far as they fit and their model is automated."""
        lines = task.env["account.bank.statement.line"].with_company(task.company_id)
        lines = lines.browse((task.parameters or {}).get("line_ids", [])).exists()
        models = self.env["account.reconcile.model"]._for_bank_lines(lines)
        automated = lines.filtered(
            lambda line: line in models and models[line].trigger == "auto_reconcile"
        )
        proposals = automated._billing_proposals()
        fitting = automated.filtered(lambda line: line.id in proposals)
        return {"matched": fitting._billing_match_all(("exact",))}
