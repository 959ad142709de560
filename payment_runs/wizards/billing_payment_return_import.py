import io

from odoo import fields, models
from odoo.exceptions import UserError

from ...cdrs.archives import ArchiveProblem, Content, Limits, entries
from ...cdrs.line_texts import problem_text
from ..bank_messages import LARGEST, MessageProblem

LIMITS = Limits(packed=32 << 20, unpacked=LARGEST, ratio=200, entries=200)


class BillingPaymentReturnImport(models.TransientModel):
    """Messages of a bank from somebody's own machine: as they are, or packed as zip or gz."""

    _name = "billing.payment.return.import"
    _description = "Import Returns"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, readonly=True
    )
    attachment_ids = fields.Many2many("ir.attachment", string="Files")

    def action_import(self):
        """Take the messages, and show what came of them."""
        self.ensure_one()
        returns = self.env["billing.payment.return"]
        returns._check_user()
        if not self.attachment_ids:
            raise UserError(self.env._("Choose at least one file."))
        for attachment in self.attachment_ids:
            for name, content in self._unpacked(attachment.name, attachment.raw or b""):
                try:
                    returns += returns._import(self.company_id, name, content)
                except MessageProblem as problem:
                    raise UserError(self._message_text(name, problem)) from problem
        self.attachment_ids.filtered(
            lambda attachment: (
                attachment.res_model in (False, self._name)
                and attachment.create_uid == self.env.user
            )
        ).unlink()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_payment_return_action"
        )
        return action | {"domain": [("id", "in", returns.ids)], "context": {}}

    def _unpacked(self, name, content):
        """Return ``[(name, bytes)]`` of the files in a file, within the limits.

        :raise UserError: something in it may not be read
        """
        stream = io.BytesIO(content)
        found = []
        try:
            for entry in entries(stream, name, LIMITS):
                reader = Content(stream, name, LIMITS, entry)
                parts = []
                while data := reader.take():
                    parts.append(data)
                found.append((entry or name, b"".join(parts)))
        except ArchiveProblem as problem:
            raise UserError(problem_text(self.env, problem.code, problem.values)) from problem
        return found

    def _message_text(self, name, problem):
        texts = {
            "too_large": self.env._("it is larger than %s MB", problem.value),
            "not_xml": self.env._("it is no XML: %s", problem.value),
            "doctype": self.env._("it declares a document type, which no bank does"),
            "other": self.env._(
                "it is a message “%s”; read are pain.002, camt.053 and camt.054", problem.value
            ),
        }
        return self.env._("%(file)s cannot be read: %(why)s.", file=name, why=texts[problem.code])
