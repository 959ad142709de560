from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..archives import Limits
from .cdr_carrier_fetch import PRIVATE_PARAMETER
from .cdr_file_receive import LIMIT_PARAMETERS, MEGABYTE


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    cdr_max_packed_mb = fields.Integer(
        string="Largest File (MB)",
        default=Limits.packed // MEGABYTE,
        config_parameter=LIMIT_PARAMETERS["packed"],
    )
    cdr_max_unpacked_mb = fields.Integer(
        string="Largest Unpacked (MB)",
        default=Limits.unpacked // MEGABYTE,
        config_parameter=LIMIT_PARAMETERS["unpacked"],
    )
    cdr_max_ratio = fields.Integer(
        string="Times Larger Unpacked",
        default=Limits.ratio,
        config_parameter=LIMIT_PARAMETERS["ratio"],
    )
    cdr_max_entries = fields.Integer(
        string="Files in an Archive",
        default=Limits.entries,
        config_parameter=LIMIT_PARAMETERS["entries"],
    )
    cdr_allow_private = fields.Boolean(
        string="Carriers in Private Networks", config_parameter=PRIVATE_PARAMETER
    )

    cdr_keep_months = fields.Integer(related="company_id.cdr_keep_months", readonly=False)
    cdr_keep_unbilled_months = fields.Integer(
        related="company_id.cdr_keep_unbilled_months", readonly=False
    )

    @api.constrains("cdr_max_packed_mb", "cdr_max_unpacked_mb", "cdr_max_ratio", "cdr_max_entries")
    def _check_cdr_limits(self):
        for settings in self:
            limits = (
                settings.cdr_max_packed_mb,
                settings.cdr_max_unpacked_mb,
                settings.cdr_max_ratio,
                settings.cdr_max_entries,
            )
            if min(limits) < 1:
                raise ValidationError(self.env._("The limits for CDR files are 1 at least."))
