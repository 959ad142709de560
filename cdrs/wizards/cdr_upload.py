from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from ..archives import ArchiveProblem, kind_of
from ..line_texts import problem_text


class CdrUpload(models.TransientModel):
    """Files of call records, or of fixed fees, from somebody's own machine."""

    _name = "cdr.upload"
    _description = "Upload CDR Files"

    carrier_id = fields.Many2one(
        "cdr.carrier",
        required=True,
        default=lambda self: self._default_carrier(),
        domain=lambda self: [("company_id", "=", self.env.company.id)],
    )
    kind = fields.Selection(
        [("calls", "Calls"), ("fixed_fee", "Fixed Fees")],
        string="Holds",
        required=True,
        default="calls",
    )
    period = fields.Date(
        help="Any day of the month that they are of. Empty: found out by the calls in them."
    )
    attachment_ids = fields.Many2many(
        "ir.attachment", string="Files", help="As they are, or packed as zip or gz."
    )

    def _default_carrier(self):
        carriers = self.env["cdr.carrier"].search(
            [("company_id", "=", self.env.company.id)], limit=2
        )
        return carriers if len(carriers) == 1 else False

    def action_upload(self):
        """Store the files, have them processed, and show them."""
        self.ensure_one()
        if not self.env.user.has_group("billing_operations.group_billing_manager"):
            raise AccessError(self.env._("Only billing managers may upload CDR files."))
        self.carrier_id.check_access("read")
        if not self.attachment_ids:
            raise UserError(self.env._("Choose at least one file."))
        items = []
        for attachment in self.attachment_ids:
            content = attachment.raw or b""
            try:
                kind_of(attachment.name, content[:8])
            except ArchiveProblem as problem:
                raise UserError(problem_text(self.env, problem.code, problem.values)) from problem
            items.append((attachment.name, content))
        files = self.env["cdr.file"]._receive(
            self.carrier_id,
            items,
            "upload",
            kind=self.kind,
            period=self.period and self.period.replace(day=1),
        )
        # Their contents belong to the files by now. What was there before the dialog stays.
        self.attachment_ids.filtered(
            lambda attachment: (
                attachment.res_model in (False, self._name)
                and attachment.create_uid == self.env.user
            )
        ).unlink()
        action = self.env["ir.actions.act_window"]._for_xml_id("billing_operations.cdr_file_action")
        return action | {"domain": [("id", "in", files.ids)], "context": {}}
