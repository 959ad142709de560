from odoo import api, fields, models
from odoo.exceptions import UserError

#: kind of a mapping: its field, and the kind of choices that it is mapped to
KINDS = {
    "account": ("account_id", "account"),
    "tax": ("tax_id", "tax"),
    "tracking": ("analytic_account_id", "tracking"),
    "journal": ("journal_id", "bank"),
}


class AccountingExportMapping(models.Model):
    """What an account, a tax, an analytic account or a journal is called in the accounting software.

    A tax mapping without a tax is for lines without tax. A journal's code is the account there whose
    payments are registered in that journal. Billing managers keep mappings; each record has one on a
    connection.
    """

    _name = "accounting.export.mapping"
    _description = "Mapping for an Accounting Software"
    _order = "kind, code, id"
    _check_company_auto = True

    connection_id = fields.Many2one(
        "accounting.export.connection",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, precompute=True, required=True, index=True
    )
    kind = fields.Selection(
        [
            ("account", "Account"),
            ("tax", "Tax"),
            ("tracking", "Analytic Account"),
            ("journal", "Journal of Payments"),
        ],
        required=True,
    )
    account_id = fields.Many2one(
        "account.account",
        ondelete="cascade",
        index="btree_not_null",
        domain="[('company_ids', 'parent_of', company_id)]",
    )
    tax_id = fields.Many2one(
        "account.tax",
        ondelete="cascade",
        index="btree_not_null",
        check_company=True,
        domain="[('type_tax_use', '=', 'sale'), ('company_id', 'parent_of', company_id)]",
        help="Empty: lines without tax.",
    )
    analytic_account_id = fields.Many2one(
        "account.analytic.account",
        ondelete="cascade",
        index="btree_not_null",
        check_company=True,
    )
    journal_id = fields.Many2one(
        "account.journal",
        ondelete="cascade",
        index="btree_not_null",
        check_company=True,
        domain="[('type', 'in', ('bank', 'cash')), ('company_id', '=', company_id)]",
    )
    choice_id = fields.Many2one(
        "accounting.export.choice",
        string="In the Accounting Software",
        ondelete="set null",
        check_company=True,
        index="btree_not_null",
        domain="[('connection_id', '=', connection_id), ('kind', 'in',"
        " ('account', 'bank') if kind == 'account' else ('bank' if kind == 'journal' else kind,))]",
    )
    code = fields.Char(
        compute="_compute_code", store=True, readonly=False, precompute=True, required=True
    )
    category = fields.Char(
        string="Tracking Category",
        compute="_compute_code",
        store=True,
        readonly=False,
        precompute=True,
        help="What the code of an analytic account is an option of.",
    )

    _record_of_its_kind = models.Constraint(
        "CHECK((kind = 'account') = (account_id IS NOT NULL)"
        " AND (kind = 'tracking') = (analytic_account_id IS NOT NULL)"
        " AND (kind = 'journal') = (journal_id IS NOT NULL)"
        " AND (kind = 'tax' OR tax_id IS NULL)"
        " AND (kind <> 'tracking' OR coalesce(category, '') <> ''))",
        "Say what is mapped: an account, a tax, an analytic account with its tracking category, or a"
        " journal.",
    )
    _once = models.UniqueIndex(
        "(connection_id, kind, coalesce(account_id, tax_id, analytic_account_id, journal_id, 0))",
        "This is mapped already.",
    )
    _journal_code_once = models.UniqueIndex(
        "(connection_id, code) WHERE kind = 'journal'",
        "Payments of this account are registered in another journal already.",
    )

    @api.depends("choice_id")
    def _compute_code(self):
        for mapping in self:
            choice = mapping.choice_id
            mapping.code = choice.code or mapping.code
            mapping.category = choice.category or mapping.category

    @api.depends("kind", "account_id", "tax_id", "analytic_account_id", "journal_id", "code")
    def _compute_display_name(self):
        for mapping in self:
            mapping.display_name = f"{mapping._source_name()} → {mapping.code or ''}"

    def _source_name(self):
        """Return what people call what is mapped."""
        if not self.kind:
            return ""
        record = self[KINDS[self.kind][0]]
        return record.display_name if record else self.env._("Without tax")

    @api.constrains("account_id", "connection_id")
    def _check_account_company(self):
        for mapping in self.filtered("account_id"):
            if not mapping.company_id.parent_ids & mapping.account_id.sudo().company_ids:
                raise UserError(
                    self.env._(
                        "The account %(account)s belongs to another company than %(connection)s.",
                        account=mapping.account_id.display_name,
                        connection=mapping.connection_id.name,
                    )
                )
