import json
import logging
from collections import Counter
from typing import NamedTuple

from psycopg2 import OperationalError

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ...billing_tasks.hooks import Hooks
from ...billing_tasks.own_transaction import own_transaction
from ..invoicing.posting import RANKS
from .effects import Effects, Look
from .not_written import NotWritten
from .numbers import committed
from .others import KNOWN, computed_by_others

_logger = logging.getLogger(__name__)

#: what may differ, and why
ALLOWED = {
    "id": "each row has its own",
    "move_id": "the document itself, which is another one",
    "create_date": "a moment later",
    "write_date": "a moment later",
    "access_token": "a secret, drawn at random",
    "billing_shape": "says that the writer made it",
    "res.partner.write_uid": "whoever raises the rank, which is after the commit",
}
#: stands for the reference by which a document is paid, which may follow from its id
REFERENCE = "<its reference>"
#: what else may have become of a document since it was written, and of what was looked at by hand
SENT = frozenset(("is_move_sent", "sending_data", "message_main_attachment_id"))
PAID = frozenset(
    """
    amount_residual amount_residual_signed amount_residual_currency payment_state reconciled
    full_reconcile_id matching_number
    """.split()
)
BY_HAND = frozenset(("checked", "is_manually_modified"))
ALWAYS = frozenset(("create_uid", "write_uid", "billing_compared"))
#: what says or follows from the number of a document
NUMBERED = frozenset(
    ("sequence_prefix", "sequence_number", "made_sequence_gap", "payment_reference", "move_name")
)


class Difference(NamedTuple):
    """A column in which the writer's row and Odoo's are not the same; or another effect."""

    model: str
    name: str
    ours: object
    theirs: object
    #: of which document, by its place; None where that cannot be said
    document: int | None = None


