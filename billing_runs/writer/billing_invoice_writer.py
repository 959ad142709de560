import io
from collections import defaultdict
from itertools import islice
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ..invoicing.prepared import QUIET
from .copy_rows import Columns
from .numbers import NUMBERED, Numbers, known_committed
from .term_names import term_names

#: what rows of documents refer to by tables of their own: ``{field of the item: (table, column, column)}``
RELATIONS = {
    "tax_ids": ("account_move_line_account_tax_rel", "account_move_line_id", "account_tax_id"),
    "tax_tag_ids": (
        "account_account_tag_account_move_line_rel",
        "account_move_line_id",
        "account_account_tag_id",
    ),
}


class Prepared(NamedTuple):
    """Documents that lack nothing but their numbers."""

    moves: models.Model
    rows: list
    items: list
    line_ids: list  # a list of ids for each document, in the order of its items
    computed: dict
    ready: tuple
    ready_items: tuple

    def subtotals(self):
        """Return ids and subtotals of the items of each document."""
        found = ((item["id"], item.get("price_subtotal") or 0.0) for item in self.items)
        return [list(islice(found, len(ids))) for ids in self.line_ids]


class Written(NamedTuple):
    """What was written, in the order of the documents."""

    move_ids: list
    line_ids: list  # a list of ids for each document, in the order of its items


