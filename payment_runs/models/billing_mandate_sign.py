import secrets

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import consteq

from ..accounts import compact_iban, is_bic, masked

LINK_DAYS = 30


class BillingMandate(models.Model):
    """How customers sign a mandate in the portal, how it is amended, and what is put on record."""

    _inherit = "billing.mandate"

    sign_token = fields.Char(copy=False, groups=fields.NO_ACCESS)
    sign_until = fields.Date(copy=False, groups=fields.NO_ACCESS)
    sign_url = fields.Char(compute="_compute_sign_url", compute_sudo=True)

    def _compute_sign_url(self):
        for mandate in self:
            link = f"{mandate.get_base_url()}{mandate._portal_path()}"
            mandate.sign_url = f"{link}?token={mandate.sign_token}" if mandate.sign_token else link

    def _portal_path(self) -> str:
        self.ensure_one()
        return f"/my/mandates/{self.id}"

    def action_ask_to_sign(self):
        """Write the customer an e-mail with the link under which the mandate is signed."""
        self.ensure_one()
        mandate = self._as_user()
        if mandate.state != "draft":
            raise UserError(self.env._("%s is signed already.", mandate.reference))
        if not mandate.company_id._creditor_id():
            raise UserError(
                self.env._(
                    "%s has no creditor identifier yet. An administrator sets it in the settings "
                    "under Direct Debit.",
                    mandate.company_id.name,
                )
            )
        mandate._make_sign_link()
        template = self.env.ref("billing_operations.mail_template_mandate_sign")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ask to Sign"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": mandate.ids,
                "default_template_id": template.id,
                "default_composition_mode": "comment",
                "default_email_layout_xmlid": "mail.mail_notification_light",
            },
        }

    def _make_sign_link(self) -> str:
        """Return a link to the mandate that opens without login for 30 days."""
        self.ensure_one()
        mandate = self.sudo()
        today = fields.Date.today()
        if not mandate.sign_token or (mandate.sign_until or today) <= today:
            mandate.sign_token = secrets.token_urlsafe(32)
        mandate.sign_until = fields.Date.add(today, days=LINK_DAYS)
        mandate.invalidate_recordset(["sign_url"])
        return mandate.sign_url

    def _opens_with(self, token: str) -> bool:
        """Return whether ``token`` is the one of a link that is still good."""
        self.ensure_one()
        mandate = self.sudo()
        good = mandate.sign_until and mandate.sign_until >= fields.Date.today()
        return bool(
            good and mandate.sign_token and token and consteq(mandate.sign_token, str(token))
        )

    def _sign(self, name, iban, bic="", holder="", ip=None):
        """Sign the mandate for the customer, and put on record who, when and from where.

        :raise UserError: what was given cannot be taken
        """
        self.ensure_one()
        mandate = self.sudo()
        if mandate.state != "draft":
            raise UserError(self.env._("This mandate is signed already, or no longer wanted."))
        name = (name or "").strip()
        if not name:
            raise UserError(self.env._("Write your name."))
        mandate._check_iban(iban)
        bic = (bic or "").replace(" ", "").upper()
        if bic and not is_bic(bic):
            raise UserError(self.env._("“%s” is no BIC. Leave it out if you do not know it.", bic))
        mandate.partner_bank_id = self._account(mandate.partner_id, iban, bic, holder)
        mandate._set_state(
            "active",
            {
                "signed_date": mandate.company_id._billing_today(),
                "signed_moment": fields.Datetime.now(),
                "signed_name": name[:140],
                "signed_ip": (ip or "")[:64],
                "signed_address": mandate._address_of_customer(),
                "sign_token": False,
            },
        )
        mandate.message_post(
            body=self.env._(
                "Signed in the portal by %(name)s from %(ip)s.", name=name, ip=ip or "-"
            )
        )

    def _address_of_customer(self):
        """Return the customer's address as it is now, without the lines that Odoo leaves empty."""
        lines = self.partner_id._display_address(without_company=True).splitlines()
        return "\n".join(filter(None, map(str.strip, lines)))

    def _account(self, partner, iban, bic="", holder=""):
        """Return the customer's bank account with this IBAN, which is made where there is none."""
        accounts = self.env["res.partner.bank"].sudo().with_context(active_test=False)
        number = compact_iban(iban)
        account = accounts.search(
            [("partner_id", "=", partner.id), ("sanitized_acc_number", "=", number)], limit=1
        )
        values = {}
        if bic and not account.bank_bic:
            banks = self.env["res.bank"].sudo()
            bank = banks.search([("bic", "=", bic)], limit=1)
            values["bank_id"] = (bank or banks.create({"name": bic, "bic": bic})).id
        if holder and holder != account.acc_holder_name:
            values["acc_holder_name"] = holder
        if not account:
            return accounts.create({"partner_id": partner.id, "acc_number": number, **values})
        account.write({**values, "active": True})
        return account

    # === AMENDMENTS === #

    def _amend(self, reason, iban, reference=None, bic="", holder=""):
        """Change account or reference of a mandate that goes on; the next file announces it.

        :param str reason: who asked for it, and how
        :raise UserError: nothing changes, or the mandate does not go on
        """
        self.ensure_one()
        mandate = self._as_user()
        if mandate.state not in ("active", "blocked"):
            raise UserError(
                self.env._(
                    "Only active and blocked mandates can be amended: %s.", mandate.reference
                )
            )
        if not (reason or "").strip():
            raise UserError(self.env._("Say why the mandate is amended."))
        mandate._check_iban(iban)
        account = mandate._account(mandate.partner_id, iban, bic, holder)
        before = (mandate.iban, mandate.reference)
        values = {"partner_bank_id": account.id, "reference": reference or mandate.reference}
        if before == (account.sanitized_acc_number, values["reference"]):
            raise UserError(self.env._("Neither the account nor the reference is another one."))
        mandate._own().write(values)
        mandate.message_post(
            body=self.env._(
                "Amended: account %(old)s became %(new)s, reference %(old_name)s became %(new_name)s."
                " Reason: %(reason)s",
                old=masked(before[0]),
                new=masked(mandate.iban),
                old_name=before[1],
                new_name=mandate.reference,
                reason=reason,
            )
        )
