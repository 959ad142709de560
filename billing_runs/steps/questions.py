from odoo import models
from odoo.fields import Domain

from ...billing_tasks.texts import plural
from .deliveries import NOTES


class BillingRun(models.Model):
    """What is asked, with counts and money, before a run does what cannot be taken back."""

    _inherit = "billing.run"

    def _questions(self):
        return super()._questions() | {
            "action_post_revenue": (
                self.env._("Post Revenue Entry"),
                lambda runs: runs._revenue_question(),
            ),
            "action_continue": (
                self.env._("Continue to the End"),
                lambda runs: "\n".join(run._work_question() for run in runs),
            ),
            "action_run_again": (
                self.env._("Run Again"),
                lambda runs: "\n".join(run._run_again_question() for run in runs),
            ),
            "action_close": (
                self.env._("Close Without PDFs"),
                lambda runs: "\n".join(run._close_question() for run in runs),
            ),
            "action_request_expert": (
                self.env._("Request Bills without Checks"),
                lambda runs: "\n".join(run._work_question(skips=True) for run in runs),
            ),
        }

    # === ACTIONS === #

    def action_ask_continue(self):
        """Ask before the run goes on."""
        return self._ask("action_continue")

    def action_ask_run_again(self):
        """Ask before the bills in error are run again."""
        return self._ask("action_run_again")

    def action_ask_close(self):
        """Ask before the run is ended without PDFs."""
        return self._ask("action_close")

    def action_ask_request_expert(self):
        """Ask before bills are requested without the checks."""
        return self._ask("action_request_expert")

    # === QUESTIONS === #

    def _work_question(self, target_stage=None, skips=False):
        """Return what is asked before the run goes up to a stage.

        :param str target_stage: the stage; None = the last one
        :param bool skips: whether the open steps before billing are skipped
        """
        self.ensure_one()
        stages = self._stages()
        end = stages.place(target_stage) if target_stage else len(stages) - 1
        begun = bool(self.started_date)
        texts = [*self._bills_ahead_texts(end)] if begun else [self._request_text(end)]
        if self.stop_reason:
            stopped = self.env._("The run has stopped: %s It goes on in spite of that.")
            texts.insert(0, stopped % self.stop_reason)
        if end < len(stages) - 1:
            stage = self.env._(stages[end].label)
            texts.append(self.env._("It goes up to %s and waits there.", stage))
        if not begun:
            texts.append(self.env._("Dates and criteria are locked from here on."))
        if skips and (steps := self._open_steps()):
            titles = ", ".join(step["title"] for step in steps)
            texts.append(self.env._("Skipped, and put on record: %s.", titles))
        return "\n".join([*texts, *self._sending_texts(end)])

    def _request_text(self, end):
        """Return what the request would bill: by the pre-billing report, where there is one that
        still holds."""
        posts = self._posts_by(end)
        report = self._report("pre")
        if not report or report.state != "done" or report._is_stale():
            customers = self.selected_customer_count
            who = plural(customers, self.env._("1 customer"), self.env._("%s customers", customers))
            if posts:
                text = self.env._("Bill %s and post their invoices?", who)
            else:
                text = self.env._("Bill %s?", who)
            unknown = self.env._(
                "What they come to is not known: there is no pre-billing report of these dates and"
                " criteria."
            )
            return f"{text} {unknown}"
        totals = [total for total in report._totals() if total["billed"]]
        count = sum(total["billed"] for total in totals)
        amount = self._money((total["currency"], total["amount"]) for total in totals)
        values = {"count": count, "amount": amount}
        if not count:
            return self.env._("By the pre-billing report nothing is billed. Go on?")
        if posts:
            return plural(
                count,
                self.env._("Post 1 bill, %(amount)s before tax?", **values),
                self.env._("Post %(count)s bills, %(amount)s before tax?", **values),
            )
        return plural(
            count,
            self.env._("Bill 1 customer, %(amount)s before tax, without posting?", **values),
            self.env._("Make %(count)s bills, %(amount)s before tax, without posting?", **values),
        )

    def _bills_ahead_texts(self, end):
        """Yield what becomes of the bills up to a stage, by how far they are."""
        stages = self._stages()
        counts = {
            state: count
            for state, count in self._bill_counts().items()
            if stages.finished(state) <= end
        }
        drafted = set(stages.document_states) - set(stages.posted_states)
        early = [s for s in counts if s not in drafted and s not in stages.posted_states]
        if early:
            count = sum(counts[state] for state in early)
            amount = self._money(self._charged_in(early))
            yield self._early_text(count, amount, self._posts_by(end))
        if self._posts_by(end) and (drafts := drafted & counts.keys()):
            count, amount = self._documents_in(Domain("billing_bill_id.state", "in", drafts))
            yield plural(
                count,
                self.env._("Post 1 invoice, %s?", amount),
                self.env._("Post %(count)s invoices, %(amount)s?", count=count, amount=amount),
            )
        if posted := [state for state in counts if state in stages.posted_states]:
            count = sum(counts[state] for state in posted)
            yield plural(
                count,
                self.env._("Make the PDFs of 1 bill?"),
                self.env._("Make the PDFs of %s bills?", count),
            )
        if not counts:
            yield self.env._("Go on? No bill waits.")

    def _early_text(self, count, amount, posts):
        values = {"count": count, "amount": amount or self.env._("not rated yet")}
        if posts:
            return plural(
                count,
                self.env._("Invoice and post 1 bill, charges: %(amount)s?", **values),
                self.env._("Invoice and post %(count)s bills, charges: %(amount)s?", **values),
            )
        return plural(
            count,
            self.env._("Take 1 bill on, charges: %(amount)s, without posting?", **values),
            self.env._("Take %(count)s bills on, charges: %(amount)s, without posting?", **values),
        )

    def _run_again_question(self):
        """Return what is asked before the bills in error are run again."""
        self.ensure_one()
        count = self._bill_counts().get("error", 0)
        end = self._target_place()
        in_error = Domain("billing_bill_id.state", "=", "error") & Domain("state", "=", "posted")
        standing, amount = self._documents_in(in_error)
        if self._posts_by(end):
            text = plural(
                count,
                self.env._("Run 1 bill in error again and post its invoice?"),
                self.env._("Run %s bills in error again and post their invoices?", count),
            )
        else:
            text = plural(
                count,
                self.env._("Run 1 bill in error again?"),
                self.env._("Run %s bills in error again?", count),
            )
        texts = [text]
        if standing:
            texts.append(
                plural(
                    standing,
                    self.env._("1 invoice of them is posted already and stays: %s.", amount),
                    self.env._(
                        "%(count)s invoices of them are posted already and stay: %(amount)s.",
                        count=standing,
                        amount=amount,
                    ),
                )
            )
        if rows := self._reported_in_error():
            texts.append(
                self.env._("By the pre-billing report they come to %s.", self._money(rows))
            )
        return "\n".join([*texts, *self._sending_texts(end)])

    def _reported_in_error(self):
        """Return ``[(currency, amount before tax)]`` that the pre-billing report names for the
        bills in error."""
        bills = self.env["billing.bill"].search([("run_id", "=", self.id), ("state", "=", "error")])
        rows = self.env["billing.run.report.customer"].search(
            [
                ("run_id", "=", self.id),
                ("phase", "=", "pre"),
                ("partner_id", "in", bills.partner_id.ids),
                ("amount", "!=", 0),
            ]
        )
        mine = {(bill.partner_id, bill.currency_id) for bill in bills}
        rows = rows.filtered(lambda row: (row.partner_id, row.currency_id) in mine)
        return [
            (currency, sum(group.mapped("amount")))
            for currency, group in rows.grouped("currency_id").items()
        ]

    def _close_question(self):
        """Return what is asked before a run is ended without PDFs."""
        self.ensure_one()
        count, amount = self._documents_in(Domain("state", "=", "posted"))
        values = {"run": self.number, "count": count, "amount": amount}
        return plural(
            count,
            self.env._(
                "End %(run)s now? Its invoice, %(amount)s, stays posted and gets no PDF.", **values
            ),
            self.env._(
                "End %(run)s now? Its %(count)s invoices, %(amount)s, stay posted and get no PDFs.",
                **values,
            ),
        )

    def _email_question(self):
        """Return what is asked before the run's bills are e-mailed."""
        domain = self._email_domain()
        count, amount = self._documents_of(domain)
        text = plural(
            count,
            self.env._("E-mail 1 document, %s?", amount),
            self.env._("E-mail %(count)s documents, %(amount)s?", count=count, amount=amount),
        )
        return "\n".join([text, *self._notes_texts(domain)])

    def _print_question(self):
        """Return what is asked before the run's bills are put into print bundles."""
        domain = self._print_domain()
        count, amount = self._documents_of(domain)
        text = plural(
            count,
            self.env._("Put 1 document, %s, into a print bundle?", amount),
            self.env._(
                "Put %(count)s documents, %(amount)s, into print bundles?",
                count=count,
                amount=amount,
            ),
        )
        return "\n".join([text, *self._notes_texts(domain)])

    def _notes_texts(self, domain):
        """Return how many of the documents in a domain are credit notes of what was taken back."""
        count, amount = self._documents_of(domain & NOTES)
        if not count:
            return []
        return [
            plural(
                count,
                self.env._("1 of them is a credit note of what was taken back: %s.", amount),
                self.env._(
                    "%(count)s of them are credit notes of what was taken back: %(amount)s.",
                    count=count,
                    amount=amount,
                ),
            )
        ]

    def _sending_texts(self, end):
        """Return whether bills are sent at the end without another question."""
        if not self.auto_send or end < len(self._stages()) - 1:
            return []
        return [
            self.env._(
                "Then the bills are e-mailed and put into print bundles without another question."
            )
        ]

    # === FIGURES === #

    def _posts_by(self, end):
        """Return whether documents are posted up to the stage at a place."""
        stages = self._stages()
        return bool(stages.document_states) and end >= stages.posted_place

    def _charged_in(self, states):
        """Return ``[(currency, charges)]`` of the run's bills in some states."""
        return self.env["billing.charge"]._read_group(
            [
                ("bill_id.run_id", "=", self.id),
                ("bill_id.state", "in", states),
                ("state", "in", ("rated", "invoiced")),
            ],
            ["currency_id"],
            ["amount:sum"],
        )

    def _documents_in(self, domain):
        """Return number and money of the run's documents in a domain, apart from those that take
        others back."""
        mine = Domain("billing_bill_id.run_id", "=", self.id)
        return self._documents_of(mine & Domain("reversed_entry_id", "=", False) & domain)

    def _documents_of(self, domain):
        rows = self._company_moves()._read_group(
            domain, ["currency_id"], ["__count", "amount_total_in_currency_signed:sum"]
        )
        count = sum(number for _currency, number, _amount in rows)
        return count, self._money((currency, amount) for currency, _number, amount in rows)

    def _money(self, rows):
        """Return ``[(currency, amount)]`` as text: a currency never adds to another."""
        return ", ".join(currency.format(amount) for currency, amount in rows)
