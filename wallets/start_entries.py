"""The start page's entry about what customers paid in advance."""

from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from ..billing_tasks.start_entry import StartEntry, count, figure

_lt = LazyTranslate(__name__)

LOW = Domain("low_since", "!=", False)


class Wallets(StartEntry):
    """What is in wallets, by currency; how many are low, and how many hold nothing."""

    code = "wallets"
    title = _lt("Wallets")
    place = 75
    groups = "billing_operations.group_billing_user"

    def show(self, env):
        wallets = env["billing.wallet"]
        low = dict(wallets._read_group(LOW, ["currency_id"], ["__count"]))
        empty = dict(
            wallets._read_group(LOW & Domain("balance", "<=", 0), ["currency_id"], ["__count"])
        )

        def cells(currency, number, amount):
            mine = Domain("currency_id", "=", currency.id)
            name = env._("Wallets in %s", currency.name)
            return [
                currency.name,
                count(env, number, name, wallets._name, mine),
                figure(currency.format(amount), name, wallets._name, mine),
                count(
                    env,
                    low.get(currency, 0),
                    env._("Low wallets in %s", currency.name),
                    wallets._name,
                    mine & LOW,
                    "warning",
                ),
                count(
                    env,
                    empty.get(currency, 0),
                    env._("Empty wallets in %s", currency.name),
                    wallets._name,
                    mine & LOW & Domain("balance", "<=", 0),
                    "danger",
                ),
            ]

        groups = wallets._read_group([], ["currency_id"], ["__count", "balance:sum"])
        return {
            "head": [
                env._("Currency"),
                env._("Wallets"),
                env._("Balance"),
                env._("Low"),
                env._("Empty"),
            ],
            "labels": 1,
            "rows": [cells(*group) for group in sorted(groups, key=lambda group: group[0].name)],
        }

    def empty(self, env):
        return env._("No customer has a wallet. Make one where somebody pays in advance.")


START_ENTRIES = (Wallets(),)
