from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

#: states in which a record may be asked to be sent
SENDABLE = ("waiting", "error")
#: states that wait for a person
FOR_PEOPLE = ("error", "duplicate", "unknown")


class AccountingExportItem(models.Model):
    """One customer, invoice or credit note on its way to an accounting software, and what is known of it
    there: the intent before it is sent, the result after.

    States: ``waiting`` to be sent; ``duplicate``, a person says first whether the customer is there already;
    ``sending`` is committed before anything leaves; then ``sent``, also where a customer was linked to one who
    was there; ``error`` was refused, with the reason; ``unknown``, the answer was lost: the other side is
    asked before anything is sent again; ``excluded``, a person decided that it is not sent.

    A record has one item on a connection, whatever happens to it. Billing users see items, have them sent
    again, link and exclude them; nobody makes, changes or deletes them by hand.
    """

    _name = "accounting.export.item"
    _description = "Sent to Accounting"
    _inherit = ["billing.state.mixin", "billing.task.mixin", "billing.asking.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _own_fields = frozenset(
        {
            "state", "connection_id", "kind", "partner_id", "move_id", "reference", "idempotency_key",
            "other_id", "other_name", "other_total", "other_paid", "other_status", "checked", "alone",
            "error_code", "error_message", "sent_date", "compared_date", "file_id", "linked", "difference",
        }
    )  # fmt: skip

    connection_id = fields.Many2one(
        "accounting.export.connection",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, precompute=True, required=True, index=True
    )
    kind = fields.Selection(
        [("customer", "Customer"), ("invoice", "Invoice"), ("credit", "Credit Note")],
        required=True,
        readonly=True,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Document",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
    )
    state = fields.Selection(
        [
            ("waiting", "To Send"),
            ("duplicate", "Possible Duplicate"),
            ("sending", "Being Sent"),
            ("sent", "Sent"),
            ("error", "Refused"),
            ("unknown", "Unknown"),
            ("excluded", "Left Out"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    reference = fields.Char(
        required=True, readonly=True, help="By which both sides know the record."
    )
    idempotency_key = fields.Char(
        readonly=True, help="Of the request that it was sent with: the other side takes it once."
    )
    checked = fields.Boolean(readonly=True, help="Possible duplicates were looked for.")
    alone = fields.Boolean(readonly=True, help="Is sent in a request of its own.")
    linked = fields.Boolean(readonly=True, help="Was there already: a person linked the two.")
    other_id = fields.Char("Id There", readonly=True, index="btree_not_null")
    other_name = fields.Char("Name There", readonly=True)
    other_total = fields.Monetary("Total There", readonly=True)
    other_paid = fields.Monetary("Paid There", readonly=True)
    other_status = fields.Char("Status There", readonly=True)
    error_code = fields.Char(readonly=True)
    error_message = fields.Char("Reason", readonly=True)
    sent_date = fields.Datetime(readonly=True)
    compared_date = fields.Datetime("Compared On", readonly=True)
    file_id = fields.Many2one(
        "accounting.export.file", readonly=True, index="btree_not_null", ondelete="set null"
    )
    candidate_ids = fields.One2many(
        "accounting.export.candidate", "item_id", string="Possible Duplicates", readonly=True
    )
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_total = fields.Monetary(related="move_id.amount_total", string="Total Here")
    difference = fields.Selection(
        [
            ("missing", "Missing There"),
            ("voided", "Voided There"),
            ("total", "Other Total"),
            ("paid", "Other Paid Amount"),
        ],
        readonly=True,
        index="btree_not_null",
    )

    _customer_once = models.UniqueIndex(
        "(connection_id, partner_id) WHERE kind = 'customer'",
        "The customer is on the list of this connection already.",
    )
    _document_once = models.UniqueIndex(
        "(connection_id, move_id) WHERE move_id IS NOT NULL",
        "The document is on the list of this connection already.",
    )
    _document_of_its_kind = models.Constraint(
        "CHECK((kind = 'customer') = (move_id IS NULL))",
        "Invoices and credit notes name their document, customers none.",
    )
    _sent_with_id = models.Constraint(
        "CHECK(state <> 'sent' OR coalesce(other_id, '') <> '')",
        "What was sent has an id on the other side.",
    )

    @api.depends("kind", "partner_id", "move_id")
    def _compute_display_name(self):
        for item in self:
            item.display_name = (item.move_id or item.partner_id).display_name

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "waiting": {"sending", "sent", "error", "duplicate", "excluded"},
            "duplicate": {"waiting", "sent", "excluded"},
            "sending": {"sent", "error", "unknown", "waiting"},
            "unknown": {"sent", "waiting", "error"},
            "error": {"waiting", "sent", "excluded"},
            "excluded": {"waiting"},
            "sent": {"waiting"},
        }

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_own():
            self.check_access("create")
            raise UserError(
                self.env._("The list is filled by the connection: use its buttons to send.")
            )
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_never_sent(self):
        sent = self.filtered(lambda item: item.state not in ("waiting", "excluded"))
        if sent and not self._is_own():
            raise UserError(
                self.env._(
                    "What was sent, or may have been, is not deleted: it would be sent again."
                )
            )

    def _check_user(self):
        if not self.env.su and not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Only billing users may send to the accounting software."))

    # === ACTIONS === #

    def _questions(self):
        return super()._questions() | {
            "action_send": (self.env._("Send"), lambda items: items._send_question()),
        }

    def action_ask_send(self):
        """Ask before these are sent."""
        return self._ask("action_send")

    def action_send(self):
        """Send these, or ask the other side about those of which nobody knows."""
        self._check_user()
        self.check_access("read")
        if wrong := self.filtered(lambda item: item.state not in (*SENDABLE, "unknown")):
            raise UserError(wrong[0]._cannot_move_text("sending"))
        items = self.sudo()
        items.filtered(lambda item: item.state == "error")._set_state(
            "waiting", {"error_code": False, "error_message": False}
        )
        for connection, mine in items.grouped("connection_id").items():
            connection._check_ready()
            connection._enqueue_items(mine)
        return True

    def action_exclude(self):
        """Leave these out: they are not sent."""
        self._check_user()
        self.check_access("read")
        self.sudo()._set_state("excluded", {"error_code": False, "error_message": False})
        return True

    def action_include(self):
        """Take these up again that were left out."""
        self._check_user()
        self.check_access("read")
        self.sudo()._set_state("waiting", sources=("excluded",))
        return True

    def action_create_anyway(self):
        """Send customers although somebody like them is there."""
        self._check_user()
        self.check_access("read")
        self.sudo()._set_state("waiting", sources=("duplicate",))
        return True

    def action_open_record(self):
        """Open the customer or the document."""
        self.ensure_one()
        record = self.move_id or self.partner_id
        record.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    def _send_question(self):
        """Return what is asked before these are sent."""
        return "\n".join(
            connection._send_text(items)
            for connection, items in self.grouped("connection_id").items()
        )

    def _billing_task_domain(self):
        connections = self.connection_id
        return Domain("res_model", "=", connections._name) & Domain("res_id", "in", connections.ids)

    def _link(self, other_id, name):
        """Take a customer as one who is on the other side: nothing is sent."""
        self.ensure_one()
        item = self.sudo()
        item._set_state(
            "sent",
            {
                "other_id": other_id,
                "other_name": name,
                "linked": True,
                "sent_date": fields.Datetime.now(),
                "error_code": False,
                "error_message": False,
            },
            sources=("duplicate", "waiting", "error"),
        )
        return True

    # === WHAT CAME OF IT === #

    def _refuse(self, code, message):
        """Put on record that the other side, or we ourselves, refused these."""
        self._set_state(
            "error",
            {
                "error_code": code,
                "error_message": message,
                "alone": False,
                # Under the same key the same answer would come, whatever was settled meanwhile.
                "idempotency_key": False,
            },
        )

    def _take(self, found):
        """Put on record what the other side has: its id, name and amounts."""
        self.ensure_one()
        values = {
            "other_id": found["id"],
            "other_name": found.get("name") or found.get("number"),
            "error_code": False,
            "error_message": False,
            "alone": False,
            "sent_date": self.sent_date or fields.Datetime.now(),
            **self._compared(found),
        }
        if self.state == "sent":
            self._own().write(values)
        else:
            self._set_state("sent", values)

    def _is_this(self, entry, customer):
        """Return whether what is there under this item's reference is what it stands for."""
        if self.kind == "customer":
            return True
        total = float(entry["total"] or 0)
        same = not self.currency_id.compare_amounts(total, self.move_id.amount_total)
        return same and (not customer or entry.get("customer") in (None, customer))

    def _compared(self, found):
        """Return the values of what is there beside what is here."""
        if self.kind == "customer" or found.get("total") is None:
            return {"other_status": found.get("status")}
        values = {
            "other_total": float(found["total"]),
            "other_paid": float(found["paid"] or 0),
            "other_status": found.get("status"),
            "compared_date": fields.Datetime.now(),
        }
        return {**values, "difference": self._difference(values)}

    def _difference(self, there):
        """Return what of a document differs there: nothing, or the gravest."""
        move, currency = self.move_id, self.move_id.currency_id
        # What payments and credits here have settled, in whatever way.
        paid = move.amount_total - move.amount_residual
        if there["other_status"] in ("VOIDED", "DELETED"):
            return "voided"
        if currency.compare_amounts(there["other_total"], move.amount_total):
            return "total"
        if currency.compare_amounts(there["other_paid"], paid):
            return "paid"
        return False

    def _compare_again(self):
        """Compare what is known of documents there with those here, after these have changed."""
        for item in self.filtered(lambda item: item.compared_date and item.difference != "missing"):
            there = {name: item[name] for name in ("other_total", "other_paid", "other_status")}
            item._own().write({"difference": item._difference(there)})
