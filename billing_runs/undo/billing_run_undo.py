from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ...billing_tasks.texts import label, plural
from ..cycles.criteria import limit_field

TASK_TYPE = "run_undo"
PAID_STATES = ("paid", "in_payment", "partial")
PAID_SHOWN = 80
# Credit notes that were posted and are drafts again stay reconciled, but credit nothing.
HELD_BY_DRAFT = [("state", "=", "draft"), ("payment_state", "!=", "not_paid")]


class BillingRunUndo(models.Model):
    """Taking a run back, whole or for some customers, and the record of it.

    States: ``draft`` (lists what would happen) → ``running`` → ``done``. What
    happens to the charges is the outcome: *re-open* (a later run bills them as
    they are), *void and re-rate* (rated again, at today's terms) or *drop* (never
    billed, with the reason). Draft documents are deleted, posted ones get credit
    notes that cancel exactly their entries.

    Billing managers prepare and confirm; afterwards nobody changes the record.
    """

    _name = "billing.run.undo"
    _description = "Undo of a Billing Run"
    _inherit = ["billing.state.mixin", "billing.limited.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _limit_fields = ("partner_ids",)
    _system_fields = frozenset({"state", "confirmed_by_id", "confirmed_date"})

    run_id = fields.Many2one(
        "billing.run", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, precompute=True, required=True
    )
    state = fields.Selection(
        [("draft", "Draft"), ("running", "Running"), ("done", "Done")],
        required=True,
        default="draft",
        readonly=True,
    )
    outcome = fields.Selection(
        [
            ("reopen", "Re-open: a later run bills the same charges"),
            ("void", "Void and re-rate: a later run rates the periods again"),
            ("drop", "Drop: the charges are never billed"),
        ],
        required=True,
        default="reopen",
    )
    reason = fields.Char(required=True)
    partner_ids = limit_field(
        "res.partner",
        string="Customers",
        help="Empty means all customers of the run.",
        domain="[('billing_run_id', '=', run_id)]",
    )
    include_paid = fields.Boolean(
        "Also Paid Documents",
        help="Documents with payments are taken back too; their payments become unallocated.",
    )
    confirmed_by_id = fields.Many2one("res.users", readonly=True)
    confirmed_date = fields.Datetime(readonly=True)
    draft_count = fields.Integer("Drafts to Delete", compute="_compute_documents")
    posted_count = fields.Integer("Documents to Credit", compute="_compute_documents")
    paid_move_ids = fields.Many2many(
        "account.move",
        string="Documents with Payments",
        compute="_compute_documents",
        help="The first of them.",
    )
    paid_count = fields.Integer("With Payments", compute="_compute_documents")
    amount_text = fields.Char("Amount Taken Back", compute="_compute_documents")
    question = fields.Text(compute="_compute_question")
    credited_text = fields.Char("Credited by Hand", compute="_compute_credited_text")
    bill_ids = fields.One2many("billing.bill", "undo_id", "Bills Taken Back", readonly=True)
    bill_count = fields.Integer(compute="_compute_bill_count")

    _reason_given = models.Constraint(
        "CHECK (reason IS NOT NULL AND reason <> '')", "Say why the run is taken back."
    )

    @api.depends("run_id", "partner_ids", "state")
    def _compute_documents(self):
        for undo in self:
            groups = self.env["account.move"]._read_group(
                undo._document_domain(),
                ["state", "payment_state", "currency_id"],
                ["__count", "amount_total_in_currency_signed:sum"],
            )
            undo.draft_count = undo.posted_count = undo.paid_count = 0
            totals = {}
            for state, payment_state, currency, count, amount in groups:
                if state == "draft":
                    undo.draft_count += count
                    continue
                undo.posted_count += count
                undo.paid_count += count if payment_state in PAID_STATES else 0
                totals[currency] = totals.get(currency, 0.0) + amount
            undo.amount_text = ", ".join(
                currency.format(total) for currency, total in totals.items()
            )
            paid = undo._paid_domain() if undo.paid_count else Domain.FALSE
            undo.paid_move_ids = self.env["account.move"].search(paid, limit=PAID_SHOWN)

    @api.depends("run_id", "partner_ids", "state")
    def _compute_credited_text(self):
        """Add up what somebody has credited of the documents, by currency."""
        for undo in self:
            groups = self.env["account.move"]._read_group(
                Domain("reversed_entry_id", "any", undo._document_domain())
                & Domain("state", "=", "posted"),
                ["currency_id"],
                ["amount_total_in_currency_signed:sum"],
            )
            undo.credited_text = ", ".join(currency.format(-total) for currency, total in groups)

    @api.depends("run_id", "partner_ids", "state", "outcome")
    def _compute_question(self):
        for undo in self:
            bills = self.env["billing.bill"].search_count(undo._bill_domain())
            texts = [
                plural(
                    bills,
                    self.env._("Take back 1 bill?"),
                    self.env._("Take back %s bills?", bills),
                )
            ]
            if undo.posted_count:
                texts.append(
                    plural(
                        undo.posted_count,
                        self.env._("1 posted document is credited: %s.", undo.amount_text),
                        self.env._(
                            "%(count)s posted documents are credited: %(amount)s.",
                            count=undo.posted_count,
                            amount=undo.amount_text,
                        ),
                    )
                )
            if undo.draft_count:
                texts.append(
                    plural(
                        undo.draft_count,
                        self.env._("1 draft is deleted."),
                        self.env._("%s drafts are deleted.", undo.draft_count),
                    )
                )
            texts.append(self.env._("This cannot be taken back."))
            undo.question = undo.state == "draft" and " ".join(texts)

    def _compute_bill_count(self):
        for undo in self:
            undo.bill_count = self.env["billing.bill"].search_count([("undo_id", "=", undo.id)])

    @api.ondelete(at_uninstall=False)
    def _unlink_except_confirmed(self):
        if any(undo.state != "draft" for undo in self):
            raise UserError(self.env._("The record of an undone run cannot be deleted."))

    def write(self, vals):
        changed = set(vals) - self._system_fields
        if changed and any(undo.state != "draft" for undo in self):
            raise UserError(self.env._("The record of an undone run cannot be changed."))
        return super().write(vals)

    # === ACTIONS === #

    def action_confirm(self):
        """Take the run back, in tasks of a batch of customers each."""
        if not self.env.user.has_group("billing_operations.group_billing_manager"):
            raise AccessError(self.env._("Only billing managers may undo a run."))
        self.check_access("write")
        self.ensure_one()
        if self.state != "draft":
            return True
        bills = self._bills()
        if not bills:
            raise UserError(self.env._("There is nothing to take back."))
        if self.paid_count and not self.include_paid:
            raise UserError(
                plural(
                    self.paid_count,
                    self.env._(
                        "1 document has payments or was credited in part. Look at it, then tick"
                        " Also Paid Documents or leave its customer out."
                    ),
                    self.env._(
                        "%(count)s documents have payments or were credited in part. Look at them,"
                        " then tick Also Paid Documents or leave their customers out.",
                        count=self.paid_count,
                    ),
                )
            )
        self._check_run()
        self._set_state(
            "running",
            {"confirmed_by_id": self.env.uid, "confirmed_date": fields.Datetime.now()},
        )
        self.run_id.message_post(
            body=self.env._(
                "Undo requested for %(bills)s (%(outcome)s): %(reason)s",
                bills=plural(len(bills), self.env._("1 bill"), self.env._("%s bills", len(bills))),
                outcome=label(self, "outcome"),
                reason=self.reason,
            )
        )
        self.sudo()._enqueue_batches(bills.ids)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": plural(
                    len(bills),
                    self.env._("%(run)s: 1 bill is being taken back.", run=self.run_id.number),
                    self.env._(
                        "%(run)s: %(count)s bills are being taken back.",
                        run=self.run_id.number,
                        count=len(bills),
                    ),
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_view_documents(self):
        """Open all documents that would be deleted or credited."""
        return self._view_documents(self.env._("Documents to Undo"), self._document_domain())

    def action_view_paid(self):
        """Open all documents with payments."""
        return self._view_documents(self.env._("Documents with Payments"), self._paid_domain())

    def _view_documents(self, name, domain):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "account.move",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(domain),
            "context": {"create": False},
        }

    def action_view_bills(self):
        """Open the bills that were taken back."""
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Bills Taken Back"),
            "res_model": "billing.bill",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": [("undo_id", "in", self.ids)],
            "context": {"create": False},
        }

    # === BUSINESS === #

    @api.model
    def _get_transitions(self):
        return {"draft": {"running"}, "running": {"done"}, "done": set()}

    def _check_run(self):
        run = self.run_id
        if run.state == "running" or (run.state == "requested" and not run._waits()):
            raise UserError(
                self.env._("%(run)s is under way. Undo it when it has ended.", run=run.number)
            )

    def _bill_domain(self):
        """Return the domain of the run's bills that hold charges or documents, of the customers
        chosen."""
        self.ensure_one()
        domain = Domain("run_id", "=", self.run_id.id) & (
            Domain("state", "in", (*self.run_id._stages().live_states, "error"))
            | Domain("state", "=", "skipped") & Domain("skip_reason", "=", "zero_total")
        )
        customers = self._limit_ids("partner_ids")
        if customers is not None:
            domain &= Domain("partner_id", "in", customers)
        return domain

    def _bills(self):
        return self.env["billing.bill"].search(self._bill_domain(), order="partner_id, id")

    def _document_domain(self):
        """Return the domain of the documents that are deleted or credited.

        What somebody has credited in full already is left as it is.
        """
        return (
            Domain("billing_bill_id", "any", self._bill_domain())
            & Domain("reversed_entry_id", "=", False)
            & Domain("state", "in", ("draft", "posted"))
            & (
                Domain("payment_state", "!=", "reversed")
                | Domain("reversal_move_ids", "any", HELD_BY_DRAFT)
            )
        )

    def _paid_domain(self):
        return self._document_domain() & Domain("payment_state", "in", PAID_STATES)

    def _enqueue_batches(self, bill_ids):
        size = self.company_id.billing_batch_size
        self.env["billing.task"].enqueue_many(
            [
                {
                    "type_code": TASK_TYPE,
                    "record": self,
                    "parameters": {"bill_ids": bill_ids[start : start + size]},
                    "identity_key": f"undo:{self.id}:{bill_ids[start]}",
                    "exclusive_key": f"journal:{self.run_id.cycle_id.journal_id.id}",
                }
                for start in range(0, len(bill_ids), size)
            ]
        )

    @api.model
    def _task_undo(self, task):
        """Handle one batch of an undo; the last one closes the record."""
        undo = task._record()
        bills = self.env["billing.bill"].browse(task.parameters["bill_ids"]).exists()
        todo = bills.filtered(lambda bill: not bill.undo_id)
        todo._undo(undo)
        todo.filtered("undo_id")._ask_for_note_pdfs()
        for bill in todo.filtered(lambda bill: not bill.undo_id):
            task._log(f"{bill.partner_id.display_name}: {bill.error_message}", level="warning")
        others = task._live_domain(undo) & Domain("id", "!=", task.id)
        if not task.search_count(others, limit=1):
            undo._set_state("done")
            if undo.run_id._report("post"):
                # What it said of the customers taken back holds no more.
                undo.run_id._request_report("post")
        return {
            "undone": len(todo.filtered("undo_id")),
            "left": len(todo) - len(todo.filtered("undo_id")),
        }
