"""What a change charges and credits, as a small table for a dialog."""

from markupsafe import Markup

from odoo.tools import formatLang


def effect_table(rows: list[dict], currency) -> Markup:
    """Texts, amounts and total of charge rows (as the previews return them)."""
    env = currency.env
    if not rows:
        text = env._("Nothing is charged or credited now.")
        return Markup('<p class="text-muted">%s</p>') % text

    def line(tag, text, amount):
        money = formatLang(env, float(amount), currency_obj=currency)
        row = Markup('<tr><{0}>{1}</{0}><{0} class="text-end text-nowrap">{2}</{0}></tr>')
        return row.format(tag, text, money)

    body = Markup().join(line("td", row["name"], row["amount"]) for row in rows)
    total = line("th", env._("Charged now"), sum(row["amount"] for row in rows))
    return Markup('<table class="table table-sm mb-0">%s%s</table>') % (body, total)


def effect_problem(error: Exception) -> Markup:
    """Return why a change is not possible, in place of its effect."""
    return Markup('<p class="text-danger">%s</p>') % error
