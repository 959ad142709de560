"""The start page's entries about what customers buy."""

from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from ..billing_tasks.start_entry import StartEntry, count, figure

_lt = LazyTranslate(__name__)


class Unbilled(StartEntry):
    """Charges that are on no invoice yet, by currency."""

    code = "unbilled"
    title = _lt("Unbilled So Far")
    place = 70
    groups = "billing_operations.group_billing_user"

    def show(self, env):
        charges = env["billing.charge"]
        groups = charges._read_group(
            [("state", "=", "rated")], ["currency_id"], ["__count", "amount:sum"]
        )

        def cells(currency, number, amount):
            domain = Domain("state", "=", "rated") & Domain("currency_id", "=", currency.id)
            name = env._("Unbilled charges in %s", currency.name)
            return [
                currency.name,
                count(env, number, name, charges._name, domain),
                figure(currency.format(amount), name, charges._name, domain),
            ]

        return {
            "head": [env._("Currency"), env._("Charges"), env._("Amount")],
            "labels": 1,
            "rows": [cells(*group) for group in sorted(groups, key=lambda group: group[0].name)],
        }

    def empty(self, env):
        return env._("Every charge is on an invoice. A billing run makes the next ones.")


START_ENTRIES = (Unbilled(),)
