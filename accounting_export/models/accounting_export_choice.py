from odoo import api, fields, models


class AccountingExportChoice(models.Model):
    """Something of the other side that can be chosen: an organisation, an account, a tax type, an option
    of a tracking category. Read from there, and read anew by a button; nobody writes it by hand."""

    _name = "accounting.export.choice"
    _description = "Choice of an Accounting Software"
    _order = "kind, category, code, id"
    _check_company_auto = True

    connection_id = fields.Many2one(
        "accounting.export.connection",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, precompute=True, required=True, index=True
    )
    kind = fields.Selection(
        [
            ("tenant", "Organisation"),
            ("account", "Account"),
            ("bank", "Bank Account"),
            ("tax", "Tax Type"),
            ("tracking", "Tracking Option"),
        ],
        required=True,
    )
    code = fields.Char(required=True)
    name = fields.Char(required=True)
    category = fields.Char(help="The tracking category that an option belongs to.")
    rate = fields.Char(help="The percentage of a tax type, as the other side says it.")

    _choice_once = models.UniqueIndex(
        "(connection_id, kind, code, coalesce(category, ''))",
        "The connection knows this choice already.",
    )

    @api.depends("kind", "code", "name", "category", "rate")
    def _compute_display_name(self):
        for choice in self:
            if choice.kind == "tracking":
                choice.display_name = f"{choice.category}: {choice.name}"
            elif choice.kind == "tenant":
                choice.display_name = choice.name
            else:
                choice.display_name = f"{choice.code} {choice.name}"

    @api.model
    def _replace(self, connection, kinds, values):
        """Have a connection know just these choices of some kinds. Mappings keep their codes."""
        known = {
            (choice.kind, choice.code, choice.category or ""): choice
            for choice in self.search(
                [("connection_id", "=", connection.id), ("kind", "in", kinds)]
            )
        }
        new = []
        for vals in values:
            if not vals.get("code") or not vals.get("name"):
                continue
            choice = known.pop((vals["kind"], vals["code"], vals.get("category") or ""), None)
            if choice:
                choice.write(vals)
            else:
                new.append({**vals, "connection_id": connection.id})
        self.union(*known.values()).unlink()
        once = {(vals["kind"], vals["code"], vals.get("category") or ""): vals for vals in new}
        return self.create(list(once.values()))
