from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import split_every

#: how many customers one task writes to
NOTICES = 200


class BillingPaymentRun(models.Model):
    """Customers are told before their accounts are debited: one mail for all that is taken."""

    _inherit = "billing.payment.run"

    def _enqueue_notices(self, partner_ids):
        """Have customers told, some of them a task."""
        self.ensure_one()
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "payment_notices",
                    "record": self,
                    "parameters": {"partner_ids": ids},
                }
                for ids in split_every(NOTICES, partner_ids, list)
            ]
        )

    @api.model
    def _task_notices(self, task):
        """Queue the mails to the customers that a task names; each is told once."""
        run = task.env["billing.payment.run"].browse(task.res_id).exists()
        return run._send_notices((task.parameters or {}).get("partner_ids", []))

    def _notice_template(self):
        """Return the e-mail that tells customers of the collection."""
        if self.method == "card":
            return self.env.ref("billing_operations.mail_template_card_notice")
        return self.company_id.sudo().billing_notice_template_id or self.env.ref(
            "billing_operations.mail_template_payment_notice"
        )

    def _send_notices(self, partner_ids):
        self.ensure_one()
        lines = self.env["billing.payment.line"].search(
            Domain("run_id", "=", self.id)
            & Domain("state", "in", ("confirmed", "submitted"))
            & Domain("partner_id", "in", partner_ids)
            & Domain("notice_date", "=", False),
            order="id",
        )
        first = [some[0] for some in lines.grouped("partner_id").values()]
        reached = [line.id for line in first if line.partner_id.email]
        template = self._notice_template()
        template.sudo().send_mail_batch(reached, email_layout_xmlid="mail.mail_notification_light")
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        told = lines.filtered(lambda line: line.partner_id.email)
        told._own().write({"notice_date": fields.Datetime.now()})
        return {"mails": len(reached), "without_address": len(first) - len(reached)}
