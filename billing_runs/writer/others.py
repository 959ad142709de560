"""Stored fields that other addons have Odoo compute, of documents and of payments."""

#: addons whose columns are filled by those that write
KNOWN = frozenset(
    ("account", "analytic", "base", "mail", "portal", "product", "billing_operations")
)
MODELS = ("account.move", "account.move.line", "account.payment")


def computed_by_others(registry) -> dict:
    """Return ``{model: names of stored fields}``.

    They are computed of whatever is written: one that is empty on the document that proves a shape may
    have a value on the next. Asked anew each time, since people add fields of their own.
    """
    names = {
        model: {
            name
            for name, field in registry[model]._fields.items()
            if field.store and field.compute and _is_of_others(registry[model], field)
        }
        for model in MODELS
    }
    return {model: found for model, found in names.items() if found}


def _is_of_others(model, field) -> bool:
    """Return whether a field, or what computes it, comes from other addons alone."""
    if KNOWN.isdisjoint(field._modules):
        return True
    parts = [part for part in model.__mro__ if field.compute in vars(part)]
    return bool(parts) and KNOWN.isdisjoint(getattr(part, "_module", None) for part in parts)
