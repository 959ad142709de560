from datetime import date, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ...billing_tasks.texts import label


class BillingClosing(models.Model):
    """A month-end: revenue that is earned but not invoiced, and revenue invoiced ahead.

    States: draft → posted → undone. A draft lists what it counts as often as wanted. Posted, one entry
    moves what is earned from accrued income to income, and one what is invoiced ahead from
    income to deferred revenue; both are dated the last day of the month and reversed on the
    first day of the next one. Undoing reverses these entries as well. A company has one
    month-end for a month that is not undone.

    Billing users make month-ends and look at them; managers post and undo them.
    """

    _name = "billing.closing"
    _description = "Month-End"
    _inherit = ["billing.asking.mixin", "billing.state.mixin", "mail.thread"]
    _order = "month desc, id desc"
    _check_company_auto = True
    _own_fields = frozenset({"replaced_by_id", "counted_date"})

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Date(
        required=True,
        tracking=True,
        default=lambda self: self._last_month(),
        help="Any day of the month. It is kept as its first day.",
    )
    date_end = fields.Date(
        string="Month Ends On", compute="_compute_date_end", store=True, precompute=True
    )
    state = fields.Selection(
        [("draft", "Draft"), ("posted", "Posted"), ("undone", "Undone")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        index=True,
        tracking=True,
    )
    counted_date = fields.Datetime(string="Counted", readonly=True, copy=False)
    line_ids = fields.One2many("billing.closing.line", "closing_id", readonly=True)
    move_ids = fields.One2many(
        "account.move", "billing_closing_id", string="Entries", readonly=True
    )
    item_ids = fields.One2many(
        "account.move.line", compute="_compute_item_ids", string="Journal Items"
    )
    accrued_amount = fields.Monetary(
        string="Earned, Not Invoiced", compute="_compute_amounts", help="Before tax."
    )
    deferred_amount = fields.Monetary(
        string="Invoiced Ahead", compute="_compute_amounts", help="Before tax."
    )
    line_count = fields.Integer(compute="_compute_amounts")
    move_count = fields.Integer(compute="_compute_move_count")
    replaced_by_id = fields.Many2one(
        "billing.closing", readonly=True, copy=False, ondelete="set null"
    )

    _month_once = models.UniqueIndex(
        "(company_id, month) WHERE state <> 'undone'",
        "The company has a month-end of this month already. Open that one.",
    )
    _first_of_month = models.Constraint(
        "CHECK(extract(day FROM month) = 1)", "A month is kept as its first day."
    )

    # === COMPUTES === #

    @api.model
    def _last_month(self):
        today = self.env.company._billing_today()
        return (today.replace(day=1) - timedelta(days=1)).replace(day=1)

    @api.depends("month")
    def _compute_date_end(self):
        for closing in self:
            first = closing.month and next_month(closing.month)
            closing.date_end = first and first - timedelta(days=1)

    @api.depends("month", "company_id")
    def _compute_display_name(self):
        for closing in self:
            closing.display_name = (
                format_date(self.env, closing.month, date_format="MMMM y")
                if closing.month
                else self.env._("New Month-End")
            )

    @api.depends("line_ids.balance")
    def _compute_amounts(self):
        sums: dict = {}
        counts: dict = {}
        for closing, kind, balance, count in self.env["billing.closing.line"]._read_group(
            [("closing_id", "in", self.ids)], ["closing_id", "kind"], ["balance:sum", "__count"]
        ):
            side = "deferral" if kind == "deferral" else "accrual"
            sums[closing, side] = sums.get((closing, side), 0.0) + balance
            counts[closing] = counts.get(closing, 0) + count
        for closing in self:
            closing.accrued_amount = sums.get((closing._origin, "accrual"), 0.0)
            closing.deferred_amount = sums.get((closing._origin, "deferral"), 0.0)
            closing.line_count = counts.get(closing._origin, 0)

    @api.depends("move_ids")
    def _compute_move_count(self):
        for closing in self:
            closing.move_count = len(closing.move_ids)

    def _compute_item_ids(self):
        for closing in self:
            entries = closing.move_ids.filtered(lambda move: not move.reversed_entry_id)
            closing.item_ids = entries.line_ids

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._first_day(vals) for vals in vals_list])

    def write(self, vals):
        if not self._is_own() and {"month", "company_id"}.intersection(vals):
            for closing in self:
                if closing.state != "draft":
                    raise UserError(
                        self.env._(
                            "%(month)s is %(state)s and stays as it is. Undo it and make a new one.",
                            month=closing.display_name,
                            state=label(closing, "state").lower(),
                        )
                    )
            self._forget_lines()
        return super().write(self._first_day(vals))

    @api.model
    def _first_day(self, vals: dict) -> dict:
        day = fields.Date.to_date(vals.get("month"))
        return vals | {"month": day.replace(day=1)} if day else vals

    @api.ondelete(at_uninstall=False)
    def _unlink_only_drafts(self):
        for closing in self:
            if closing.state != "draft":
                raise UserError(
                    self.env._(
                        "%s was posted and stays on record. Undo it instead.", closing.display_name
                    )
                )

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {"draft": {"posted"}, "posted": {"undone"}, "undone": set()}

    @api.model
    def _get_start_text(self):
        return self.env._("A new month-end starts as a draft. Count it, then post it.")

    # === ACTIONS === #

    def action_count(self):
        """List what the month-end counts, as of now."""
        self.check_access("write")
        self.ensure_one()
        if self.state != "draft":
            raise UserError(
                self.env._("%s is posted. Check it to see what has changed.", self.display_name)
            )
        self._count()
        return True

    def action_post(self):
        """Post the entries of the month-end and their reversals."""
        self._check_manager()
        for closing in self.filtered(lambda closing: closing.state == "draft"):
            closing._count()
            closing._post()
        return True

    def action_check(self):
        """Look whether a posted month-end still comes to the same; where it does not, ask whether
        it is replaced."""
        self.ensure_one()
        self.check_access("read")
        if self.state != "posted":
            raise UserError(self.env._("Only a posted month-end is checked."))
        if self._differences():
            return self._ask("action_replace")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "%s still comes to the same: nothing is posted again.", self.display_name
                ),
            },
        }

    def action_replace(self):
        """Undo a posted month-end and post it anew. Where it comes to the same, nothing happens."""
        self._check_manager()
        for closing in self.filtered(lambda closing: closing.state == "posted"):
            if closing._differences():
                closing._replace()
        return True

    def action_undo(self):
        """Reverse the entries of a posted month-end."""
        self._check_manager()
        for closing in self.filtered(lambda closing: closing.state == "posted"):
            closing._undo()
        return True

    def action_ask_post(self):
        """Ask before the entries are posted."""
        return self._ask("action_post")

    def action_ask_undo(self):
        """Ask before the entries are reversed."""
        return self._ask("action_undo")

    def action_open_lines(self):
        """Open what the month-end counts."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_closing_line_action"
        )
        return action | {
            "domain": [("closing_id", "=", self.id)],
            "context": {"search_default_group_by_kind": 1, "search_default_group_by_account": 1},
            "display_name": self.display_name,
        }

    def action_open_moves(self):
        """Open the entries and their reversals."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": "account.move",
            "views": [[self.env.ref("account.view_move_tree").id, "list"], [False, "form"]],
            "domain": [("id", "in", self.move_ids.ids)],
            "context": {"create": False},
        }

    def _check_manager(self):
        self.check_access("write")
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise UserError(self.env._("Only billing managers may post or undo a month-end."))

    # === QUESTIONS === #

    def _questions(self):
        return super()._questions() | {
            "action_post": (
                self.env._("Post Month-End"),
                lambda closings: "\n".join(closing._post_question() for closing in closings),
            ),
            "action_undo": (
                self.env._("Undo Month-End"),
                lambda closings: "\n".join(closing._undo_question() for closing in closings),
            ),
            "action_replace": (
                self.env._("Replace Month-End"),
                lambda closings: "\n".join(closing._replace_question() for closing in closings),
            ),
        }

    # === BUSINESS === #

    def _boundary(self) -> date:
        """Return the first day that does not belong to the month any more."""
        return self.date_end + timedelta(days=1)

    def _forget_lines(self):
        self.env.flush_all()
        drafts = self.filtered(lambda closing: closing.state == "draft")
        self.env.cr.execute(
            SQL("DELETE FROM billing_closing_line WHERE closing_id = ANY(%s)", drafts.ids)
        )
        self.env["billing.closing.line"].invalidate_model()
        self.invalidate_recordset()


def next_month(day: date) -> date:
    """Return the first day of the month after the day's."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
