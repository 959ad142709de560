from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..signatures import WINDOW


class ServiceWebhookCallback(models.Model):
    """One line for every callback that was taken: the same message is never taken twice.

    Kept a little longer than the time-stamp of a message is accepted, then removed. Written by
    the callback's address alone; nobody has rights on it.
    """

    _name = "service.webhook.callback"
    _description = "Webhook Callback"
    _log_access = False

    module_id = fields.Many2one("service.processing.module", required=True, ondelete="cascade")
    signature = fields.Char(required=True)
    date = fields.Datetime(required=True, default=fields.Datetime.now, index=True)

    _signature_once = models.UniqueIndex(
        "(module_id, signature)", "This callback was already received."
    )

    @api.model
    def _take(self, module, signature: str) -> bool:
        """Note that a message was taken; return False where it was taken before."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO service_webhook_callback (module_id, signature, date)
                VALUES (%s, %s, now() AT TIME ZONE 'UTC')
                ON CONFLICT (module_id, signature) DO NOTHING
                """,
                module.id,
                signature,
            )
        )
        return bool(self.env.cr.rowcount)

    @api.autovacuum
    def _gc_callbacks(self):
        limit = fields.Datetime.now() - timedelta(seconds=3 * WINDOW)
        self.search([("date", "<", limit)]).unlink()