class BillingInvoiceWriter(models.AbstractModel):
    """Inserts customer invoices and credit notes by sets: posted, numbered and complete.

    Rows equal those of Odoo's own ``create`` and ``action_post``, as ``billing.invoice.proof`` has
    found for documents of the same shape; nobody else may call this. What Odoo checks in Python is
    checked on the whole batch before it ends.

    From the first number to the end of the transaction nobody else can number documents of the
    journal, so all that needs no number is made ready before.
    """

    _name = "billing.invoice.writer"
    _description = "Invoice Writer"

    def _write_posted(self, documents, computed=None):
        """Insert documents as posted ones.

        :param documents, computed: as :meth:`_prepare` takes them
        :return: :class:`Written`
        :raise NotWritten: Odoo would refuse them, or make them otherwise
        :raise AccessError: the user may not create or post documents
        """
        if not documents:
            return Written([], [])
        return self._insert(self._prepare(documents, computed))

    def _prepare(self, documents, computed=None):
        """Make ready what documents need before their numbers.

        :param list[dict] documents: values of one company, from ``InvoiceAmounts.complete``
        :param dict computed: ``{model: names of stored fields}`` of other addons that Odoo computes
            for what was written
        :return: :class:`Prepared`
        :raise NotWritten: Odoo would refuse them, or make them otherwise
        """
        self._check_dates(documents)
        moves = self.env["account.move"].browse(self._new_ids("account_move", len(documents)))
        rows = self._move_rows(moves.ids, documents)
        computed = self._to_compute(computed or {}, rows)
        items, line_ids = self._item_rows(rows, documents)
        self._check_companies(rows, items)
        ready = self._ready("account.move", rows)
        ready_items = self._ready("account.move.line", items)
        return Prepared(moves, rows, items, line_ids, computed, ready, ready_items)

    def _insert(self, prepared):
        """Number documents and insert them.

        :param prepared: from :meth:`_prepare`
        :return: :class:`Written`
        :raise NotWritten: Odoo would refuse them, or make them otherwise
        :raise AccessError: the user may not create or post documents
        """
        moves, rows, items, line_ids, computed, ready, ready_items = prepared
        way = "proof" if known_committed(self.env) else "sets"
        crash_point("writer.before_moves", way)
        self._number(moves, rows, ready)
        crash_point("writer.numbered", way)
        self._name_items(rows, items)
        self._copy(ready_items, items)
        crash_point("writer.items", way)
        self._copy_relations(items)
        crash_point("writer.relations", way)
        self._invalidate()
        self._create_analytic_lines(items)
        numbers = {"account.move": moves.ids, "account.move.line": [item["id"] for item in items]}
        self._compute_others(computed, numbers)
        self._check_rights(moves)
        self._check(moves)
        crash_point("writer.checked", way)
        self._increase_ranks(rows)
        crash_point("writer.written", way)
        return Written(moves.ids, line_ids)

    def _new_ids(self, table, count):
        query = SQL(
            """
            SELECT nextval(sequence.name)
              FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name OFFSET 0) AS sequence,
                   generate_series(1, %s)
            """,
            table,
            count,
        )
        return [row[0] for row in self.env.execute_query(query)]

    # === DOCUMENTS === #

    def _move_rows(self, ids, documents):
        """Return the rows of posted documents, without what follows from their numbers."""
        defaults = self._defaults("account.move", documents)
        shared = self._stamps() | {
            "state": "posted",
            "posted_before": True,
            "checked": self.env["account.move"]._is_user_able_to_review(),
            "name": False,
            "payment_reference": False,
            "made_sequence_gap": False,
        }
        # All at once, so that what is read of one is read of all.
        partners = self.env["res.partner"].browse([values["partner_id"] for values in documents])
        partners.fetch(["lang"])
        chosen = {}
        rows = []
        for number, partner, values in zip(ids, partners, documents, strict=True):
            key = self._choice_key(values, partner.lang)
            if key not in chosen:
                chosen[key] = self._chosen(values)
            rows.append(defaults | chosen[key] | values | shared | {"id": number})
        return rows

    @staticmethod
    def _choice_key(values, lang):
        """Return what :meth:`_chosen` depends on."""
        return (
            values["move_type"],
            values["journal_id"],
            values["currency_id"],
            values["preferred_payment_method_line_id"],
            lang,
            values["move_type"] == "out_refund" and values["commercial_partner_id"],
        )

    def _chosen(self, values):
        """Return what Odoo chooses for a document of a company, whoever gets it."""
        names = (
            "move_type company_id currency_id journal_id partner_id preferred_payment_method_line_id"
        ).split()
        moves = self.env["account.move"].with_context(**QUIET)
        move = moves.new({name: values[name] for name in names})
        return {"partner_bank_id": move.partner_bank_id.id, "narration": move.narration}

    def _stamps(self):
        now, uid = self.env.cr.now(), self.env.uid
        return {"create_uid": uid, "write_uid": uid, "create_date": now, "write_date": now}

    def _defaults(self, model, rows):
        """Return the default values of stored fields that some rows have no value for."""
        records = self.env[model]
        given = set.intersection(*map(set, rows))
        complete = records._add_missing_default_values({name: rows[0][name] for name in given})
        return {
            name: value
            for name, value in complete.items()
            if name not in given
            and records._fields[name].store
            and records._fields[name].column_type
        }

    def _number(self, moves, rows, ready):
        """Insert the documents with their numbers, which follow date, reference and order of creation.

        :param ready: from :meth:`_ready`
        """
        numbers = Numbers(moves.browse())
        order = sorted(rows, key=lambda row: (row["date"], row.get("ref") or "", row["id"]))
        first = {}
        for row in order:
            first.setdefault(numbers.key(row), row)
        # Those by which sequences are locked; without a name they are in nobody's way.
        self._copy(ready, first.values())
        # In one order, so that two that need the same sequences do not wait for each other.
        for key in sorted(first):
            numbers.lock(key, moves.browse(first[key]["id"]))
        holders = {row["id"] for row in first.values()}
        by_number = self._are_paid_by_number(rows)
        for row in order:
            key = numbers.key(row)
            row["name"], row["sequence_prefix"], row["sequence_number"] = numbers.next(key)
            if by_number and row["move_type"] == "out_invoice":
                row["payment_reference"] = row["name"]
            if row["id"] in holders:
                self._set_number(numbers, moves.browse(row["id"]), row)
        self._copy(ready, [row for row in rows if row["id"] not in holders])
        if not by_number:
            self._set_references(moves, rows)

    def _set_number(self, numbers, move, row):
        """Give a document that is in its table already what all others come with."""
        row["made_sequence_gap"] = numbers.is_gap(
            move, row["sequence_prefix"], row["sequence_number"]
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE account_move SET name = %s, sequence_prefix = %s, sequence_number = %s,
                       made_sequence_gap = %s, payment_reference = %s
                 WHERE id = %s
                """,
                row["name"],
                row["sequence_prefix"],
                row["sequence_number"],
                row["made_sequence_gap"],
                row["payment_reference"] or None,
                move.id,
            )
        )
        move.invalidate_recordset()

    def _are_paid_by_number(self, rows):
        """Return whether the number is what customers pay by; else Odoo says it of what is in its table."""
        journals = self.env["account.journal"].browse({row["journal_id"] for row in rows})
        return all(
            (journal.invoice_reference_model, journal.invoice_reference_type) == ("odoo", "invoice")
            for journal in journals
        )

    def _set_references(self, moves, rows):
        """Give invoices that were inserted the references by which they are paid."""
        invoices = moves.browse([row["id"] for row in rows if row["move_type"] == "out_invoice"])
        moves.invalidate_model()
        found = {move.id: move._get_invoice_computed_reference() for move in invoices}
        for row in rows:
            row["payment_reference"] = found.get(row["id"]) or False
        self.env.cr.execute(
            SQL(
                """
                UPDATE account_move AS move SET payment_reference = found.reference
                  FROM unnest(%s::int[], %s::text[]) AS found (id, reference)
                 WHERE move.id = found.id
                """,
                list(found),
                list(found.values()),
            )
        )

    # === ITEMS === #

    def _item_rows(self, rows, documents):
        """Return the rows of all items, without what follows from numbers, and the ids of each
        document's."""
        ids = iter(self._new_ids("account_move_line", sum(len(v["line_ids"]) for v in documents)))
        given = [command[2] for values in documents for command in values["line_ids"]]
        defaults = self._defaults("account.move.line", given)
        stamps = self._stamps()
        # Documents of one company.
        currency_id = self.env["res.company"].browse(rows[0]["company_id"]).currency_id.id
        journals, taxes = {}, {}
        items, line_ids = [], []
        for row, values in zip(rows, documents, strict=True):
            mine = [defaults | command[2] for command in values["line_ids"]]
            journal_id = row["journal_id"]
            if journal_id not in journals:
                journal = self.env["account.journal"].browse(journal_id)
                journals[journal_id] = journal.type == "general"
            shared = stamps | {
                "move_id": row["id"],
                "parent_state": "posted",
                "company_id": row["company_id"],
                "journal_id": journal_id,
                "date": row["date"],
                "invoice_date": row["invoice_date"],
                "ref": row.get("ref") or False,
                "company_currency_id": currency_id,
                "no_followup": journals[journal_id],
            }
            for item in mine:
                balance = item["balance"]
                item |= shared
                item["id"] = next(ids)
                item["debit"] = max(balance, 0.0)
                item["credit"] = max(-balance, 0.0)
                if part_id := item.get("tax_repartition_line_id"):
                    if part_id not in taxes:
                        taxes[part_id] = self._tax_of(part_id)
                    item |= taxes[part_id]
            items += mine
            line_ids.append([item["id"] for item in mine])
        return items, line_ids

    def _tax_of(self, repartition_id):
        tax = self.env["account.tax.repartition.line"].browse(repartition_id).tax_id
        return {"tax_line_id": tax.id, "tax_group_id": tax.tax_group_id.id}

    def _name_items(self, rows, items):
        """Give items what follows from their documents' numbers."""
        terms = defaultdict(list)
        names = {row["id"]: row["name"] for row in rows}
        for item in items:
            item["move_name"] = names[item["move_id"]]
            if item["display_type"] == "payment_term":
                terms[item["move_id"]].append(item)
        lang, parts = self.env.lang, {}
        for row in rows:
            term_id, mine = row.get("invoice_payment_term_id") or (), terms[row["id"]]
            if term_id not in parts:
                parts[term_id] = len(self.env["account.payment.term"].browse(term_id).line_ids)
            days = [item["date_maturity"] for item in mine]
            reference = row["payment_reference"]
            given = term_names(reference, row.get("ref"), days, parts[term_id], lang)
            for item, name in zip(mine, given, strict=True):
                item["name"] = name

    def _copy_relations(self, items):
        for name, (table, column, other) in RELATIONS.items():
            pairs = [
                f"{item['id']}\t{number}"
                for item in items
                for command in item.get(name) or ()
                for number in command[2]
            ]
            self._copy_text(table, (column, other), pairs)

    # === COPY === #

    def _ready(self, model, rows):
        """Return the columns that rows have values for, with what is known of each row already."""
        fields, late = self.env[model]._fields, NUMBERED[model]
        names = dict.fromkeys(name for row in rows for name in row if name not in late)
        stored = [n for n in names if n == "id" or (fields[n].store and fields[n].column_type)]
        company = self.env["res.company"].browse(rows[0]["company_id"])
        columns = Columns(self.env[model], stored, company.currency_id, late)
        return columns, dict(zip([row["id"] for row in rows], columns.known(rows), strict=True))

    def _copy(self, ready, rows):
        """
        :param ready: from :meth:`_ready`
        """
        columns, known = ready
        lines = [columns.line(row, known[row["id"]]) for row in rows]
        self._copy_text(columns.table, columns.names, lines)

    def _copy_text(self, table, names, lines):
        if not lines:
            return
        statement = SQL(
            "COPY %s (%s) FROM STDIN",
            SQL.identifier(table),
            SQL(", ").join(map(SQL.identifier, names)),
        )
        text = "\n".join(lines) + "\n"
        self.env.cr.copy_expert(statement.code, io.BytesIO(text.encode()), 1 << 20)

    # === WHAT FOLLOWS === #

    def _invalidate(self):
        """Forget what is cached of the documents' tables and of what counts them."""
        self.env["account.move"].invalidate_model()
        self.env["account.move.line"].invalidate_model()

    def _create_analytic_lines(self, items):
        """Let Odoo distribute the items' amounts over analytic accounts."""
        ids = [item["id"] for item in items if item.get("analytic_distribution")]
        if ids:
            lines = self.env["account.move.line"].with_context(**QUIET).browse(ids)
            lines._create_analytic_lines()
            lines.env.flush_all()

    def _increase_ranks(self, rows):
        """Count the documents for their customers, as Odoo does while posting."""
        counts = defaultdict(int)
        for row in rows:
            for partner_id in {row["partner_id"], row["commercial_partner_id"]}:
                counts[partner_id] += 1
        self.env["res.partner"]._increase_customer_ranks(counts)
