"""What Odoo computes for a customer invoice and its product lines, worked out for a batch before
anything is created.

Each value is the one that the compute method of the same field gives to a new draft. Where that
cannot be said beforehand, :class:`NotPrepared` is raised and the invoice goes the plain way.
"""

from odoo import fields

from .fiscal_positions import FiscalPositions
from .prices import sale_taxes

SECTIONS = ("line_section", "line_subsection", "line_note")

# Keys of specs whose effect is known here. Plain fields that other addons add may come as well.
MOVE_KEYS = frozenset(
    "lines move_type partner_id journal_id currency_id company_id invoice_date date "
    "invoice_payment_term_id invoice_date_due narration ref invoice_origin fiscal_position_id "
    "invoice_user_id partner_shipping_id".split()
)
LINE_KEYS = frozenset(
    "display_type product_id name quantity price_unit discount tax_ids analytic_distribution "
    "account_id product_uom_id sequence".split()
)
ACCOUNTING_MODULES = frozenset(("account", "analytic", "base", "mail", "portal", "product"))


class NotPrepared(Exception):
    """This invoice needs Odoo's own way; the message says why."""


class InvoiceValues:
    """Values of a batch of specs of one company; what they share is read once."""

    def __init__(self, env, company, specs):
        self.env = env
        self.company = company
        self.today = fields.Date.context_today(company)
        self._memo = {}
        self._incoterm_id = company.incoterm_id.id
        self._positions = FiscalPositions(env, company)
        self._moves = env["account.move"]
        self._lines = env["account.move.line"]
        partners = env["res.partner"].browse(
            {spec.get("partner_id") for spec in specs} - {None, False}
        )
        self._partners = dict(zip(partners._ids, partners, strict=True))
        self._company_partners = dict(
            zip(partners._ids, partners.with_company(company), strict=True)
        )
        products = env["product.product"].browse(
            {line.get("product_id") for spec in specs for line in spec["lines"]} - {None, False}
        )
        self._products = dict(zip(products._ids, products, strict=True))

    def memo(self, function, *key):
        """Return ``function(*key)``, asked once per batch."""
        entry = (function, key)
        if entry not in self._memo:
            self._memo[entry] = function(*key)
        return self._memo[entry]

    def _check_keys(self, keys, known, model):
        for name in keys - known:
            field = model._fields.get(name)
            if (
                not field
                or field.compute
                or field.inverse
                or not ACCOUNTING_MODULES.isdisjoint(field._modules)
            ):
                raise NotPrepared(f"value for {name}")

    # === THE INVOICE === #

    def move_values(self, spec):
        """Return the values of one invoice, without lines, amounts and what follows from them.

        :raise NotPrepared: where only Odoo itself can say them
        """
        self._check_keys(spec.keys(), MOVE_KEYS, self._moves)
        if spec["move_type"] not in ("out_invoice", "out_refund"):
            raise NotPrepared("neither customer invoice nor credit note")
        for key in ("partner_id", "journal_id", "currency_id", "lines"):
            if not spec.get(key):
                raise NotPrepared(f"without {key}")
        journal_currency = self.memo(self._journal_currency, spec["journal_id"])
        if journal_currency and journal_currency != spec["currency_id"]:
            raise NotPrepared("journal with another currency")
        invoice_date = fields.Date.to_date(spec.get("invoice_date"))
        date = fields.Date.to_date(spec.get("date")) or invoice_date
        if not date:
            raise NotPrepared("without a date")
        partner = self._partners[spec["partner_id"]]
        company_partner = self._company_partners[spec["partner_id"]]
        method = company_partner.property_inbound_payment_method_line_id
        values = {name: value for name, value in spec.items() if name != "lines"} | {
            "company_id": self.company.id,
            "invoice_date": invoice_date,
            "date": date,
            "state": "draft",
            "name": False,
            "sequence_prefix": "",
            "sequence_number": 0,
            "made_sequence_gap": False,
            "payment_reference": False,
            "payment_state": "not_paid",
            "checked": False,
            "is_manually_modified": False,
            "always_tax_exigible": False,
            "auto_post": "no",
            "auto_post_until": False,
            "delivery_date": False,
            "taxable_supply_date": False,
            "incoterm_location": False,
            "invoice_incoterm_id": self._incoterm_id,
            "commercial_partner_id": partner.commercial_partner_id.id,
            "invoice_currency_rate": self.memo(
                self._currency_rate, spec["currency_id"], invoice_date or self.today
            ),
            "invoice_partner_display_name": partner.display_name,
            "preferred_payment_method_line_id": method.id,
        }
        if not values["invoice_partner_display_name"]:
            raise NotPrepared("customer without a name")
        if "partner_shipping_id" not in spec:
            values["partner_shipping_id"] = partner.address_get(["delivery"])["delivery"]
        if "fiscal_position_id" not in spec:
            delivery = self.env["res.partner"].browse(
                values["partner_shipping_id"] or partner.address_get(["delivery"])["delivery"]
            )
            values["fiscal_position_id"] = self._positions.get(partner, delivery).id
        if spec.get("invoice_date_due"):
            values["invoice_payment_term_id"] = False
        elif "invoice_payment_term_id" not in spec:
            values["invoice_payment_term_id"] = company_partner.property_payment_term_id.id
        if "invoice_user_id" not in spec:
            seller = partner.user_id or partner.commercial_partner_id.user_id or self.env.user
            values["invoice_user_id"] = seller.id
        return values

    def _journal_currency(self, journal_id):
        return self.env["account.journal"].browse(journal_id).currency_id.id

    def _currency_rate(self, currency_id, date):
        currency = self.env["res.currency"].browse(currency_id)
        return currency._get_conversion_rate(self.company.currency_id, currency, self.company, date)

    def receivable_account(self, move):
        """Return the account of an invoice's payment term lines.

        :param dict move: values from :meth:`move_values`
        """
        commercial = self.env["res.partner"].browse(move["commercial_partner_id"])
        account = (
            self._company_partners.get(
                commercial.id, commercial.with_company(self.company)
            ).property_account_receivable_id
            or self.company.partner_id.with_company(self.company).property_account_receivable_id
        )
        if not account:
            raise NotPrepared("customer without a receivable account")
        return self.memo(self._mapped_account, account.id, move["fiscal_position_id"])

    def _mapped_account(self, account_id, fiscal_position_id):
        account = self.env["account.account"].browse(account_id)
        if fiscal_position_id:
            account = (
                self.env["account.fiscal.position"].browse(fiscal_position_id).map_account(account)
            )
        return account

    # === ITS LINES === #

    def line_values(self, move, spec):
        """Return the values of one line, without its amounts and tags. Taxes come as a tuple of
        ids.

        :param dict move: values from :meth:`move_values`
        :param dict spec: a line of the spec
        :raise NotPrepared: where only Odoo itself can say them
        """
        self._check_keys(spec.keys(), LINE_KEYS, self._lines)
        display_type = spec.get("display_type") or "product"
        values = spec | {"display_type": display_type}
        values.setdefault("sequence", 100)
        if display_type in SECTIONS:
            if values.keys() & LINE_KEYS - {"display_type", "name", "sequence"}:
                raise NotPrepared("section with an item's values")
            return values | {"account_id": False, "name": spec.get("name", False), "tax_ids": ()}
        if display_type != "product":
            raise NotPrepared(f"line of type {display_type}")
        if "price_unit" not in spec:
            raise NotPrepared("line without a price")
        product_id = values["product_id"] = spec.get("product_id") or False
        position_id = move["fiscal_position_id"] or False
        if not spec.get("account_id"):
            values["account_id"] = self.memo(self._income_account, product_id, position_id)
        if "tax_ids" in spec:
            values["tax_ids"] = tuple(spec["tax_ids"] or ())
        else:
            values["tax_ids"] = self.memo(
                self._computed_taxes, product_id, values["account_id"], position_id
            )
        if "product_uom_id" not in spec:
            values["product_uom_id"] = product_id and self._products[product_id].uom_id.id
        if "name" not in spec:
            commercial = self.env["res.partner"].browse(move["commercial_partner_id"])
            values["name"] = product_id and self.memo(
                self._product_name, product_id, commercial.lang
            )
        for name, default in (("quantity", 1.0), ("price_unit", 0.0), ("discount", 0.0)):
            values[name] = self._lines._fields[name].convert_to_cache(
                spec.get(name, default), self._lines
            )
        values["analytic_distribution"] = self._analytic_distribution(move, values, spec)
        return values

    def _income_account(self, product_id, fiscal_position_id):
        if not product_id:
            raise NotPrepared("line with neither product nor account")
        template = self._products[product_id].with_company(self.company).product_tmpl_id
        position = self.env["account.fiscal.position"].browse(fiscal_position_id or ())
        account = template.get_product_accounts(fiscal_pos=position)["income"]
        if not account:
            raise NotPrepared("product without an income account")
        return account.id

    def _computed_taxes(self, product_id, account_id, fiscal_position_id):
        product = self._products[product_id] if product_id else self.env["product.product"]
        account = self.env["account.account"].browse(account_id)
        position = self.env["account.fiscal.position"].browse(fiscal_position_id or ())
        return sale_taxes(product, account, self.company, position)._ids

    def _product_name(self, product_id, lang):
        product = self._products[product_id]
        if lang:
            product = product.with_context(lang=lang)
        return "\n".join(filter(None, (product.display_name, product.description_sale)))

    def _analytic_distribution(self, move, values, spec):
        if "analytic_distribution" in spec:
            precision = self.memo(self._analytic_precision)
            return self._lines._sanitize_values(dict(spec), precision)["analytic_distribution"]
        if not self.memo(self._has_distribution_models):
            return False
        return self.memo(
            self._model_distribution,
            values["product_id"],
            move["commercial_partner_id"],
            values["account_id"],
        )

    def _analytic_precision(self):
        return self.env["decimal.precision"].precision_get("Percentage Analytic")

    # Odoo computes this stored field as superuser, so the models are looked up in the same way.
    def _has_distribution_models(self):
        return bool(
            self.env["account.analytic.distribution.model"].sudo().search_count([], limit=1)
        )

    def _model_distribution(self, product_id, partner_id, account_id):
        line = self._lines.sudo().new(
            {
                "display_type": "product",
                "product_id": product_id,
                "partner_id": partner_id,
                "account_id": account_id,
                "company_id": self.company.id,
            }
        )
        arguments = line._get_analytic_distribution_arguments(self.env["account.analytic.plan"])
        return (
            self.env["account.analytic.distribution.model"].sudo()._get_distribution(arguments)
            or False
        )
