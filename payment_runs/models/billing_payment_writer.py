import json
import logging
from collections import Counter, defaultdict

from psycopg2 import OperationalError

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_runs.writer.not_written import NotWritten
from ...billing_runs.writer.numbers import Numbers, wait_for_others
from ...billing_runs.writer.others import computed_by_others
from ...billing_runs.writer.proofs import Proofs
from ...billing_tasks.hooks import trying
from ...billing_tasks.own_transaction import own_transaction
from ..payment_patterns import CHANGED, MODELS, TABLES, Facts, changes, comparable, rows_like

_logger = logging.getLogger(__name__)

#: columns of an entry that follow from its number
NUMBERING = ("name", "sequence_prefix", "sequence_number", "made_sequence_gap")
#: in which order rows are inserted, so that what they refer to is there
INSERTED = ("payment", "entry", "full", "money", "receivable", "partial")


class BillingPaymentWriter(models.AbstractModel):
    """Posts payments of whole invoices by sets, each like one that Odoo has just posted.

    The first payment of a kind in a run and process is Odoo's, and the pattern of the others. The next
    one is made both ways and compared in every column and every table; only where both are the same
    are the others of the kind written. What is special goes Odoo's way.
    """

    _name = "billing.payment.writer"
    _description = "Payment Writer"

    def _post(self, run, lines, netted):
        """Post payments of lines and reconcile them with their invoices: what is special first.

        :param run: the ``billing.payment.run``
        :param lines: ``billing.payment.line`` of one company without payments
        :param netted: ids of receivable lines that credits are taken off
        """
        plain = lines.browse()
        if self._may_write(run):
            plain = self._plain(
                run, lines.filtered(lambda line: line.move_line_id.id not in netted)
            )
        run._post_as_odoo(lines - plain)
        proofs = Proofs.of(self.env.registry, ("payments", run.id))
        waiting, left = [], []
        for line in plain:
            proof = proofs[self._shape(run, line)]
            if proof.equal is False:
                left.append(line.id)
            elif self._is_proven(proof, line) and proofs.draw(1) == [False]:
                waiting.append((line, proof))
            else:
                self._write_or_leave(run, waiting)
                waiting = []
                self._post_one(run, line, proof)
        self._write_or_leave(run, waiting)
        run._post_as_odoo(lines.browse(left))

    @staticmethod
    def _varies(proof, line):
        """Return in what a line's payment differs from the pattern of its kind."""
        facts, _rows = proof.pattern
        differs = {
            "amount": line.amount != facts.amount,
            "payer": line.partner_id.id != facts.partners[0],
        }
        return {name for name, other in differs.items() if other}

    def _is_proven(self, proof, line):
        """Return whether payments that differ from the pattern as this one does were found equal: a
        column that happens to hold the amount, or the payer's own, shows only where these differ."""
        return bool(proof.equal) and self._varies(proof, line) <= proof.varied

    def _may_write(self, run):
        """Return whether nothing concerns all payments of a run that only Odoo minds."""
        company, journal = run.company_id, run.company_id.billing_debit_journal_id
        return not (
            self.env["billing.invoice.builder"]._left_to_odoo(company)
            or company.tax_exigibility
            or journal.restrict_mode_hash_table
            or journal.currency_id not in (journal.currency_id.browse(), company.currency_id)
            or company._get_violated_lock_dates(run.payment_date, False, journal)
        ) and all(
            self.env[model].has_access("create") for model in ("account.payment", "account.move")
        )

    def _plain(self, run, lines):
        """Return the lines that pay all of an invoice that has one due date, in the company's
        currency."""
        items = lines.move_line_id
        counts = dict(
            self.env["account.move.line"]._read_group(
                Domain("move_id", "in", lines.move_id.ids)
                & Domain("account_id.account_type", "=", "asset_receivable"),
                ["move_id"],
                ["__count"],
            )
        )
        currency = run.company_id.currency_id
        times = Counter(line.move_line_id for line in lines)
        partial = self.env["account.partial.reconcile"].search(
            Domain("debit_move_id", "in", items.ids) | Domain("credit_move_id", "in", items.ids)
        )
        touched = partial.debit_move_id | partial.credit_move_id
        return lines.filtered(
            lambda line: (
                (item := line.move_line_id)
                and times[item] == 1
                and item not in touched
                and counts[line.move_id] == 1
                and line.move_id.move_type == "out_invoice"
                and item.parent_state == "posted"
                and not item.reconciled
                and not item.discount_date
                and line.currency_id == item.currency_id == currency
                and currency.compare_amounts(line.amount, item.amount_residual) == 0
                and currency.compare_amounts(line.amount, item.balance) == 0
            )
        )

    def _shape(self, run, line):
        """Return what payments of a kind have in common, their amounts and payers apart."""
        partner, item, invoice = line.partner_id, line.move_line_id, line.move_id
        return (
            fields.Date.to_string(run.payment_date),
            item.account_id.id,
            item.display_type,
            invoice.journal_id.id,
            invoice.payment_state,
            partner == partner.commercial_partner_id,
            item.partner_id == partner.commercial_partner_id,
            partner.country_id.id,
            partner.lang,
            line.method,
        )

    # === ODOO'S WAY, AND BOTH === #

    def _post_one(self, run, line, proof):
        """Post a payment by Odoo: as the pattern of its kind, or to prove what is written by it."""
        items = line.move_line_id
        before = self._rows({"invoice": line.move_id.id, "item": items.id})
        again = self._is_proven(proof, line) if proof.pattern else False
        if not proof.pattern:
            run._post_as_odoo(line)
            proof.pattern = self._learn(line, before)
            proof.equal = None if proof.pattern else False
            return
        model = self.env["billing.invoice.proof"]
        _posted, differences = model._try_ways(
            lambda: self._comparable(self._write(run, [(line, proof)])[0]),
            lambda: (line, self._posted_rows(run, line)),
        )
        if differences is None:
            # The next payment has to tell.
            return
        proof.equal = not differences
        proof.varied |= self._varies(proof, line)
        if differences:
            # Said whatever becomes of this batch: those of others were written by sets.
            with own_transaction(run) as told:
                told._note_posting(model._reason(differences), again)

    def _posted_rows(self, run, line):
        run._post_as_odoo(line)
        self.env.flush_all()
        ids = self._parts(line)
        return self._comparable(ids) if ids else {}

    def _learn(self, line, before):
        """Return the pattern of payments like one that Odoo posted; None where it is of no use."""
        ids = self._parts(line)
        if not ids:
            return None
        rows = self._rows(ids)
        changed = changes(before, rows)
        return self._facts(line, ids, rows["entry"]), rows | changed

    def _parts(self, line):
        """Return ``{part: id}`` of a posted payment; None where it did not pay all of its invoice."""
        payment = line.payment_id
        entries = payment.move_id.line_ids
        if len(entries) != 2:
            return None
        money, receivable = entries.sorted(
            lambda item: item.account_id == line.move_line_id.account_id
        )
        partial = receivable.matched_debit_ids + receivable.matched_credit_ids
        full = receivable.full_reconcile_id
        if len(partial) != 1 or not full:
            return None
        return {
            "payment": payment.id,
            "entry": payment.move_id.id,
            "money": money.id,
            "receivable": receivable.id,
            "partial": partial.id,
            "full": full.id,
            "invoice": line.move_id.id,
            "item": line.move_line_id.id,
        }

    def _rows(self, ids):
        """Return ``{part: row}`` of rows as the database has them."""
        self.env.flush_all()
        rows = {}
        for part, number in ids.items():
            [[row]] = self.env.execute_query(
                SQL(
                    "SELECT to_jsonb(one) FROM %s AS one WHERE id = %s",
                    SQL.identifier(TABLES[part]),
                    number,
                )
            )
            rows[part] = row
        return rows

    def _comparable(self, ids):
        linked = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM account_move__account_payment"
                " WHERE invoice_id = %s AND payment_id = %s",
                ids["invoice"],
                ids["payment"],
            )
        )
        rows = self._rows(ids)
        others = self.env.execute_query(
            self.env["billing.invoice.proof"]._others_written(
                SQL(
                    "SELECT commercial_partner_id FROM res_partner WHERE id = %s",
                    rows["payment"]["partner_id"],
                ),
                [ids["entry"], ids["invoice"]],
            )
        )
        rows = comparable(rows, ids, self._references(), others)
        return rows | {("account.payment", "payment", "invoice_ids"): linked[0][0]}

    def _facts(self, line, ids, entry):
        """Return the :class:`Facts` of a line's payment.

        :param entry: the row of its entry, with its number
        """
        partner = line.partner_id
        memo = f"{line.reference} {line.move_id.name}"
        return Facts(
            ids,
            (partner.id, partner.commercial_partner_id.id),
            line.amount,
            (memo, line.reference, partner.display_name, entry["name"]),
            {name: entry[name] for name in NUMBERING},
        )

    def _references(self):
        """Return ``{part: {column: table it refers to}}``."""
        return {
            part: {
                name: self.env[field.comodel_name]._table
                for name, field in self.env[MODELS[table]]._fields.items()
                if field.type == "many2one" and field.store
            }
            for part, table in TABLES.items()
        }

    def _amounts(self):
        """Return ``{part: columns that hold amounts}``."""
        return {
            part: {
                name
                for name, field in self.env[MODELS[table]]._fields.items()
                if field.type == "monetary" and field.store
            }
            for part, table in TABLES.items()
        }

    # === BY SETS === #

    def _write_or_leave(self, run, waiting):
        """Write payments of proven kinds; where that does not succeed, Odoo posts them."""
        if not waiting:
            return
        try:
            with trying(self.env.cr):
                self._write(run, waiting)
            return
        except OperationalError:
            raise
        except (NotWritten, UserError) as reason:
            _logger.info("Payments of run %s are posted by Odoo: %s", run.id, reason)
        except Exception:
            _logger.exception("Payments of run %s are posted by Odoo", run.id)
        run._post_as_odoo(self._lines_of(run, waiting))

    @staticmethod
    def _lines_of(run, waiting):
        # Not from the run's lines: all of them would be read for each batch.
        return run.env["billing.payment.line"].browse([line.id for line, _proof in waiting])

    def _write(self, run, waiting):
        """Insert payments, reconciled with their invoices.

        :param waiting: ``[(line, proof)]``, with the pattern of each
        :return: ``[{part: id}]`` of them, in their order
        :raise NotWritten: an invoice was paid meanwhile
        """
        lines = self._lines_of(run, waiting)
        items = self.env["account.move.line"].browse(
            [line.move_line_id.id for line, _proof in waiting]
        )
        before = items._reconcile_pre_hook()
        if not {"tracking_disable", "mail_notrack"} & {k for k, v in self.env.context.items() if v}:
            # The invoices' chatter says what became of them, as ever.
            changed = {name for _line, proof in waiting for name in proof.pattern[1]["invoice"]}
            lines.move_id._track_prepare(changed)
        self.env.flush_all()
        new = {part: iter(self._new_ids(TABLES[part], len(waiting))) for part in INSERTED}
        ids = [
            {part: next(new[part]) for part in INSERTED}
            | {"invoice": line.move_id.id, "item": line.move_line_id.id}
            for line, _proof in waiting
        ]
        references, amounts = self._references(), self._amounts()
        computed = computed_by_others(self.env.registry)
        nothing = {part: dict.fromkeys(self._emptied(part, computed)) for part in INSERTED}
        stamp = {"write_uid": self.env.uid, "write_date": f"{self.env.cr.now()}"}

        def rows_of(place, entry):
            line, proof = waiting[place]
            facts, pattern = proof.pattern
            other = self._facts(line, ids[place], entry)
            rows = rows_like(pattern, facts, other, references, amounts)
            for part, row in rows.items():
                row |= stamp
                if part in INSERTED:
                    row |= nothing[part]
                    row |= {"create_uid": self.env.uid, "create_date": stamp["write_date"]}
            return rows

        wait_for_others(self.env.cr, [run.company_id.billing_debit_journal_id.id])
        rows = self._numbered(ids, rows_of)
        self._insert(rows)
        self.env.execute_query(
            SQL(
                "UPDATE account_payment p SET move_id = v.entry"
                " FROM unnest(%s::int[], %s::int[]) AS v (id, entry) WHERE p.id = v.id RETURNING 1",
                [one["payment"] for one in ids],
                [one["entry"] for one in ids],
            )
        )
        self._pay(ids, rows)
        self.env.execute_query(
            SQL(
                "UPDATE billing_payment_line l SET payment_id = v.payment"
                " FROM unnest(%s::int[], %s::int[]) AS v (id, payment) WHERE l.id = v.id RETURNING 1",
                lines.ids,
                [one["payment"] for one in ids],
            )
        )
        for model in {*MODELS.values(), "billing.payment.line"}:
            self.env[model].invalidate_model()
        self.env["billing.invoice.writer"]._compute_others(
            computed,
            {
                "account.payment": [one["payment"] for one in ids],
                "account.move": [one["entry"] for one in ids],
                "account.move.line": [one[part] for one in ids for part in ("money", "receivable")],
            },
        )
        items._reconcile_post_hook(before)
        return ids

    def _emptied(self, part, computed):
        """Return the columns that rows of a part do not take over, since Odoo computes them."""
        model = self.env[MODELS[TABLES[part]]]
        names = computed.get(model._name, ())
        fields = [model._fields[name] for name in names]
        return [field.name for field in fields if field.column_type and not field.required]

    def _new_ids(self, table, count):
        return self.env["billing.invoice.writer"]._new_ids(table, count)

    def _numbered(self, ids, rows_of):
        """Return the rows of all payments with their numbers; the first entry is in its table then."""
        moves = self.env["account.move"]
        nothing = dict.fromkeys(NUMBERING) | {"name": ""}
        first = rows_of(0, nothing)
        self._populate("payment", [first["payment"] | {"move_id": None}])
        self._populate("entry", [first["entry"] | {"name": None}])
        holder = moves.browse(first["entry"]["id"])
        numbers = Numbers(moves)
        key = numbers.key(first["entry"] | {"move_type": "entry"})
        numbers.lock(key, holder)
        rows = []
        for place in range(len(ids)):
            name, prefix, number = numbers.next(key)
            entry = {"name": name, "sequence_prefix": prefix, "sequence_number": number}
            entry["made_sequence_gap"] = False if place else numbers.is_gap(holder, prefix, number)
            rows.append(rows_of(place, entry))
            if not place:
                own = rows[0]["entry"]
                self.env["billing.invoice.writer"]._set_number(numbers, holder, own)
        return rows

    def _insert(self, rows):
        """Insert what is not there yet, in the order of :data:`INSERTED`."""
        self.env.execute_query(
            SQL(
                "UPDATE account_payment SET name = %s WHERE id = %s RETURNING 1",
                rows[0]["payment"].get("name"),
                rows[0]["payment"]["id"],
            )
        )
        for part in INSERTED:
            some = rows[1:] if part in ("payment", "entry") else rows
            hidden = {"move_id": None} if part == "payment" else {}
            self._populate(part, [one[part] | hidden for one in some])
        self.env.cr.execute(
            SQL(
                "INSERT INTO account_move__account_payment (invoice_id, payment_id)"
                " SELECT * FROM unnest(%s::int[], %s::int[])",
                [one["invoice"]["id"] for one in rows],
                [one["payment"]["id"] for one in rows],
            )
        )

    def _populate(self, part, rows):
        if not rows:
            return
        table = SQL.identifier(TABLES[part])
        names = sorted({name for row in rows for name, value in row.items() if value is not None})
        columns = SQL(", ").join(map(SQL.identifier, names))
        self.env.cr.execute(
            SQL(
                "INSERT INTO %s (%s) SELECT %s FROM jsonb_populate_recordset(NULL::%s, %s::jsonb)",
                table,
                columns,
                columns,
                table,
                json.dumps([{name: row.get(name) for name in names} for row in rows]),
            )
        )

    def _pay(self, ids, rows):
        """Write what payments change of the invoices and their items.

        :raise NotWritten: one of them is paid already
        """
        for part in CHANGED:
            table = SQL.identifier(TABLES[part])
            still_open = SQL("AND one.reconciled IS NOT TRUE") if part == "item" else SQL()
            # Kinds of payments may change different columns; nothing else is touched.
            by_columns = defaultdict(list)
            for one in rows:
                by_columns[tuple(sorted(one[part].keys() - {"id"}))].append(one[part])
            done = 0
            for names, some in by_columns.items():
                self.env.cr.execute(
                    SQL(
                        "UPDATE %s AS one SET %s"
                        " FROM jsonb_populate_recordset(NULL::%s, %s::jsonb) AS other"
                        " WHERE one.id = other.id %s",
                        table,
                        SQL(", ").join(
                            SQL("%s = other.%s", SQL.identifier(name), SQL.identifier(name))
                            for name in names
                        ),
                        table,
                        json.dumps(some),
                        still_open,
                    )
                )
                done += self.env.cr.rowcount
            if done != len(ids):
                raise NotWritten("paid meanwhile")
