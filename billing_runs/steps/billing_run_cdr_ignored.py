from odoo import fields, models


class BillingRunCdrIgnored(models.Model):
    """Files of a carrier without which a run went on: how many were missing, which waited, and why.

    It stands for what was missing then: another file that waits, or one more that is missing, asks
    again. Written by the run's own methods alone, for billing managers; billing users read it.
    """

    _name = "billing.run.cdr.ignored"
    _description = "Files Ignored by a Run"
    _order = "run_id, id"
    _rec_name = "reason"

    run_id = fields.Many2one(
        "billing.run", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, precompute=True, required=True
    )
    carrier_id = fields.Many2one("cdr.carrier", required=True, readonly=True, ondelete="restrict")
    missing_count = fields.Integer(string="Missing Files", readonly=True)
    file_ids = fields.Many2many(
        "cdr.file",
        "billing_run_cdr_ignored_file_rel",
        "ignored_id",
        "file_id",
        string="Files That Waited",
        readonly=True,
    )
    reason = fields.Char(required=True, readonly=True)
    user_id = fields.Many2one(
        "res.users", string="By", required=True, readonly=True, ondelete="restrict"
    )

    _one_a_carrier = models.UniqueIndex(
        "(run_id, carrier_id)", "The run ignores files of this carrier already."
    )
    _has_reason = models.Constraint("CHECK(trim(reason) <> '')", "Files are ignored for a reason.")
