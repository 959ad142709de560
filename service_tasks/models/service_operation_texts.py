from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date, format_datetime

from ...billing_tasks.texts import labels, plural


class ServiceOperation(models.Model):
    """What was asked for, in people's words: labels and names, never keys and ids."""

    _inherit = "service.operation"

    request_text = fields.Html(
        string="What Was Asked For", compute="_compute_request_text", sanitize=False
    )

    @api.depends("requested")
    @api.depends_context("lang")
    def _compute_request_text(self):
        for operation in self:
            lines = operation.sudo()._describe_request()
            items = Markup().join(Markup("<li>%s</li>") % line for line in lines)
            operation.request_text = items and Markup("<ul>%s</ul>") % items

    def _problem_text(self) -> str:
        """Why software has not carried the operation out yet; empty where nothing went wrong."""
        task = self.billing_task_id
        if not task.error_message or task.state not in ("error", "pending", "running"):
            return ""
        tries = task.attempt_count
        return self.env._(
            "%(tried)s, next at %(time)s: %(error)s",
            tried=plural(tries, self.env._("Tried once"), self.env._("Tried %s times", tries)),
            time=format_datetime(self.env, task.delay_date, dt_format="short"),
            error=task.error_message,
        )

    def _describe_request(self) -> list[str]:
        """Return one line for every asked-for value: from what to what."""
        self.ensure_one()
        service = self.service_id
        if self.type == "suspend":
            reasons = labels(service, "suspension_reason")
            reason = self.requested["new"].get("reason")
            return [self.env._("Reason: %s", reasons.get(reason, reason))]
        if self.type not in ("setup", "change"):
            return []
        old, new = self.requested["old"], self.requested["new"]
        lines = []
        for name, value in new.items():
            if name == "addon_quantities":
                lines += self._describe_addons(old.get(name) or {}, value or {})
            elif name == "parameters":
                lines += self._describe_parameters(old.get(name) or {}, value or {})
            elif old.get(name) != value:
                field = service._fields[name]
                label = field._description_string(self.env)
                lines.append(
                    self._from_to(
                        label, self._readable(field, old.get(name)), self._readable(field, value)
                    )
                )
        return lines

    def _describe_addons(self, old, new) -> list[str]:
        """Both hold quantities by tariff add-on; another tariff offers a product by another one."""
        addons = self.env["billing.tariff.addon"]
        before = {addons.browse(int(key)).exists().product_id: qty for key, qty in old.items()}
        return [
            self._from_to(product.name, before.get(product, 0), quantity)
            for key, quantity in new.items()
            if (product := addons.browse(int(key)).exists().product_id)
            and before.get(product, 0) != quantity
        ]

    def _describe_parameters(self, old, new) -> list[str]:
        definition = {row["name"]: row for row in self._tariff().parameter_definition or []}
        lines = []
        for key, value in new.items():
            if old.get(key) == value or not (row := definition.get(key)):
                continue
            texts = [self._parameter_text({**row, "value": item}) for item in (old.get(key), value)]
            lines.append(self._from_to(row.get("string") or key, *texts))
        return lines

    def _readable(self, field, value):
        if not value:
            return value
        if field.type == "many2one":
            return self.env[field.comodel_name].browse(value).exists().display_name
        if field.type == "date":
            return format_date(self.env, value)
        return value

    def _number(self, value) -> str:
        """Return a quantity without the zeros behind its comma."""
        return f"{value:.6f}".rstrip("0").rstrip(".")

    def _from_to(self, label, before, after) -> str:
        nothing = self.env._("none")
        before, after = (
            self._number(v) if isinstance(v, float) and v else v for v in (before, after)
        )
        before, after = (nothing if v in (None, False, "") else v for v in (before, after))
        return f"{label}: {before} → {after}"

    @api.model
    def _record_names(self, row, value) -> list[str]:
        """Names of the records that a parameter refers to, given by id or as ``read`` does."""
        if row["type"] == "many2one":
            value = [value] if value else []
        ids = [item[0] if isinstance(item, list | tuple) else item for item in value or []]
        if not ids or row.get("comodel") not in self.env:
            return []
        return self.env[row["comodel"]].sudo().browse(ids).exists().mapped("display_name")

    @api.model
    def _parameter_text(self, row) -> str:
        """Return the value of one parameter (as ``read`` gives it) as a person reads it."""
        value = row.get("value")
        if row["type"] == "boolean":
            return self.env._("yes") if value else self.env._("no")
        if row["type"] == "selection":
            return dict(row.get("selection") or []).get(value, value or "")
        if row["type"] in ("many2one", "many2many"):
            return ", ".join(self._record_names(row, value))
        if row["type"] == "tags":
            labels = {tag[0]: tag[1] for tag in row.get("tags") or []}
            return ", ".join(labels.get(tag, tag) for tag in value or [])
        if value is None or value is False:
            return ""
        if value and row["type"] == "date":
            return format_date(self.env, value)
        if value and row["type"] == "datetime":
            return format_datetime(self.env, value)
        return str(value)
