from odoo import fields, models


class BillingRunResult(models.Model):
    """What one execution of one stage produced. Written when the stage ends.

    Read-only for everyone; the queue writes it while it holds the run.
    """

    _name = "billing.run.result"
    _description = "Billing Run Result"
    _order = "started_date, id"

    run_id = fields.Many2one("billing.run", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="run_id.company_id", store=True, precompute=True)
    stage = fields.Selection(
        selection=lambda self: self.env["billing.run"]._selection_stage(), required=True
    )
    started_date = fields.Datetime("Started", required=True)
    ended_date = fields.Datetime("Ended")
    duration = fields.Float(
        "Seconds", compute="_compute_duration", help="From the first batch to the last one."
    )
    entities = fields.Integer("Bills", aggregator=None, help="Bills that the stage took on.")
    documents = fields.Integer(
        "Charges or Documents",
        aggregator=None,
        help="Charges rated, invoices created or posted, PDFs made.",
    )
    amounts = fields.Json(
        help="Amount by currency code, as decimal text; before tax for charges and invoices."
    )
    amount_text = fields.Char("Amount", compute="_compute_amount_text")

    _one_open_execution = models.UniqueIndex(
        "(run_id, stage) WHERE ended_date IS NULL",
        "This stage of the run is being executed already.",
    )

    def _compute_duration(self):
        for result in self:
            ended = result.ended_date or fields.Datetime.now()
            result.duration = (ended - result.started_date).total_seconds()

    def _compute_amount_text(self):
        currencies = {
            currency.name: currency
            for currency in self.env["res.currency"].with_context(active_test=False).search([])
        }
        for result in self:
            result.amount_text = ", ".join(
                currencies[code].format(float(amount))
                for code, amount in sorted((result.amounts or {}).items())
            )

    def action_view_records(self):
        """Open what the stage has worked on: charges while there are no documents, then these."""
        self.ensure_one()
        self.check_access("read")
        stages = self.run_id._stages()
        return stages[stages.place(self.stage)].view(self.run_id)
