from odoo import models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from .not_written import NotWritten

#: of more records than these the database says whether they are of a company
READ_AT_MOST = 20


class BillingInvoiceWriter(models.AbstractModel):
    """What Odoo checks in Python while it creates and posts, on the whole batch."""

    _inherit = "billing.invoice.writer"

    def _check(self, moves):
        """Check documents that were just written.

        :raise NotWritten: one of them is not as Odoo allows; Odoo itself says so best
        """
        problems = self.env.execute_query(
            SQL(
                """
                WITH move AS (
                    SELECT * FROM account_move WHERE id = ANY(%(moves)s)
                ), item AS (
                    SELECT line.*, account.active AS account_active, account.account_type
                      FROM account_move_line AS line
                      LEFT JOIN account_account AS account ON account.id = line.account_id
                     WHERE line.move_id = ANY(%(moves)s)
                       AND line.display_type NOT IN ('line_section', 'line_subsection', 'line_note')
                )
                SELECT 'not balanced' FROM item GROUP BY move_id
                HAVING sum(balance) <> 0
                 UNION ALL
                SELECT 'without items' FROM move
                 WHERE NOT EXISTS (SELECT FROM item WHERE item.move_id = move.id)
                 UNION ALL
                SELECT 'no amount to pay' FROM move WHERE amount_total <= 0
                 UNION ALL
                SELECT 'archived account' FROM item WHERE account_active IS NOT TRUE
                 UNION ALL
                SELECT 'receivable account' FROM item
                 WHERE (display_type = 'payment_term') <>
                       (account_type IN ('asset_receivable', 'liability_payable'))
                 UNION ALL
                SELECT 'off-balance account' FROM item WHERE account_type = 'off_balance'
                 UNION ALL
                SELECT 'archived journal' FROM move
                  JOIN account_journal AS journal ON journal.id = move.journal_id
                 WHERE journal.active IS NOT TRUE
                 UNION ALL
                SELECT 'journal with a hash chain' FROM move
                  JOIN account_journal AS journal ON journal.id = move.journal_id
                 WHERE journal.restrict_mode_hash_table
                 UNION ALL
                SELECT 'archived currency' FROM move
                  JOIN res_currency AS currency ON currency.id = move.currency_id
                 WHERE currency.active IS NOT TRUE
                 UNION ALL
                SELECT 'currency of the account' FROM item
                  JOIN account_account AS account ON account.id = item.account_id
                 WHERE account.currency_id <> item.company_currency_id
                   AND account.currency_id <> item.currency_id
                 UNION ALL
                SELECT 'archived bank account' FROM move
                  JOIN res_partner_bank AS bank ON bank.id = move.partner_bank_id
                 WHERE bank.active IS NOT TRUE
                 LIMIT 1
                """,
                moves=moves.ids,
            )
        )
        if problems:
            raise NotWritten(problems[0][0])

    def _check_rights(self, moves):
        """Check what Odoo checks of the user who creates and posts documents.

        :raise AccessError: the user may not
        """
        if self.env.su:
            return
        if not self.env.user.has_group("account.group_account_invoice"):
            raise AccessError(self.env._("You may not post invoices."))
        moves.check_access("create")
        moves.line_ids.check_access("create")

    def _check_companies(self, rows, items):
        """Check, once for all documents, that what they name belongs to their company or to all.

        :raise NotWritten: something does not
        """
        company = self.env["res.company"].browse(rows[0]["company_id"])
        for model, values in (("account.move", rows), ("account.move.line", items)):
            for name, field in self.env[model]._fields.items():
                # The documents of items are those that are about to be written.
                if not (field.relational and field.check_company) or name == "move_id":
                    continue
                named = {number for row in values for number in self._named(row.get(name))}
                records = self.env[field.comodel_name].sudo().browse(sorted(named))
                if not self._are_of(company, records.with_context(active_test=False)):
                    raise NotWritten(f"{name} of another company")

    @staticmethod
    def _are_of(company, records):
        """Return whether records belong to a company or to all."""
        domain = Domain(records._check_company_domain(company))
        if len(records) > READ_AT_MOST:
            others = Domain("id", "in", records.ids) & ~domain
            return not records.search_count(others, limit=1)
        return records.filtered_domain(domain) == records

    @staticmethod
    def _named(value):
        """Return the ids in a value of a relational field."""
        if isinstance(value, list):
            return [number for command in value for number in command[2]]
        return [value] if value else []

    def _check_dates(self, documents):
        """:raise NotWritten: a lock date concerns some documents, which Odoo books at another date"""
        found = {
            (
                values["company_id"],
                values["date"],
                values["journal_id"],
                any(command[2]["tax_ids"] for command in values["line_ids"]),
            )
            for values in documents
        }
        for company_id, date, journal_id, taxed in found:
            company = self.env["res.company"].browse(company_id)
            journal = self.env["account.journal"].browse(journal_id)
            if company._get_violated_lock_dates(date, taxed, journal):
                raise NotWritten("locked dates")
