"""Proof that the addon's own code is at work.

It travels in the context, and is an object: what comes over RPC is made of texts and numbers, so
nobody outside can bring it.
"""

from odoo.models import BaseModel

_PROOF = object()


def with_proof(records: BaseModel, of: str) -> BaseModel:
    """Return the same records for code that does ``of``: a model's name, or what is being done."""
    return records.with_context(**{_key(of): _PROOF})


def without_proof(records: BaseModel, of: str) -> BaseModel:
    """Return the same records for code that no longer does ``of``."""
    return records.with_context(**{_key(of): None})


def has_proof(env, of: str) -> bool:
    """Return whether the addon's own code is at work on ``of``."""
    return env.context.get(_key(of)) is _PROOF


def _key(of):
    return f"billing_own:{of}"
