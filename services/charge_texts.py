from datetime import date

from odoo.tools import format_date

from .periods import ONE_DAY


class ChargeTexts:
    """Texts of many charges in their customers' languages, each part looked up once."""

    def __init__(self, env, product_ids):
        """:param product_ids: of all texts, so that their names are read at once"""
        self.env = env
        self.product_ids = list(product_ids)
        self.patterns = {}
        self.products = {}
        self.days = {}

    def text(self, service, partner, row: dict, label: str | None) -> str:
        """Product, service and first to last day, in the customer's language.

        :param label: of adjustments: credit, change, withheld or released
        """
        lang = partner.lang or self.env.lang or "en_US"
        if lang not in self.patterns:
            self.patterns[lang] = self._patterns(lang)
        pattern = self.patterns[lang]["setup" if row["kind"] == "setup" else label]
        return pattern % {
            "product": self._product(row["product_id"], lang),
            "service": service.display_name,
            "first": self._day(row["period_start"], lang),
            "last": self._day(row["period_end"] - ONE_DAY, lang),
        }

    def _patterns(self, lang: str) -> dict:
        env = self.env(context={**self.env.context, "lang": lang})
        return {
            None: env._("%(product)s, %(service)s, %(first)s - %(last)s"),
            "setup": env._("%(product)s, %(service)s: set-up"),
            "credit": env._("Credit: %(product)s, %(service)s, %(first)s - %(last)s"),
            "change": env._("Change: %(product)s, %(service)s, %(first)s - %(last)s"),
            "withheld": env._("Credited before: %(product)s, %(service)s, %(first)s - %(last)s"),
            "released": env._("Credit after all: %(product)s, %(service)s, %(first)s - %(last)s"),
        }

    def _product(self, product_id: int, lang: str) -> str:
        key = product_id, lang
        if key not in self.products:
            products = self.env["product.product"].browse(self.product_ids)
            for product in products.with_context(lang=lang, display_default_code=False):
                self.products[product.id, lang] = product.display_name
        return self.products[key]

    def _day(self, day: date, lang: str) -> str:
        key = day, lang
        if key not in self.days:
            self.days[key] = format_date(self.env, day, lang_code=lang)
        return self.days[key]
