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


def criterion_field(relation, string, kind, **attributes):
    """Return a field that takes several criteria of one kind.

    :param str relation: the field's own table; fields of one model cannot share one
    """
    return fields.Many2many(
        "billing.criterion",
        relation=relation,
        string=string,
        domain=[("kind", "=", kind)],
        **attributes,
    )
