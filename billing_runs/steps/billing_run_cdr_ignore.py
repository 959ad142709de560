from odoo import api, fields, models


class BillingRunCdrIgnore(models.TransientModel):
    """Goes on with a run without files that are missing or wait. For billing managers.

    The files themselves stay as they are: when they are processed, the next run bills their calls.
    """

    _name = "billing.run.cdr.ignore"
    _description = "Go On without Files"

    run_id = fields.Many2one("billing.run", required=True, readonly=True, ondelete="cascade")
    offered_ids = fields.Many2many("cdr.carrier", compute="_compute_offered_ids")
    carrier_ids = fields.Many2many(
        "cdr.carrier",
        "billing_run_cdr_ignore_carrier_rel",
        string="Carriers",
        compute="_compute_carrier_ids",
        store=True,
        precompute=True,
        readonly=False,
        domain="[('id', 'in', offered_ids)]",
    )
    summary = fields.Text(string="What Is Ignored", compute="_compute_summary")
    reason = fields.Char(required=True)

    def _unsettled(self):
        self.ensure_one()
        return [row for row in self.run_id._usage_files() if row["unsettled"]]

    @api.depends("run_id")
    def _compute_offered_ids(self):
        for wizard in self:
            carriers = self.env["cdr.carrier"]
            wizard.offered_ids = carriers.union(*(row["carrier"] for row in wizard._unsettled()))

    @api.depends("run_id")
    def _compute_carrier_ids(self):
        for wizard in self:
            wizard.carrier_ids = wizard.offered_ids

    @api.depends("run_id", "carrier_ids")
    def _compute_summary(self):
        for wizard in self:
            chosen = wizard.carrier_ids._origin
            wizard.summary = "\n".join(
                self.env._(
                    "%(carrier)s: missing %(missing)s, waiting %(waiting)s",
                    carrier=row["carrier"].name,
                    missing=row["missing"],
                    waiting=", ".join(row["waiting"].mapped("name")) or 0,
                )
                for row in wizard._unsettled()
                if row["carrier"] in chosen
            )

    def action_apply(self):
        """Put the reason on the run."""
        self.ensure_one()
        self.run_id._ignore_cdrs(self.carrier_ids, self.reason)
        return {"type": "ir.actions.act_window_close"}
