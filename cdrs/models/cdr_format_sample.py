import base64
import io

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date, format_datetime

from ..archives import ArchiveProblem, Content, Limits
from ..calls import CALL_COLUMNS
from ..fees import Fee, FeeFileReader
from ..layout import LayoutProblem
from ..line_texts import problem_text
from ..reading import open_reader

SHOWN_CALLS = 10
SHOWN_PROBLEMS = 10
LINES = 5000
#: columns of the preview by their place among ``CALL_COLUMNS``
COLUMNS = (0, 2, 4, 5, 6, 7, 8, 10, 11, 12)


class CdrFormat(models.Model):
    """A format is tried on a sample file, while it is edited."""

    _inherit = "cdr.format"

    sample = fields.Binary(
        string="Sample File",
        copy=False,
        help="Its first lines are shown as this format reads them.",
    )
    sample_name = fields.Char(copy=False)
    sample_preview = fields.Html(
        string="Read from the Sample", compute="_compute_sample_preview", sanitize=False
    )

    @api.depends(
        "sample", "kind", "file_kind", "delimiter", "quote", "encoding", "header_rows",
        "line_prefix", "date_format", "tz", "duration_unit", "cost_unit", "cost_decimals",
        "decimal_mark", "direction", "incoming_values", "second_direction", "answered_values",
        "number_style", "column_ids.target", "column_ids.source", "column_ids.leg",
        "column_ids.date_format",
    )  # fmt: skip
    @api.depends_context("uid", "company", "lang")
    def _compute_sample_preview(self):
        for record in self.with_context(bin_size=False):
            content = base64.b64decode(record.sample or b"")
            record.sample_preview = record._try_on(content) if content else False

    def _try_on(self, content):
        """Return what this format reads of a file's beginning, as HTML: calls, and lines not read."""
        try:
            reader = self._sample_reader(
                Content(io.BytesIO(content), self.sample_name or "", Limits())
            )
            calls, problems = [], []
            for some, wrong in reader.batches():
                calls += some
                problems += wrong
                if reader.lines >= LINES:
                    break
        except (ArchiveProblem, LayoutProblem) as problem:
            return self._preview_alert(
                "danger", problem_text(self.env, problem.code, problem.values)
            )
        except (ValueError, TypeError, LookupError) as problem:
            # The format is being edited and not whole yet.
            return self._preview_alert("warning", str(problem))
        return self._preview(reader.lines, calls, problems)

    def _sample_reader(self, content):
        company = self.company_id or self.env.company
        layout = self._layout(company)
        if self.file_kind == "fixed_fee":
            return FeeFileReader(layout, content, company._billing_today().replace(day=1))
        return open_reader(layout, content)

    def _preview(self, lines, calls, problems):
        counts = {"lines": lines, "read": len(calls), "problems": len(problems)}
        if self.file_kind == "fixed_fee":
            summary = self.env._(
                "Lines: %(lines)s, fees: %(read)s, lines not read: %(problems)s.", **counts
            )
            names, fields_of = Fee._fields, self.env["cdr.fixed.fee"]._fields
            rows = [self._preview_fee(fee) for fee in calls[:SHOWN_CALLS]]
        else:
            summary = self.env._(
                "Lines: %(lines)s, calls: %(read)s, lines not read: %(problems)s.", **counts
            )
            names = [CALL_COLUMNS[place] for place in COLUMNS]
            fields_of = self.env["cdr.record"]._fields
            rows = [self._preview_row(call) for call in calls[:SHOWN_CALLS]]
        heads = [fields_of[name]._description_string(self.env) for name in names]
        parts = [self._preview_alert("info" if calls else "warning", summary)]
        if rows:
            parts.append(self._preview_table(heads, rows))
        if problems:
            heads = [self.env._("Line"), self.env._("What Is Wrong"), self.env._("Text")]
            rows = [
                [p.line, problem_text(self.env, p.code, p.values), p.text[:200]]
                for p in problems[:SHOWN_PROBLEMS]
            ]
            parts.append(self._preview_table(heads, rows))
        return Markup("").join(parts)

    def _preview_row(self, call):
        """Return what is said of a call: its time by the company's clock, words for what is kept
        as a code."""
        values = dict(zip(CALL_COLUMNS, call, strict=True))
        directions = dict(
            self.env["cdr.record"]._fields["direction"]._description_selection(self.env)
        )
        zone = (self.company_id or self.env.company)._billing_zone()
        values["call_time"] = format_datetime(
            self.env, fields.Datetime.to_datetime(values["call_time"]), tz=zone
        )
        values["direction"] = directions[values["direction"]]
        values["answered"] = self.env._("Yes") if values["answered"] else self.env._("No")
        return [values[CALL_COLUMNS[place]] for place in COLUMNS]

    def _preview_fee(self, fee):
        """Return what is said of a fee."""
        days = [format_date(self.env, day) for day in (fee.period_start, fee.period_end)]
        return [fee.line_number, fee.identifier, fee.name, fee.cost, *days]

    @api.model
    def _preview_alert(self, tone, text):
        return Markup('<div class="alert alert-%s mb-2" role="status">%s</div>') % (tone, text)

    @api.model
    def _preview_table(self, heads, rows):
        """Return a table; whatever stands in a file is text."""
        cell = Markup("<td>%s</td>")
        head = Markup("").join(Markup("<th>%s</th>") % text for text in heads)
        body = Markup("").join(
            Markup("<tr>%s</tr>") % Markup("").join(cell % value for value in row) for row in rows
        )
        return Markup(
            '<div class="table-responsive"><table class="table table-sm"><thead><tr>%s</tr></thead>'
            "<tbody>%s</tbody></table></div>"
        ) % (head, body)
