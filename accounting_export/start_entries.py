"""The start page's entry about accounting software."""

from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from ..billing_tasks.start_entry import Todo

_lt = LazyTranslate(__name__)


class Accounting(Todo):
    """What of the export to accounting waits for a person."""

    code = "accounting"
    title = _lt("Accounting Export Waiting for a Person")
    place = 45
    groups = "billing_operations.group_billing_user"

    def kinds(self, env):
        """Return ``[(text, model, domain, tone)]`` of what is counted."""
        items = "accounting.export.item"
        return [
            (
                env._("Connect again"),
                "accounting.export.connection",
                Domain("state", "=", "broken"),
                "danger",
            ),
            (
                env._("Choose among possible duplicates"),
                items,
                Domain("state", "=", "duplicate"),
                None,
            ),
            (env._("Refused"), items, Domain("state", "=", "error"), "danger"),
            (env._("Unknown whether sent"), items, Domain("state", "=", "unknown"), "danger"),
            (env._("Differ there"), items, Domain("difference", "!=", False), "warning"),
            (
                env._("Payments to settle"),
                "accounting.export.payment",
                Domain("state", "=", "problem"),
                "warning",
            ),
        ]

    def empty(self, env):
        return env._("Nothing of the accounting export waits for anybody.")


START_ENTRIES = (Accounting(),)
