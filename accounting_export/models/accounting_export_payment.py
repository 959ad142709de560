from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain

from ..xero_models import as_date

CODES = [
    ("journal", "The account there is mapped to no journal"),
    ("currency", "The invoice is in another currency"),
    ("not_open", "The invoice is paid here already"),
    ("not_posted", "The invoice is not posted any more"),
    ("deleted", "Deleted there after it was registered here"),
    ("changed", "Changed there after it was registered here"),
    ("refused", "Odoo refused it"),
]


class AccountingExportPayment(models.Model):
    """A payment of the accounting software for a document that was sent there, and the payment here that it
    became.

    States: ``new``, to be registered; ``booked``, registered, once; ``problem``, with a code, until a person
    has settled it and tries again, or leaves it; ``deleted``, it was deleted there before anything was
    registered; ``ignored``, a person decided that it is not registered.

    What is more than the document was open for is the customer's credit, and marked. Payments are made
    by fetching only. Billing users see them, try again and leave them.
    """

    _name = "accounting.export.payment"
    _description = "Payment of an Accounting Software"
    _inherit = ["billing.state.mixin"]
    _order = "date desc, id desc"
    _check_company_auto = True
    _own_fields = frozenset(
        {"state", "code", "message", "payment_id", "amount", "date", "journal_id", "overpaid"}
    )

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
    item_id = fields.Many2one(
        "accounting.export.item",
        string="Document There",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    move_id = fields.Many2one(related="item_id.move_id", string="Document", store=True, index=True)
    partner_id = fields.Many2one(
        related="item_id.partner_id", string="Customer", store=True, index=True
    )
    other_id = fields.Char("Id There", required=True, readonly=True)
    other_account = fields.Char("Account There", readonly=True)
    reference = fields.Char(readonly=True)
    date = fields.Date(required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
    overpaid = fields.Monetary(
        "Credit", readonly=True, help="What is more than the document was open for."
    )
    journal_id = fields.Many2one(
        "account.journal", readonly=True, check_company=True, ondelete="set null"
    )
    payment_id = fields.Many2one(
        "account.payment",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
    )
    state = fields.Selection(
        [
            ("new", "To Register"),
            ("booked", "Registered"),
            ("problem", "For a Person"),
            ("deleted", "Deleted There"),
            ("ignored", "Left Out"),
        ],
        required=True,
        readonly=True,
        default="new",
        index=True,
    )
    code = fields.Selection(CODES, "What Is Wrong", readonly=True)
    message = fields.Char(readonly=True)

    _payment_once = models.UniqueIndex(
        "(connection_id, other_id)", "This payment was fetched already."
    )
    _registered_once = models.UniqueIndex(
        "(payment_id) WHERE payment_id IS NOT NULL", "A payment here stands for one payment there."
    )
    _booked_with_payment = models.Constraint(
        "CHECK(state <> 'booked' OR payment_id IS NOT NULL)",
        "What is registered has its payment.",
    )

    @api.depends("reference", "move_id", "other_id")
    def _compute_display_name(self):
        for row in self:
            row.display_name = row.reference or row.move_id.display_name or row.other_id

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "new": {"booked", "problem", "deleted", "ignored"},
            "problem": {"new", "booked", "deleted", "ignored"},
            "booked": {"problem"},
            "deleted": set(),
            "ignored": {"new"},
        }

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_own():
            self.check_access("create")
            raise UserError(self.env._("Payments come here when they are fetched."))
        return super().create(vals_list)

    # === ACTIONS === #

    def _check_user(self):
        if not self.env.su and not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Only billing users may settle payments."))

    def action_try_again(self):
        """Register these once what was wrong is settled."""
        self._check_user()
        self.check_access("read")
        rows = self.sudo()
        if wrong := rows.filtered("payment_id"):
            raise UserError(
                self.env._(
                    "%s is registered. Change the payment here, then leave this one out.",
                    wrong[0].reference or wrong[0].move_id.name,
                )
            )
        rows._set_state("new", {"code": False, "message": False}, sources=("problem", "ignored"))
        for connection, mine in rows.grouped("connection_id").items():
            mine._find_journal()
            connection._enqueue_booking(mine.filtered(lambda row: row.state == "new"))
        return True

    def action_ignore(self):
        """Leave these out: they are not registered, or were settled by hand."""
        self._check_user()
        self.check_access("read")
        self.sudo()._set_state("ignored", sources=("new", "problem"))
        return True

    # === FETCHED === #

    @api.model
    def _take(self, connection, found):
        """Keep payments of a page, those of documents that were sent; return the new ones.

        :param found: plain data, as ``xero_models.payments`` gives them
        """
        items = {
            item.other_id: item
            for item in self.env["accounting.export.item"].search(
                Domain("connection_id", "=", connection.id)
                & Domain("kind", "!=", "customer")
                & Domain("other_id", "in", [entry["document"] for entry in found])
            )
        }
        known = {
            row.other_id: row
            for row in self.search(
                Domain("connection_id", "=", connection.id)
                & Domain("other_id", "in", [entry["id"] for entry in found])
            )
        }
        values = {}
        for entry in found:
            item = items.get(entry["document"])
            if item is None or not entry["amount"] or not entry["date"]:
                continue
            if row := known.get(entry["id"]):
                row._follow(entry)
            elif entry["status"] != "DELETED":
                values[entry["id"]] = {
                    "connection_id": connection.id,
                    "item_id": item.id,
                    "other_id": entry["id"],
                    "other_account": entry["account"],
                    "reference": entry["reference"] or entry["number"],
                    "date": as_date(entry["date"]),
                    "amount": float(entry["amount"]),
                    "currency_id": self._currency(entry["currency"], item).id,
                }
        rows = self._own().create(list(values.values()))
        rows._find_journal()
        return rows

    def _currency(self, code, item):
        if not code:
            return item.currency_id
        currencies = self.env["res.currency"].with_context(active_test=False)
        return currencies.search([("name", "=", code)], limit=1) or item.currency_id

    def _follow(self, entry):
        """Take what became of a payment that is known: deleted or changed there."""
        self.ensure_one()
        changed = self.currency_id.compare_amounts(self.amount, float(entry["amount"]))
        if entry["status"] == "DELETED":
            if self.payment_id:
                if self.state == "booked":
                    self._stop("deleted")
            elif self.state in ("new", "problem"):
                self._set_state("deleted", {"code": False, "message": False})
        elif changed and self.state == "booked":
            self._stop("changed", self.currency_id.format(float(entry["amount"])))
        elif changed and self.state in ("new", "problem"):
            self._own().write({"amount": float(entry["amount"])})

    def _find_journal(self):
        """Say in which journal each is registered, by the account there; where none is mapped it waits for
        a person."""
        for connection, rows in self.grouped("connection_id").items():
            journals = {
                mapping.code: mapping.journal_id
                for mapping in connection.sudo().mapping_ids
                if mapping.kind == "journal"
            }
            for row in rows:
                journal = journals.get(row.other_account)
                row._own().write({"journal_id": journal.id if journal else False})
                if not journal:
                    row._stop("journal", row.other_account)

    def _stop(self, code, message=None):
        self._set_state("problem", {"code": code, "message": message or False})

    # === REGISTERED === #

    @api.model
    def _task_book(self, task):
        """Register payments: each for itself, so that one that is refused leaves the others alone."""
        rows = task.env[self._name].browse((task.parameters or {}).get("payment_ids", [])).exists()
        return rows._book()

    def _book(self):
        """Register new payments here, through Odoo's own, and match them with their documents."""
        booked = 0
        for row in self.filtered(lambda row: row.state == "new"):
            try:
                with self.env.cr.savepoint():
                    booked += row._register_here()
            except UserError as error:
                self.env.invalidate_all()
                row._stop("refused", str(error)[:500])
        self.item_id._compare_again()
        return {"registered": booked, "left": len(self) - booked}

    def _register_here(self):
        """Make, post and match the payment; return whether it was made."""
        self.ensure_one()
        row = self.with_company(self.company_id)
        move = row.move_id
        if move.state != "posted":
            row._stop("not_posted")
            return False
        if row.currency_id != move.currency_id:
            row._stop("currency", row.currency_id.name)
            return False
        items = move.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled
        )
        if not items:
            row._stop("not_open")
            return False
        open_amount = abs(sum(items.mapped("amount_residual_currency")))
        payment = row.env["account.payment"].create(row._payment_values())
        payment.action_post()
        received = payment.move_id.line_ids.filtered(
            lambda line: line.account_id in items.account_id and not line.reconciled
        )
        for account in items.account_id:
            of_account = (items + received).filtered(
                lambda line, account=account: line.account_id == account
            )
            if len(of_account) > 1:
                of_account.reconcile()
        row._set_state(
            "booked",
            {
                "payment_id": payment.id,
                "overpaid": row.currency_id.round(max(row.amount - open_amount, 0.0)),
                "code": False,
                "message": False,
            },
        )
        return True

    def _payment_values(self):
        """Return the values of the payment here: to the company for an invoice, from it for a credit
        note."""
        inbound = self.item_id.kind == "invoice"
        return {
            "payment_type": "inbound" if inbound else "outbound",
            "partner_type": "customer",
            "partner_id": self.partner_id.id,
            "company_id": self.company_id.id,
            "journal_id": self.journal_id.id,
            "amount": self.amount,
            "currency_id": self.currency_id.id,
            "date": self.date,
            "memo": " ".join(filter(None, (self.move_id.name, self.reference))),
            "invoice_ids": [Command.set(self.move_id.ids)],
        }
