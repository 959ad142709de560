"""What lines of usage say, in their customers' languages."""

from odoo.tools import format_date


class UsageTexts:
    """Texts of many charges of usage, each pattern looked up once a language."""

    def __init__(self, env):
        self.env = env
        self._found = {}
        self._days = {}
        self._names = {}

    def _of(self, lang):
        if lang not in self._found:
            env = self.env(context={**self.env.context, "lang": lang})
            self._found[lang] = (
                env,
                env._("Calls"),
                env._("%(class)s, %(service)s, %(first)s - %(last)s: %(calls)s calls, %(time)s"),
                env._("included: %(time)s"),
            )
        return self._found[lang]

    def text(self, lang, service, rate_class, row):
        """Return the text of one charge: class, service, days, calls, time, and what of it the plan
        includes.

        :param service: its name
        """
        lang = lang or self.env.lang or "en_US"
        env, calls, pattern, included = self._of(lang)
        key = lang, rate_class and rate_class.id
        if key not in self._names:
            self._names[key] = rate_class.with_env(env).name if rate_class else calls
        text = pattern % {
            "class": self._names[key],
            "service": service,
            "first": self._day(env, lang, row["first_day"]),
            "last": self._day(env, lang, row["last_day"]),
            "calls": row["calls"],
            "time": clock(row["seconds"]),
        }
        if row["included"]:
            text += ", " + included % {"time": clock(row["included"])}
        return text

    def _day(self, env, lang, day):
        key = lang, day
        if key not in self._days:
            self._days[key] = format_date(env, day, lang_code=lang)
        return self._days[key]


def clock(seconds: int) -> str:
    """Return seconds as hours, minutes and seconds: 1:02:03."""
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
