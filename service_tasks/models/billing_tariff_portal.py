from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..request_form import KINDS, Field, as_typed


class BillingTariff(models.Model):
    """What of a tariff is offered to customers in the portal.

    A tariff is offered while it is marked so, on its days, in its own company, and as long as it can be
    set up and billed: to logins of that company whose customer may buy from it.
    """

    _inherit = "billing.tariff"

    portal_public = fields.Boolean(
        string="Offered in the Portal",
        copy=False,
        help="Customers order services of this tariff in the portal, where the company lets them.",
    )
    portal_from = fields.Date(
        string="Offered From", help="The first day on which customers see it. Empty: at once."
    )
    portal_until = fields.Date(
        string="Offered Until", help="The last day on which customers see it. Empty: no end."
    )
    portal_description = fields.Html(
        translate=True,
        help="What customers read of the tariff before they order.",
    )
    portal_parameters = fields.Char(
        string="Parameters That Customers Choose",
        help="Names of the parameters, separated by commas, that customers fill in when they order "
        "and may change later.",
    )
    portal_target_ids = fields.Many2many(
        "billing.tariff",
        "billing_tariff_portal_target_rel",
        "tariff_id",
        "target_id",
        string="Customers May Change To",
        domain="[('company_id', '=', company_id), ('currency_id', '=', currency_id), "
        "('id', '!=', id), ('portal_public', '=', True)]",
        check_company=True,
        help="Tariffs to which customers change a service of this one by themselves, while those "
        "are offered in the portal. None: the tariff is changed by staff.",
    )

    portal_open = fields.Boolean(
        compute="_compute_portal_open", help="Whether customers can have it from today on."
    )

    _portal_days_ordered = models.Constraint(
        "CHECK(portal_until >= portal_from)",
        "A tariff cannot be offered until a day before the first one.",
    )

    # === CONSTRAINTS === #

    @api.constrains("portal_parameters", "parameter_definition")
    def _check_portal_parameters(self):
        for tariff in self:
            rows = tariff.parameter_definition or []
            known = {name for row in rows for name in (row.get("string"), row["name"])}
            names = tariff._portal_names()
            if unknown := [name for name in names if name not in known]:
                raise ValidationError(
                    self.env._(
                        "Tariff %(tariff)s has no parameter named: %(names)s.",
                        tariff=tariff.display_name,
                        names=", ".join(unknown),
                    )
                )
            rows = tariff._named_rows(names)
            if other := [row for row in rows if row["type"] not in KINDS]:
                raise ValidationError(
                    self.env._(
                        "These parameters of tariff %(tariff)s are of a type that customers cannot "
                        "fill in: %(names)s. They fill in texts, numbers, days, selections and "
                        "checkboxes.",
                        tariff=tariff.display_name,
                        names=", ".join(tariff._parameter_labels(other)),
                    )
                )

    # === COMPUTES === #

    @api.depends(
        "active",
        "portal_public",
        "portal_from",
        "portal_until",
        "processing_module_id.active",
        "company_id.service_processing_module_id.active",
        "product_id.active",
        "currency_id.active",
    )
    def _compute_portal_open(self):
        for tariff in self:
            today = tariff.company_id._billing_today()
            module = tariff.processing_module_id or tariff.company_id.service_processing_module_id
            tariff.portal_open = (
                tariff.active
                and tariff.portal_public
                and (not tariff.portal_from or tariff.portal_from <= today)
                and (not tariff.portal_until or tariff.portal_until >= today)
                and (not module or module.active)
                and tariff.product_id.active
                and tariff.currency_id.active
            )

    # === BUSINESS === #

    @api.model
    def _portal_domain(self, user) -> Domain:
        """What may be offered to a login, but for the days and what stands in the way of a set-up."""
        partner = user.partner_id.commercial_partner_id
        companies = user.company_ids
        if partner.company_id:
            companies &= partner.company_id
        return (
            Domain("portal_public", "=", True)
            & Domain("company_id", "in", companies.ids)
            & Domain("company_id.billing_portal_order", "=", True)
        )

    @api.model
    def _offered_to(self, user):
        """Return the tariffs that a login may order now."""
        return self.search(self._portal_domain(user)).filtered("portal_open")

    def _portal_names(self) -> list[str]:
        self.ensure_one()
        return [name.strip() for name in (self.portal_parameters or "").split(",") if name.strip()]

    def _named_rows(self, names) -> list[dict]:
        """Return the parameters of the definition that have one of these names or labels."""
        self.ensure_one()
        wanted = set(names)
        return [
            row
            for row in self.parameter_definition or []
            if wanted & {row.get("string"), row["name"]}
        ]

    def _request_addons(self, service=None):
        """Return the add-ons that customers choose: also one that a service has and that is not
        offered to others any more."""
        self.ensure_one()
        addons = service._offered_addons(self) if service else self.addon_ids
        return addons.filtered("portal_choice")

    def _request_parameters(self, present: dict) -> list[Field]:
        """Return the fields of the parameters that customers choose.

        :param present: {name: value} that the form begins with
        """
        self.ensure_one()
        required = {row["name"] for row in self._required_rows(self.parameter_definition)}
        return [
            Field(
                f"parameter_{row['name']}",
                row["type"],
                row.get("string") or row["name"],
                as_typed(present.get(row["name"], row.get("default"))),
                options=tuple(tuple(option) for option in row.get("selection") or ()),
                required=row["name"] in required,
            )
            for row in self._named_rows(self._portal_names())
            if row["type"] in KINDS
        ]
