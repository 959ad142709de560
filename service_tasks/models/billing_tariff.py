from odoo import api, fields, models
from odoo.exceptions import ValidationError


class BillingTariff(models.Model):
    _inherit = "billing.tariff"

    processing_module_id = fields.Many2one(
        "service.processing.module",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Carries out the operations on services of this tariff. Empty: the company's default "
        "manual module.",
    )
    required_parameters = fields.Char(
        help="Names of the parameters, separated by commas, without which a service task cannot "
        "be closed."
    )

    @api.constrains("required_parameters", "parameter_definition")
    def _check_required_parameters(self):
        for tariff in self:
            known = {row.get("string") for row in tariff.parameter_definition or []}
            known |= {row["name"] for row in tariff.parameter_definition or []}
            if unknown := [name for name in tariff._required_names() if name not in known]:
                raise ValidationError(
                    self.env._(
                        "Tariff %(tariff)s has no parameter named: %(names)s.",
                        tariff=tariff.display_name,
                        names=", ".join(unknown),
                    )
                )

    def _required_names(self) -> list[str]:
        self.ensure_one()
        return [
            name.strip() for name in (self.required_parameters or "").split(",") if name.strip()
        ]

    def _required_rows(self, rows) -> list[dict]:
        """Return those of ``rows`` that must be filled in. A tick box is, either way."""
        self.ensure_one()
        wanted = set(self._required_names())
        return [
            row
            for row in rows or []
            if wanted & {row.get("string"), row["name"]} and row["type"] != "boolean"
        ]

    def _missing_parameters(self, rows) -> list[str]:
        """Labels of the required parameters that ``rows`` (as ``read`` gives them) leave empty."""
        return self._parameter_labels(
            row
            for row in self._required_rows(rows)
            # 0 is a value like any other.
            if row.get("value") in (None, "", []) or row["value"] is False
        )

    @api.model
    def _parameter_labels(self, rows) -> list[str]:
        return [row.get("string") or row["name"] for row in rows]

    @api.model
    def _plain_parameters(self, rows) -> dict:
        """Return {name: plain JSON value} of parameters as ``read`` gives them."""
        plain = {}
        for row in rows or []:
            value = row.get("value")
            if row["type"] == "separator":
                continue
            if row["type"] == "many2one" and isinstance(value, list | tuple):
                value = value[0]
            elif row["type"] == "many2many":
                value = [v[0] if isinstance(v, list | tuple) else v for v in value or []]
            plain[row["name"]] = value
        return plain
