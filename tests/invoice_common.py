"""The ground for tests of the invoice builder: specs, and the comparison with Odoo's invoices."""

from collections import Counter

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.billing_operations.billing_runs.writer.not_written import NotWritten
from odoo.addons.billing_operations.billing_runs.writer.others import computed_by_others
from odoo.addons.billing_operations.billing_runs.writer.proofs import Proofs

# Different in any two records: identity, time, secrets, and the reference to the record itself.
NOT_COMPARED = {"id", "create_date", "write_date", "access_token", "move_id", "move_line_id"}


class InvoiceBuilderCase(AccountTestInvoicingCommon):
    """Builds specs and compares the builder's invoices with Odoo's."""

    not_compared = NOT_COMPARED

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.builder = cls.env["billing.invoice.builder"]
        cls.company = cls.env.company
        cls.journal = cls.company_data["default_journal_sale"]
        cls.euro = cls.setup_other_currency(
            "EUR", rates=[("2020-01-01", 1.37), ("2026-02-01", 0.731)]
        )
        cls.net_30 = cls.env["account.payment.term"].create(
            {
                "name": "30 days",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "nb_days": 30})
                ],
            }
        )
        cls.customers = cls.env["res.partner"].create(
            [
                {"name": f"Customer {number}", "property_payment_term_id": cls.net_30.id}
                for number in range(4)
            ]
        )

    def spec(self, partner=None, lines=None, **values):
        return {
            "move_type": "out_invoice",
            "partner_id": (partner or self.customers[0]).id,
            "journal_id": self.journal.id,
            "currency_id": self.company.currency_id.id,
            "company_id": self.company.id,
            "invoice_date": fields.Date.to_date("2026-01-31"),
            "date": fields.Date.to_date("2026-01-31"),
            "lines": lines or [self.line()],
            **values,
        }

    def line(self, price=100.0, product=None, **values):
        return {
            "product_id": (product or self.product_a).id,
            "name": "Hosting",
            "quantity": 1.0,
            "price_unit": price,
            "discount": 0.0,
            **values,
        }

    def sale_tax(self, amount, **values):
        self.__class__.tax_number += 1
        return self.env["account.tax"].create(
            {"name": f"Tax {self.tax_number}", "amount": amount, "type_tax_use": "sale", **values}
        )

    # === THE COMPARISON === #

    def assert_same_as_plain(self, *specs, plain=0, written=True):
        """Compare drafts and posted invoices of the builder with Odoo's; ``plain`` of them go the
        plain way. Then compare what the writer makes of them by sets; not ``written`` says that it
        has to leave them to Odoo."""
        proofs = Proofs()
        self._result_of(lambda: self.builder._create_invoices(list(specs), proofs), lambda moves: 0)
        ways = [proofs.way(shape) for shape, _values in self.builder._shaped(list(specs))]
        self.assertEqual(ways.count("odoo"), plain, "invoices that went the plain way")
        self.assertNotIn("both", ways)
        expected = self._result_of(
            lambda: self.env["account.move"].create(
                [self.builder._plain_move_values(spec) for spec in specs]
            ),
            lambda moves: moves.action_post(),
        )
        ours = self._result_of(
            lambda: self.builder._create_invoices(list(specs), proofs),
            lambda moves: self.builder._post_invoices(moves),
        )
        for state, expected_state in expected.items():
            for number, (expected_cells, our_cells) in enumerate(
                zip(expected_state, ours[state], strict=True)
            ):
                pairs = {
                    cell: (our_cells.get(cell, "-"), expected_cells.get(cell, "-"))
                    for cell in sorted(expected_cells.keys() | our_cells.keys())
                }
                differences = [
                    f"{cell}: {our_cell!r} instead of {expected_cell!r}"
                    for cell, (our_cell, expected_cell) in pairs.items()
                    if our_cell != expected_cell
                ]
                self.assertFalse(
                    differences, f"{state}, invoice {number}:\n" + "\n".join(differences)
                )

        if not plain:
            self._assert_written(specs, expected["posted"], written)

    def _assert_written(self, specs, expected, written):
        documents = [values for _shape, values in self.builder._shaped(list(specs))]
        try:
            computed = computed_by_others(self.env.registry)
            differences = self._differences_of_written(documents, computed, expected)
        except NotWritten:
            self.assertFalse(written, "the writer refused them")
            return
        if written:
            self.assertFalse(differences, "written by sets:\n" + "\n".join(differences))
        else:
            self.assertTrue(differences, "the writer could have made them")

    def _differences_of_written(self, documents, computed, expected):
        """Return where documents that are written by sets are not as Odoo makes them.

        :param computed: what of them Odoo computes: ``{model: names of fields}``
        """
        writer = self.env["billing.invoice.writer"]
        ours = self._result_of(
            lambda: self.env["account.move"].browse(
                writer._write_posted(documents, computed).move_ids
            ),
            lambda moves: None,
        )["posted"]
        return [
            f"invoice {number}, {cell}: {our.get(cell)!r} instead of {their.get(cell)!r}"
            for number, (our, their) in enumerate(zip(ours, expected, strict=True))
            for cell in sorted(our.keys() | their.keys())
            # An empty value is as good as any other: the ORM reads none, false and zero alike.
            if (our.get(cell) or None) != (their.get(cell) or None)
        ]

    def _result_of(self, create, post):
        """Return ``{state: [rows of each invoice]}``, leaving the database as it was."""
        savepoint = self.env.cr.savepoint()
        try:
            moves = create()
            created = self._rows(moves)
            post(moves)
            return {"draft": created, "posted": self._rows(moves)}
        finally:
            savepoint.rollback()
            savepoint.close(rollback=False)
            self.env.cr.postcommit.clear()

    def _rows(self, moves):
        """Return ``[{cell: value}]`` of each invoice: all columns of all its rows, in the order
        of creation."""
        self.env.flush_all()
        result = []
        # Ranks above zero are raised after the commit, by a hook that tests never run.
        later = Counter(
            self.env.cr.postcommit.data.get("account.res.partner.increase_rank.customer_rank")
        )
        for move in moves:
            cells = self._cells("move", "account_move", "id", move.id)
            for partner in move.partner_id | move.commercial_partner_id:
                cells[f"rank {partner.name}"] = partner.customer_rank + later[partner.id]
            query = SQL("SELECT id FROM account_move_line WHERE move_id = %s ORDER BY id", move.id)
            for number, (line_id,) in enumerate(self.env.execute_query(query)):
                line = f"line {number}"
                cells |= self._cells(line, "account_move_line", "id", line_id)
                cells |= self._cells(
                    f"{line} tax",
                    "account_move_line_account_tax_rel",
                    "account_move_line_id",
                    line_id,
                )
                tags = "account_account_tag_account_move_line_rel"
                cells |= self._cells(f"{line} tag", tags, "account_move_line_id", line_id)
                cells |= self._cells(
                    f"{line} analytic", "account_analytic_line", "move_line_id", line_id
                )
            result.append(cells)
        return result

    def _cells(self, name, table, key, value, columns=None):
        rows = self.env.execute_query(
            SQL(
                "SELECT to_jsonb(t) - %s::text[] FROM %s t WHERE %s = %s",
                [key, *self.not_compared],
                SQL.identifier(table),
                SQL.identifier("t", key),
                value,
            )
        )
        return {
            f"{name} {number} {column}": cell
            for number, row in enumerate(sorted((row for (row,) in rows), key=str))
            for column, cell in row.items()
            if not columns or column in columns
        }
