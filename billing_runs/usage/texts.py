"""What lines of usage say, in their customers' languages."""

from odoo.tools import format_date


class UsageTexts:
    """Texts of many charges of usage, each pattern looked up once a language."""

    def __init__(self, env):
        self.env = env
        self._found = {}

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
        includes."""
        lang = lang or self.env.lang or "en_US"
        env, calls, pattern, included = self._of(lang)

        def day(value):
            return format_date(env, value, lang_code=lang)

        name = rate_class.with_env(env).name if rate_class else calls
        text = pattern % {
            "class": name,
            "service": service.display_name,
            "first": day(row["first_day"]),
            "last": day(row["last_day"]),
            "calls": row["calls"],
            "time": _clock(row["seconds"]),
        }
        if row["included"]:
            text += ", " + included % {"time": _clock(row["included"])}
        return text


def _clock(seconds):
    """Return seconds as hours, minutes and seconds: 1:02:03."""
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
