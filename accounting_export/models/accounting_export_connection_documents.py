from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, format_list

from ...billing_tasks.texts import plural
from ..documents import Customer, Document, Row, lines, split
from ..xero_client import is_installed
from ..xero_models import knows_currency

#: so many names of what is not mapped are said
NAMED = 5
#: categories that a line may have on the other side
CATEGORIES = 2


class Problem(Exception):
    """A document cannot be sent as it is: a code, and why in words for people."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class AccountingExportConnection(models.Model):
    """What is mapped, and customers and documents as the plain data that is sent of them."""

    _inherit = "accounting.export.connection"

    # === MAPPINGS === #

    def _maps(self):
        """Return ``{kind: {id of the record: mapping}}``; a tax mapping without a tax has the id 0."""
        self.ensure_one()
        maps = {"account": {}, "tax": {}, "tracking": {}, "journal": {}}
        for mapping in self.sudo().mapping_ids:
            record = (
                mapping.account_id
                or mapping.tax_id
                or mapping.analytic_account_id
                or mapping.journal_id
            )
            maps[mapping.kind][record.id or 0] = mapping
        return maps

    def _unmapped(self, moves_domain):
        """Return what documents use that is not mapped: ``[(kind, name, number of documents)]``, what
        most documents use first.

        :param moves_domain: the documents, a domain on ``account.move``
        """
        self.ensure_one()
        maps = self._maps()
        items = self.env["account.move.line"].with_company(self.company_id)
        mine = Domain("move_id", "any", moves_domain)
        sold = mine & Domain("display_type", "in", ("product", "rounding"))
        found = []
        groups = items._read_group(sold, ["account_id"], ["move_id:count_distinct"])
        found += [
            ("account", self._account_name(account), count)
            for account, count in groups
            if account.id not in maps["account"]
        ]
        groups = items._read_group(sold, ["tax_ids"], ["move_id:count_distinct"])
        found += [
            ("tax", tax.display_name or self.env._("Without tax"), count)
            for tax, count in groups
            if (tax.id or 0) not in maps["tax"]
        ]
        if self.use_tracking:
            found += [
                ("tracking", account.display_name, count)
                for account, count in self._tracked(sold)
                if account.id not in maps["tracking"]
            ]
        return sorted(found, key=lambda entry: (-entry[2], entry[1]))

    def _tracked(self, lines_domain):
        """Return ``[(analytic account, number of documents)]`` of some invoice lines."""
        items = self.env["account.move.line"].with_company(self.company_id)
        query = items._search(lines_domain & Domain("analytic_distribution", "!=", False))
        rows = self.env.execute_query(
            SQL(
                """
                SELECT account::int, count(DISTINCT line.move_id)
                  FROM account_move_line line,
                       jsonb_object_keys(line.analytic_distribution) AS key,
                       regexp_split_to_table(key, ',') AS account
                 WHERE line.id IN %s AND account <> ''
                 GROUP BY 1
                """,
                query.subselect(),
            )
        )
        counts = dict(rows)
        accounts = self.env["account.analytic.account"].browse(counts).exists()
        return [(account, counts[account.id]) for account in accounts]

    def _account_name(self, account):
        """Return number and name of an account, as accountants know it."""
        account = account.with_company(self.company_id)
        return " ".join(filter(None, (account.code, account.name)))

    def _unmapped_text(self, found):
        """Return what is not mapped as a sentence, by name and number; nothing where all is."""
        if not found:
            return ""
        texts = [
            plural(
                count,
                self.env._("%s (1 document)", name),
                self.env._("%(name)s (%(count)s documents)", name=name, count=count),
            )
            for _kind, name, count in found[:NAMED]
        ]
        if more := len(found) - NAMED:
            if more > 0:
                texts.append(self.env._("%s more", more))
        return self.env._(
            "Not mapped yet: %(names)s. Map them on %(connection)s.",
            names=format_list(self.env, texts),
            connection=self.name,
        )

    # === CUSTOMERS === #

    def _customer(self, item):
        """Return a customer as plain data."""
        partner = item.partner_id
        return Customer(
            reference=item.reference,
            name=partner.name or partner.display_name or item.reference,
            code=partner.ref or "",
            email=partner.email_normalized or "",
            vat=partner.vat or "",
            company_number=partner.company_registry or "",
            phone=partner.phone or "",
            street=partner.street or "",
            street2=partner.street2 or "",
            city=partner.city or "",
            region=partner.state_id.name or "",
            zip=partner.zip or "",
            country=(partner.country_id.code if self.kind == "csv" else partner.country_id.name)
            or "",
        )

    # === DOCUMENTS === #

    def _documents(self, moves):
        """Return ``{id of the move: document as plain data, or the problem that it has}``."""
        self.ensure_one()
        maps = self._maps()
        customers = {
            item.partner_id.id: item.other_id
            for item in self.env["accounting.export.item"]
            .sudo()
            .search(
                [
                    ("connection_id", "=", self.id),
                    ("kind", "=", "customer"),
                    ("state", "=", "sent"),
                    ("partner_id", "in", moves.commercial_partner_id.ids),
                ]
            )
        }
        made = {}
        for move in moves.with_company(self.company_id):
            try:
                made[move.id] = self._document(move, maps, customers)
            except Problem as problem:
                made[move.id] = problem
        return made

    def _document(self, move, maps, customers):
        """Return a document as plain data.

        :raise Problem: saying what to do about it
        """
        if move.state != "posted":
            raise Problem("not_posted", self.env._("It is not posted any more."))
        if not (customer := customers.get(move.commercial_partner_id.id)):
            raise Problem(
                "customer",
                self.env._("Send the customer %s first.", move.commercial_partner_id.display_name),
            )
        currency = move.currency_id
        if self.kind == "xero" and is_installed() and not knows_currency(currency.name):
            raise Problem(
                "currency", self.env._("Xero does not know the currency %s.", currency.name)
            )
        places = currency.decimal_places
        rows, taxes, extra = self._rows(move, maps, places)
        made = Document(
            kind="credit" if move.move_type == "out_refund" else "invoice",
            number=move.name,
            customer=customer,
            date=move.invoice_date,
            due_date=move.invoice_date_due or move.invoice_date,
            currency=currency.name,
            rate=None
            if currency == self.company_id.currency_id
            else Decimal(f"{move.invoice_currency_rate:.6f}"),
            lines=lines(rows, taxes, places, self.line_detail == "summed"),
            reference=move.ref or move.payment_reference or "",
        )
        total = _decimal(move.amount_total, places)
        if made.total != total or extra:
            raise Problem(
                "totals",
                self.env._(
                    "Its lines come to %(lines)s and not to its total of %(total)s: send it by hand.",
                    lines=currency.format(float(made.total)),
                    total=currency.format(move.amount_total),
                ),
            )
        return made

    def _rows(self, move, maps, places):
        """Return the rows of a document, what its taxes come to, and whether there is tax that belongs to
        no row."""
        sign = move.direction_sign
        taxes, rows = {}, []
        for line in move.line_ids:
            if line.display_type == "tax" or (
                line.display_type == "rounding" and line.tax_repartition_line_id
            ):
                tax = line.group_tax_id or line.tax_line_id
                amount = _decimal(sign * line.amount_currency, places)
                taxes[tax.id] = taxes.get(tax.id, Decimal()) + amount
            elif line.display_type in ("product", "rounding"):
                rows += self._line_rows(line, sign, maps, places)
        keys = {row.tax_key for row in rows}
        return rows, taxes, any(amount for key, amount in taxes.items() if key not in keys)

    def _line_rows(self, line, sign, maps, places):
        account = maps["account"].get(line.account_id.id)
        if not account:
            raise Problem(
                "account", self.env._("Map the account %s.", self._account_name(line.account_id))
            )
        if len(line.tax_ids) > 1:
            raise Problem(
                "taxes",
                self.env._(
                    "“%(line)s” has more than one tax (%(taxes)s), and the accounting software takes"
                    " one a line: use one tax that holds them, or send it by hand.",
                    line=line.name or line.product_id.display_name or "",
                    taxes=format_list(self.env, line.tax_ids.mapped("name")),
                ),
            )
        tax = maps["tax"].get(line.tax_ids.id or 0)
        if not tax:
            name = line.tax_ids.display_name or self.env._("Without tax")
            raise Problem("tax", self.env._("Map the tax %s.", name))
        row = Row(
            description=line.name or line.product_id.display_name or "",
            quantity=_decimal(line.quantity if line.display_type == "product" else 1, 4),
            amount=_decimal(sign * line.amount_currency, places),
            account=account.code,
            tax_type=tax.code,
            tax_key=line.tax_ids.id or None,
        )
        if self.use_tracking and line.analytic_distribution:
            return split(row, self._shares(line, maps), places)
        return [row]

    def _shares(self, line, maps):
        """Return the percentages of a line and how each is tracked."""
        shares = []
        for key, percentage in line.analytic_distribution.items():
            tracking = {}
            for account_id in filter(None, key.split(",")):
                mapping = maps["tracking"].get(int(account_id))
                if not mapping:
                    account = self.env["account.analytic.account"].browse(int(account_id)).exists()
                    raise Problem(
                        "tracking",
                        self.env._(
                            "Map the analytic account %s.", account.display_name or account_id
                        ),
                    )
                tracking[mapping.category] = mapping.code
            if len(tracking) > CATEGORIES and self.kind == "xero":
                raise Problem(
                    "tracking",
                    self.env._("“%s” has more than two tracking categories.", line.name or ""),
                )
            shares.append((_decimal(percentage, 4), tuple(sorted(tracking.items()))))
        return shares


def _decimal(value, places):
    """Return a number of Odoo's as a decimal of so many places."""
    return Decimal(f"{value:.{places}f}")
