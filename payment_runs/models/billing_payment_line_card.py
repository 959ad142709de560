from odoo import fields, models
from odoo.fields import Domain

from .billing_card_charge import LIVE_CHARGES

#: states of a line whose charge may still bring money
OPEN_LINES = ("submitted", "unknown")
#: reasons of charges that stand on lines too
LINE_CODES = (
    *("declined", "not_charged", "no_card", "card_expired", "provider", "card_currency"),
    *("paid", "hold", "by_hand"),
)


class BillingPaymentLine(models.Model):
    """Collections by card: what their charges say of them."""

    _inherit = "billing.payment.line"

    charge_ids = fields.One2many("billing.card.charge", "line_id", string="Charges")
    next_try_date = fields.Date(
        string="Next Try", compute="_compute_next_try_date", search="_search_next_try_date"
    )

    def _compute_next_try_date(self):
        for line in self:
            waiting = line.charge_ids.filtered(lambda charge: charge.state == "waiting")
            line.next_try_date = waiting[:1].planned_date

    def _search_next_try_date(self, operator, value):
        waiting = Domain("state", "=", "waiting")
        planned = Domain("charge_ids", "any", waiting & Domain("planned_date", operator, value))
        return planned

    # === ACTIONS === #

    def action_open_charges(self):
        """Open the charges of the collection, each a try."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_card_charge_action"
        )
        return action | {"domain": [("line_id", "in", self.ids)], "context": {}}

    # === BUSINESS === #

    def _charge_open(self, state, message):
        """Say that the money may still come, or that nobody knows."""
        for line in self.filtered(lambda line: line.state in OPEN_LINES):
            line._set_state(state)
            line._own().write({"message": message})

    def _charged(self, charge):
        """The card was charged: the collection stays open until its payment is posted."""
        self.ensure_one()
        self._charge_open("submitted", self.env._("Charged, the payment is being posted."))
        self._own().write({"token_id": charge.token_id.id})

    def _booked(self, payment):
        """The payment of the charge is posted."""
        self.ensure_one()
        values = {"message": False, "error_code": False}
        if not self.payment_id:
            values["payment_id"] = payment.id
        if self.state in (*OPEN_LINES, "rejected"):
            self._set_state("done", values)
        else:
            self._own().write({"message": self.env._("Charged after all.")})
        self.run_id._end()

    def _give_up(self, charge):
        """End the collection: the card was not charged, and is not tried again."""
        self.ensure_one()
        if self.state not in OPEN_LINES:
            return
        code = charge.code if charge.code in LINE_CODES else "declined"
        self._set_state("rejected", {"error_code": code, "message": charge._reason_text() or False})
        self.run_id._end()
        if charge.code == "by_hand":
            return
        self._tell_given_up()
        charge._call_person(
            self.env._("Card collection failed"),
            self.env._(
                "%(amount)s of %(customer)s could not be charged: %(reason)s The invoice is open"
                " again.",
                amount=charge._amount_text(),
                customer=self.partner_id.display_name,
                reason=charge._reason_text(),
            ),
        )

    def _tell_given_up(self):
        """Queue the mail that asks the customer to pay otherwise."""
        self.ensure_one()
        if self.partner_id.email:
            template = self.env.ref("billing_operations.mail_template_card_failed").sudo()
            template.send_mail(self.id, email_layout_xmlid="mail.mail_notification_light")

    def _live_charges(self):
        return self.charge_ids.filtered(lambda charge: charge.state in LIVE_CHARGES)

    def _notice_card(self) -> str:
        """Return the card as the customer knows it: its last digits."""
        self.ensure_one()
        return self.sudo().token_id.display_name or self.env._("saved card")
