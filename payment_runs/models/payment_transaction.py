from odoo import models
from odoo.tools import SQL

from ..card_answers import WATCH, OtherAmount, Watch
from .billing_card_charge import OPEN_CHARGES


class PaymentTransaction(models.Model):
    """What a provider says of a transaction, now or later by a webhook, is told its card charge; what
    Odoo posts for it is the charge's payment."""

    _inherit = "payment.transaction"

    # === HOOKS FOR PROVIDERS === #

    def _ask_about_charge(self):
        """Ask the provider by the transaction's reference what became of it. May read only.

        To be overridden for providers that can say, together with the provider's
        ``_can_tell_of_charges``.

        :return: ``{"state", "message"}`` with ``done``, ``pending``, ``error``, ``cancel``, or ``never``
            where the provider has certainly not seen it and never will; None where it cannot say
        """
        self.ensure_one()

    def _is_hard_decline(self):
        """Return whether the same card can never be charged, so that no other try is made.

        To be overridden for providers that tell reasons apart.
        """
        self.ensure_one()
        return False

    # === STATES === #

    def _update_state(self, allowed_states, target_state, state_message):
        transactions = super()._update_state(allowed_states, target_state, state_message)
        transactions._tell_charges()
        return transactions

    def _tell_charges(self):
        """Tell card charges what has become of their transactions.

        Their rows are written in any case: a worker that puts its own answer on record at this very
        moment then has to read again.
        """
        if not self:
            return
        charges = self.env["billing.card.charge"].sudo()
        charges.flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE billing_card_charge SET write_date = now() AT TIME ZONE 'UTC'"
                " WHERE transaction_id = ANY(%s) AND state <> 'done' RETURNING id",
                self.ids,
            )
        )
        told = charges.browse([charge_id for (charge_id,) in self.env.cr.fetchall()])
        told.invalidate_recordset()
        watch = self.env.context.get(WATCH)
        is_amount = isinstance(watch, Watch) and watch.amount_only
        for charge in told.filtered(lambda charge: charge.state != "sending"):
            transaction = charge.transaction_id
            state = "lost" if is_amount else transaction.state
            if charge.state in OPEN_CHARGES or state == "done":
                charge._take(state, transaction.state_message)

    def _take_told(self, state, message):
        """Move a transaction to what somebody found out about it; elsewhere than there is no-op."""
        self.ensure_one()
        if state == "done":
            self._set_done(state_message=message, extra_allowed_states=("cancel",))
        elif state == "pending":
            self._set_pending(state_message=message)
        elif state == "cancel":
            self._set_canceled(state_message=message)
        elif state == "error":
            self._set_error(message)

    def _validate_amount(self, payment_data):
        """A provider that speaks of another amount may have charged it: that is no decline."""
        watch = self.env.context.get(WATCH)
        before = self.state
        checked = self.with_context(**{WATCH: Watch(amount_only=True)})
        result = super(PaymentTransaction, checked)._validate_amount(payment_data)
        if isinstance(watch, Watch) and self.state == "error" and before != "error":
            raise OtherAmount(self.state_message)
        return result

    # === PAYMENTS === #

    def _post_process(self):
        result = super()._post_process()
        charges = self.env["billing.card.charge"].sudo()
        charges.search(
            [
                ("transaction_id", "in", self.filtered("payment_id").ids),
                ("payment_id", "=", False),
                ("state", "=", "done"),
            ]
        )._booked()
        return result

    def _create_payment(self, **extra_create_values):
        """Use the customer's credits first, as the amount takes for granted, and pay the very
        instalment that was collected."""
        self.ensure_one()
        charge = self.env["billing.card.charge"].sudo().search([("transaction_id", "=", self.id)])
        line = charge.line_id
        if line:
            run = line.run_id.with_company(line.company_id)
            today = line.company_id._billing_today()
            extra_create_values["date"] = max(run.payment_date, today)
            run._use_credits(line)
        payment = super()._create_payment(**extra_create_values)
        if line:
            charge._pay_instalment(payment)
        return payment
