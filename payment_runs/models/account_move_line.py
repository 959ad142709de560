from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ..bank_references import compact, named


class AccountMoveLine(models.Model):
    """Open journal items that a bank's text names."""

    _inherit = "account.move.line"

    @api.model
    def _named_in(self, company, texts):
        """Return ``{key: journal items}`` of what texts name and is open in a company: the money of
        files of direct debits and of single ones that is on its way, else invoices and credit notes.

        :param dict texts: ``{key: text}``
        """
        words = {key: named(text) for key, text in texts.items()}
        wanted = set().union(*words.values())
        if not wanted:
            return {}
        by_file = self._on_the_way_by_file(company, wanted)
        by_collection = self._on_the_way_by_collection(company, wanted)
        by_document = self._open_by_document(company, wanted)
        found = {}
        for key, mine in words.items():
            for names in (by_file, by_collection, by_document):
                ids = sorted({item for name in mine & names.keys() for item in names[name]})
                if ids:
                    found[key] = self.sudo().browse(ids)
                    break
        return found

    @api.model
    def _on_the_way_by_file(self, company, wanted):
        """Return ``{compact name: item ids}`` of files and their blocks, as the bank books them."""
        files = self.env["billing.payment.file"].sudo().search([("company_id", "=", company.id)])
        found = {}
        for file in files:
            name = compact(file.message_id)
            if not any(word.startswith(name) for word in wanted):
                continue
            blocks = file._blocks()
            if name in wanted:
                found[name] = sum(blocks, self.env["billing.payment.line"])
            for number, lines in enumerate(blocks, 1):
                if f"{name}{number}" in wanted:
                    found[f"{name}{number}"] = lines
        return {
            name: [item for _line, item in self._outstanding_of(lines)]
            for name, lines in found.items()
        }

    @api.model
    def _on_the_way_by_collection(self, company, wanted):
        """Return ``{compact reference: item ids}`` of single collections."""
        lines = self.env["billing.payment.line"].sudo()
        lines.flush_model(["reference", "company_id", "payment_id"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM billing_payment_line
                 WHERE company_id = %s AND payment_id IS NOT NULL
                   AND regexp_replace(upper(reference), '[^A-Z0-9]', '', 'g') = ANY(%s)
                """,
                company.id,
                list(wanted),
            )
        )
        found = defaultdict(list)
        for line, item in self._outstanding_of(lines.browse(line_id for (line_id,) in rows)):
            found[compact(line.reference)].append(item)
        return found

    @api.model
    def _outstanding_of(self, lines):
        """Return ``[(collection, item id)]`` of the money that collections have on its way, and of
        what came back of it."""
        return [
            (line, item.id)
            for line in lines
            for item in (line.payment_id.move_id + line.return_move_id).line_ids
            if item.account_id != line.payment_id.destination_account_id
            and item.account_id.reconcile
            and not item.reconciled
            and item.parent_state == "posted"
        ]

    @api.model
    def _open_by_document(self, company, wanted):
        """Return ``{compact name or payment reference: item ids}`` of open customer documents."""
        self.flush_model(["reconciled", "parent_state", "company_id", "account_id", "move_id"])
        self.env["account.move"].flush_model(["name", "payment_reference", "move_type"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT n.name, l.id
                  FROM account_move_line l
                  JOIN account_account a ON a.id = l.account_id
                  JOIN account_move m ON m.id = l.move_id
                 CROSS JOIN LATERAL (
                       SELECT regexp_replace(upper(m.name), '[^A-Z0-9]', '', 'g') AS name
                        UNION
                       SELECT regexp_replace(upper(m.payment_reference), '[^A-Z0-9]', '', 'g')
                       ) n
                 WHERE l.company_id = %s AND l.reconciled IS NOT TRUE AND l.parent_state = 'posted'
                   AND a.account_type = 'asset_receivable'
                   AND m.move_type IN ('out_invoice', 'out_refund')
                   AND n.name = ANY(%s)
                """,
                company.id,
                list(wanted),
            )
        )
        found = defaultdict(list)
        for name, item in rows:
            found[name].append(item)
        return found
