from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_list

NAMED = 3
ADDON = "billing_operations"


class BillingUsedMixin(models.AbstractModel):
    """Records that others name for good: deleting one that is used says by whom.

    What uses a record is found by the fields themselves: every many2one of this addon that
    restricts the deletion. The database refuses it as well, but without a name.
    """

    _name = "billing.used.mixin"
    _description = "Refuses to be deleted while it is used"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        uses = [text for model, use in self._uses().items() if (text := self._use_text(model, use))]
        if not uses:
            return
        message = self.env._(
            "%(records)s cannot be deleted because billing uses it:",
            records=format_list(self.env, self[:NAMED].mapped("display_name")),
        )
        lines = [message, *(f"- {text}" for text in uses)]
        if "active" in self._fields:
            lines.append(self.env._("Archive it instead."))
        raise UserError("\n".join(lines))

    def _uses(self) -> dict:
        """{name of a model: domain of its records that use these}.

        Rows that belong to another record, as lines do, stand for that one.
        """
        uses: dict = {}
        for field in self._restricting_fields():
            model, domain = field.model_name, Domain(field.name, "in", self.ids)
            if owner := self._owner_field(model):
                rows = self.env[model].sudo().with_context(active_test=False)._search(domain)
                model = owner.comodel_name
                domain = Domain("id", "in", rows.subselect(owner.name))
            uses[model] = uses.get(model, Domain.FALSE) | domain
        return uses

    @api.model
    def _restricting_fields(self) -> list:
        """The fields of this addon by which records of this model are kept from being deleted."""
        return [
            field
            for model in self.env.registry.values()
            for field in model._fields.values()
            if field.type == "many2one"
            and field.store
            and not field.related
            and field.comodel_name == self._name
            and field.ondelete == "restrict"
            and not model._abstract
            and not model.is_transient()
            and ADDON in field._modules
        ]

    @api.model
    def _owner_field(self, model: str):
        """The field by which records of a model are lines of another record, if they are."""
        for field in self.env[model]._fields.values():
            if field.type == "many2one" and field.required and field.ondelete == "cascade":
                return field
        return None

    def _use_text(self, model: str, domain: Domain) -> str | None:
        """What uses these records: how many of which kind, and some names.

        Names are given only of what the user may see; what others may see counts as well.
        """
        users = self.env[model].with_context(active_test=False)
        count = users.sudo().search_count(domain)
        if not count:
            return None
        kind = self.env["ir.model"]._get(model).sudo().name
        visible = users.has_access("read")
        names = users.search(domain, limit=NAMED).mapped("display_name") if visible else []
        if not names:
            return self.env._("%(kind)s: %(count)s", kind=kind, count=count)
        if count > len(names):
            return self.env._(
                "%(kind)s: %(names)s and %(count)s more",
                kind=kind,
                names=", ".join(names),
                count=count - len(names),
            )
        return self.env._("%(kind)s: %(names)s", kind=kind, names=", ".join(names))
