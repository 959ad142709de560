from odoo import models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _build_wkhtmltopdf_args(self, *args, **kwargs):
        # The invoice report needs no script, yet Odoo lets wkhtmltopdf wait a second
        # for it on every document: two thirds of the time a bill takes.
        command = super()._build_wkhtmltopdf_args(*args, **kwargs)
        if self.env.context.get("billing_no_print_delay") and "--javascript-delay" in command:
            command[command.index("--javascript-delay") + 1] = "1"
        return command