class BillingInvoiceProof(models.Model):
    """A document of a run that was made both ways: by sets and undone, then by Odoo's own ``create``
    and ``action_post``, which stays. Only documents of the same shape are written by sets after it,
    in the same run and process. Neighbours of several shapes are proven together.

    Written by the queue; everybody in billing may read what it says.
    """

    _name = "billing.invoice.proof"
    _description = "Invoice Proof"
    _order = "id desc"
    _rec_name = "shape"

    run_id = fields.Many2one("billing.run", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="run_id.company_id", store=True, precompute=True)
    shape = fields.Char(
        required=True, readonly=True, help="What the document has in common with others."
    )
    move_id = fields.Many2one(
        "account.move", "Document", readonly=True, index="btree_not_null", ondelete="set null"
    )
    equal = fields.Boolean(
        readonly=True, help="Whether both ways made the same of it, in every column."
    )
    again = fields.Boolean(
        "Proven Again", readonly=True, help="A document chosen at random of those written by sets."
    )
    reason = fields.Char(
        readonly=True, help="Which addon and column keep documents from being written by sets."
    )

    def _note(self, runs, reason):
        """Keep why documents of runs are made by Odoo, whatever their shape."""
        self._keep(
            [{"run_id": run.id, "shape": "-", "equal": False, "reason": reason} for run in runs]
        )

    def _keep(self, values):
        """Keep what this process goes by from now on, whatever becomes of the batch that found it."""
        with own_transaction(self.sudo()) as proofs:
            proofs.create(values)

    # === MAKING DOCUMENTS BOTH WAYS === #

    def _try(self, write, make, begin=None, wait=None):
        """Make documents both ways and keep Odoo's.

        :param write: function that makes them our way and returns their ids
        :param make: function that makes them Odoo's way and returns them, in the same order
        :param begin, wait: as :meth:`_try_ways` takes them
        :return: the documents, and the list of :class:`Difference`
        """

        def made(*begun):
            moves = make(*begun)
            self.env.flush_all()
            return moves, self._rows(moves.ids)

        return self._try_ways(lambda: self._rows(write()), made, begin, wait)

    def _try_ways(self, write, make, begin=None, wait=None):
        """Make something both ways and keep Odoo's.

        :param write: function that makes it our way and returns the rows of it:
            ``{(model, number, column): value}``
        :param make: function that makes it Odoo's way and returns it with the rows of it
        :param begin: function that begins with Odoo's way and returns what ``make`` takes then; None
            where it took everything back
        :param wait: function that is called between, and what it does is not looked at
        :return: what was made, and the list of :class:`Difference`; None instead where somebody else
            took the number in between, so that nothing can be said
        """
        cr = self.env.cr
        begun, begun_effects = [], Effects({}, Counter())
        if begin:
            # What waits to be written is not of its making.
            cr.flush()
            before = Look(cr)
            begun = [part for part in [begin()] if part is not None]
            if begun:
                begun_effects = Look(cr).effects_since(before)
        if wait:
            wait()
        # What it flushes registers hooks, too.
        savepoint = cr.savepoint()
        hooks = Hooks(cr)
        refused = ours = written = our_effects = None
        try:
            before = Look(cr)
            ours = write()
            written = Look(cr)
            our_effects = written.effects_since(before)
        except OperationalError:
            raise
        except (NotWritten, UserError) as reason:
            refused = f"{reason}"
        except Exception as error:
            # Whatever it is, Odoo makes the document; what went wrong stands in the log and the report.
            _logger.exception("A document could not be written by sets")
            refused = f"{type(error).__name__}: {error}"
        finally:
            savepoint.rollback()
            savepoint.close(rollback=False)
            hooks.restore()
        crash_point("writer.undone")
        if refused:
            return make(*begun)[0], [Difference("account.move", "", refused, "")]
        # PostgreSQL goes on counting what was undone.
        before = Look(cr, written.tables)
        made, theirs = make(*begun)
        differences = self._differences(ours, theirs)
        if differences and self._is_number_taken(ours, theirs):
            return made, None
        their_effects = begun_effects.and_then(Look(cr).effects_since(before))
        return made, differences + self._other_effects(our_effects, their_effects)

    def _rows(self, move_ids):
        """Return ``{(model, place, column): value}`` of all rows of documents.

        :return: a place is (that of the document, that of the row in it), the id of a partner, or
            minus the id of what was written besides
        """
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                WITH document AS (
                    SELECT id, number - 1 AS place
                      FROM unnest(%(moves)s) WITH ORDINALITY AS given (id, number)
                )
                SELECT 'account.move', document.place, 0::bigint, to_jsonb(move)
                  FROM document JOIN account_move AS move USING (id)
                 UNION ALL
                SELECT 'account.move.line', document.place,
                       row_number() OVER (PARTITION BY document.id ORDER BY line.id),
                       to_jsonb(line) || jsonb_build_object(
                           'tax_ids', ARRAY(
                               SELECT account_tax_id FROM account_move_line_account_tax_rel AS rel
                                WHERE rel.account_move_line_id = line.id ORDER BY 1),
                           'tax_tag_ids', ARRAY(
                               SELECT account_account_tag_id
                                 FROM account_account_tag_account_move_line_rel AS rel
                                WHERE rel.account_move_line_id = line.id ORDER BY 1))
                  FROM document JOIN account_move_line AS line ON line.move_id = document.id
                 UNION ALL
                SELECT 'account.analytic.line', part.place,
                       row_number() OVER (PARTITION BY part.place ORDER BY part.number),
                       part.row - 'move_line_id' || jsonb_build_object('item', part.item)
                  FROM (SELECT document.place, analytic.id AS number, to_jsonb(analytic) AS row,
                               dense_rank() OVER (PARTITION BY document.id ORDER BY line.id) AS item
                          FROM document
                          JOIN account_move_line AS line ON line.move_id = document.id
                          JOIN account_analytic_line AS analytic ON analytic.move_line_id = line.id
                       ) AS part
                 UNION ALL
                SELECT other.model, NULL, other.number, other.row
                  FROM (%(others)s) AS other (model, number, row)
                 UNION ALL
                SELECT 'res.partner', NULL, partner.id, to_jsonb(partner)
                  FROM res_partner AS partner
                 WHERE partner.id IN (SELECT unnest(ARRAY[move.partner_id, move.commercial_partner_id])
                                        FROM document JOIN account_move AS move USING (id))
                """,
                moves=move_ids,
                others=self._others_written(
                    SQL(
                        "SELECT commercial_partner_id FROM account_move WHERE id = ANY(%s)",
                        move_ids,
                    ),
                    move_ids,
                ),
            )
        )
        rows = {
            (model, number if document is None else (document, number), column): value
            for model, document, number, row in found
            for column, value in row.items()
            if column not in ALLOWED and f"{model}.{column}" not in ALLOWED
        }
        self._name_references(rows, move_ids)
        later = self.env.cr.postcommit.data.get(RANKS) or {}
        for partner_id in {number for model, number, _column in rows if model == "res.partner"}:
            rows["res.partner", partner_id, "customer_rank"] = (
                rows["res.partner", partner_id, "customer_rank"] or 0
            ) + later.get(partner_id, 0)
        return rows

    def _name_references(self, rows, move_ids):
        """Have rows say of the reference by which a document is paid that it is its own: items are named
        by it, and it may follow from the document's id."""
        for document, move in enumerate(self.env["account.move"].browse(move_ids)):
            own = ("account.move", (document, 0), "payment_reference")
            number = ("account.move", (document, 0), "name")
            reference = rows.get(own)
            if not reference:
                continue
            for key, value in rows.items():
                model, place, column = key
                if (model, column) != ("account.move.line", "name") or isinstance(place, int):
                    continue
                if place[0] == document:
                    rows[key] = value and value.replace(reference, REFERENCE)
            if reference != rows[number] and reference == move._get_invoice_computed_reference():
                rows[own] = REFERENCE

    def _is_number_taken(self, ours, theirs):
        """Return whether the document has another number, or another one before it, than when it was
        written by sets, because somebody posted by hand in between: Odoo's lock went with what was undone.
        """
        for model, place, column in ours:
            # Of what was made itself, and not of others, whose place is a number.
            if column != "sequence_number" or isinstance(place, int):
                continue
            number, prefix, journal_id = (
                ours.get((model, place, name)) for name in (column, "sequence_prefix", "journal_id")
            )
            if ours[model, place, column] == theirs.get((model, place, column)):
                gaps = [rows.get((model, place, "made_sequence_gap")) for rows in (ours, theirs)]
                number = number - 1 if gaps[0] != gaps[1] else 0
            if number and committed(self.env, journal_id, prefix, number):
                return True
        return False

    def _others_written(self, partner: SQL, move_ids: list[int]) -> SQL:
        """Return the SELECT of what this transaction wrote of customers' other documents, such as that
        a newer one is there; drafts that Odoo has begun apart. Rows: model, minus id, values.

        :param partner: SELECT of the customers' ids
        :param move_ids: documents that are looked at otherwise
        """
        # They are found by their items, which have an index of their partners.
        return SQL(
            """
            SELECT 'account.move', -other.id, to_jsonb(other)
              FROM account_move AS other
             WHERE other.id IN (SELECT item.move_id FROM account_move_line AS item
                                 WHERE item.partner_id = ANY(ARRAY(%(partner)s)))
               AND other.id <> ALL(%(moves)s) AND other.state <> 'draft'
               AND age(other.xmin) <= age(pg_current_xact_id()::xid)
             UNION ALL
            SELECT 'account.move.line', -item.id, to_jsonb(item)
              FROM account_move_line AS item
             WHERE item.partner_id = ANY(ARRAY(%(partner)s))
               AND item.move_id <> ALL(%(moves)s) AND item.parent_state <> 'draft'
               AND age(item.xmin) <= age(pg_current_xact_id()::xid)
            """,
            partner=partner,
            moves=move_ids,
        )

    @staticmethod
    def _differences(ours, theirs):
        """Compare rows. An empty value equals any other that the ORM reads alike: none, false, zero."""
        return [
            Difference(
                model,
                column,
                ours.get((model, place, column)),
                theirs.get((model, place, column)),
                place[0] if isinstance(place, tuple) else None,
            )
            for model, place, column in sorted(ours.keys() | theirs.keys(), key=str)
            if (ours.get((model, place, column)) or None)
            != (theirs.get((model, place, column)) or None)
        ]

    @staticmethod
    def _other_effects(ours, theirs):
        tables = [
            Difference(table, "", ours.tables.get(table), theirs.tables.get(table))
            for table in sorted(ours.tables.keys() | theirs.tables.keys())
            if ours.tables.get(table) != theirs.tables.get(table)
        ]
        hooks = (theirs.hooks - ours.hooks) + (ours.hooks - theirs.hooks)
        return tables + [Difference(when, name, "", "") for when, name in sorted(hooks)]

    def _compare_again(self, move):
        """Compare a document that was written with the one that Odoo makes of its charges now; its
        number apart, which has been given, and what became of it since.

        :return: list of :class:`Difference`
        """
        bill = move.billing_bill_id
        spec = bill._prepare_again(move)
        builder = self.env["billing.invoice.builder"]
        [(_shape, values)] = builder._shaped([spec])
        writer, computed = self.env["billing.invoice.writer"], computed_by_others(self.env.registry)
        since = self._changed_since(move)

        def write():
            if not values:
                raise NotWritten("only Odoo can say what it is by now")
            return writer._write_posted([values], computed).move_ids

        ours = self._rows(move.ids)
        savepoint = self.env.cr.savepoint()
        hooks = Hooks(self.env.cr)
        try:
            made, differences = self._try(write, lambda: builder._make_as_odoo([spec]))
            theirs = self._rows(made.ids)
        finally:
            savepoint.rollback()
            savepoint.close(rollback=False)
            hooks.restore()
        ours, theirs = (
            {k: v for k, v in rows.items() if isinstance(k[1], tuple) and k[2] not in since}
            for rows in (ours, theirs)
        )
        found = [d for d in self._differences(ours, theirs) if not self._is_number(d, move)]
        # What it was not accompanied by, such as rows of another table.
        return found + [d for d in differences or () if d.model not in self.env]

    def _changed_since(self, move):
        """Return the columns that say nothing any more of how a document was made."""
        names = NUMBERED | ALWAYS | {name for name in BY_HAND if move[name]}
        if move.is_move_sent:
            names |= SENT
        items = move.line_ids
        if items.matched_debit_ids or items.matched_credit_ids:
            names |= PAID
        if not names.isdisjoint(SENT | PAID):
            # They may follow from it.
            names = names.union(*computed_by_others(self.env.registry).values())
        return names

    @staticmethod
    def _is_number(difference, move):
        return difference.name == "name" and f"{difference.ours}".startswith(move.name)

    # === WHAT FOLLOWS === #

    def _reason(self, differences):
        """Return in one sentence why documents of a shape go Odoo's way."""
        first = differences[0]
        if first.model in self.env:
            field = self.env[first.model]._fields.get(first.name)
            if not field:
                return self.env._("Odoo itself has to make these documents: %s.", first.ours)
            return self.env._(
                "%(addon)s sets %(column)s of %(model)s to %(theirs)s, and not to %(ours)s.",
                addon=" / ".join(
                    self._at_work(field._modules, field.compute) or field._modules or [field.name]
                ),
                column=first.name,
                model=first.model,
                theirs=self._value_text(first.theirs),
                ours=self._value_text(first.ours),
            )
        if first.model in ("precommit", "postcommit"):
            return self.env._("%s is called when the document is committed.", first.name)
        owners = [
            part.__module__.split(".")[2]
            for model in self.env.registry.values()
            if model._table == first.model
            for part in model.__mro__
            if vars(part).get("_name") == model._name and part.__module__.startswith("odoo.addons.")
        ]
        addons = " / ".join(self._at_work(owners[-1:]))
        table = f"{first.model} ({addons})" if addons else first.model
        return self.env._("Posting a document also writes table %s.", table)

    def _at_work(self, owners, compute=None):
        """Return which addons may be behind a difference: who brought the column or table, or those that
        change how documents are made where Odoo's accounting brought it."""
        if not owners or not KNOWN.issuperset(owners):
            return list(owners)
        names = {"create", "write", "action_post", "_post", compute}
        found = {
            getattr(part, "_module", None)
            for model in ("account.move", "account.move.line")
            for part in type(self.env[model]).__mro__
            if not names.isdisjoint(vars(part))
        }
        return sorted(found - KNOWN - {None})

    @staticmethod
    def _value_text(value):
        return json.dumps(value, ensure_ascii=False, default=str)[:80]
