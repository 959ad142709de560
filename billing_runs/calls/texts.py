"""Explanations of calls in words, in the language of who reads them."""

from decimal import Decimal

from odoo.tools import format_date
from odoo.tools.translate import LazyTranslate

from ..usage.texts import clock

_lt = LazyTranslate(__name__)

#: for each kind of step: what it is about, and what is done
SENTENCES = {
    "withheld": (_lt("Free"), _lt("Calls with a withheld number are free.")),
    "unanswered": (_lt("Free"), _lt("Calls that are not answered are free.")),
    "no_rate": (_lt("Rate"), _lt("No rate is needed.")),
    "connect": (_lt("Price"), _lt("Not answered: the connect fee of %(fee)s alone.")),
    "time": (
        _lt("Billed Time"),
        _lt(
            "Lasted %(seconds)s s: the first %(initial)s s, then %(steps)s × %(step)s s ="
            " %(billed)s s."
        ),
    ),
    "price": (
        _lt("Price"),
        _lt("%(fee)s connect fee + %(billed)s s × %(price)s a minute = %(amount)s"),
    ),
    "price_alone": (_lt("Price"), _lt("%(billed)s s × %(price)s a minute = %(amount)s")),
    "minimum": (_lt("Minimum"), _lt("At least %(minimum)s.")),
    "rounded": (_lt("Rounded"), _lt("To %(digits)s decimals: %(amount)s")),
    "included": (
        _lt("Included Minutes"),
        _lt("%(included)s s of %(billed)s s are included, %(left)s s are left."),
    ),
    "share": (
        _lt("Share"),
        _lt(
            "%(own)s s of %(billed)s s at this price: %(amount)s × %(own)s / %(billed)s = %(share)s"
        ),
    ),
    "tier": (
        _lt("Tier"),
        _lt("%(seconds)s s beyond %(start)s in the month, at %(price)s a minute = %(amount)s"),
    ),
}
#: decimals that amounts are shown with: as many as they have, at least and at most
FEWEST, MOST = 2, 6


class CallTexts:
    """Texts about many calls, each pattern looked up once."""

    def __init__(self, env):
        self.env = env
        self._lang = env["res.lang"]._get_data(code=env.lang or env.user.lang or "en_US")
        self._point = self._lang.decimal_point or "."
        self._days = {}

    def number(self, value: Decimal) -> str:
        """Return an amount with the decimals that it has, in the language's form."""
        text = f"{round(value, MOST):.{MOST}f}"
        whole, decimals = text.split(".")
        decimals = decimals.rstrip("0").ljust(FEWEST, "0")
        return f"{whole}{self._point}{decimals}"

    def day(self, day) -> str:
        """Return a day as the language writes it."""
        if day not in self._days:
            self._days[day] = format_date(self.env, day)
        return self._days[day]

    def rows(self, record, explanation) -> list[tuple[str, str]]:
        """Return an explanation as rows of what a step is about and what is done.

        :param record: the ``cdr.record``
        """
        rows = [*self._rate_rows(record), *(self._step(step) for step in explanation.steps)]
        if not explanation.agrees:
            rows.append(
                (
                    self.env._("Differs"),
                    self.env._(
                        "By the rate and the plan as they are now it would be %(amount)s. The plan"
                        " was changed after the call was rated, or the call was.",
                        amount=self.number(
                            explanation.amount
                            if explanation.charged_amount is None
                            else explanation.charged_amount
                        ),
                    ),
                )
            )
        return rows

    def _rate_rows(self, record):
        env, rate = self.env, record.rate_id
        if not rate:
            return []
        values = {
            "prefix": rate.prefix,
            "name": rate.name,
            "number": record.destination or record.callee or "",
        }
        rows = [
            (
                env._("Destination"),
                env._("%(number)s begins with %(prefix)s: %(name)s", **values)
                if rate.prefix
                else env._("%(name)s, for numbers with no other rate", **values),
            )
        ]
        values = {"start": self.day(rate.date_from), "plan": record.plan_id.name}
        if rate.date_to:
            text = env._(
                "%(plan)s, from %(start)s until before %(end)s",
                end=self.day(rate.date_to),
                **values,
            )
        else:
            text = env._("%(plan)s, since %(start)s", **values)
        rows.append((env._("Rate"), text))
        if record.band:
            band = env._("%s, at its own rate", record.band)
            rows.append((env._("Time Band"), band if rate.band_id else record.band))
        return rows

    def _step(self, step):
        free = step.kind == "price" and not step.numbers["fee"]
        title, sentence = SENTENCES["price_alone" if free else step.kind]
        numbers = {
            name: self.number(value) if isinstance(value, Decimal) else value
            for name, value in step.numbers.items()
        }
        if step.kind == "tier":
            numbers["start"] = clock(step.numbers["start"])
        pattern = self.env._(sentence)
        return self.env._(title), pattern % numbers
