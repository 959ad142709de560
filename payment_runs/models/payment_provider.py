from odoo import models
from odoo.exceptions import ValidationError

from ..card_answers import WATCH, AnswerLost, NotReached, Watch, is_lost, is_not_reached


class PaymentProvider(models.Model):
    """Requests of a card charge: an answer that was lost is no decline."""

    _inherit = "payment.provider"

    def _can_tell_of_charges(self):
        """Return whether the provider can say by reference what became of a charge.

        To be overridden together with the transaction's ``_ask_about_charge``.
        """
        self.ensure_one()
        return False

    def _charges_cards(self):
        """Return those of the providers that can charge saved cards at once, and have a journal."""
        return self.filtered(
            lambda provider: (
                provider.state in ("enabled", "test")
                and provider.allow_tokenization
                and not provider.capture_manually
                and provider.journal_id
            )
        )

    def _send_api_request(self, *args, **kwargs):
        watch = self.env.context.get(WATCH)
        if not isinstance(watch, Watch):
            return super()._send_api_request(*args, **kwargs)
        watch.requests += 1
        try:
            return super()._send_api_request(*args, **kwargs)
        except ValidationError as error:
            # Of a second request nobody knows what the first one led to.
            if watch.requests == 1 and is_not_reached(error):
                raise NotReached(str(error)) from error
            if is_lost(error):
                raise AnswerLost(str(error)) from error
            raise
