from odoo import models
from odoo.tools import SQL

from .not_written import NotWritten


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
                SELECT 'account of another company' FROM item
                 WHERE NOT EXISTS (
                       SELECT FROM account_account_res_company_rel AS owner
                        WHERE owner.account_account_id = item.account_id
                          AND owner.res_company_id = ANY(%(companies)s))
                 UNION ALL
                SELECT 'account for other journals' FROM item
                  JOIN account_journal AS journal ON journal.id = item.journal_id
                 WHERE item.account_id IN (journal.default_account_id, journal.suspense_account_id)
                   AND journal.type IN ('bank', 'cash')
                 UNION ALL
                SELECT 'archived journal' FROM move
                  JOIN account_journal AS journal ON journal.id = move.journal_id
                 WHERE journal.active IS NOT TRUE OR journal.company_id <> ALL(%(companies)s)
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
                 UNION ALL
                SELECT 'partner of another company' FROM move
                  JOIN res_partner AS partner
                    ON partner.id IN (move.partner_id, move.commercial_partner_id,
                                      move.partner_shipping_id)
                 WHERE partner.company_id <> ALL(%(companies)s)
                 UNION ALL
                SELECT 'product of another company' FROM item
                  JOIN product_product AS product ON product.id = item.product_id
                  JOIN product_template AS template ON template.id = product.product_tmpl_id
                 WHERE template.company_id <> ALL(%(companies)s)
                 UNION ALL
                SELECT 'tax of another company' FROM item
                  JOIN account_move_line_account_tax_rel AS used ON used.account_move_line_id = item.id
                  JOIN account_tax AS tax ON tax.id = used.account_tax_id
                 WHERE tax.company_id <> ALL(%(companies)s)
                 LIMIT 1
                """,
                moves=moves.ids,
                companies=self._company_ids(moves),
            )
        )
        if problems:
            raise NotWritten(problems[0][0])

    def _company_ids(self, moves):
        """Return the ids of the documents' company and of those above it."""
        [(company_id,)] = self.env.execute_query(
            SQL("SELECT DISTINCT company_id FROM account_move WHERE id = ANY(%s)", moves.ids)
        )
        return self.env["res.company"].sudo().browse(company_id).parent_ids.ids

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
