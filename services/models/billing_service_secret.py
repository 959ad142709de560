from odoo import fields, models


class BillingServiceSecret(models.Model):
    """A password or key of a service.

    Apart from the service so that it has rights of its own: billing managers only. Values are
    never tracked, copied, logged or sent.
    """

    _name = "billing.service.secret"
    _description = "Service Secret"
    _inherit = "billing.secret.mixin"
    _order = "service_id, name, id"
    _check_company_auto = True
    _allow_sudo_commands = False
    _secret_fields = ("value",)

    service_id = fields.Many2one(
        "billing.service", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="service_id.company_id", store=True, precompute=True, required=True, index=True
    )
    name = fields.Char(required=True)
    value = fields.Char(copy=False, exportable=False)

    _name_once = models.UniqueIndex(
        "(service_id, name)", "The service already has a secret with this name."
    )
