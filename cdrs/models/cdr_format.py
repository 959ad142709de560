import codecs

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ..layout import Layout
from ..parsing import is_known_encoding


class CdrFormat(models.Model):
    """What the files of a carrier look like.

    Shipped formats belong to no company and serve all; a company's own are seen by it alone.
    Administrators keep formats, billing users read them.
    """

    _name = "cdr.format"
    _description = "CDR Format"
    _inherit = "billing.used.mixin"
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", index=True, help="Empty: all companies can use this format."
    )
    file_kind = fields.Selection(
        [("calls", "Calls"), ("fixed_fee", "Fixed Fees")],
        string="Holds",
        required=True,
        default="calls",
    )
    kind = fields.Selection(
        [
            ("csv", "Separated values"),
            ("fixed", "Fixed width"),
            ("tap3", "GSMA TAP3"),
            ("archive", "Archive of call records"),
        ],
        string="Kind of File",
        required=True,
        default="csv",
    )
    delimiter = fields.Char(default=",", help="One character; write \\t for a tab.")
    quote = fields.Char(
        default='"',
        help="The character around fields. Empty: fields are not quoted.",
    )
    encoding = fields.Char(default="utf-8", required=True, help="For example utf-8 or cp1252.")
    header_rows = fields.Integer(
        default=0,
        help="So many lines at the beginning hold no calls. The last one names the columns.",
    )
    line_prefix = fields.Char(
        string="Only Lines Beginning With", help="Other lines, such as totals, are passed over."
    )
    date_format = fields.Char(
        string="Date and Time",
        default="%Y-%m-%d %H:%M:%S",
        required=True,
        help="How date and time are written: %Y year, %m month, %d day, %H:%M:%S time. Or iso, unix,"
        " unix_ms. Where they stand in two columns, a blank is put between them.",
    )
    tz = fields.Selection(
        _tz_get, string="Time Zone", help="In which times are meant. Empty: the company's."
    )
    duration_unit = fields.Selection(
        [("seconds", "Seconds"), ("minutes", "Minutes"), ("clock", "Hours, minutes, seconds")],
        string="Duration In",
        required=True,
        default="seconds",
    )
    cost_unit = fields.Selection(
        [
            ("units", "Units of the currency"),
            ("hundredths", "Hundredths (pence, cents)"),
            ("implied", "Whole numbers with so many decimals"),
        ],
        string="Cost In",
        required=True,
        default="units",
    )
    cost_decimals = fields.Integer(string="Decimals", default=0)
    decimal_mark = fields.Selection([(".", "Point"), (",", "Comma")], required=True, default=".")
    direction = fields.Selection(
        [
            ("out", "Made by customers"),
            ("in", "Received by customers"),
            ("column", "A column says"),
        ],
        string="Calls",
        required=True,
        default="out",
        help="Of a call that was made the caller is the customer's number, of one that was received"
        " the number called.",
    )
    incoming_values = fields.Char(
        string="Received If", help="What the column says of received calls, separated by commas."
    )
    second_direction = fields.Selection(
        [("out", "Made by customers"), ("in", "Received by customers")],
        string="Second Calls",
        required=True,
        default="out",
        help="Lines with two calls, such as a received one and where it was passed on to.",
    )
    answered_values = fields.Char(
        string="Answered If",
        help="What the column Answered says of answered calls, separated by commas. Empty: calls of"
        " more than 0 seconds were answered.",
    )
    number_style = fields.Selection(
        [
            ("auto", "Told apart"),
            ("international", "International without +"),
            ("national", "National"),
        ],
        string="Numbers",
        required=True,
        default="auto",
        help="How numbers without + or 00 are meant.",
    )
    column_ids = fields.One2many("cdr.format.column", "format_id", string="Columns", copy=True)
    note = fields.Text(string="Notes", translate=True)

    _numbers_in_range = models.Constraint(
        "CHECK(header_rows BETWEEN 0 AND 100 AND cost_decimals BETWEEN 0 AND 10)",
        "There are 0 to 100 lines before the calls, and 0 to 10 decimals.",
    )
    _one_character = models.Constraint(
        "CHECK(kind <> 'csv' OR delimiter = '\\t' OR length(delimiter) = 1)",
        "The delimiter is one character, or \\t for a tab.",
    )
    _quote_character = models.Constraint(
        "CHECK(coalesce(length(quote), 0) <= 1)", "The quote is one character."
    )

    @api.constrains("encoding", "date_format", "delimiter", "quote")
    def _check_layout(self):
        for record in self:
            if not is_known_encoding(record.encoding):
                raise ValidationError(
                    self.env._("“%s” is no known encoding of text.", record.encoding)
                )
            if record.quote and record.quote == record.delimiter:
                raise ValidationError(
                    self.env._("Delimiter and quote are two different characters.")
                )
        self.column_ids._check_date_formats()

    @api.constrains("kind", "file_kind", "column_ids", "header_rows")
    def _check_columns(self):
        for record in self.filtered(lambda record: record.kind in ("csv", "fixed")):
            record.column_ids._check_sources()
            have = set(
                record.column_ids.filtered(lambda column: column.leg == "1").mapped("target")
            )
            for choice in record._needed_columns():
                if not have.intersection(choice):
                    labels = dict(
                        self.env["cdr.format.column"]
                        ._fields["target"]
                        ._description_selection(self.env)
                    )
                    raise ValidationError(
                        self.env._(
                            "The format %(format)s needs a column for: %(column)s.",
                            format=record.name,
                            column=" / ".join(labels[name] for name in choice),
                        )
                    )

    def copy_data(self, default=None):
        values_list = super().copy_data(default)
        if "name" in (default or {}):
            return values_list
        return [
            {**values, "name": self.env._("%s (copy)", record.name)}
            for record, values in zip(self, values_list, strict=True)
        ]

    def _needed_columns(self):
        """Return what lines must hold, each as the columns of which one is enough."""
        if self.file_kind == "fixed_fee":
            return [("identifier",), ("cost",)]
        return [("date",), ("caller", "callee", "account"), ("seconds",)]

    def _layout(self, company, country=None):
        """Return how files are read with this format.

        :param company: whose day of a call counts, and whose zone where the format has none
        :param country: to which numbers without an international prefix belong
        """
        self.ensure_one()
        company_zone = company.sudo().resource_calendar_id.tz or "UTC"
        country = country or company.country_id
        return Layout(
            kind=self.kind,
            columns=tuple(column._as_column() for column in self.column_ids),
            delimiter="\t" if self.delimiter == "\\t" else self.delimiter or ",",
            quote=self.quote or "",
            encoding=codecs.lookup(self.encoding).name,
            header_rows=self.header_rows,
            line_prefix=self.line_prefix or "",
            date_format=self.date_format,
            zone=self.tz or company_zone,
            company_zone=company_zone,
            duration_unit=self.duration_unit,
            cost_unit=self.cost_unit,
            cost_decimals=self.cost_decimals,
            decimal_mark=self.decimal_mark,
            direction=self.direction,
            incoming_values=_values(self.incoming_values),
            second_direction=self.second_direction,
            answered_values=_values(self.answered_values),
            number_style=self.number_style,
            country=country.code or "",
            calling_code=str(country.phone_code or ""),
        )


def _values(text):
    return tuple(value.strip() for value in (text or "").split(",") if value.strip())
