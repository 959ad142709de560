import base64

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain

from ..mandate_csv import HeadingProblem, read_mandates

SHOWN = 300


class BillingMandateImport(models.TransientModel):
    """Mandates that were signed before, from a CSV file: each line is shown with what is wrong with it;
    the good ones become active mandates."""

    _name = "billing.mandate.import"
    _description = "Import Mandates"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, readonly=True
    )
    file = fields.Binary(string="CSV File", attachment=False)
    file_name = fields.Char()
    is_read = fields.Boolean(readonly=True)
    good_count = fields.Integer(string="Can Be Imported", readonly=True)
    problem_count = fields.Integer(string="With Problems", readonly=True)
    line_ids = fields.One2many("billing.mandate.import.line", "import_id", readonly=True)

    @api.onchange("file")
    def _onchange_file(self):
        """What was shown is another file's."""
        self.is_read = False

    def action_preview(self):
        """Read the file and show each line, those with problems first."""
        self.ensure_one()
        self._check_manager()
        good, bad = self._read()
        shown = [
            *((row, "\n".join(texts)) for row, texts in bad),
            *((row, False) for row, _partner in good),
        ]
        self.write(
            {
                "is_read": True,
                "good_count": len(good),
                "problem_count": len(bad),
                "line_ids": [
                    Command.clear(),
                    *(Command.create(self._line(row, text)) for row, text in shown[:SHOWN]),
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import Mandates"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_import(self):
        """Make active mandates of the lines without problems, and open them."""
        self.ensure_one()
        self._check_manager()
        good, _bad = self._read()
        if not good:
            raise UserError(self.env._("No line of the file can be imported."))
        mandates = self._create_mandates(good)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_mandate_action"
        )
        return action | {"domain": [("id", "in", mandates.ids)], "context": {}}

    def _check_manager(self):
        if not self.env.user.has_group("billing_operations.group_billing_manager"):
            raise AccessError(self.env._("Only billing managers may import mandates."))

    @staticmethod
    def _line(row, text):
        names = ("customer", "reference", "iban", "signed_date")
        return {
            "line_number": row.line,
            "problem": text,
            **{name: row.values[name] for name in names},
        }

    # === READING === #

    def _read(self):
        """Return ``([(row, customer)], [(row, texts of what is wrong)])``."""
        try:
            rows = read_mandates(self._text(), self.company_id._billing_today())
        except HeadingProblem as problem:
            raise UserError(
                self.env._(
                    "The first line has to name the columns Customer, IBAN, Reference and Signed; "
                    "missing: %s.",
                    ", ".join(problem.names),
                )
            ) from problem
        partners = self._partners({row.values["customer"] for row in rows})
        there = self._references({row.values["reference"].upper() for row in rows})
        texts = self._problem_texts()
        good, bad = [], []
        for row in rows:
            problems = [texts[code] for code in row.problems]
            found = partners.get(row.values["customer"], [])
            if row.values["customer"] and len(found) != 1:
                problems.append(texts["several_customers" if found else "unknown_customer"])
            if row.values["reference"].upper() in there:
                problems.append(texts["exists"])
            if problems:
                bad.append((row, problems))
            else:
                good.append((row, found[0]))
        return good, bad

    def _text(self):
        if not self.file:
            raise UserError(self.env._("Choose the CSV file with the mandates."))
        content = base64.b64decode(self.file)
        for encoding in ("utf-8-sig", "cp1252"):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise UserError(self.env._("The file is no text. Save the mandates as CSV in UTF-8."))

    def _partners(self, names):
        """Return ``{reference or name of a customer: [customers]}`` of those that a file names; a
        reference goes before a name."""
        partners = self.env["res.partner"]
        mine = Domain("parent_id", "=", False)
        mine &= Domain("company_id", "in", [False, self.company_id.id])
        found = {}
        for field in ("name", "ref"):
            by_text = {}
            for partner in partners.search(mine & Domain(field, "in", list(names - {""}))):
                by_text.setdefault(partner[field], []).append(partner)
            found.update(by_text)
        return found

    def _references(self, references):
        self.env["billing.mandate"].flush_model(["reference", "company_id"])
        self.env.cr.execute(
            "SELECT upper(reference) FROM billing_mandate"
            " WHERE company_id = %s AND upper(reference) = ANY(%s)",
            [self.company_id.id, list(references)],
        )
        return {reference for (reference,) in self.env.cr.fetchall()}

    def _problem_texts(self):
        return {
            "iban_missing": self.env._("The IBAN is missing."),
            "iban_wrong": self.env._("This is no IBAN: its length or its check digits are wrong."),
            "iban_not_sepa": self.env._("The account's country has no SEPA direct debit."),
            "no_customer": self.env._("The customer is missing."),
            "unknown_customer": self.env._("No customer has this reference or name."),
            "several_customers": self.env._(
                "Several customers are called this. Give them references."
            ),
            "bad_bic": self.env._("The BIC has 8 or 11 characters."),
            "bad_reference": self.env._(
                "A reference has 35 characters at most, no spaces and no accents."
            ),
            "twice": self.env._("This reference stands in an earlier line."),
            "exists": self.env._("There is a mandate with this reference already."),
            "bad_date": self.env._("The day of signature is no date like 2026-01-31."),
            "future": self.env._("The day of signature is in the future."),
            "bad_last": self.env._(
                "The last collection is no date between the signature and today."
            ),
            "broken": self.env._("The file cannot be read from here on."),
            "bad_scheme": self.env._("The scheme is CORE or B2B."),
            "bad_kind": self.env._("The type is RCUR (recurrent) or OOFF (one collection)."),
        }

    # === WRITING === #

    def _create_mandates(self, good):
        mandates = self.env["billing.mandate"].sudo().with_company(self.company_id)
        accounts = mandates.browse()
        vals_list = []
        for row, partner in good:
            values = row.values
            account = accounts._account(partner, values["iban"], values["bic"], values["holder"])
            vals_list.append(
                {
                    "company_id": self.company_id.id,
                    "partner_id": partner.id,
                    "partner_bank_id": account.id,
                    "reference": values["reference"],
                    "signed_date": values["signed_date"],
                    "scheme": values["scheme"],
                    "kind": values["kind"],
                    # What was collected with before was announced as it is now.
                    "collection_count": 1 if values["last_collection_date"] else 0,
                    "last_collection_date": values["last_collection_date"],
                }
            )
        created = mandates._own().create(vals_list)
        created = mandates.browse(created.ids)
        for mandate in created.filtered("collection_count"):
            mandate._own().write(mandate._announced())
        today = self.company_id._billing_today()
        old = created.filtered(lambda mandate: mandate.expiry_date <= today)
        (created - old)._set_state("active")
        old._own().write({"state": "expired", "ended_date": today})
        return created.with_env(self.env)
