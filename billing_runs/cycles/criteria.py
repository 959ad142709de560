"""By what a run chooses whom it bills: criteria, which its cycle gives, and filters."""

from odoo import fields

CRITERIA = (
    "term_scheme_ids",
    "frequency_ids",
    "payment_preference_ids",
    "presentment_ids",
    "partner_category_ids",
)
FILTERS = ("partner_ids", "service_ids", "job_ids", "department_ids")


def limit_field(comodel: str, **attributes) -> fields.Many2many:
    """Return a field that limits to several records of a model; the model that has it names it in
    ``_limit_fields`` of ``billing.limited.mixin``.

    An archived record limits like any other, so the field sees it.
    """
    return fields.Many2many(comodel, context={"active_test": False}, **attributes)


def criterion_field(relation: str, string: str, kind: str, **attributes) -> fields.Many2many:
    """Return a field that takes several criteria of one kind.

    :param relation: the field's own table; fields of one model cannot share one
    """
    return limit_field(
        "billing.criterion",
        relation=relation,
        string=string,
        domain=[("kind", "=", kind)],
        **attributes,
    )
