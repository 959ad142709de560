from odoo import api, fields, models

from ...billing_tasks.texts import plural


class BillingDeliveryResend(models.TransientModel):
    """Asks why documents are delivered again."""

    _name = "billing.delivery.resend"
    _description = "Deliver Again"

    delivery_ids = fields.Many2many("billing.delivery", required=True, string="Deliveries")
    reason = fields.Char(required=True, help="Kept with the new delivery.")
    to_current = fields.Boolean(
        "To the Customer's Current Address",
        help="Else the e-mail goes to the address of the first time.",
    )

    question = fields.Text(compute="_compute_question")

    @api.depends("delivery_ids")
    def _compute_question(self):
        for wizard in self:
            emails = wizard.delivery_ids.filtered(lambda delivery: delivery.channel == "email")
            paper = wizard.delivery_ids - emails
            texts = []
            if emails:
                values = {"count": len(emails), "amount": emails._money()}
                texts.append(
                    plural(
                        len(emails),
                        self.env._("Send 1 e-mail again, %(amount)s?", **values),
                        self.env._("Send %(count)s e-mails again, %(amount)s?", **values),
                    )
                )
            if paper:
                values = {"count": len(paper), "amount": paper._money()}
                texts.append(
                    plural(
                        len(paper),
                        self.env._("Print 1 document again, %(amount)s?", **values),
                        self.env._("Print %(count)s documents again, %(amount)s?", **values),
                    )
                )
            wizard.question = "\n".join(texts)

    def action_apply(self):
        """Deliver again: e-mails at once, paper with the next bundles of the run.

        Nobody may write deliveries, so the write is made as superuser after the user's right,
        and the access to these very deliveries, are checked.
        """
        self.ensure_one()
        self.delivery_ids._check_user()
        new = self.delivery_ids.sudo()._deliver_again(self.reason, self.to_current)
        emails = new.filtered(lambda delivery: delivery.channel == "email")
        for run, deliveries in emails.grouped("run_id").items():
            run._enqueue_emails(deliveries.move_id)
        return {"type": "ir.actions.act_window_close"}
