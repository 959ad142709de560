from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingPriceChangeCustomer(models.Model):
    """What a price change means to one customer a month, and how the customer is told.

    States: ``waiting`` until the notice is due; ``sent`` the e-mail was queued, once; ``letter`` has no
    e-mail address, so a person sends a letter; ``told`` the letter was sent; ``not_told`` no notice was
    wanted, or the change was undone before.

    Written by the price change. Billing users read it; managers say that letters were sent.
    """

    _name = "billing.price.change.customer"
    _description = "Price Change of a Customer"
    _inherit = ["billing.state.mixin", "mail.thread"]
    _order = "change_id desc, difference_monthly desc, id"
    _check_company_auto = True
    _own_fields = frozenset({"told_date", "reference"})

    change_id = fields.Many2one(
        "billing.price.change", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="change_id.company_id", store=True, precompute=True, required=True, index=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    state = fields.Selection(
        [
            ("waiting", "To Be Told"),
            ("letter", "Letter to Send"),
            ("sent", "E-mail Sent"),
            ("told", "Letter Sent"),
            ("not_told", "Not Told"),
        ],
        string="Notice",
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    told_date = fields.Datetime(string="Told", readonly=True)
    reference = fields.Char(string="Message-Id", readonly=True, copy=False)
    email = fields.Char(related="partner_id.email")
    service_count = fields.Integer(string="Services", readonly=True)
    old_monthly = fields.Monetary(string="Old a Month", readonly=True)
    new_monthly = fields.Monetary(string="New a Month", readonly=True)
    difference_monthly = fields.Monetary(string="Difference a Month", readonly=True)
    line_ids = fields.One2many(
        "billing.price.change.line", compute="_compute_line_ids", string="Prices"
    )

    _once = models.UniqueIndex(
        "(change_id, partner_id, currency_id)", "A customer stands once in a price change."
    )
    _reference_unique = models.UniqueIndex(
        "(reference) WHERE reference IS NOT NULL", "A notice is sent once."
    )

    @api.depends("partner_id")
    def _compute_display_name(self):
        for row in self:
            row.display_name = row.partner_id.display_name

    def _compute_line_ids(self):
        lines = self.env["billing.price.change.line"].search(
            [
                ("change_id", "in", self.change_id.ids),
                ("customer_id", "in", self.partner_id.ids),
            ]
        )
        found = lines.grouped(lambda line: (line.change_id, line.customer_id, line.currency_id))
        for row in self:
            key = row.change_id, row.partner_id, row.currency_id
            row.line_ids = found.get(key, lines.browse())

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "waiting": {"sent", "letter", "not_told"},
            "letter": {"told", "sent", "not_told"},
            "sent": set(),
            "told": set(),
            "not_told": set(),
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A customer starts as to be told, by the preview of the change.")

    # === ACTIONS === #

    def action_told(self):
        """Say that the letters were sent."""
        self.check_access("read")
        self.change_id._check_manager()
        wrong = self.filtered(lambda row: row.state not in ("letter", "told"))
        if wrong:
            raise UserError(
                self.env._(
                    "No letter is to be sent to %s.", ", ".join(wrong[:3].mapped("display_name"))
                )
            )
        # Their rights were checked above: nobody writes these rows by hand.
        self.sudo()._set_state("told", {"told_date": fields.Datetime.now()})
        return True

    def action_open_lines(self):
        """Open the prices of this customer in the change."""
        self.ensure_one()
        action = self.change_id.action_open_lines()
        return action | {
            "domain": [
                ("change_id", "=", self.change_id.id),
                ("customer_id", "=", self.partner_id.id),
            ],
            "display_name": self.display_name,
        }

    # === THE NOTICE === #

    def _notice_lines(self):
        """Return the customer's prices that change, of all currencies: for the notice's template."""
        self.ensure_one()
        return self.env["billing.price.change.line"].search(
            [
                ("change_id", "=", self.change_id.id),
                ("customer_id", "=", self.partner_id.id),
                ("state", "in", ("draft", "scheduled", "applied")),
            ],
            order="service_id, addon_line_id NULLS FIRST, id",
        )

    def _notice_day(self) -> str:
        self.ensure_one()
        return self.change_id._day_text(self.change_id.date, self.partner_id.lang)

    def _notice_reason(self) -> str:
        """Return the index by which prices change, in words; nothing for other changes."""
        self.ensure_one()
        return self.change_id._index_text(self.partner_id.lang)

    def _message_id(self) -> str:
        """Return the Message-Id under which this notice is sent, however often it is tried."""
        self.ensure_one()
        base = self.get_base_url().split("//")[-1].split("/")[0].split(":")[0]
        return f"<price-change-{self.change_id.id}-{self.id}@{base or 'localhost'}>"
