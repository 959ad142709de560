"""A customer who does not pay, and the days that pass."""

from freezegun import freeze_time

from .payment_common import PaymentCase


class OverdueCase(PaymentCase):
    """A customer by bank transfer with an active service and an invoice that was due on 1 March."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.billing_payment_preference = "transfer"
        cls.steps = cls.make_steps(remind=7, warn=21, suspend=35, end=90)
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.service = cls.make_service(cls.customer, cls.tariff)
        cls.company.write({"billing_follow_overdue": True, "billing_suspend_unpaid": True})

    @classmethod
    def make_steps(cls, **days):
        return {
            kind: cls.env["billing.overdue.step"].create(
                {"name": kind.title(), "kind": kind, "days": number, "company_id": cls.company.id}
            )
            for kind, number in days.items()
        }

    def follow(self, day):
        """Let the daily job and its tasks run on a day; return the customer's new notices."""
        before = self.notices()
        with freeze_time(f"{day} 08:00:00"):
            self.env["billing.overdue.step"]._cron_follow()
            self.tasks()
        return self.notices() - before

    def tasks(self):
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "overdue_follow")])
        self.env.invalidate_all()

    def notices(self, partner=None):
        return self.env["billing.overdue.notice"].search(
            [("partner_id", "=", (partner or self.customer).id)], order="id"
        )

    def mails(self, notices):
        return self.env["mail.mail"].search(
            [
                ("model", "=", "billing.overdue.notice"),
                ("res_id", "in", notices.ids),
                ("recipient_ids", "child_of", notices.partner_id.ids),
            ],
            order="id",
        )

    def pay(self, move, day="2026-06-01", amount=None):
        with freeze_time(f"{day} 08:00:00"):
            wizard = (
                self.env["account.payment.register"]
                .with_context(active_model="account.move", active_ids=move.ids)
                .create({"payment_date": day, "journal_id": self.journal.id})
            )
            if amount:
                wizard.amount = amount
            wizard.action_create_payments()

    def carry_out(self, service):
        """Do what was asked for, as the department would."""
        for task in service.service_task_ids.filtered(lambda t: t.state == "new").sorted("id"):
            task.sudo().action_assign_to_me()
            task.sudo().action_close()

    def plan(self, day):
        """Return ``{invoice: what is done with it today, or why not}``."""
        with freeze_time(f"{day} 08:00:00"):
            todo, left = self.env["billing.overdue.step"]._plan(self.company)
        found = {item.move: step.kind for (_c, step), items in todo.items() for item in items}
        return found | {item.move: item.code for item in left}
