from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_datetime

from ...cdrs.rating_reference import BILL_DIGITS, Price
from ...services.proration import to_decimal
from .explaining import Facts, Rules, explain
from .texts import CallTexts

ROW = Markup("<tr><th class='pe-3 fw-normal text-muted'>{}</th><td>{}</td></tr>")
TABLE = Markup("<table class='table table-sm o_billing_explanation'><tbody>{}</tbody></table>")


class CdrRecord(models.Model):
    """How a call's price came about, for whoever may read the call."""

    _inherit = "cdr.record"

    explanation = fields.Html(
        "How It Was Priced",
        compute="_compute_explanation",
        sanitize=False,  # made here of escaped texts
        help="The version of the rate, and the arithmetic that led to the amount.",
    )

    @api.depends("rate_id", "plan_id", "billed_seconds", "amount", "charged_amount", "state")
    @api.depends_context("lang")
    def _compute_explanation(self):
        texts = CallTexts(self.env)
        explained = self._explain()
        for record in self:
            told = explained.get(record)
            rows = [ROW.format(*row) for row in texts.rows(record, told)] if told else ()
            record.explanation = TABLE.format(Markup().join(rows)) if rows else False

    def _explain(self):
        """Return ``{record: Explanation}`` of the calls that were rated."""
        rules, prices, found = {}, {}, {}
        for record in self:
            if record.state not in ("rated", "charged") or not record.plan_id:
                continue
            key = record.plan_id, record.class_id
            if key not in rules:
                rules[key] = self._rules_of(*key)
            rate = record.rate_id
            if rate and rate not in prices:
                prices[rate] = Price(
                    to_decimal(rate.connect_fee),
                    to_decimal(rate.price_minute),
                    rate.initial_seconds,
                    rate.step_seconds,
                    to_decimal(rate.minimum),
                )
            found[record] = explain(record._facts(), prices.get(rate), rules[key])
        return found

    def _local_time(self, zone):
        """Return the moment of the call by the clock of a zone, as the language writes it."""
        self.ensure_one()
        return format_datetime(self.env, self.call_time, tz=zone)

    def _facts(self):
        """Return the call as explaining takes it."""
        self.ensure_one()
        charged = self.state == "charged"
        return Facts(
            self.seconds,
            self.answered,
            self.withheld,
            self.billed_seconds,
            to_decimal(self.amount),
            self.included_seconds if charged else 0,
            self.counted_before if charged else None,
            to_decimal(self.charged_amount) if charged else None,
        )

    @api.model
    def _rules_of(self, plan, rate_class):
        """Return what a plan says of the calls of a class."""
        return Rules(
            plan.unanswered,
            plan.withheld,
            plan.rounding_digits if plan.rounding == "call" else BILL_DIGITS,
            tuple(
                (tier.minutes_from * 60, to_decimal(tier.price_minute))
                for tier in plan.tier_ids
                if tier.class_id == rate_class
            ),
        )
