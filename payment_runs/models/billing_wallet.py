from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from .billing_card_charge import LIVE_CHARGES

#: charges that have taken money from the card, or may have
SPENT_STATES = ("sending", "pending", "unknown", "done")


class BillingWallet(models.Model):
    """Wallets that top themselves up by the customer's saved card when they are low, up to an amount
    a month."""

    _inherit = "billing.wallet"

    top_up_by_card = fields.Boolean(
        string="Top Up by Card",
        copy=False,
        tracking=True,
        help="Charge the customer's saved card when the balance has fallen to the threshold. The"
        " customer has to agree to it.",
    )
    top_up_threshold = fields.Monetary(
        string="When the Balance Is", help="Topped up when the balance is so much or less."
    )
    top_up_amount = fields.Monetary(string="By")
    top_up_ceiling = fields.Monetary(
        string="At Most a Month", help="More is not charged in one calendar month."
    )
    top_up_note = fields.Char(
        string="Top-Up",
        readonly=True,
        copy=False,
        help="Why the wallet is not topped up by card at the moment.",
    )
    top_up_spent = fields.Monetary(
        string="Charged This Month", compute="_compute_top_up_spent", help="By card, this month."
    )
    charge_ids = fields.One2many("billing.card.charge", "wallet_id", string="Charges")
    charge_count = fields.Integer(compute="_compute_charge_count")

    _top_up_complete = models.Constraint(
        "CHECK(top_up_by_card IS NOT TRUE OR (COALESCE(top_up_amount, 0) > 0"
        " AND COALESCE(top_up_ceiling, 0) >= top_up_amount))",
        "To top up by card, say by how much, and how much a month at most: the ceiling is at least one"
        " top-up.",
    )
    _to_top_up = models.Index("(id) WHERE top_up_by_card IS TRUE AND state = 'open'")

    # === COMPUTES === #

    def _compute_top_up_spent(self):
        for wallet in self:
            wallet.top_up_spent = wallet._spent_this_month()

    def _compute_charge_count(self):
        counts = dict(
            self.env["billing.card.charge"]._read_group(
                [("wallet_id", "in", self.ids)], ["wallet_id"], ["__count"]
            )
        )
        for wallet in self:
            wallet.charge_count = counts.get(wallet._origin, 0)

    # === CRUD === #

    def write(self, vals):
        if vals.get("top_up_by_card"):
            vals = {**vals, "top_up_note": False}
        return super().write(vals)

    # === ACTIONS === #

    def action_open_charges(self):
        """Open the charges that topped these wallets up."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_card_charge_action"
        )
        return action | {"domain": [("wallet_id", "in", self.ids)], "context": {}}

    # === BUSINESS === #

    def _spent_this_month(self, but=None):
        """Return what was charged to the card in this calendar month of the company, or may have been.

        :param but: a charge that does not count
        """
        self.ensure_one()
        company = self.company_id.sudo()
        first = company._billing_today().replace(day=1)
        charges = self.env["billing.card.charge"].sudo()
        charges = charges.search(
            Domain("wallet_id", "=", self.id)
            & Domain("state", "in", SPENT_STATES)
            & Domain("sent_date", ">=", fields.Date.subtract(first, days=1))
        )
        if but:
            charges -= but
        # The month is the company's, the moment is not.
        mine = charges.filtered(lambda charge: company._billing_date(charge.sent_date) >= first)
        return self.currency_id.round(sum(mine.mapped("amount")))

    def _top_up_problem(self, charge):
        """Return the code for why a charge that waits is not made, None where it is."""
        self.ensure_one()
        if not self.top_up_by_card or self.state != "open":
            return "changed"
        if self.currency_id.compare_amounts(self.balance, self.top_up_threshold) > 0:
            return "paid"
        return None if self._is_within_ceiling(charge.amount, charge) else "ceiling"

    def _is_within_ceiling(self, amount, but=None):
        total = self._spent_this_month(but) + amount
        return self.currency_id.compare_amounts(total, self.top_up_ceiling) <= 0

    @api.model
    def _cron_top_up(self):
        """Make charges for the wallets that are low, and have them sent."""
        return self._low_by_card()._top_up_now()

    @api.model
    def _low_by_card(self):
        """Return the wallets at their threshold that no charge is under way for."""
        self.flush_model()
        self.env["billing.card.charge"].flush_model(["state", "wallet_id"])
        self.env["res.company"].flush_model(["billing_wallet_account_id"])
        self.env.cr.execute(
            SQL(
                """
                SELECT wallet.id FROM billing_wallet AS wallet
                  JOIN res_company AS company ON company.id = wallet.company_id
                 WHERE wallet.top_up_by_card AND wallet.state = 'open'
                   AND wallet.balance <= COALESCE(wallet.top_up_threshold, 0)
                   AND company.billing_wallet_account_id IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM billing_card_charge AS charge
                                    WHERE charge.wallet_id = wallet.id AND charge.state IN %s)
                 ORDER BY wallet.id
                """,
                LIVE_CHARGES,
            )
        )
        return self.browse([wallet_id for (wallet_id,) in self.env.cr.fetchall()])

    def _top_up_now(self):
        """Make and queue a charge for each of these wallets, unless its ceiling is reached."""
        values = []
        for wallet in self.try_lock_for_update(allow_referencing=True):
            if not wallet._is_within_ceiling(wallet.top_up_amount):
                wallet._note_ceiling()
                continue
            number = self.env["ir.sequence"].next_by_code("billing.card.charge")
            values.append(
                {
                    "reference": f"{number}-1",
                    "company_id": wallet.company_id.id,
                    "partner_id": wallet.partner_id.id,
                    "kind": "top_up",
                    "wallet_id": wallet.id,
                    "currency_id": wallet.currency_id.id,
                    "amount": wallet.top_up_amount,
                    "planned_date": wallet.company_id._billing_today(),
                }
            )
        charges = self.env["billing.card.charge"]._make(values)
        charges._enqueue()
        return charges

    def _note_ceiling(self):
        """Say on the wallet, once a month, that it is not topped up any more."""
        self.ensure_one()
        month = format_date(self.env, self.company_id._billing_today(), date_format="MMMM y")
        note = self.env._(
            "The ceiling of %(ceiling)s is reached for %(month)s.",
            ceiling=self.currency_id.format(self.top_up_ceiling),
            month=month,
        )
        if note != self.top_up_note:
            self.write({"top_up_note": note})
            self.message_post(body=note)

    def _give_up_top_up(self, charge):
        """Switch the top-up off after the card was declined to the end, and say so."""
        self.ensure_one()
        note = self.env._("Switched off: %s", charge._reason_text())
        self.sudo().write({"top_up_by_card": False, "top_up_note": note})
        self.message_post(body=note)
        if charge.code == "by_hand":
            return
        if self.partner_id.email:
            template = self.env.ref("billing_operations.mail_template_top_up_failed").sudo()
            template.send_mail(self.id, email_layout_xmlid="mail.mail_notification_light")
        charge._call_person(
            self.env._("Top-up by card failed"),
            self.env._(
                "Wallet %(wallet)s is not topped up by card any more: %(reason)s",
                wallet=self.display_name,
                reason=charge._reason_text(),
            ),
        )

    def _top_up_text(self) -> str:
        """Return in words for the customer how the wallet is topped up by card, empty where not."""
        self.ensure_one()
        if not self.top_up_by_card:
            return ""
        return self.env._(
            "When the balance is %(threshold)s or less, your saved card is charged with %(amount)s, at"
            " most %(ceiling)s a month.",
            threshold=self.currency_id.format(self.top_up_threshold),
            amount=self.currency_id.format(self.top_up_amount),
            ceiling=self.currency_id.format(self.top_up_ceiling),
        )
