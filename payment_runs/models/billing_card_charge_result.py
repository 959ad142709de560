from datetime import timedelta

from odoo import SUPERUSER_ID, fields, models
from odoo.tools import formatLang

from ..card_dates import next_try, parse_days
from .billing_card_charge import HARD_CODES

#: minutes after which a provider that was not reached is tried again
PATIENCE = 15
MAX_TEXT = 500


class BillingCardCharge(models.Model):
    """What becomes of a charge, and what follows for its collection or its wallet."""

    _inherit = "billing.card.charge"

    def _take(self, state, message=None, code=None):
        """Put on record what the provider, its transaction, or a person says of a charge.

        What is on record already, or says less, changes nothing.

        :param str state: a state of Odoo's payment transactions; ``unreached`` where nothing was sent,
            ``never`` where the provider knows nothing of it, ``lost`` where nobody can say
        :param str message: in the provider's words
        :param str code: why it was declined
        """
        self.ensure_one()
        step = {
            "done": self._to_done,
            "pending": self._to_pending,
            "authorized": self._to_pending,
            "error": self._to_declined,
            "cancel": self._to_declined,
            "unreached": self._to_waiting,
            "never": self._to_waiting,
        }.get(state, self._to_unknown)
        step((message or "")[:MAX_TEXT] or None, code)

    def _takes(self, state):
        """Return whether the charge can come to a state from where it is."""
        return state in self._get_transitions()[self.state]

    def _ended(self, message, **values):
        return {
            "message": message,
            "ended_date": fields.Datetime.now(),
            "not_before": False,
        } | values

    # === DONE === #

    def _to_done(self, message, _code):
        if not self._takes("done"):
            return
        self._set_state("done", self._ended(message, code=False))
        self._close_activities()
        # A try that was planned because this one seemed to have failed.
        others = self._siblings().filtered(lambda charge: charge.state == "waiting")
        others._set_state("cancelled", self._ended(None, code="paid"))
        if self.line_id:
            self.line_id._charged(self)
        self._enqueue_booking()

    def _siblings(self):
        """Return the other charges for the same collection; a wallet's stand for themselves."""
        return self.line_id.charge_ids - self

    # === NOT YET === #

    def _to_pending(self, message, _code):
        if not self._takes("pending"):
            return
        self._set_state("pending", {"message": message, "not_before": False})
        self._close_activities()
        self.line_id._charge_open(
            "submitted", message or self.env._("The provider is still at it.")
        )

    def _to_waiting(self, message, _code):
        """Nothing was sent: the same charge is tried again in some minutes."""
        if not self._takes("waiting"):
            return
        self._set_state("waiting", {"sent_date": False})
        self._close_activities()
        self._postpone(message or self.env._("The provider could not be reached."))

    def _postpone(self, message):
        """Try a waiting charge again in some minutes."""
        later = fields.Datetime.now() + timedelta(minutes=PATIENCE)
        self._own().write({"message": message, "not_before": later})
        self.line_id._charge_open("submitted", message)

    def _to_unknown(self, message, _code):
        if not self._takes("unknown"):
            return
        message = message or self.env._(
            "Whether the card was charged is not known. Look it up at the provider."
        )
        self._set_state("unknown", {"message": message})
        self.line_id._charge_open("unknown", message)
        self._call_person(
            self.env._("Was the card charged?"),
            self.env._(
                "%(amount)s of %(customer)s, reference %(reference)s: look it up at the provider, then"
                " say here whether it was charged. It is not tried again before.",
                amount=self._amount_text(),
                customer=self.partner_id.display_name,
                reference=self.reference,
            ),
        )

    # === DECLINED === #

    def _to_declined(self, message, code):
        if not self._takes("declined"):
            return
        code = code or "declined"
        self._set_state("declined", self._ended(message, code=code))
        self._close_activities()
        day = None if code in HARD_CODES or self._is_hard_decline() else self._next_day()
        if day:
            self._plan_next(day)
        elif self.line_id:
            self.line_id._give_up(self)
        else:
            self.wallet_id._give_up_top_up(self)

    def _is_hard_decline(self):
        """Return whether the provider says that the same card can never be charged."""
        return bool(self.transaction_id) and self.transaction_id._is_hard_decline()

    def _next_day(self):
        """Return the day of the next try after this one; None where the schedule is at its end."""
        company = self.company_id.sudo()
        days = parse_days(company.billing_card_retry_days)
        return next_try(company._billing_today(), self.attempt, days)

    def _plan_next(self, day):
        """Make the next try after one that was declined."""
        self.ensure_one()
        if self.line_id and self.line_id.state not in ("submitted", "unknown"):
            return self.browse()
        attempt = self.attempt + 1
        follower = self._make(
            [
                {
                    "reference": f"{self.reference.rsplit('-', 1)[0]}-{attempt}",
                    "company_id": self.company_id.id,
                    "partner_id": self.partner_id.id,
                    "kind": self.kind,
                    "line_id": self.line_id.id,
                    "wallet_id": self.wallet_id.id,
                    "attempt": attempt,
                    "currency_id": self.currency_id.id,
                    "amount": self.amount,
                    "planned_date": day,
                }
            ]
        )
        reason = self._reason_text()
        self.line_id._charge_open("submitted", f"{reason} {follower._planned_text()}")
        return follower

    def _reason_text(self):
        """Return in words why the charge was declined."""
        self.ensure_one()
        if self.message:
            return self.message if self.message[-1] in ".!?" else f"{self.message}."
        return self._code_text(self.code) if self.code else ""

    def _code_text(self, code):
        """Return a reason in words."""
        return dict(self._fields["code"]._description_selection(self.env))[code] + "."

    # === PEOPLE === #

    def _amount_text(self):
        self.ensure_one()
        return formatLang(self.env, self.amount, currency_obj=self.currency_id)

    def _person(self):
        """Return who clears up charges: whom the settings name, else who prepared the run."""
        self.ensure_one()
        user = self.company_id.sudo().billing_card_user_id or self.run_id.create_uid
        people = user.filtered(lambda user: user.active and user.id != SUPERUSER_ID)
        return people.filtered(lambda user: user._is_internal())

    def _call_person(self, summary, note):
        """Give a person the charge to look at; the start page counts it in any case."""
        self.ensure_one()
        user = self._person()
        if user:
            self.activity_schedule(
                "mail.mail_activity_data_todo", summary=summary, note=note, user_id=user.id
            )

    def _close_activities(self):
        if activities := self.activity_ids.sudo():
            activities.action_done()

    # === BOOKED === #

    def _booked(self):
        """Note the payments that Odoo has posted for these charges."""
        for charge in self:
            payment = charge.transaction_id.payment_id
            charge._own().write({"payment_id": payment.id, "problem": False})
            if charge.line_id:
                charge.line_id._booked(payment)

    def _pay_instalment(self, payment):
        """Match a payment with the instalment that was collected, where it went to another one."""
        self.ensure_one()
        item = self.line_id.move_line_id
        account = payment.destination_account_id
        mine = payment.move_id.line_ids.filtered(lambda line: line.account_id == account)
        other = mine.matched_debit_ids.debit_move_id - item
        if item and not item.reconciled and other:
            mine.remove_move_reconcile()
            (mine + item).reconcile()
