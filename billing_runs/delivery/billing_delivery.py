import uuid

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import email_domain_extract

from ...billing_tasks.texts import label, plural

FAILED_STATES = ("error", "unknown", "bounced")
#: of documents that their customers have, or may have
REACHED_STATES = ("sending", "sent", "unknown", "printed")


class BillingDelivery(models.Model):
    """One document on its way to one recipient, by e-mail or on paper.

    E-mail: ``pending`` → ``sending`` (the e-mail may be leaving right now) →
    ``sent``, ``error`` (refused, with the server's words) or ``unknown`` (broken off:
    nobody can tell whether it left; it is never sent again by itself). A ``sent`` or
    ``unknown`` e-mail that comes back becomes ``bounced``. A person may settle what
    failed as ``sent``. Print: ``pending`` → ``printed``.

    A document goes to a recipient once. To deliver again is a new row with a
    reason, which the old one names as its successor. Only tasks and the actions
    below write deliveries; billing users read them and may call the actions.
    """

    _name = "billing.delivery"
    _description = "Bill Delivery"
    _inherit = ["billing.state.mixin", "billing.asking.mixin"]
    _order = "id desc"
    _rec_name = "recipient"

    move_id = fields.Many2one(
        "account.move", "Document", required=True, readonly=True, index=True, ondelete="restrict"
    )
    bill_id = fields.Many2one(
        related="move_id.billing_bill_id", store=True, index=True, precompute=True
    )
    run_id = fields.Many2one(
        "billing.run",
        "Billing Run",
        related="move_id.billing_bill_id.run_id",
        store=True,
        precompute=True,
    )
    company_id = fields.Many2one(
        related="move_id.company_id", store=True, required=True, precompute=True, index=True
    )
    partner_id = fields.Many2one(
        related="move_id.partner_id", store=True, precompute=True, index=True, string="Customer"
    )
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_total = fields.Monetary(
        related="move_id.amount_total", store=True, precompute=True, string="Total"
    )
    channel = fields.Selection(
        [("email", "E-mail"), ("print", "Print")], required=True, readonly=True
    )
    recipient = fields.Char(readonly=True, help="E-mail address; empty on paper.")
    attempt = fields.Integer(default=1, required=True, readonly=True)
    reason = fields.Char(readonly=True, help="Why the document is delivered again.")
    state = fields.Selection(
        [
            ("pending", "To Deliver"),
            ("sending", "Sending"),
            ("sent", "Sent"),
            ("error", "Error"),
            ("unknown", "Unknown"),
            ("bounced", "Bounced"),
            ("printed", "Printed"),
        ],
        required=True,
        default="pending",
        readonly=True,
    )
    error_code = fields.Selection(
        [
            ("refused", "Refused"),
            ("later", "To be tried again"),
            ("server", "Mail server out of reach"),
            ("broken_off", "Broken off"),
            ("not_deliverable", "Document cannot be sent"),
            ("bounced", "Came back"),
        ],
        readonly=True,
    )
    error_message = fields.Text("Explanation", readonly=True)
    message_reference = fields.Char(
        "Message-Id",
        readonly=True,
        copy=False,
        help="Of this one e-mail; replies and bounces name it.",
    )
    task_id = fields.Many2one(
        "billing.task", readonly=True, index="btree_not_null", ondelete="set null"
    )
    try_date = fields.Datetime("Last Try", readonly=True)
    done_date = fields.Datetime("Delivered On", readonly=True)
    bundle_id = fields.Many2one(
        "billing.print.bundle",
        "Print Bundle",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    successor_id = fields.Many2one(
        "billing.delivery", "Delivered Again By", readonly=True, ondelete="set null"
    )

    _once = models.UniqueIndex(
        "(move_id, channel, COALESCE(recipient, ''), attempt)",
        "A document goes to a recipient once; to deliver it again needs a reason.",
    )
    _one_open = models.UniqueIndex(
        "(move_id, channel, COALESCE(recipient, '')) WHERE state IN ('pending', 'sending')",
        "The document is on its way to this recipient already.",
    )
    _message_reference_unique = models.UniqueIndex(
        "(message_reference) WHERE message_reference IS NOT NULL",
        "Two e-mails cannot have the same Message-Id.",
    )
    _by_run = models.Index("(run_id, channel, state)")
    _again_needs_reason = models.Constraint(
        "CHECK (attempt = 1 OR reason IS NOT NULL)", "To deliver again needs a reason."
    )
    _email_has_recipient = models.Constraint(
        "CHECK (channel != 'email' OR (recipient IS NOT NULL AND message_reference IS NOT NULL))",
        "An e-mail needs an address and a Message-Id.",
    )

    @api.depends("move_id.name", "recipient", "channel")
    def _compute_display_name(self):
        for delivery in self:
            delivery.display_name = self.env._(
                "%(document)s to %(recipient)s",
                document=delivery.move_id.name,
                recipient=delivery.recipient or label(delivery, "channel"),
            )

    # === ACTIONS === #

    def _questions(self):
        return super()._questions() | {
            "action_mark_sent": (
                self.env._("Mark as Delivered"),
                lambda deliveries: deliveries._sent_question(),
            )
        }

    def _sent_question(self):
        """Return what is asked before e-mails are marked as delivered."""
        return plural(
            len(self),
            self.env._(
                "Mark 1 e-mail, %s, as delivered? Only where you found out that the customer has the"
                " document.",
                self._money(),
            ),
            self.env._(
                "Mark %(count)s e-mails, %(amount)s, as delivered? Only where you found out that the"
                " customers have these documents.",
                count=len(self),
                amount=self._money(),
            ),
        )

    def _money(self):
        """Return what the documents come to, as text, each currency by itself."""
        moves = self.move_id
        return ", ".join(
            currency.format(sum(group.mapped("amount_total")))
            for currency, group in moves.grouped("currency_id").items()
        )

    def action_ask_sent(self):
        """Ask before e-mails are marked as delivered."""
        return self._ask("action_mark_sent")

    def action_mark_sent(self):
        """Settle e-mails that failed or whose outcome is unknown.

        Somebody found out that they arrived, or the customer got the document another way.
        """
        self._check_user()
        if self.filtered(lambda delivery: delivery.state not in (*FAILED_STATES, "sent")):
            raise UserError(
                self.env._("Only e-mails that failed or are unknown can be marked as delivered.")
            )
        # Deliveries are read-only to people: the rights were checked above.
        self.sudo()._set_state("sent", {"done_date": fields.Datetime.now(), "error_code": False})
        for delivery in self:
            delivery.sudo().move_id._message_log(
                body=self.env._("The e-mail to %s was marked as delivered.", delivery.recipient),
                author_id=self.env.user.partner_id.id,
            )
        return True

    def action_resend(self):
        """Ask for the reason to deliver again."""
        self._check_user()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Deliver Again"),
            "res_model": "billing.delivery.resend",
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_delivery_ids": self.ids},
        }

    @api.model
    def _action_view(self, domain):
        """Return the action that lists deliveries."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_delivery"
        )
        return {**action, "domain": domain, "context": {"create": False}}

    def _check_user(self):
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("The delivery of bills is for billing users."))
        self.check_access("read")

    # === BUSINESS === #

    @api.model
    def _new_reference(self, company):
        """Return a Message-Id of our own."""
        domain = email_domain_extract(company.email) or "billing.invalid"
        return f"<{uuid.uuid4().hex}.bill@{domain}>"

    @api.model
    def _prepare_values(self, move, recipient, **values):
        """Return the values of one delivery; a recipient makes it an e-mail."""
        return {
            "move_id": move.id,
            "channel": "email" if recipient else "print",
            "recipient": recipient or False,
            "message_reference": self._new_reference(move.company_id) if recipient else False,
            **values,
        }

    @api.model
    def _get_transitions(self):
        return {
            "pending": {"sending", "printed", "error"},
            "sending": {"pending", "sent", "error", "unknown", "bounced"},
            "sent": {"bounced"},
            "unknown": {"sent", "bounced"},
            "error": {"sent"},
            "bounced": {"sent"},
            "printed": set(),
        }

    def _deliver_again(self, reason, to_current=False):
        """Create a new delivery for each document and recipient, with a reason.

        :param bool to_current: send e-mails to the customer's addresses of today
            instead of those of the first time
        :return: the new deliveries
        :raise UserError: one is still on its way, was delivered again already, or
            has no address
        """
        for delivery in self:
            if delivery.state in ("pending", "sending") or delivery.successor_id:
                raise UserError(
                    self.env._(
                        "%s is on its way or was delivered again already.", delivery.display_name
                    )
                )
        # The index on open deliveries sees what is written, not what waits in the cache.
        self.flush_recordset(["state"])
        done = {}
        for delivery in self:
            recipients = [delivery.recipient]
            if delivery.channel == "email" and to_current:
                recipients = delivery.move_id._billing_recipients()
                if not recipients:
                    raise UserError(
                        self.env._("%s has no e-mail address.", delivery.partner_id.display_name)
                    )
            for recipient in recipients:
                key = (delivery.move_id.id, delivery.channel, recipient)
                if key not in done:
                    done[key] = self.create(delivery._prepare_again(recipient, reason))
            delivery.successor_id = done[delivery.move_id.id, delivery.channel, recipients[0]]
        return self.browse().concat(*done.values())

    def _prepare_again(self, recipient, reason):
        last = self.search(
            [
                ("move_id", "=", self.move_id.id),
                ("channel", "=", self.channel),
                ("recipient", "=", recipient),
            ],
            order="attempt desc",
            limit=1,
        )
        return self._prepare_values(
            self.move_id, recipient, reason=reason, attempt=last.attempt + 1
        )

    @api.model
    def _receive_bounce(self, references, text):
        """Mark the e-mails that came back.

        :param references: Message-Ids named by the bounce
        :param str text: what the bounce says
        :return: the deliveries
        """
        deliveries = self.search(
            [
                ("message_reference", "in", list(references)),
                ("state", "in", ("sending", "sent", "unknown")),
            ]
        )
        deliveries._set_state(
            "bounced", {"error_code": "bounced", "error_message": (text or "")[:2000]}
        )
        for delivery in deliveries:
            delivery.move_id._message_log(
                body=self.env._("The e-mail to %s came back.", delivery.recipient)
            )
        return deliveries
