from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..oauth import LOGIN_SECONDS, digest


class AccountingExportLogin(models.Model):
    """One person's way to Xero and back, to agree to a connection: the code flow with state and PKCE.

    Of the state only a digest is kept. A login is for one person and one connection, ends after ten
    minutes, and is used once: the database says who was first. Nobody has rights on it.
    """

    _name = "accounting.export.login"
    _description = "Login to an Accounting Software"
    _inherit = "billing.secret.mixin"
    _rec_name = "connection_id"
    _check_company_auto = True
    _allow_sudo_commands = False
    _secret_fields = ("verifier", "code")

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
    user_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    state_digest = fields.Char(required=True)
    verifier = fields.Char(copy=False, exportable=False)
    code = fields.Char(copy=False, exportable=False, help="What Xero gave, until it is exchanged.")
    expires_date = fields.Datetime(
        required=True,
        default=lambda self: fields.Datetime.now() + timedelta(seconds=LOGIN_SECONDS),
    )
    used_date = fields.Datetime(readonly=True)

    _state_once = models.UniqueIndex("(state_digest)", "This login is under way already.")

    @api.model
    def _use(self, state, user):
        """Return the login that a person came back with, which is used from here on; none where the state
        is nobody's, another person's, used or too old."""
        login = self.sudo().search([("state_digest", "=", digest(state or ""))], limit=1)
        if not login:
            return login
        self.env.cr.execute(
            SQL(
                "UPDATE accounting_export_login SET used_date = clock_timestamp() AT TIME ZONE 'UTC'"
                " WHERE id = %s AND user_id = %s AND used_date IS NULL"
                " AND expires_date > clock_timestamp() AT TIME ZONE 'UTC' RETURNING id",
                login.id,
                user.id,
            )
        )
        found = self.env.cr.fetchone()
        login.invalidate_recordset(["used_date"])
        return login if found else login.browse()

    @api.autovacuum
    def _gc_logins(self):
        """Remove logins that nobody can use any more."""
        old = fields.Datetime.now() - timedelta(days=1)
        self.sudo().search([("create_date", "<", old)]).unlink()
