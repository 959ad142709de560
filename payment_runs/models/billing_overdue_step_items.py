from collections import defaultdict
from datetime import date
from typing import NamedTuple

from odoo import api, models
from odoo.fields import Domain

from ..netting import Credit, Item, net, to_units
from ..overdue_steps import Done, Step, next_step
from .billing_payment_line import LIVE_STATES
from .billing_payment_run_count import FAILED_STATES

#: why an overdue invoice is left alone
LEFT_OUT = [
    ("hold", "Collection hold"),
    ("disputed", "No follow-up: disputed"),
    ("credited", "A credit note is being made"),
    ("covered", "Covered by credits"),
    ("collecting", "Will be collected"),
    ("not_told", "The customer could not be told of the step before"),
]
#: reasons for which an invoice counts as settled: services come back
SETTLED = frozenset({"disputed", "credited", "covered"})


class Overdue(NamedTuple):
    """A receivable line that is overdue, and why it is left alone if it is."""

    move: int
    partner: int
    due: date
    currency: int
    #: what is open after credits, in the invoice's and in the company's currency
    amount: float
    company_amount: float
    code: str | None


class BillingOverdueStep(models.Model):
    """What is overdue, and which step follows."""

    _inherit = "billing.overdue.step"

    @api.model
    def _overdue_domain(self, company):
        """Return the domain of a company's receivable lines that are overdue."""
        return self._receivable_domain(company) & Domain(
            [
                ("move_type", "=", "out_invoice"),
                ("amount_residual_currency", ">", 0),
                ("date_maturity", "<", company._billing_today()),
                ("partner_id", "!=", False),
            ]
        )

    @api.model
    def _receivable_domain(self, company):
        return Domain(
            [
                ("company_id", "=", company.id),
                ("parent_state", "=", "posted"),
                ("account_type", "=", "asset_receivable"),
                ("reconciled", "=", False),
            ]
        )

    @api.model
    def _overdue_items(self, company, partner_ids=None):
        """Return ``[Overdue]`` of a company's customers, the oldest of each first.

        :param partner_ids: only these customers
        """
        lines = self.env["account.move.line"].with_company(company).sudo()
        domain = self._overdue_domain(company)
        if partner_ids is not None:
            domain &= Domain("partner_id", "in", list(partner_ids))
        found = lines.search(domain, order="partner_id, date_maturity, id")
        left = self._left_after_credits(company, found)
        partners = found.partner_id.with_company(company)
        today = company._billing_today()
        held = partners._held_from_collection(today)
        collectable = self._collectable(company, partners)
        failures = self._failures(found.move_id)
        being_credited = self._being_credited(found.move_id)
        on_the_way = self._on_the_way(found)
        untold = self._untold(found.move_id)
        items = []
        for line in found:
            places = line.currency_id.decimal_places
            open_amount = left[line.id] / 10**places
            share = open_amount / line.amount_residual_currency
            partner, move = line.partner_id.id, line.move_id.id
            code = None
            if line.no_followup:
                code = "disputed"
            elif move in being_credited:
                code = "credited"
            elif not left[line.id]:
                code = "covered"
            elif partner in held:
                code = "hold"
            elif line.id in on_the_way or (partner in collectable and not failures.get(move)):
                code = "collecting"
            elif (move, line.date_maturity) in untold:
                code = "not_told"
            items.append(
                Overdue(
                    move=move,
                    partner=partner,
                    due=line.date_maturity,
                    currency=line.currency_id.id,
                    amount=open_amount,
                    company_amount=company.currency_id.round(line.amount_residual * share),
                    code=code,
                )
            )
        return items

    @api.model
    def _left_after_credits(self, company, found):
        """Return ``{line id: smallest units open after the customer's credits}``."""
        lines = self.env["account.move.line"].with_company(company).sudo()
        credits = lines.search(
            self._receivable_domain(company)
            & Domain("amount_residual_currency", "<", 0)
            & Domain("partner_id", "in", found.partner_id.ids)
        )
        left = {}
        for currency, some in found.grouped("currency_id").items():
            places = currency.decimal_places
            amounts, _pairs = net(
                [
                    Item(
                        line.id,
                        line.partner_id.id,
                        line.date_maturity,
                        to_units(line.amount_residual_currency, places),
                    )
                    for line in some
                ],
                [
                    Credit(
                        line.id,
                        line.partner_id.id,
                        to_units(-line.amount_residual_currency, places),
                    )
                    for line in credits
                    if line.currency_id == currency
                ],
            )
            left.update(amounts)
        return left

    @api.model
    def _collectable(self, company, partners):
        """Return the ids of the customers from whom the company collects, and can: what they owe is
        not theirs to pay."""
        by_method = partners.sudo().grouped("billing_payment_preference")
        today = company._billing_today()
        debited = by_method.get("direct_debit")
        found = set()
        if debited and company._creditor_id():
            mandates = self.env["billing.mandate"].with_company(company).sudo()
            found |= set(mandates._usable(debited, today))
        if charged := by_method.get("card"):
            cards = charged._billing_cards_of(company, company.currency_id, today)
            found |= {partner for partner, (_card, problem) in cards.items() if not problem}
        return found

    @api.model
    def _failures(self, moves):
        """Return ``{invoice id: how many of its collections failed}``."""
        return {
            move.id: number
            for move, number in self.env["billing.payment.line"]
            .sudo()
            ._read_group(
                [("move_id", "in", moves.ids), ("state", "in", FAILED_STATES)],
                ["move_id"],
                ["__count"],
            )
        }

    @api.model
    def _on_the_way(self, lines):
        """Return the ids of the receivable lines that a payment run is collecting."""
        found = (
            self.env["billing.payment.line"]
            .sudo()
            .search_fetch(
                [("move_line_id", "in", lines.ids), ("state", "in", LIVE_STATES)], ["move_line_id"]
            )
        )
        return set(found.move_line_id.ids)

    @api.model
    def _being_credited(self, moves):
        """Return the ids of the invoices with a credit note in preparation."""
        drafts = self.env["account.move"].sudo()
        found = drafts.search_fetch(
            [("reversed_entry_id", "in", moves.ids), ("state", "=", "draft")],
            ["reversed_entry_id"],
        )
        return set(found.reversed_entry_id.ids)

    @api.model
    def _untold(self, moves):
        """Return ``{(invoice id, due date)}`` of what nobody could be told of yet."""
        lines = self.env["billing.overdue.line"].sudo()
        found = lines.search([("move_id", "in", moves.ids), ("state", "=", "no_address")])
        return {(line.move_id.id, line.due_date) for line in found}

    # === STEPS === #

    @api.model
    def _steps_of(self, company):
        """Return the company's steps that may be taken."""
        steps = self.sudo().search([("company_id", "=", company.id)])
        if not company.sudo().billing_suspend_unpaid:
            steps = steps.filtered(lambda step: step.kind != "suspend")
        return steps

    def _ladder(self, partner):
        """Return those of one company's steps that a customer follows."""
        tagged = self.browse()
        plain = self.browse()
        for step in self:
            # A limit of which nothing is left is for nobody.
            tags = step._limit_ids("partner_category_ids")
            if tags is None:
                plain += step
            elif set(tags) & set(partner.category_id.ids):
                tagged += step
        return tagged or plain

    @api.model
    def _plan(self, company, partner_ids=None):
        """Return what to do today: ``({(customer id, step): [Overdue]}, [left alone])``."""
        items = self._overdue_items(company, partner_ids)
        steps = self._steps_of(company)
        today = company._billing_today()
        moves = self.env["account.move"].browse({item.move for item in items})
        done = self._done(moves)
        failures = self._failures(moves)
        todo, left = defaultdict(list), []
        by_partner = defaultdict(list)
        for item in items:
            if item.code:
                left.append(item)
            else:
                by_partner[item.partner].append(item)
        partners = self.env["res.partner"].sudo().browse(by_partner)
        for partner in partners:
            mine = by_partner[partner.id]
            total = sum(item.company_amount for item in mine)
            ladder = steps._ladder(partner)
            rungs = [Step(step.id, step.days, step.failures) for step in ladder]
            for item in mine:
                found = next_step(
                    rungs,
                    done[item.move, item.due],
                    (today - item.due).days,
                    failures.get(item.move, 0),
                    today,
                )
                step = found and steps.browse(found.id)
                if step and company.currency_id.compare_amounts(total, step.minimum_amount) >= 0:
                    todo[partner.id, step].append(item)
        return dict(todo), left

    @api.model
    def _done(self, moves):
        """Return ``{(invoice id, due date): [Done]}``."""
        done = defaultdict(list)
        lines = self.env["billing.overdue.line"].sudo()
        for line in lines.search([("move_id", "in", moves.ids)]):
            done[line.move_id.id, line.due_date].append(
                Done(line.step_id.id, line.date, line.step_id.days)
            )
        return done
