"""The lines of documents, grouped by service: what each says, and the period once."""

from datetime import date, timedelta

#: lines of text from which on a row may be broken by the end of a page
LONG = 12
#: rows up to which a list is set with air
MANY = 100
#: letters from which on a line of text is wider than any column
WIDE = 120
#: digits are equally wide
SHAPE = str.maketrans("123456789", "000000000")


def service_period(charges) -> tuple[date, date] | None:
    """Return the first and the last day that charges are for, None where there is nothing but
    set-up."""
    if all(charge.kind == "setup" for charge in charges):
        return None
    return whole_period(charges)


def whole_period(charges) -> tuple[date, date] | None:
    """Return the first and the last day of charges, None for none."""
    if not charges:
        return None
    end = max(charges.mapped("period_end"))
    return min(charges.mapped("period_start")), end - timedelta(days=1)


class LineValues:
    """The lines of a batch of documents in one language."""

    def __init__(self, formats, labels):
        self.formats = formats
        self.labels = labels

    def columns(self, move, lines):
        """Return the columns that a document has, each with its label."""
        keys = ["description", "quantity", "price"]
        if any(line.discount for line in lines):
            keys.append("discount")
        if any(line.tax_ids for line in lines):
            keys.append("taxes")
        keys.append("amount")
        found = [{"key": key, "label": self.labels[key]} for key in keys]
        found[-1]["label"] += f" ({move.currency_id.name})"
        return found

    def shapes(self, columns, groups):
        """Return by column the texts that it has, with a 0 for every digit: how wide it is."""
        rows = [row for group in groups for row in group["rows"]]
        found = {}
        for column in columns:
            key = column["key"]
            texts = {row[key] for row in rows if row.get(key)} if key != "description" else set()
            if key == "amount":
                texts.update(group["subtotal"] for group in groups)
            found[key] = sorted(
                {part.translate(SHAPE) for text in texts for part in text.split("\n")}
            )
        return found

    def forms(self, groups):
        """Return what is said in the rows that are one line high for all that can be told here, each
        once for all that differ by their digits; the rows get its number, the others None.

        So a template measures a few forms instead of every row.
        """
        numbers = {}
        for group in groups:
            for row in group["rows"]:
                if row["kind"] == "line":
                    form = self._form(row, titled=group["title"] is not None)
                    row["form"] = form and numbers.setdefault(form, len(numbers))
        names = ("lead", "text", "period", "titled")
        return [dict(zip(names, form, strict=True)) for form in numbers]

    def _form(self, row, titled):
        said = [row["lead"], row["text"], row["period"]]
        others = (row["quantity"], row["price"], row["discount"], row["taxes"], row["amount"])
        if any("\n" in text for text in others):
            return None
        if max(map(len, "\n".join(filter(None, said)).split("\n"))) > WIDE:
            return None
        return *(text and text.translate(SHAPE) for text in said), titled

    def groups(self, move, lines, whole=None):
        """Return the groups of a document: one a service, in the order of the lines.

        :param str whole: the period of the whole document, which lines need not repeat
        """
        groups, total = [], 0.0
        for line in lines:
            service = line.billing_charge_ids.service_id[:1]
            if not groups or groups[-1]["service"] != service:
                groups.append({"service": service, "lines": []})
            groups[-1]["lines"].append(line)
        found = []
        for group in groups:
            values, total = self._group(move, group["service"], group["lines"], total, whole)
            found.append(values)
        return found

    def _group(self, move, service, lines, total, whole):
        periods = [self._period(line) for line in lines]
        shared = periods[0] if service and len(set(periods)) == 1 else None
        alone = len(lines) == 1
        subtotal, rows = 0.0, []
        for line, period in zip(lines, periods, strict=True):
            if line.collapse_composition or line.collapse_prices:
                inside, total = self._hidden(move, line, total)
                rows += inside
                continue
            if line.display_type != "product":
                rows.append(self._note(move, line))
                continue
            amount = self._amount(move, line)
            subtotal += amount
            total += amount
            row = self._row(move, line, service, period, amount, total)
            said = (whole,) if alone else (whole, shared)
            repeats = not period or period in said or period in row["text"]
            row["period"] = None if repeats else period
            row["lead"] = service.display_name if service and alone else None
            rows.append(row)
        return {
            "title": service.display_name if service and not alone else None,
            "period": shared if shared != whole else None,
            "subtotal": "" if alone else self.formats.amount(subtotal, move.currency_id),
            "rows": rows,
        }, total

    def _period(self, line):
        period = service_period(line.billing_charge_ids)
        return self.formats.period(*period) if period else None

    def _amount(self, move, line):
        with_tax = move.company_price_include == "tax_included"
        return line.price_total if with_tax else line.price_subtotal

    def _row(self, move, line, service, period, amount, total):
        text = self._text(line, service, period)
        return {
            "kind": "line",
            "description": text,
            "text": text,
            "long": text.count("\n") >= LONG or len(text) > 80 * LONG,
            "quantity": self._quantity(line),
            "price": self.formats.short(line.price_unit, "Product Price", 2),
            "discount": self.formats.short(line.discount, "Discount") if line.discount else "",
            "taxes": ", ".join(tax.tax_label for tax in line.tax_ids if tax.tax_label),
            "amount": self.formats.amount(amount, move.currency_id),
            "running": self.formats.money(total, move.currency_id),
        }

    def _note(self, move, line):
        is_note = line.display_type == "line_note"
        return {
            "kind": "note" if is_note else "section",
            "text": line.name or "",
            "amount": ""
            if is_note
            else self.formats.amount(line.get_section_subtotal(), move.currency_id),
        }

    def _hidden(self, move, section, total):
        """Return the rows of a section that hides what it is made of or its prices, and the running
        total behind it: names, taxes and sums, as on Odoo's report."""
        currency, rows = move.currency_id, []
        with_tax = move.company_price_include == "tax_included"
        for child in section._get_child_lines():
            amount = child["price_total" if with_tax else "price_subtotal"]
            text = self.formats.amount(amount, currency)
            if child["display_type"] in ("line_section", "line_subsection"):
                rows.append({"kind": "section", "text": child["name"] or "", "amount": text})
                continue
            total += amount
            summed = section.collapse_composition
            unit = child.get("line_uom")
            quantity = self.formats.short(child["quantity"], "Product Unit")
            price = self.formats.short(child["price_subtotal"], "Product Price", 2)
            rows.append(
                {
                    "kind": "line",
                    "description": child["name"] or "",
                    "text": child["name"] or "",
                    "long": False,
                    "quantity": f"{quantity} {unit.name}"
                    if unit and self._shows_units(section)
                    else quantity,
                    "price": price if summed else "",
                    "discount": "",
                    "taxes": ", ".join(child["taxes"]),
                    "amount": text if summed else "",
                    "running": self.formats.money(total, currency),
                    "period": None,
                    "lead": None,
                }
            )
        return rows, total

    def _text(self, line, service, period):
        """Return a line's text without what its group's title says already."""
        text = line.name or line.product_id.display_name or ""
        if not service:
            return text
        if period:
            text = text.replace(", " + period.replace(" – ", " - "), "", 1)
        return text.replace(f", {service.display_name}", "", 1)

    def _quantity(self, line):
        text = self.formats.short(line.quantity, "Product Unit")
        unit, own = line.product_uom_id, line.product_id.uom_id
        if not unit or not self._shows_units(line):
            return text
        text = f"{text} {unit.name}"
        if own and own != unit:
            quantity = unit._compute_quantity(line.quantity, own)
            text += f"\n{self.formats.short(quantity, 'Product Unit')} {own.name}"
        return text

    def _shows_units(self, line):
        return line.env.user.has_group("uom.group_uom")
