from odoo import api, fields, models

from ...billing_tasks.texts import label
from ...services.loose_many2one import HeldMany2one


class BillingBill(models.Model):
    """One customer's part of one run, in one currency.

    States: ``pending`` → ``rated`` → ``invoiced`` → ``posted`` → ``done``;
    ``skipped`` (nothing to bill, on hold, too low: with a reason), ``error``
    (with a code; can be run again) and ``undone`` (taken back by a manager). Only the run's tasks write bills; billing
    users read them.
    """

    _name = "billing.bill"
    _description = "Bill"
    _inherit = ["billing.state.mixin"]
    _order = "run_id, partner_id, id"
    _check_company_auto = True

    run_id = fields.Many2one(
        "billing.run", required=True, readonly=True, ondelete="cascade", check_company=True
    )
    # Bills are made of services and jobs, which keep both: they are not looked up row by row.
    company_id = HeldMany2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    currency_id = HeldMany2one("res.currency", required=True, readonly=True)
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("rated", "Rated"),
            ("invoiced", "Invoiced"),
            ("posted", "Posted"),
            ("done", "Done"),
            ("skipped", "Skipped"),
            ("error", "Error"),
            ("undone", "Undone"),
        ],
        required=True,
        default="pending",
        readonly=True,
    )
    skip_reason = fields.Selection(
        [
            ("nothing_to_bill", "Nothing to bill"),
            ("zero_total", "Charges add up to zero"),
            ("below_minimum", "Below the customer's minimum"),
            ("on_hold", "Billing on hold"),
        ],
        readonly=True,
    )
    error_code = fields.Selection(
        [
            ("on_hold", "Billing on hold"),
            ("partner_archived", "Customer archived"),
            ("product_archived", "Product archived"),
            ("currency_archived", "Currency not active"),
            ("no_currency_rate", "No currency rate"),
            ("no_income_account", "No income account"),
            ("no_receivable_account", "No receivable account"),
            ("account_currency", "Account of another currency"),
            ("bank_archived", "Bank account archived"),
            ("tax_archived", "Tax archived"),
            ("tax_account_archived", "Tax account archived"),
            ("tax_country", "Tax of another country"),
            ("journal_archived", "Journal archived"),
            ("locked_period", "Locked period"),
            ("no_wallet", "No wallet"),
            ("currency_mismatch", "Wallet in another currency"),
            ("insufficient_funds", "Insufficient funds"),
            ("wallet_locked", "Wallet locked"),
            ("switch_failed", "Stop or start failed"),
            ("rating_failed", "Rating failed"),
            ("invoicing_failed", "Invoicing failed"),
            ("posting_failed", "Posting failed"),
            ("document_differs", "Not as Odoo makes it"),
            ("formatting_failed", "PDF failed"),
            ("task_failed", "Background task failed"),
            ("undo_failed", "Undo failed"),
        ],
        readonly=True,
        index="btree_not_null",
    )
    error_message = fields.Text("Reason", readonly=True)
    canary = fields.Boolean(
        "Billed First", readonly=True, help="Among the first customers of a run with a canary."
    )
    charge_ids = fields.One2many("billing.charge", "bill_id", "Charges", readonly=True)
    move_ids = fields.One2many("account.move", "billing_bill_id", "Invoices", readonly=True)
    charge_count = fields.Integer(compute="_compute_charges")
    amount_charged = fields.Monetary("Charges Total", compute="_compute_charges")
    amount_invoiced = fields.Monetary(
        "Invoiced",
        compute="_compute_moves",
        help="With tax; credit notes count negative.",
    )
    move_count = fields.Integer("Documents", compute="_compute_moves")

    _customer_unique = models.UniqueIndex(
        "(run_id, partner_id, currency_id)", "A customer has one bill per run and currency."
    )
    _by_state = models.Index("(run_id, state, partner_id)")
    _error_has_code = models.Constraint(
        "CHECK (state != 'error' OR error_code IS NOT NULL)", "A bill in error needs a code."
    )
    _skipped_has_reason = models.Constraint(
        "CHECK (state != 'skipped' OR skip_reason IS NOT NULL)", "A skipped bill needs a reason."
    )

    @api.depends("run_id.number", "partner_id.display_name", "currency_id.name")
    def _compute_display_name(self):
        for bill in self:
            bill.display_name = self.env._(
                "%(run)s %(customer)s (%(currency)s)",
                run=bill.run_id.number,
                customer=bill.partner_id.display_name,
                currency=bill.currency_id.name,
            )

    def _compute_charges(self):
        totals = {
            bill: (count, amount)
            for bill, count, amount in self.env["billing.charge"]._read_group(
                [("bill_id", "in", self.ids)], ["bill_id"], ["__count", "amount:sum"]
            )
        }
        for bill in self:
            bill.charge_count, bill.amount_charged = totals.get(bill, (0, 0.0))

    def _compute_moves(self):
        totals = {
            bill: (count, amount)
            for bill, count, amount in self.env["account.move"]._read_group(
                [("billing_bill_id", "in", self.ids)],
                ["billing_bill_id"],
                ["__count", "amount_total_in_currency_signed:sum"],
            )
        }
        for bill in self:
            bill.move_count, bill.amount_invoiced = totals.get(bill, (0, 0.0))

    # === ACTIONS === #

    def action_view_invoices(self):
        """Open the invoices and credit notes of the bills."""
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Documents"),
            "res_model": "account.move",
            "view_mode": "list,form",
            "domain": [("billing_bill_id", "in", self.ids)],
            "context": {"create": False},
        }

    # === BUSINESS === #

    @api.model
    def _get_transitions(self):
        # A bill in error starts again where its documents stand. It can be taken back from
        # wherever it holds charges or documents. Invoiced and posted in one go where that is proven.
        return {
            "pending": {"rated", "skipped", "error"},
            "rated": {"invoiced", "posted", "skipped", "error", "undone"},
            "invoiced": {"posted", "error", "undone"},
            "posted": {"done", "error", "undone"},
            "done": {"error", "undone"},
            "skipped": {"undone"},  # what was settled without a document
            "error": {"pending", "posted", "undone"},
            "undone": set(),
        }

    def _set_error(self, code, message):
        """Put bills in error with a code and a message in the user's words.

        One that was taken back stays so: it is an exception, but there is nothing to run again.
        """
        values = {"error_code": code, "error_message": message}
        back = self.filtered(lambda bill: bill.state == "undone")
        back.write(values)
        (self - back)._set_state("error", values)

    def _set_skipped(self, reason, message):
        """Leave bills out of the run, with the reason.

        A hold is somebody's decision that should be seen: it has a code too.
        """
        code = "on_hold" if reason == "on_hold" else False
        self._set_state(
            "skipped", {"skip_reason": reason, "error_code": code, "error_message": message}
        )

    def _restart(self):
        """Take bills in error back to where their documents stand."""
        clear = {"error_code": False, "error_message": False}
        for run, bills in self.grouped("run_id").items():
            stages = run._stages()
            if not stages.by_bills:
                # They stand for exceptions alone, and are made anew where these stay.
                bills.unlink()
                continue
            produced = bills.filtered(lambda bill: "posted" in bill.move_ids.mapped("state"))
            produced._set_state(stages.posted_states[0], clear)
            (bills - produced)._set_state(stages.start_state, clear)

    def _lock_in_state(self, state):
        """Lock the bills and return those that are still in ``state``.

        A batch that runs again, after a crash or by a second worker, finds what
        is done and leaves it alone.
        """
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(["state"])
        return self.filtered(lambda bill: bill.state == state)

    def _count_states(self):
        """Return ``{state: number of bills}``, as a task's result."""
        return {state: len(bills) for state, bills in self.grouped("state").items()}

    def _log_errors(self, task):
        """Say in a task's log which bills are in error, and why."""
        for bill in self.filtered(
            lambda bill: bill.state == "error" or (bill.state == "undone" and bill.error_code)
        ):
            task._log(
                f"{bill.partner_id.display_name}: {label(bill, 'error_code')}: {bill.error_message}",
                level="warning",
            )
