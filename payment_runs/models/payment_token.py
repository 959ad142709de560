from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain

from ..card_dates import expiry_text, parse_expiry

USER = "billing_operations.group_billing_user"
#: what billing users may write; all else is the administrators'
OPEN_FIELDS = frozenset({"billing_expiry"})


class PaymentToken(models.Model):
    """A customer's saved card: when it expires, and whether the customer was told.

    Odoo's tokens hold no expiry date. Billing users see the cards of their companies' customers and
    write the date, as it is printed on the card; customers add and remove their cards themselves, on
    Odoo's own page.
    """

    _inherit = "payment.token"

    billing_expiry = fields.Char(
        string="Expires",
        compute="_compute_billing_expiry",
        inverse="_inverse_billing_expiry",
        help="Month and year as printed on the card, for example 04/2027. Empty: not known; the card is"
        " charged until its provider declines it.",
    )
    billing_expiry_date = fields.Date(
        string="Last Day", readonly=True, copy=False, index="btree_not_null"
    )
    billing_expiry_told = fields.Date(
        string="Customer Told", readonly=True, copy=False, help="When it was told of the expiry."
    )
    billing_expiry_state = fields.Selection(
        [("expired", "Expired"), ("soon", "Expires Soon"), ("valid", "Valid")],
        string="Validity",
        compute="_compute_billing_expiry_state",
        search="_search_billing_expiry_state",
    )

    # === COMPUTES === #

    @api.depends("billing_expiry_date")
    def _compute_billing_expiry(self):
        for token in self:
            token.billing_expiry = expiry_text(token.billing_expiry_date)

    def _inverse_billing_expiry(self):
        for token in self:
            day = False
            if (token.billing_expiry or "").strip():
                try:
                    day = parse_expiry(token.billing_expiry)
                except ValueError as error:
                    raise ValidationError(
                        self.env._(
                            "“%s” is no month and year of a card. Write it as printed, for example"
                            " 04/2027.",
                            token.billing_expiry,
                        )
                    ) from error
            if day != token.billing_expiry_date:
                token.sudo().write({"billing_expiry_date": day, "billing_expiry_told": False})
        # However it was written, it is read as it is printed.
        self.invalidate_recordset(["billing_expiry"], flush=False)

    @api.depends("billing_expiry_date")
    def _compute_billing_expiry_state(self):
        for token in self:
            company = token.company_id.sudo()
            day, today = token.billing_expiry_date, company._billing_today()
            soon = fields.Date.add(today, days=company.billing_card_expiry_days)
            token.billing_expiry_state = day and (
                "expired" if day < today else "soon" if day <= soon else "valid"
            )

    def _search_billing_expiry_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        found = Domain.FALSE
        for company in self.env["res.company"].sudo().search([("id", "in", self._companies())]):
            today = company._billing_today()
            soon = fields.Date.add(today, days=company.billing_card_expiry_days)
            day = "billing_expiry_date"
            ranges = {
                "expired": Domain(day, "<", today),
                "soon": Domain(day, ">=", today) & Domain(day, "<=", soon),
                "valid": Domain(day, ">", soon) & Domain(day, ">=", today),
                False: Domain(day, "=", False),
            }
            mine = Domain.OR(ranges[state] for state in value if state in ranges)
            found |= Domain("company_id", "=", company.id) & mine
        return found

    @api.model
    def _companies(self):
        """Return the ids of the companies of all saved cards."""
        return [company.id for [company] in self.sudo()._read_group([], ["company_id"])]

    # === RIGHTS === #

    def write(self, vals):
        if not self.env.su and not self.env.user.has_group("base.group_system"):
            if set(vals) - OPEN_FIELDS:
                raise AccessError(
                    self.env._(
                        "Of a saved card only the expiry can be written. Customers add and remove"
                        " cards on their page Payment Methods."
                    )
                )
        return super().write(vals)

    # === BUSINESS === #

    def _usable_for(self, currency, day):
        """Return why a card cannot be charged in a currency on a day, None where it can."""
        self.ensure_one()
        provider = self.provider_id
        if not self.active:
            return "no_card"
        if not provider._charges_cards() or not self.payment_method_id.active:
            return "provider"
        if self.billing_expiry_date and self.billing_expiry_date < day:
            return "card_expired"
        currencies = provider.available_currency_ids
        if currencies and currency not in currencies:
            return "card_currency"
        return None

    def get_linked_records_info(self):
        """Say on the customer's page which invoices are being collected with the card."""
        found = super().get_linked_records_info()
        charges = self.env["billing.card.charge"].sudo()
        live = charges.search(
            [
                ("partner_id", "=", self.partner_id.commercial_partner_id.id),
                ("token_id", "=", self.id),
                ("state", "in", ("sending", "pending", "unknown")),
            ]
        )
        return found + [
            {
                "description": self.env._("Invoice"),
                "id": move.id,
                "name": move.name,
                "url": move.get_portal_url(),
            }
            for move in live.move_id
        ]

    # === EXPIRY === #

    @api.model
    def _cron_tell_expiry(self):
        """Tell customers whose card is about to expire, once for each card."""
        for company in self.env["res.company"].search([("billing_card_expiry_days", ">", 0)]):
            today = company._billing_today()
            tokens = self.search(
                [
                    ("company_id", "=", company.id),
                    ("billing_expiry_told", "=", False),
                    ("billing_expiry_date", ">=", today),
                    (
                        "billing_expiry_date",
                        "<=",
                        fields.Date.add(today, days=company.billing_card_expiry_days),
                    ),
                ]
            )
            tokens._tell_expiry(company)

    def _tell_expiry(self, company):
        """Queue a mail for each card that the company charges, and note that its customer was told."""
        template = self.env.ref("billing_operations.mail_template_card_expiry").sudo()
        charged = self.filtered(lambda token: token._is_charged(company))
        reached = charged.filtered(lambda token: token.partner_id.email)
        for token in reached:
            template.send_mail(token.id, email_layout_xmlid="mail.mail_notification_light")
        charged.write({"billing_expiry_told": company._billing_today()})
        return reached

    def _is_charged(self, company):
        """Return whether the company charges the card: it is the one it would take."""
        self.ensure_one()
        partner = self.partner_id.commercial_partner_id.with_company(company)
        wallets = self.env["billing.wallet"].sudo()
        tops_up = wallets.search_count(
            [
                ("partner_id", "=", partner.id),
                ("company_id", "=", company.id),
                ("top_up_by_card", "=", True),
            ],
            limit=1,
        )
        if partner.billing_payment_preference != "card" and not tops_up:
            return False
        return self == partner._billing_cards(company)[:1]
