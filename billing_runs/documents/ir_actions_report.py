from odoo import models

# Proof that formatting asks: an object that no RPC call can forge.
_AT_ONCE = object()


def without_delay(records):
    """Return the same records for printing without the wait that Odoo's reports begin with."""
    return records.with_context(billing_print=_AT_ONCE)


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _build_wkhtmltopdf_args(self, *args, **kwargs):
        # The invoice report needs no script, yet Odoo lets wkhtmltopdf wait a second
        # for it on every document: two thirds of the time a bill takes.
        command = super()._build_wkhtmltopdf_args(*args, **kwargs)
        if self.env.context.get("billing_print") is _AT_ONCE and "--javascript-delay" in command:
            command[command.index("--javascript-delay") + 1] = "1"
        return command
