"""Numbers, dates and amounts as texts in one language, by Odoo's own formats."""

from odoo.tools import float_round, format_date, formatLang

#: no-break space
NBSP = "\N{NO-BREAK SPACE}"


class Formats:
    """Texts in one language; what comes again is looked up."""

    def __init__(self, env):
        """:param env: with the language in its context"""
        self.env = env
        self.lang = env["res.lang"]._get_data(code=env.lang)
        # Most languages group by thousands: then Python's own format, with their marks, says the same.
        self._is_plain = self.lang.grouping == "[3,0]"
        self._marks = str.maketrans(
            {",": self.lang.thousands_sep or "", ".": self.lang.decimal_point}
        )
        self._days = {}
        self._digits = {}

    def day(self, day):
        """Return a day, empty for none."""
        if not day:
            return ""
        if day not in self._days:
            self._days[day] = format_date(self.env, day, lang_code=self.env.lang)
        return self._days[day]

    def period(self, first, last):
        """Return a period by its first and last day."""
        return f"{self.day(first)} – {self.day(last)}"

    def money(self, amount, currency):
        """Return an amount with its currency."""
        amount = currency.round(amount) + 0.0  # no minus in front of nothing
        text = self.number(amount, currency.decimal_places)
        if not currency.symbol:
            return text
        parts = (text, currency.symbol)
        return NBSP.join(parts if currency.position == "after" else reversed(parts))

    def amount(self, amount, currency):
        """Return an amount whose currency is said elsewhere."""
        return self.number(currency.round(amount) + 0.0, currency.decimal_places)

    def number(self, value, digits):
        """Return a number with so many decimals."""
        if not self._is_plain:
            return formatLang(self.env, value, digits=digits)
        value = float_round(value, precision_digits=digits, rounding_method="HALF-EVEN")
        return f"{value:,.{digits}f}".translate(self._marks)

    def short(self, value, name, at_least=0):
        """Return a number with the decimals of a precision, without needless zeros.

        :param str name: of the ``decimal.precision``
        :param int at_least: decimals that are always shown
        """
        if name not in self._digits:
            self._digits[name] = self.env["decimal.precision"].precision_get(name)
        digits = self._digits[name]
        text = f"{value:.{digits}f}"
        if "." in text:
            digits = max(len(text.rstrip("0").rpartition(".")[2]), at_least)
        return self.number(value, digits)
