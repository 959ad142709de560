from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import formatLang

from ...billing_tasks.texts import plural
from .billing_overdue_step import KINDS


class BillingOverdueNotice(models.Model):
    """One step that was taken with one customer, for one or more overdue invoices.

    States: ``proposed`` waits until a person confirms that services are ended; ``no_address`` has no
    e-mail address, so nobody is told, and nothing is suspended, until a person sees to it; ``sent``
    the e-mail was queued; ``told`` a person told the customer otherwise; ``dismissed`` nothing was
    done after all.

    Billing users read notices, send them and say that customers were told; managers end services.
    Nobody creates, changes or deletes one otherwise.
    """

    _name = "billing.overdue.notice"
    _description = "Overdue Notice"
    _inherit = ["billing.asking.mixin", "billing.state.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "date desc, id desc"
    _check_company_auto = True
    _own_fields = frozenset({"problem", "resumed_date", "told_date", "company_amount"})

    step_id = fields.Many2one(
        "billing.overdue.step", required=True, readonly=True, index=True, ondelete="restrict"
    )
    kind = fields.Selection(KINDS, required=True, readonly=True, index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    date = fields.Date(required=True, readonly=True)
    company_amount = fields.Monetary(
        string="Overdue",
        readonly=True,
        help="What was open on that day, in the company's currency.",
    )
    line_ids = fields.One2many("billing.overdue.line", "notice_id", readonly=True)
    line_count = fields.Integer(string="Invoices", compute="_compute_line_count")
    operation_ids = fields.One2many("service.operation", "overdue_notice_id", readonly=True)
    state = fields.Selection(
        [
            ("proposed", "To Confirm"),
            ("no_address", "No E-mail Address"),
            ("sent", "Sent"),
            ("told", "Told Otherwise"),
            ("dismissed", "Dismissed"),
        ],
        required=True,
        readonly=True,
        default="proposed",
        index=True,
    )
    told_date = fields.Datetime(string="Told", readonly=True)
    resumed_date = fields.Datetime(
        string="Services Back", readonly=True, help="When services were asked to come back."
    )
    problem = fields.Text(string="What Went Wrong", readonly=True)

    _suspended_idx = models.Index(
        "(company_id, partner_id) WHERE kind = 'suspend' AND resumed_date IS NULL"
    )

    @api.depends("kind", "partner_id")
    def _compute_display_name(self):
        for notice in self:
            step, partner = notice.step_id.name or "", notice.partner_id.display_name or ""
            notice.display_name = f"{step}: {partner}"

    @api.depends("line_ids")
    def _compute_line_count(self):
        for notice in self:
            notice.line_count = len(notice.line_ids)

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "proposed": {"sent", "no_address", "dismissed"},
            "no_address": {"sent", "told", "dismissed"},
            "sent": set(),
            "told": set(),
            "dismissed": set(),
        }

    # === ACTIONS === #

    @api.model
    def action_preview(self):
        """Show what would be done today, and with whom."""
        return self.env["billing.overdue.step"].action_preview()

    def action_send(self):
        """Write to customers who have an e-mail address by now."""
        notices = self._as_user()
        notices._check_waiting()
        notices -= notices._dismiss_settled()
        if silent := notices.filtered(lambda notice: not notice._recipient().email):
            raise UserError(
                self.env._(
                    "Still without an e-mail address: %s. Enter one at the customer.",
                    ", ".join(silent.partner_id.mapped("display_name")),
                )
            )
        notices._tell()
        return True

    def action_told(self):
        """Say that customers were told by letter or telephone."""
        notices = self._as_user()
        notices._check_waiting()
        notices -= notices._dismiss_settled()
        notices._set_state("told", {"told_date": fields.Datetime.now()})
        # Services that are ended were so when that was confirmed.
        notices.filtered(lambda notice: notice.kind != "end")._act()
        notices._done_asking()
        return True

    def action_dismiss(self):
        """Say that nothing is done after all."""
        notices = self._as_user()
        notices._set_state("dismissed")
        notices._done_asking()
        return True

    def action_end_services(self):
        """End the services of the customers, and tell them."""
        notices = self._as_user("billing_operations.group_billing_manager")
        if wrong := notices.filtered(lambda one: one.kind != "end" or one.state != "proposed"):
            raise UserError(
                self.env._(
                    "Only a proposal to end services can be confirmed, not: %s.",
                    ", ".join(wrong.mapped("display_name")),
                )
            )
        # What is paid meanwhile ends nobody's services.
        notices -= notices._dismiss_settled()
        notices._act()
        notices._tell()
        notices._done_asking()
        return True

    def action_ask_send(self):
        """Ask before customers are written to."""
        return self._ask("action_send")

    def action_ask_told(self):
        """Ask before what follows a notice is done."""
        return self._ask("action_told")

    def action_ask_end_services(self):
        """Ask before services are ended."""
        return self._ask("action_end_services")

    def action_open_customer(self):
        """Open the customer."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "views": [[False, "form"]],
        }

    def _as_user(self, group="billing_operations.group_billing_user"):
        """Return the notices with the right to move them, after checking the user's."""
        if not self.env.su:
            if not self.env.user.has_group(group):
                raise AccessError(
                    self.env._(
                        "Only billing users may send overdue notices, and only billing managers may "
                        "end services."
                    )
                )
            self.check_access("read")
        return self.sudo()

    def _check_waiting(self):
        if wrong := self.filtered(lambda notice: notice.state != "no_address"):
            raise UserError(
                self.env._(
                    "This is for notices without an e-mail address, not for: %s.",
                    ", ".join(wrong.mapped("display_name")),
                )
            )

    # === QUESTIONS === #

    def _questions(self):
        return super()._questions() | {
            "action_send": (
                self.env._("Send Notices"),
                lambda notices: notices._telling_text(
                    self.env._("Write to %(customers)s about %(amount)s?", **notices._figures())
                ),
            ),
            "action_told": (
                self.env._("Told Otherwise"),
                lambda notices: notices._telling_text(notices._told_text()),
            ),
            "action_end_services": (
                self.env._("End Services"),
                lambda notices: "\n".join(notice._end_text() for notice in notices),
            ),
        }

    def _told_text(self):
        """Return the question whether these customers were told."""
        figures = self._figures()
        return plural(
            len(self.partner_id),
            self.env._("Was %(customers)s told of %(amount)s by letter or telephone?", **figures),
            self.env._("Were %(customers)s told of %(amount)s by letter or telephone?", **figures),
        )

    def _figures(self):
        """Return how many customers these are, and what was overdue of them, by currency."""
        amounts = [
            formatLang(self.env, sum(some.mapped("company_amount")), currency_obj=currency)
            for currency, some in self.grouped("currency_id").items()
        ]
        number = len(self.partner_id)
        return {
            "customers": plural(
                number, self.env._("1 customer"), self.env._("%s customers", number)
            ),
            "amount": ", ".join(amounts),
        }

    def _telling_text(self, question):
        """Return a question with what happens to services when it is agreed to."""
        suspending = self.sudo().filtered(
            lambda notice: notice.kind == "suspend" and notice.company_id.billing_suspend_unpaid
        )
        services = self.env["billing.service"].union(
            *(notice._services(("active",)) for notice in suspending)
        )
        if not services:
            return question
        number = len(services)
        return f"{question} " + plural(
            number,
            self.env._("1 service is then suspended."),
            self.env._("%s services are then suspended.", number),
        )

    def _end_text(self):
        """Return what ending the services of one customer means, in figures of this moment."""
        services = self.sudo()._services(("active", "suspended"))
        items = self.env["billing.overdue.step"]._overdue_items(
            self.company_id, self.partner_id.ids
        )
        today = self.company_id._billing_today()
        return self.env._(
            "End %(services)s of %(customer)s? Overdue are %(amount)s, the oldest for %(days)s days. "
            "Services that are ended do not come back by a payment.",
            services=plural(
                len(services),
                self.env._("1 service"),
                self.env._("%s services", len(services)),
            ),
            customer=self.partner_id.display_name,
            amount=formatLang(
                self.env,
                sum(item.company_amount for item in items),
                currency_obj=self.company_id.currency_id,
            ),
            days=max(((today - item.due).days for item in items), default=0),
        )
