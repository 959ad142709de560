from odoo import fields, models


class BillingTaskLog(models.Model):
    """One line of a billing task's activity log.

    Lines are only ever inserted, by the queue itself; people read them and they go with their task.
    """

    _name = "billing.task.log"
    _description = "Billing Task Activity"
    _order = "id"
    _log_access = False

    task_id = fields.Many2one(
        "billing.task",
        string="Billing Task",
        required=True,
        index=True,
        ondelete="cascade",
        readonly=True,
    )
    date = fields.Datetime(string="Time", required=True, default=fields.Datetime.now, readonly=True)
    level = fields.Selection(
        [
            ("info", "Information"),
            ("progress", "Progress"),
            ("warning", "Warning"),
            ("error", "Error"),
        ],
        required=True,
        default="info",
        readonly=True,
    )
    message = fields.Text(required=True, readonly=True)
    done = fields.Integer(readonly=True)
    total = fields.Integer(readonly=True)
