from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date, formatLang, split_every

from .billing_overdue_step_follow import CUSTOMERS
from .billing_overdue_step_items import SETTLED


class BillingOverdueNotice(models.Model):
    """Telling customers, and what follows for their services."""

    _inherit = "billing.overdue.notice"

    @api.model
    def _record(self, company, todo):
        """Return new notices, with a line for each invoice.

        :param dict todo: ``{(customer id, step): [Overdue]}``
        """
        today = company._billing_today()
        notices = self._own().create(
            [
                {
                    "step_id": step.id,
                    "kind": step.kind,
                    "company_id": company.id,
                    "partner_id": partner_id,
                    "date": today,
                    "company_amount": sum(item.company_amount for item in items),
                }
                for (partner_id, step), items in todo.items()
            ]
        )
        self.env["billing.overdue.line"].create(
            [
                {
                    "notice_id": notice.id,
                    "move_id": item.move,
                    "due_date": item.due,
                    "currency_id": item.currency,
                    "amount": item.amount,
                }
                for notice, items in zip(notices, todo.values(), strict=True)
                for item in items
            ]
        )
        return notices.with_env(self.env)

    # === TELLING === #

    def _recipient(self):
        """Return who is written to: the customer's contact for invoices."""
        self.ensure_one()
        return self.partner_id._overdue_contact()

    def _tell(self):
        """Queue the e-mails of those with an address, and do what the step is about; the others wait
        for a person."""
        reached = self.filtered(lambda notice: notice._recipient().email)
        for step, notices in reached.grouped("step_id").items():
            step._template().send_mail_batch(
                notices.ids, email_layout_xmlid="mail.mail_notification_light"
            )
        if reached:
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        reached._set_state("sent", {"told_date": fields.Datetime.now()})
        reached.filtered(lambda notice: notice.kind != "end")._act()
        reached._done_asking()
        silent = self - reached
        silent._set_state("no_address")
        silent._ask_person(self.env._("Tell the customer, who has no e-mail address"))

    def _dismiss_settled(self):
        """Take back what waits for a person and is settled meanwhile; return it."""
        settled = self.filtered(lambda notice: notice.state in ("no_address", "proposed"))
        settled = settled._settled()
        settled._set_state("dismissed")
        settled._done_asking()
        return settled

    def _settled(self):
        """Return those of which nothing is overdue any more: paid, credited, cancelled, or due later
        by now."""
        settled = self.browse()
        for company, mine in self.grouped("company_id").items():
            items = self.env["billing.overdue.step"]._overdue_items(company, mine.partner_id.ids)
            open_now = {(item.move, item.due) for item in items if item.code not in SETTLED}
            settled += mine.filtered(
                lambda notice, open_now=open_now: (
                    not any(
                        (line.move_id.id, line.due_date) in open_now for line in notice.line_ids
                    )
                )
            )
        return settled

    def _ask_person(self, summary):
        """Give notices to the person who answers for them; without one they stand in the list."""
        for notice in self:
            user = notice.company_id.sudo().billing_overdue_user_id or notice.partner_id.user_id
            if user:
                notice.activity_schedule(
                    "mail.mail_activity_data_todo", summary=summary, user_id=user.id
                )

    def _done_asking(self):
        self.activity_unlink(["mail.mail_activity_data_todo"])

    # === SERVICES === #

    def _services(self, states):
        """Return the customers' services that are paid afterwards, in some states."""
        return self.env["billing.service"].search(
            [
                ("company_id", "in", self.company_id.ids),
                ("partner_id", "child_of", self.partner_id.ids),
                ("state", "in", states),
                ("term_scheme_id.classification", "=", "postpaid"),
            ]
        )

    def _act(self):
        """Ask for what the steps do to services; what a service does not take is left on the
        notice."""
        for notice in self.filtered(lambda notice: notice.kind in ("suspend", "end")):
            if notice.kind == "suspend":
                if not notice.company_id.sudo().billing_suspend_unpaid:
                    continue
                notice._request(notice._services(("active",)), "suspend", {"reason": "unpaid"})
            else:
                notice._request(notice._services(("active", "suspended")), "delete")

    def _request(self, services, operation_type, values=None):
        self.ensure_one()
        problems = []
        for service in services:
            try:
                with self.env.cr.savepoint():
                    operation = service.request_operation(operation_type, values, source="billing")
                    if operation_type != "resume":
                        operation.sudo()._own().write({"overdue_notice_id": self.id})
            except UserError as error:
                problems.append(f"{service.display_name}: {error}")
        if problems:
            self._own().write({"problem": "\n".join(problems)})

    # === COMING BACK === #

    @api.model
    def _suspending_domain(self):
        """Return the domain of notices whose services have not come back."""
        return (
            Domain("kind", "=", "suspend")
            & Domain("state", "in", ("sent", "told"))
            & Domain("resumed_date", "=", False)
        )

    @api.model
    def _enqueue_resume(self, company, partners=None):
        """Have it looked at whether services can come back.

        :param partners: of these customers; by default of all that may have some
        """
        if partners is None:
            found = self.sudo().search(
                self._suspending_domain() & Domain("company_id", "=", company.id)
            )
            partners = found.partner_id
        self.env["billing.task"].sudo().with_company(company).enqueue_many(
            [
                {
                    "type_code": "overdue_follow",
                    "parameters": {"step": "resume", "partner_ids": some},
                    "identity_key": f"overdue_resume:{company.id}:{some[0]}:{some[-1]}",
                    "exclusive_key": f"overdue:{company.id}",
                }
                for some in split_every(CUSTOMERS, sorted(partners.ids), list)
            ]
        )

    @api.model
    def _resume(self, company, partner_ids):
        """Ask for the services of customers to come back that owe nothing any more of what they were
        suspended for."""
        notices = self.search(
            self._suspending_domain()
            & Domain("company_id", "=", company.id)
            & Domain("partner_id", "in", partner_ids)
        )
        owing = (notices - notices._settled()).partner_id
        back = 0
        for partner, mine in notices.grouped("partner_id").items():
            if partner in owing:
                continue
            services = mine.operation_ids.service_id.filtered(
                lambda service: service._is_unpaid_suspended()
            )
            mine[:1]._request(services, "resume")
            mine._own().write({"resumed_date": fields.Datetime.now()})
            back += len(services)
        return {"services_back": back}

    # === TEXTS OF THE E-MAILS === #

    def _amount_text(self) -> str:
        """Return what was overdue in all, by currency."""
        self.ensure_one()
        return " + ".join(
            formatLang(self.env, sum(lines.mapped("amount")), currency_obj=currency)
            for currency, lines in self.line_ids.grouped("currency_id").items()
        )

    def _suspends_text(self) -> str:
        """Return when services are suspended if nothing is paid; empty where they never are."""
        self.ensure_one()
        company = self.company_id.sudo()
        steps = self.env["billing.overdue.step"]._steps_of(company)._ladder(self.partner_id)
        later = steps.filtered(
            lambda step: step.kind == "suspend" and step.days > self.step_id.days
        )
        if not later:
            return ""
        wait = min(later.mapped("days")) - self.step_id.days
        return format_date(self.env, fields.Date.add(self.date, days=wait))
