import base64
from decimal import Decimal
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_list

from ..deck import Change, compare, read_deck
from ..rating_reference import Price

SHOWN = 300
PROBLEMS_SHOWN = 10
KINDS = ("new", "dearer", "cheaper", "changed", "ended", "same")
PRICE = Price._fields


class OldRate(NamedTuple):
    """A version that counts on the day of the import."""

    id: int
    prefix: str
    name: str
    class_id: int
    price: Price
    begins: bool
    date_to: object


class CdrRateImport(models.TransientModel):
    """A deck of rates from a CSV file: what it changes is shown first, then versions are written.

    Prices that change begin a new version on the chosen day and end the one before; what stays as it is
    is left alone. Nothing is overwritten.
    """

    _name = "cdr.rate.import"
    _description = "Import Rates"
    _check_company_auto = True

    plan_id = fields.Many2one("cdr.rate.plan", required=True, check_company=True)
    company_id = fields.Many2one(related="plan_id.company_id")
    currency_id = fields.Many2one(related="plan_id.currency_id")
    date_from = fields.Date(
        string="Prices Count From",
        required=True,
        default=lambda self: self.env.company._billing_today(),
    )
    file = fields.Binary(string="CSV File", attachment=False)
    file_name = fields.Char()
    class_id = fields.Many2one(
        "cdr.rate.class",
        string="Class Where None Is Given",
        check_company=True,
        help="For lines without a class of the company's. Empty: such lines cannot be imported.",
    )
    is_complete = fields.Boolean(
        string="Complete Deck", help="Rates of the plan that the file does not name end."
    )
    is_read = fields.Boolean(readonly=True)
    new_count = fields.Integer(string="New", readonly=True)
    dearer_count = fields.Integer(string="Dearer", readonly=True)
    cheaper_count = fields.Integer(string="Cheaper", readonly=True)
    changed_count = fields.Integer(
        string="Otherwise Changed", readonly=True, help="A call of three minutes costs the same."
    )
    ended_count = fields.Integer(string="Ended", readonly=True)
    same_count = fields.Integer(string="Unchanged", readonly=True)
    problem_text = fields.Text(string="Cannot Be Read", readonly=True)
    line_ids = fields.One2many("cdr.rate.import.line", "import_id", readonly=True)

    @api.onchange("file", "date_from", "class_id", "is_complete")
    def _onchange_input(self):
        """What was shown is another file's, day's or class's."""
        self.is_read = False

    def action_preview(self):
        """Read the file and show what it changes."""
        self.ensure_one()
        self.plan_id.check_access("write")
        changes, problems = self._changes()
        counts = dict.fromkeys(KINDS, 0)
        for change in changes:
            counts[change.kind] += 1
        shown = sorted((c for c in changes if c.kind != "same"), key=self._change_order)[:SHOWN]
        self.write(
            {f"{kind}_count": count for kind, count in counts.items()}
            | {
                "is_read": True,
                "problem_text": "\n".join(problems) or False,
                "line_ids": [Command.clear(), *(Command.create(self._line(c)) for c in shown)],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import Rates"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_apply(self):
        """Write the versions that the preview showed, and open the plan's rates."""
        self.ensure_one()
        self.plan_id.check_access("write")
        changes, problems = self._changes()
        if problems:
            raise UserError("\n".join(problems))
        self._write_versions(changes)
        return self.plan_id.action_open_rates()

    # === READING === #

    def _changes(self) -> tuple[list[Change], list[str]]:
        """Return what the file changes, and texts for what cannot be imported of it."""
        if not self.file:
            raise UserError(self.env._("Choose the CSV file with the rates."))
        rows, problems = read_deck(self._text())
        texts = [self._problem_text(problem) for problem in problems]
        classes = {
            rate_class.name.casefold(): rate_class.id
            for rate_class in self.env["cdr.rate.class"].search(
                [("company_id", "=", self.company_id.id)]
            )
        }
        bands = {band.name.casefold(): band.id for band in self.plan_id.band_ids}
        new = {}
        for row in rows:
            class_id = classes.get(row.class_name.casefold(), self.class_id.id)
            band_id = bands.get(row.band_name.casefold()) if row.band_name else 0
            if not class_id:
                texts.append(
                    self.env._(
                        "Line %(line)s: there is no rate class “%(name)s”. Create it, or choose a "
                        "class for lines without one.",
                        line=row.line,
                        name=row.class_name,
                    )
                )
            elif band_id is None:
                texts.append(
                    self.env._(
                        "Line %(line)s: the plan has no time band “%(name)s”.",
                        line=row.line,
                        name=row.band_name,
                    )
                )
            else:
                new[row.prefix, band_id] = row._replace(class_name=class_id)
        if len(texts) > PROBLEMS_SHOWN:
            more = len(texts) - PROBLEMS_SHOWN
            texts = [*texts[:PROBLEMS_SHOWN], self.env._("… and %s more.", more)]
        changes = compare(self._old_rates(), new, self.is_complete)
        return [self._with_class(change) for change in changes], texts

    @staticmethod
    def _with_class(change: Change) -> Change:
        """Return a change that knows that another class at the same price is another version."""
        if change.kind == "same" and change.old.class_id != change.new.class_name:
            return change._replace(kind="changed")
        return change

    def _text(self) -> str:
        content = base64.b64decode(self.file)
        for encoding in ("utf-8-sig", "cp1252"):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise UserError(self.env._("The file is no text. Save the rates as CSV in UTF-8."))

    def _old_rates(self) -> dict:
        """Return ``{(prefix, band id or 0): OldRate}`` of the versions that count on the day."""
        self.env["cdr.rate"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT prefix, COALESCE(band_id, 0), id, name, class_id,
                       COALESCE(connect_fee, 0)::text, COALESCE(price_minute, 0)::text,
                       initial_seconds, step_seconds, COALESCE(minimum, 0)::text,
                       date_from = %(day)s, date_to
                  FROM cdr_rate
                 WHERE plan_id = %(plan)s AND date_from <= %(day)s
                   AND (date_to IS NULL OR date_to > %(day)s)
                """,
                plan=self.plan_id.id,
                day=self.date_from,
            )
        )
        found = {}
        for prefix, band_id, *which, fee, price, initial, step, minimum, begins, end in rows:
            price = Price(Decimal(fee), Decimal(price), initial, step, Decimal(minimum))
            rate_id, name, class_id = which
            found[prefix, band_id] = OldRate(rate_id, prefix, name, class_id, price, begins, end)
        return found

    def _problem_text(self, problem) -> str:
        texts = {
            "no_heading": self.env._("the first line needs headings; missing: %s"),
            "no_rows": self.env._("there are no rates%s"),
            "too_many": self.env._("a file has at most %s rates"),
            "bad_prefix": self.env._("“%s” is no prefix"),
            "no_price": self.env._("prefix %s has no price; what costs nothing needs a 0"),
            "bad_number": self.env._("“%s” is no number that can be taken"),
            "negative": self.env._("“%s” is too small"),
            "twice": self.env._("prefix %s stands there a second time"),
        }
        return self.env._(
            "Line %(line)s: %(text)s.",
            line=problem.line,
            text=texts[problem.code] % problem.text,
        )

    # === PREVIEW === #

    @staticmethod
    def _change_order(change):
        """What becomes much dearer first, then what ends, is new, becomes cheaper."""
        order = ("dearer", "ended", "new", "cheaper", "changed", "same")
        step = (change.new_amount or 0) - (change.old_amount or 0)
        return order.index(change.kind), -abs(step)

    def _line(self, change: Change) -> dict:
        shown = change.new or change.old
        return {
            "kind": change.kind,
            "prefix": shown.prefix,
            "name": shown.name,
            "old_price": change.old.price.price_minute if change.old else 0.0,
            "new_price": change.new.price.price_minute if change.new else 0.0,
            "old_amount": change.old_amount or 0.0,
            "new_amount": change.new_amount or 0.0,
        }

    # === WRITING === #

    def _write_versions(self, changes: list[Change]):
        """End what the deck replaces or drops, and create its versions in one go."""
        rates = self.env["cdr.rate"]
        replaced = [c for c in changes if c.kind in ("dearer", "cheaper", "changed", "ended")]
        if begun := [change.old for change in replaced if change.old.begins and change.new]:
            raise UserError(
                self.env._(
                    "Other prices of %(prefixes)s begin on %(day)s already. Delete these rates "
                    "or choose another day.",
                    prefixes=format_list(self.env, [rate.prefix for rate in begun[:5]]),
                    day=self.date_from,
                )
            )
        rates.browse([change.old.id for change in replaced]).write({"date_to": self.date_from})
        later = self._later_starts()
        vals_list = []
        for change in changes:
            if change.kind in ("same", "ended"):
                continue
            row = change.new
            band_id = self._band_id(row)
            end = change.old.date_to if change.old else later.get((row.prefix, band_id or 0))
            vals_list.append(
                {
                    "plan_id": self.plan_id.id,
                    "prefix": row.prefix,
                    "name": row.name,
                    "class_id": row.class_name,
                    "band_id": band_id,
                    "date_from": self.date_from,
                    "date_to": end,
                    **{name: getattr(row.price, name) for name in PRICE},
                }
            )
        return rates.create(vals_list)

    def _band_id(self, row):
        bands = {band.name.casefold(): band.id for band in self.plan_id.band_ids}
        return bands[row.band_name.casefold()] if row.band_name else False

    def _later_starts(self) -> dict:
        """Return ``{(prefix, band id or 0): first day}`` of versions that begin after the day."""
        groups = self.env["cdr.rate"]._read_group(
            [("plan_id", "=", self.plan_id.id), ("date_from", ">", self.date_from)],
            ["prefix", "band_id"],
            ["date_from:min"],
        )
        return {(prefix or "", band.id or 0): day for prefix, band, day in groups}
