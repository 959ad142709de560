from odoo import fields, models
from odoo.exceptions import UserError


class BillingQuestion(models.TransientModel):
    """The dialog that asks before something is posted, sent or done for good. For billing users.

    It does what it asks about as the person who agrees, and only where its figures still hold:
    where they have changed since, it shows the new ones and asks again.
    """

    _name = "billing.question"
    _description = "Question Before an Action"

    model = fields.Char(required=True, readonly=True)
    record_ids = fields.Json(required=True, readonly=True)
    method = fields.Char(required=True, readonly=True)
    text = fields.Text("Question", required=True, readonly=True)
    has_changed = fields.Boolean(readonly=True)

    def action_confirm(self):
        """Do it, or ask again where the figures have changed."""
        self.ensure_one()
        records = self._records()
        title, question = records._asked(self.method)
        text = question(records)
        if text != self.text:
            self.write({"text": text, "has_changed": True})
            return self._open(title)
        result = getattr(records, self.method)()
        is_action = isinstance(result, dict) and result.get("type")
        return result if is_action else {"type": "ir.actions.act_window_close"}

    def _records(self):
        """Return what is asked about, of those models only that ask."""
        records = self.env.get(self.model)
        if not isinstance(records, self.pool["billing.asking.mixin"]):
            raise UserError(self.env._("This is no action that asks first."))
        records = records.browse(self.record_ids).exists()
        records.check_access("read")
        return records

    def _open(self, title):
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "new",
        }
