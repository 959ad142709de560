from odoo import models
from odoo.fields import Domain
from odoo.tools import format_date, formatLang

from ...billing_tasks.texts import plural


class BillingPaymentRun(models.Model):
    """What is asked before customers are told, money is asked for, or a run is closed."""

    _inherit = "billing.payment.run"

    def _questions(self):
        return super()._questions() | {
            "action_confirm": (
                self.env._("Confirm Payment Run"),
                lambda runs: runs._question_text("draft", runs._confirm_text),
            ),
            "action_submit": (
                self.env._("Submit Payment Run"),
                lambda runs: runs._question_text("confirmed", runs._submit_text),
            ),
            "action_complete": (
                self.env._("All Collected"),
                lambda runs: runs._question_text("submitted", runs._complete_text),
            ),
        }

    # === ACTIONS === #

    def action_ask_confirm(self):
        """Ask before the lines are fixed and customers are told."""
        return self._ask("action_confirm")

    def action_ask_submit(self):
        """Ask before the file is made and payments are posted."""
        return self._ask("action_submit")

    def action_ask_complete(self):
        """Ask before all open lines count as collected."""
        return self._ask("action_complete")

    # === TEXTS === #

    def _question_text(self, state, text):
        """Return the question about the lines of each run that are in a state."""
        return "\n".join(text(run, run._asked_about(state)) for run in self)

    def _asked_about(self, state):
        """Return the figures of the lines in a state: ``number``, ``amount``, ``customers``, and how
        many of these are ``silent``, without an e-mail address."""
        self.ensure_one()
        lines = self.env["billing.payment.line"].sudo()
        mine = Domain("run_id", "=", self.id) & Domain("state", "=", state)
        [[number, amount, customers]] = lines._read_group(
            mine, [], ["__count", "amount:sum", "partner_id:count_distinct"]
        )
        nowhere = Domain("partner_id.email", "in", (False, ""))
        [[silent]] = lines._read_group(mine & nowhere, [], ["partner_id:count_distinct"])
        return {
            "number": number,
            "amount": amount or 0.0,
            "customers": customers,
            "silent": silent,
        }

    def _confirm_text(self, run, figures):
        if run.method == "card" and not run.company_id.sudo().billing_card_notice_days:
            return self.env._(
                "Fix %(money)s, to be charged to cards on %(day)s? Nobody is told and nothing is charged"
                " yet.",
                money=self._money_text(run, figures),
                day=format_date(self.env, run.collection_date),
            )
        silent = figures["silent"]
        told = figures["customers"] - silent
        text = self.env._(
            "Collect %(money)s on %(day)s, and tell %(customers)s by e-mail?",
            money=self._money_text(run, figures),
            day=format_date(self.env, run.collection_date),
            customers=plural(told, self.env._("1 customer"), self.env._("%s customers", told)),
        )
        if silent:
            without = plural(
                silent,
                self.env._("1 customer has no e-mail address and is not told."),
                self.env._("%s customers have no e-mail address and are not told.", silent),
            )
            text = f"{text} {without}"
        return text

    def _submit_text(self, run, figures):
        if run.method == "card":
            return self._charge_text(run, figures)
        return self.env._(
            "Make the file for the bank and post the payments of %(money)s, to be collected on"
            " %(day)s? Afterwards the run cannot be cancelled any more.",
            money=self._money_text(run, figures),
            day=format_date(self.env, run.collection_date),
        )

    def _charge_text(self, run, figures):
        number = figures["customers"]
        values = {
            "money": self._money_text(run, figures),
            "customers": plural(
                number, self.env._("1 customer"), self.env._("%s customers", number)
            ),
            "day": format_date(self.env, run.collection_date),
        }
        if run.collection_date > run.company_id._billing_today():
            text = self.env._(
                "Charge the cards of %(customers)s with %(money)s on %(day)s? Afterwards the run cannot"
                " be cancelled any more.",
                **values,
            )
        else:
            text = self.env._(
                "Charge the cards of %(customers)s now with %(money)s? What is charged cannot be taken"
                " back here.",
                **values,
            )
        return text

    def _complete_text(self, run, figures):
        return self.env._(
            "Has the money of %(money)s come?",
            money=self._money_text(run, figures),
        )

    def _money_text(self, run, figures):
        number = figures["number"]
        return self.env._(
            "%(lines)s, %(amount)s in all",
            lines=plural(number, self.env._("1 invoice"), self.env._("%s invoices", number)),
            amount=formatLang(self.env, figures["amount"], currency_obj=run.currency_id),
        )
