from odoo import models
from odoo.exceptions import UserError

from ...billing_tasks.texts import plural
from .billing_card_charge import OPEN_CHARGES


class BillingCardCharge(models.Model):
    """What people say and do about charges: of those that nobody knows of, and of waiting ones."""

    _inherit = "billing.card.charge"

    def _questions(self):
        return super()._questions() | {
            "action_was_charged": (
                self.env._("It Was Charged"),
                lambda charges: self.env._(
                    "Take %s as charged, and post the payments? Look each up at the provider first.",
                    charges._figures(OPEN_CHARGES),
                ),
            ),
            "action_was_not_charged": (
                self.env._("It Was Not Charged"),
                lambda charges: self.env._(
                    "Take %s as not charged? They are tried again on the schedule of declined cards:"
                    " where the card was charged after all, the customer then pays twice.",
                    charges._figures(OPEN_CHARGES),
                ),
            ),
            "action_try_now": (
                self.env._("Try Now"),
                lambda charges: self.env._(
                    "Try %s now instead of on their day?", charges._figures(("waiting",))
                ),
            ),
            "action_give_up": (
                self.env._("Give Up"),
                lambda charges: self.env._(
                    "Give up %s that wait for their next try? The invoices stay open.",
                    charges._figures(("waiting",)),
                ),
            ),
        }

    # === ACTIONS === #

    def action_ask_was_charged(self):
        """Ask before charges count as made."""
        return self._ask("action_was_charged")

    def action_ask_was_not_charged(self):
        """Ask before charges count as not made."""
        return self._ask("action_was_not_charged")

    def action_ask_try_now(self):
        """Ask before waiting charges are tried today."""
        return self._ask("action_try_now")

    def action_ask_give_up(self):
        """Ask before waiting charges are given up."""
        return self._ask("action_give_up")

    def action_was_charged(self):
        """Say that the provider has charged the cards: the payments are posted."""
        for charge in self._in_hand(OPEN_CHARGES):
            charge._take_told({"state": "done", "message": self._said_text()})
        return True

    def action_was_not_charged(self):
        """Say that the provider has not charged the cards: they are tried again on schedule."""
        for charge in self._in_hand(OPEN_CHARGES):
            charge._take_told(
                {"state": "error", "message": self._said_text(), "code": "not_charged"}
            )
        return True

    def action_ask_provider(self):
        """Ask the provider what became of the charges, where it can say."""
        charges = self._in_hand(OPEN_CHARGES)
        known = 0
        for charge in charges:
            transaction = charge.transaction_id
            answer = transaction._ask_about_charge() if charge.can_ask_provider else None
            if answer:
                charge._take_told(answer)
                known += 1
        left = len(charges) - known
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if not left else "warning",
                "message": plural(
                    known,
                    self.env._("The provider knows of 1 charge."),
                    self.env._("The provider knows of %s charges.", known),
                )
                if known
                else self.env._("The provider cannot say what became of it. Look it up there."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_give_up(self):
        """Give up charges before they are tried again."""
        for charge in self._in_hand(("waiting",)):
            charge._set_state("cancelled", charge._ended(None, code="by_hand"))
            if charge.line_id:
                charge.line_id._give_up(charge)
            else:
                charge.wallet_id._give_up_top_up(charge)
        return True

    def action_try_now(self):
        """Try waiting charges today instead of on their day."""
        charges = self._in_hand(("waiting",))
        for charge in charges:
            today = charge.company_id._billing_today()
            charge._own().write(
                {"planned_date": min(charge.planned_date, today), "not_before": False}
            )
        charges._enqueue()
        return True

    # === PARTS === #

    def _in_hand(self, states):
        """Return the charges, locked, with the right to move them, after checking their states."""
        charges = self._as_user()
        charges._lock()
        if wrong := charges.filtered(lambda charge: charge.state not in states):
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "This is for charges in the state %(states)s, not for: %(charges)s.",
                    states=", ".join(labels[state] for state in states),
                    charges=", ".join(wrong.mapped("reference")[:5]),
                )
            )
        return charges

    def _take_told(self, answer):
        """Take what somebody says of a charge, and put it on its transaction, which then tells the
        charge nothing new."""
        self._take(answer["state"], answer.get("message"), answer.get("code"))
        self.transaction_id._take_told(answer["state"], answer.get("message"))

    def _said_text(self):
        return self.env._("Looked up by %s.", self.env.user.name)

    def _figures(self, states):
        """Return number and money of the charges that are in some states, by currency."""
        charges = self.sudo().filtered(lambda charge: charge.state in states)
        money = ", ".join(
            currency.format(sum(some.mapped("amount")))
            for currency, some in charges.grouped("currency_id").items()
        )
        return self.env._(
            "%(charges)s, %(amount)s in all",
            charges=plural(
                len(charges), self.env._("1 charge"), self.env._("%s charges", len(charges))
            ),
            amount=money or "0",
        )
