from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..accounts import compact_creditor_id, is_creditor_id
from ..card_dates import parse_days
from ..pain008 import NEW_VERSION, VERSIONS


class ResCompany(models.Model):
    """What the company needs to collect by direct debit."""

    _inherit = "res.company"

    billing_creditor_id = fields.Char(
        string="Creditor Identifier",
        help="The SEPA creditor identifier that the company got from its bank or central bank.",
    )
    billing_creditor_name = fields.Char(
        string="Creditor Name", help="As mandates and files name the company. Empty: its name."
    )

    billing_debit_journal_id = fields.Many2one(
        "account.journal",
        string="Direct Debit Journal",
        domain="[('type', '=', 'bank'), ('company_id', '=', id)]",
        help="The bank account that direct debits come to.",
    )
    billing_pain_version = fields.Selection(
        [(version, version) for version in VERSIONS],
        string="File Version",
        default=NEW_VERSION,
        required=True,
        help="Which version of the file the bank takes.",
    )
    billing_prenotification_days = fields.Integer(
        string="Notice to Customers",
        default=14,
        help="Days that customers are told before their account is debited.",
    )
    billing_debit_lead_days = fields.Integer(
        string="Bank's Lead Days",
        default=2,
        help="Open days that the bank needs the file before the collection.",
    )
    billing_debit_target = fields.Boolean(
        string="TARGET Calendar",
        default=True,
        help="Collections on a closed day of the banks move to the next open one.",
    )
    billing_settle_days = fields.Integer(
        string="Taken as Collected After",
        default=5,
        help="Days after the collection date by which the money counts as collected. What comes back"
        " later is a return all the same.",
    )
    billing_notice_template_id = fields.Many2one(
        "mail.template",
        string="Notice E-mail",
        domain="[('model', '=', 'billing.payment.line')]",
        help="The e-mail that tells customers of a collection. Empty: the one that comes with the "
        "addon.",
    )

    billing_collect_automatically = fields.Boolean(
        string="Collect by Itself",
        help="Each day a payment run collects what is due by the first day that is possible, and is"
        " submitted in time for the bank. Somebody still has to hand in its file.",
    )
    billing_collect_cards_automatically = fields.Boolean(
        string="Charge Cards by Itself",
        help="Each day a payment run charges the saved cards of customers whose invoices are due.",
    )
    billing_card_notice_days = fields.Integer(
        string="Notice before Charging",
        help="Days that customers are told before their card is charged. 0: no notice.",
    )
    billing_card_retry_days = fields.Char(
        string="Tries Again After",
        default="3, 5, 7",
        help="Days after which a declined card is tried again: after 3 days, 5 days after that, and 7"
        " days after that. Empty: never.",
    )
    billing_card_pending_days = fields.Integer(
        string="Pending at Most",
        default=7,
        help="Days after which a charge of which the provider says nothing is left to a person.",
    )
    billing_card_expiry_days = fields.Integer(
        string="Tell of Expiring Cards",
        default=30,
        help="Days before its last day that a customer is told that the card expires. 0: never.",
    )
    billing_card_user_id = fields.Many2one(
        "res.users",
        string="Person for Cards",
        domain="[('share', '=', False)]",
        help="Who gets a to-do for cards that nobody can say of, or that were declined to the end."
        " Empty: whoever prepared the payment run.",
    )
    billing_return_fee = fields.Monetary(
        string="Return Fee",
        help="Charged to customers, before tax, where a direct debit comes back for a reason that they"
        " answer for. 0: no fee.",
    )
    billing_return_fee_product_id = fields.Many2one(
        "product.product",
        string="Return Fee Product",
        domain="[('company_id', 'in', (False, id))]",
    )

    _return_fee_not_negative = models.Constraint(
        "CHECK(billing_return_fee >= 0)", "The return fee cannot be negative."
    )
    _payment_days_in_range = models.Constraint(
        "CHECK(billing_prenotification_days BETWEEN 0 AND 365"
        " AND billing_debit_lead_days BETWEEN 0 AND 30 AND billing_settle_days BETWEEN 0 AND 90)",
        "Customers are told 0 to 365 days before, the bank needs a file 0 to 30 days before, and "
        "direct debits count as collected after 0 to 90 days.",
    )

    _card_days_in_range = models.Constraint(
        "CHECK(COALESCE(billing_card_notice_days, 0) BETWEEN 0 AND 365"
        " AND COALESCE(billing_card_pending_days, 1) BETWEEN 1 AND 90"
        " AND COALESCE(billing_card_expiry_days, 0) BETWEEN 0 AND 365)",
        "Customers are told 0 to 365 days before, of cards and of their expiry, and a charge is pending"
        " for 1 to 90 days.",
    )

    @api.constrains("billing_card_retry_days")
    def _check_billing_card_retry_days(self):
        for company in self:
            try:
                parse_days(company.billing_card_retry_days)
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "“%s” is no list of days. Write up to ten numbers from 1 to 90, for example"
                        " 3, 5, 7.",
                        company.billing_card_retry_days,
                    )
                ) from error

    @api.constrains("billing_debit_journal_id")
    def _check_billing_debit_journal(self):
        for company in self:
            journal = company.billing_debit_journal_id
            if journal and (journal.company_id != company or journal.type != "bank"):
                raise ValidationError(
                    self.env._(
                        "The direct debit journal of %s is one of its bank journals.", company.name
                    )
                )

    @api.constrains("billing_creditor_id")
    def _check_billing_creditor_id(self):
        for company in self:
            if company.billing_creditor_id and not is_creditor_id(company.billing_creditor_id):
                raise ValidationError(
                    self.env._(
                        "“%s” is no SEPA creditor identifier: country, two check digits, three "
                        "characters and a national number. Copy it from the bank's letter.",
                        company.billing_creditor_id,
                    )
                )

    def _card_providers(self):
        """Return the company's own providers that can charge saved cards."""
        self.ensure_one()
        providers = self.env["payment.provider"].sudo()
        return providers.search(
            [("company_id", "=", self.id), ("state", "in", ("enabled", "test"))]
        )._charges_cards()

    def _creditor_id(self) -> str:
        """Return the creditor identifier as it stands in files, empty where there is none."""
        self.ensure_one()
        return compact_creditor_id(self.sudo().billing_creditor_id)

    def _creditor_name(self) -> str:
        """Return the name by which mandates and files know the company."""
        self.ensure_one()
        company = self.sudo()
        return company.billing_creditor_name or company.name

    def _announced_creditor(self) -> dict:
        """Return what files say of the company, by the field of a mandate that keeps what the last
        one said."""
        return {
            "announced_creditor_id": self._creditor_id(),
            "announced_creditor_name": self._creditor_name(),
        }
