import re
from datetime import datetime

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..layout import Column

SLICE = re.compile(r"([1-9]\d{0,4})-([1-9]\d{0,4})")


class CdrFormatColumn(models.Model):
    """Where one value of a call stands in the lines of a format."""

    _name = "cdr.format.column"
    _description = "CDR Format Column"
    _order = "format_id, leg, sequence, id"
    _rec_name = "source"

    format_id = fields.Many2one("cdr.format", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="format_id.company_id", store=True, precompute=True, index=True
    )
    sequence = fields.Integer(default=10)
    target = fields.Selection(
        [
            ("date", "Date, or date and time"),
            ("time", "Time"),
            ("caller", "Caller"),
            ("callee", "Number Called"),
            ("account", "Account or Login"),
            ("seconds", "Duration"),
            ("cost", "Cost"),
            ("unique_id", "Unique Number of the Call"),
            ("direction", "Direction"),
            ("answered", "Answered"),
            ("identifier", "Number or Login (fixed fees)"),
            ("description", "Description (fixed fees)"),
            ("period_start", "From (fixed fees)"),
            ("period_end", "To (fixed fees)"),
        ],
        string="Value",
        required=True,
    )
    source = fields.Char(
        string="Column",
        required=True,
        help="Its number from 1, or its name in the first line; of fixed-width lines the first and last"
        " character, such as 12-20.",
    )
    leg = fields.Selection(
        [("1", "First"), ("2", "Second")],
        string="Call",
        required=True,
        default="1",
        help="Of lines that hold two calls.",
    )
    date_format = fields.Char(
        string="Date and Time", help="Where it is written in another form than the format says."
    )

    _target_once = models.UniqueIndex("(format_id, leg, target)", "A format has each value once.")

    @api.constrains("source", "target", "leg")
    def _check_sources(self):
        for column in self:
            fixed = column.format_id.kind == "fixed"
            match = SLICE.fullmatch(column.source) if fixed else None
            if fixed and not (match and int(match[1]) <= int(match[2])):
                raise ValidationError(
                    self.env._(
                        "“%s” is no part of a fixed-width line. Write its first and last character,"
                        " such as 12-20.",
                        column.source,
                    )
                )
            number = column.source.isdecimal()
            if not fixed and number and not 1 <= int(column.source) <= 10000:
                raise ValidationError(self.env._("Columns are counted from 1."))
            if not fixed and not number and not column.format_id.header_rows:
                raise ValidationError(
                    self.env._(
                        "The column “%s” is found by its name, so the format needs a header row.",
                        column.source,
                    )
                )

    @api.constrains("date_format")
    def _check_date_formats(self):
        forms = {*self.format_id.mapped("date_format"), *filter(None, self.mapped("date_format"))}
        for form in forms - {"iso", "unix", "unix_ms"}:
            try:
                now = datetime(2026, 11, 30, 23, 58, 59)
                read = datetime.strptime(now.strftime(form), form)
            except ValueError as error:
                raise ValidationError(
                    self.env._("“%s” is no form of a date and time.", form)
                ) from error
            if read.date() != now.date():
                raise ValidationError(self.env._("“%s” does not say year, month and day.", form))

    def _as_column(self):
        """Return this column as plain data."""
        self.ensure_one()
        return Column(self.target, self.source, int(self.leg), self.date_format or "")
