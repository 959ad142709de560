from odoo import fields, models


class AccountingExportSecret(models.Model):
    """What a connection needs to talk to the other side: its secrets, and how often it called.

    One row a connection, made with it. Nobody has rights on it: connections read and write it as the
    system. Values are never tracked, copied, logged or shown.
    """

    _name = "accounting.export.secret"
    _description = "Secrets of an Accounting Connection"
    _inherit = "billing.secret.mixin"
    _rec_name = "connection_id"
    _check_company_auto = True
    _allow_sudo_commands = False
    _secret_fields = ("client_secret", "access_token", "refresh_token")

    connection_id = fields.Many2one(
        "accounting.export.connection",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, precompute=True, required=True, index=True
    )
    client_secret = fields.Char(copy=False, exportable=False)
    access_token = fields.Char(copy=False, exportable=False)
    refresh_token = fields.Char(copy=False, exportable=False)
    expires = fields.Float(digits=0, help="When the access token ends, in seconds since 1970.")
    usage = fields.Json(help="When the other side was called, for its limits.")

    _connection_once = models.UniqueIndex(
        "(connection_id)", "A connection keeps its secrets in one place."
    )
