"""What Odoo makes of the taxes of documents that differ in their amounts alone.

Accounts, tags and the lines of taxes are learned from a document that Odoo computed; the amounts of
the next ones are worked out by :mod:`.percentages`. Only where that gives for the first document
what Odoo gave, to the bit.
"""

from .guards import TAX_ARITHMETIC, changed_methods
from .percentages import PricedLine, Rounding, line_amounts


class TaxPatterns:
    """The patterns of one batch of documents of a company."""

    def __init__(self, env, company):
        self.company = company
        self._patterns = {}
        currency, tax = company.currency_id, env["account.tax"]
        self._rounding = Rounding(
            currency.rounding,
            currency.decimal_places,
            company.tax_calculation_rounding_method == "round_per_line",
            tax._distribute_delta_amount_smoothly,
        )
        self._usable = not changed_methods(env, TAX_ARITHMETIC)

    def key(self, currency, rate, sign, items):
        """Return what documents of one pattern share, None where there is no pattern.

        :param items: lines that are neither sections nor notes
        """
        if not self._usable or currency != self.company.currency_id or rate != 1.0:
            return None
        names = ("product_id", "product_uom_id", "tax_ids", "account_id")
        return (
            sign,
            tuple(
                (*(line[name] for name in names), repr(line["analytic_distribution"]))
                for line in items
            ),
        )

    def find(self, key, sign, items):
        """Return the amounts of a document: ``(of lines, of tax lines)``, None where unknown.

        Values of lines as ``_prepare_tax_lines`` has them with the amounts of the line itself,
        those of tax lines complete.
        """
        pattern = self._patterns.get(key)
        return pattern and self._fill(pattern, sign, items)

    def learn(self, key, sign, items, base_lines, results):
        """Keep the pattern of a document, if what is worked out by it is what Odoo says.

        :param base_lines: with the accounting data that Odoo gave them
        :param results: ``(of lines, of tax lines)`` of this document, by Odoo
        """
        if key is None or key in self._patterns:
            return
        pattern = _pattern(base_lines)
        if pattern and self._fill(pattern, sign, items) != results:
            pattern = None
        self._patterns[key] = pattern

    def _fill(self, pattern, sign, items):
        lines, tax_lines = pattern
        amounts = line_amounts(
            [
                PricedLine(item["price_unit"], item["quantity"], item["discount"], taxes)
                for item, (_tags, taxes, _places) in zip(items, lines, strict=True)
            ],
            self._rounding,
        )
        currency = self.company.currency_id
        of_lines, sums = [], [[0.0, 0.0] for _line in tax_lines]
        for (tags, _taxes, places), line in zip(lines, amounts, strict=True):
            booked = currency.round(sign * line.booked)
            of_lines.append(
                {
                    "balance": booked,
                    "amount_currency": booked,
                    "price_subtotal": line.excluded,
                    "price_total": line.included,
                    "tax_tag_ids": tags,
                }
            )
            for place, tax, base in zip(places, line.taxes, line.bases, strict=True):
                sums[place][0] += sign * base
                sums[place][1] += sign * currency.round(tax)
        of_taxes = []
        for line, (base, tax) in zip(tax_lines, sums, strict=True):
            if not currency.is_zero(tax):
                amount = currency.round(tax)
                of_taxes.append(
                    line | {"tax_base_amount": base, "amount_currency": amount, "balance": amount}
                )
        return of_lines, of_taxes


def _pattern(base_lines):
    """Return ``(lines, tax lines)`` of a document, None where its taxes are of another kind.

    A line is ``(tags, ((tax, percentage), ...), places of its taxes' lines)``; a tax line the values
    that are no amounts.
    """
    lines, tax_lines, places = [], [], {}
    for base_line in base_lines:
        taxes, own = [], []
        for tax_data in base_line["tax_details"]["taxes_data"]:
            tax = tax_data["tax"]
            if not _is_plain(tax, tax_data):
                return None
            [share] = tax_data["tax_reps_data"]
            key = share["grouping_key"]
            if key["__keep_zero_line"]:
                return None
            found = repr(sorted(key.items()))
            if found not in places:
                places[found] = len(tax_lines)
                tax_lines.append(
                    {name: value for name, value in key.items() if not name.startswith("__")}
                )
            tax_lines[places[found]]["name"] = base_line.get("manual_tax_line_name", tax.name)
            taxes.append((tax.id, tax.amount))
            own.append(places[found])
        lines.append((base_line["tax_tag_ids"].ids, tuple(taxes), own))
    return lines, tax_lines


def _is_plain(tax, tax_data):
    """Tell whether a tax is a percentage on top that goes to one line and into no other tax."""
    shares = tax_data["tax_reps_data"]
    return (
        tax.amount_type == "percent"
        and not tax_data["price_include"]
        and not tax_data["is_reverse_charge"]
        and not tax_data["taxes"]
        and not tax.include_base_amount
        and len(shares) == 1
        and shares[0]["tax_rep"].factor == 1.0
    )
