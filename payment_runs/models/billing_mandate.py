from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from ...services.numbers import NEW
from ..accounts import iban_problem
from ..sepa_text import is_identifier
from ..sequences import UNUSED_MONTHS, expires_on, sequence_type

#: what stands in the mandate that the customer signed
SIGNED_FIELDS = frozenset(
    {"reference", "partner_id", "partner_bank_id", "signed_date", "scheme", "kind", "company_id"}
)
#: states in which it counts as given by the customer
GIVEN_STATES = ("active", "blocked", "expired", "revoked", "ended")


class BillingMandate(models.Model):
    """A customer's permission to debit a bank account, by SEPA direct debit.

    States: ``draft`` is not signed yet; ``active`` can be collected with; ``blocked`` was returned with a
    reason that forbids to go on, until somebody has cleared it up; ``expired`` was not used for 36
    months; ``revoked`` by the customer; ``ended`` was for one collection, or its last one is made;
    ``cancelled`` was never signed.

    Billing users prepare, activate, amend and revoke mandates; managers also import them and unblock
    them. What was signed does not change but through *Amend*, which announces it in the next file.
    Customers sign in the portal. Only drafts can be deleted.
    """

    _name = "billing.mandate"
    _description = "Direct Debit Mandate"
    _inherit = ["billing.state.mixin", "mail.thread"]
    _order = "partner_id, sequence, id"
    _rec_name = "reference"
    _check_company_auto = True
    _own_fields = frozenset(
        {
            "collection_count", "last_collection_date", "announced_reference", "announced_iban",
            "announced_creditor_id", "announced_creditor_name", "signed_moment", "signed_name",
            "signed_ip", "signed_address", "ended_date", "block_reason", "is_last",
        }
    )  # fmt: skip

    reference = fields.Char(
        required=True,
        default=NEW,
        copy=False,
        tracking=True,
        help="Names the mandate in files and on bank statements. Given by itself.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        tracking=True,
        domain="[('parent_id', '=', False)]",
    )
    partner_bank_id = fields.Many2one(
        "res.partner.bank",
        string="Bank Account",
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
        domain="[('partner_id', '=', partner_id)]",
    )
    iban = fields.Char(string="IBAN", related="partner_bank_id.sanitized_acc_number")
    sequence = fields.Integer(
        string="Order", default=10, help="The first active mandate of a customer is collected with."
    )
    scheme = fields.Selection(
        [("CORE", "Core"), ("B2B", "Business to Business")],
        required=True,
        default="CORE",
        tracking=True,
        help="Core: the customer may have the money back within eight weeks. Business to Business: "
        "between firms, without that; the customer has to tell the bank of the mandate.",
    )
    kind = fields.Selection(
        [("recurrent", "Recurrent"), ("one_off", "One Collection")],
        required=True,
        default="recurrent",
        tracking=True,
    )
    state = fields.Selection(
        [
            ("draft", "To Sign"),
            ("active", "Active"),
            ("blocked", "Blocked"),
            ("expired", "Expired"),
            ("revoked", "Revoked"),
            ("ended", "Ended"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="draft",
        readonly=True,
        index=True,
        copy=False,
        tracking=True,
    )
    signed_date = fields.Date(string="Signed On", copy=False, tracking=True)
    signed_moment = fields.Datetime(string="Signed in the Portal", readonly=True, copy=False)
    signed_name = fields.Char(string="Signed By", readonly=True, copy=False)
    signed_ip = fields.Char(string="Signed From", readonly=True, copy=False)
    signed_address = fields.Text(string="Address When Signed", readonly=True, copy=False)
    sequence_type = fields.Selection(
        [("FRST", "First"), ("RCUR", "Recurrent"), ("OOFF", "One-Off"), ("FNAL", "Final")],
        string="Next Collection Is",
        compute="_compute_sequence_type",
        help="Kept by the system: the first, a following, the only or the last collection.",
    )
    is_last = fields.Boolean(string="Next Is the Last", readonly=True, copy=False, tracking=True)
    collection_count = fields.Integer(string="Collections", readonly=True, copy=False)
    last_collection_date = fields.Date(string="Last Collection", readonly=True, copy=False)
    expiry_date = fields.Date(
        string="Expires On",
        compute="_compute_expiry_date",
        help=f"A mandate that is not used for {UNUSED_MONTHS} months must not be used any more.",
    )
    announced_reference = fields.Char(readonly=True, copy=False)
    announced_iban = fields.Char(string="Announced IBAN", readonly=True, copy=False)
    announced_creditor_id = fields.Char(readonly=True, copy=False)
    announced_creditor_name = fields.Char(readonly=True, copy=False)
    is_amended = fields.Boolean(
        string="Change to Announce",
        compute="_compute_is_amended",
        help="The next file tells the bank what has changed since the last collection.",
    )
    block_reason = fields.Char(readonly=True, copy=False)
    ended_date = fields.Date(string="Ended On", readonly=True, copy=False)

    _reference_once = models.UniqueIndex(
        "(company_id, upper(reference))", "There is already a mandate with this reference."
    )
    _signed_with_account = models.Constraint(
        "CHECK(state IN ('draft', 'cancelled')"
        " OR (signed_date IS NOT NULL AND partner_bank_id IS NOT NULL))",
        "An active mandate has a bank account and the day on which it was signed.",
    )
    _count_not_negative = models.Constraint(
        "CHECK(collection_count >= 0)", "A mandate cannot have fewer than no collections."
    )
    _active_idx = models.Index(
        "(company_id, partner_id, sequence, id) WHERE state = 'active'",
    )

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "draft": {"active", "cancelled"},
            "active": {"blocked", "expired", "revoked", "ended"},
            "blocked": {"active", "expired", "revoked"},
            "ended": {"active", "blocked"},
            "expired": set(),
            "revoked": set(),
            "cancelled": set(),
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A new mandate starts as unsigned. Use Activate when it is signed.")

    @api.depends("kind", "collection_count", "is_last")
    def _compute_sequence_type(self):
        for mandate in self:
            mandate.sequence_type = sequence_type(
                mandate.kind, mandate.collection_count, mandate.is_last
            )

    @api.depends("signed_date", "last_collection_date")
    def _compute_expiry_date(self):
        for mandate in self:
            signed = mandate.signed_date
            mandate.expiry_date = signed and expires_on(signed, mandate.last_collection_date)

    @api.depends(
        *("reference", "iban", "announced_reference", "announced_iban", "announced_creditor_id"),
        *("announced_creditor_name", "company_id.billing_creditor_id"),
        *("company_id.billing_creditor_name", "company_id.name"),
    )
    def _compute_is_amended(self):
        for mandate in self:
            mandate.is_amended = bool(mandate._amendments())

    def _announced(self, creditor=None) -> dict:
        """Return what a file says of the mandate and its creditor, by the field that keeps what
        the last one said.

        :param creditor: what it says of the creditor, where that is known already
        """
        self.ensure_one()
        return {
            "announced_reference": self.reference,
            "announced_iban": self.iban,
            **(creditor or self.company_id._announced_creditor()),
        }

    def _amendments(self, creditor=None) -> dict:
        """Return what was announced otherwise than it is now: ``{field: what was announced}``.

        The creditor's name alone is no change of the mandate: it is announced with the identifier.
        """
        self.ensure_one()
        changed = {
            name: self[name]
            for name, now in self._announced(creditor).items()
            if self[name] and self[name] != now
        }
        if "announced_creditor_id" not in changed:
            changed.pop("announced_creditor_name", None)
        return changed

    # === CHECKS === #

    @api.constrains("partner_bank_id", "partner_id")
    def _check_account(self):
        for mandate in self:
            if mandate.partner_bank_id:
                mandate._check_iban(mandate.partner_bank_id.acc_number)
            owner = mandate.partner_bank_id.partner_id.commercial_partner_id
            if owner and owner != mandate.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "The bank account of mandate %(mandate)s belongs to %(owner)s, not to "
                        "%(customer)s.",
                        mandate=mandate.reference,
                        owner=owner.display_name,
                        customer=mandate.partner_id.display_name,
                    )
                )

    @api.constrains("reference")
    def _check_reference(self):
        for mandate in self:
            if not is_identifier(mandate.reference):
                raise ValidationError(
                    self.env._(
                        "“%s” cannot be the reference of a mandate: 35 characters at most, letters "
                        "without accents, digits and / - ? : ( ) . , ' + without spaces.",
                        mandate.reference,
                    )
                )

    @api.constrains("signed_date")
    def _check_signed_date(self):
        for mandate in self:
            if mandate.signed_date and mandate.signed_date > mandate.company_id._billing_today():
                raise ValidationError(
                    self.env._("Mandate %s cannot be signed in the future.", mandate.reference)
                )

    @api.model
    def _check_iban(self, iban):
        """Check that an account can be debited.

        :raise ValidationError: it cannot, with the reason
        """
        problem = iban_problem(iban)
        if problem:
            raise ValidationError(self._iban_texts()[problem] % {"iban": iban or ""})

    @api.model
    def _iban_texts(self) -> dict:
        return {
            "missing": self.env._("The IBAN of the account is missing."),
            "wrong": self.env._("“%(iban)s” is no IBAN: its length or its check digits are wrong."),
            "not_sepa": self.env._(
                "“%(iban)s” is an account in a country without SEPA direct debit."
            ),
        }

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("reference", NEW) == NEW:
                company = vals.get("company_id") or self.env.company
                sequences = self.env["ir.sequence"].with_company(company)
                vals["reference"] = sequences.next_by_code(self._name)
        return super().create(vals_list)

    def write(self, vals):
        if not self._is_own() and (names := SIGNED_FIELDS.intersection(vals)):
            given = self.filtered(lambda mandate: mandate.state != "draft")
            if given:
                raise UserError(
                    self.env._(
                        "%(mandates)s: what was signed cannot be changed: %(fields)s. Use Amend, or "
                        "have a new mandate signed.",
                        mandates=", ".join(given.mapped("reference")),
                        fields=", ".join(
                            self._fields[name]._description_string(self.env)
                            for name in sorted(names)
                        ),
                    )
                )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_signed(self):
        if kept := self.filtered(lambda mandate: mandate.state in GIVEN_STATES):
            raise UserError(
                self.env._(
                    "Signed mandates are kept: %s. Revoke them instead.",
                    ", ".join(kept.mapped("reference")),
                )
            )

    # === ACTIONS === #

    def action_activate(self):
        """Make mandates active that were signed on paper."""
        mandates = self._as_user()
        for mandate in mandates:
            if not mandate.signed_date:
                raise UserError(
                    self.env._("%s: say on which day it was signed.", mandate.reference)
                )
            mandate._check_iban(mandate.iban)
            if mandate.expiry_date <= mandate.company_id._billing_today():
                raise UserError(
                    self.env._(
                        "%(mandate)s was signed on %(day)s and not used since: after %(months)s months "
                        "a new one has to be signed.",
                        mandate=mandate.reference,
                        day=mandate.signed_date,
                        months=UNUSED_MONTHS,
                    )
                )
        mandates._set_state("active", sources=("draft",))
        return True

    def action_cancel(self):
        """Give up mandates that were never signed."""
        self._as_user()._set_state("cancelled")
        return True

    def action_revoke(self):
        """Put on record that the customer has taken mandates back."""
        mandates = self._as_user()
        mandates._set_state(
            "revoked", lambda mandate: {"ended_date": mandate.company_id._billing_today()}
        )
        return True

    def action_unblock(self):
        """Let blocked mandates be collected with again."""
        mandates = self._as_manager()
        mandates._set_state("active", {"block_reason": False}, sources=("blocked",))
        return True

    def action_mark_last(self):
        """Say that the next collection is the last one."""
        self._as_user()._own().write({"is_last": True})
        return True

    def action_mark_not_last(self):
        """Say that collections go on after the next one."""
        self._as_user()._own().write({"is_last": False})
        return True

    def action_amend(self):
        """Open the dialog for another account or reference."""
        self.ensure_one()
        self._as_user()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Amend %s", self.reference),
            "res_model": "billing.mandate.amend",
            "view_mode": "form",
            "target": "new",
            "context": {"default_mandate_id": self.id},
        }

    def _as_user(self):
        """Return the mandates with the right to move them, after checking the user's."""
        if not self.env.su:
            if not self.env.user.has_group("billing_operations.group_billing_user"):
                raise AccessError(self.env._("Only billing users may work on mandates."))
            self.check_access("write")
        return self.sudo()

    def _as_manager(self):
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(self.env._("Only billing managers may unblock mandates."))
        return self._as_user()

    # === BUSINESS === #

    def _block(self, reason):
        """Stop mandates after a return that forbids to go on.

        :param str reason: the return's reason in words
        """
        mandates = self.filtered(lambda mandate: mandate.state in ("active", "ended"))
        mandates._set_state("blocked", {"block_reason": reason})
        for mandate in mandates:
            mandate.message_post(body=self.env._("Blocked: %s", reason))

    @api.model
    def _usable(self, partners, day):
        """Return ``{partner id: mandate}``: with what customers are collected on a day in the
        company, the first in their order.

        :param day: a mandate that expires on it is not taken
        """
        domain = Domain("company_id", "=", self.env.company.id) & Domain("state", "=", "active")
        domain &= Domain("partner_id", "in", partners.ids)
        found = {}
        for mandate in self.search(domain, order="sequence, id"):
            if mandate.expiry_date > day:
                found.setdefault(mandate.partner_id.id, mandate)
        return found

    @api.model
    def _cron_expire(self):
        """End the mandates that were not used for 36 months."""
        living = [("state", "in", ("active", "blocked"))]
        for [company] in self._read_group(living, ["company_id"]):
            today = company._billing_today()
            last = fields.Date.subtract(today, months=UNUSED_MONTHS)
            unused = Domain("last_collection_date", "=", False)
            unused |= Domain("last_collection_date", "<=", last)
            old = self.search(
                Domain("company_id", "=", company.id)
                & Domain("state", "in", ("active", "blocked"))
                & Domain("signed_date", "<=", last)
                & unused
            )
            old.filtered(lambda mandate, today=today: mandate.expiry_date <= today)._set_state(
                "expired", {"ended_date": today}
            )
