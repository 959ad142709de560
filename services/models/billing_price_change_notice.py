from odoo import api, models
from odoo.fields import Datetime, Domain
from odoo.tools import split_every

#: how many customers one task writes to
NOTICES = 200


class BillingPriceChange(models.Model):
    """Customers are told of new prices ahead: one e-mail for all of a customer's, once."""

    _inherit = "billing.price.change"

    def _enqueue_notices(self):
        """Have customers told whose notice is due, some of them a task."""
        for change in self:
            today = change.company_id._billing_today()
            if not change.with_notice or change.notice_date > today:
                continue
            partners = change.customer_ids.filtered(
                lambda row: row.state == "waiting" and row.service_count
            ).partner_id
            # The queue is the system's: nobody else puts tasks into it.
            self.env["billing.task"].sudo().with_company(change.company_id).enqueue_many(
                [
                    {
                        "type_code": "price_notices",
                        "record": change,
                        "parameters": {"partner_ids": ids},
                        "identity_key": f"price_notices:{change.id}:{ids[0]}",
                    }
                    for ids in split_every(NOTICES, sorted(partners.ids), list)
                ]
            )

    @api.model
    def _task_notices(self, task):
        """Queue the e-mails to the customers that a task names."""
        change = task.env["billing.price.change"].browse(task.res_id).exists()
        return change._send_notices((task.parameters or {}).get("partner_ids", []))

    def _send_notices(self, partner_ids):
        """Queue one e-mail for each customer that waits, in the same transaction as the state; who
        has no address gets a letter.

        :return: how many of each
        """
        self.ensure_one()
        if self.state not in ("scheduled", "applied"):
            return {"mails": 0, "letters": 0}
        rows = self.env["billing.price.change.customer"].search(
            Domain("change_id", "=", self.id)
            & Domain("state", "=", "waiting")
            & Domain("service_count", ">", 0)
            & Domain("partner_id", "in", partner_ids),
            order="id",
        )
        rows = rows.try_lock_for_update(allow_referencing=True)
        reached = rows.filtered(lambda row: row.partner_id.email)
        silent = rows - reached
        now = Datetime.now()
        first = reached.browse([some[0].id for some in reached.grouped("partner_id").values()])
        for row in first:
            row._own().write({"reference": row._message_id()})
        self._queue_mails(first)
        reached._set_state("sent", {"told_date": now})
        silent._set_state("letter")
        return {"mails": len(first), "letters": len(silent.partner_id)}

    def _queue_mails(self, rows):
        """Put the notices of some rows in Odoo's mail queue, each under its fixed Message-Id."""
        if not rows:
            return
        self.template_id.sudo().send_mail_batch(
            rows.ids, email_layout_xmlid="mail.mail_notification_light"
        )
        mails = self.env["mail.mail"].sudo()
        mails = mails.search([("model", "=", rows._name), ("res_id", "in", rows.ids)])
        references = {row.id: row.reference for row in rows}
        for mail in mails:
            mail.mail_message_id.message_id = references[mail.res_id]
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
