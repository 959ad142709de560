"""Proof that a run itself deletes its documents."""

from odoo.models import BaseModel

from ...billing_tasks.proof import has_proof, with_proof

_DOCUMENTS = "a run's documents"


def by_run(records: BaseModel) -> BaseModel:
    """Return the same documents for a run's own methods, which keep bill and charges in step."""
    return with_proof(records, _DOCUMENTS)


def is_by_run(env) -> bool:
    """Return whether a run's own method is at work."""
    return has_proof(env, _DOCUMENTS)
