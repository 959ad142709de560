import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL, split_every

from ...services.periods import ONE_DAY
from ...services.proration import line_total, round_amount, smallest_coin, to_decimal
from .arithmetic import Period, days_before, earned_amount, earned_by_calls, share_of

SERVICES = 1000
#: what counts of charges: those that are to be billed, and those on documents. What documents
#: forgave counts where they did so after the month.
CHARGES = """
    SELECT charge.id, charge.service_id, charge.partner_id, charge.product_id, charge.currency_id,
           charge.period_start, charge.period_end, charge.full_start, charge.full_end,
           charge.full_price, charge.quantity, charge.discount, charge.amount,
           COALESCE(charge.price_includes_tax, FALSE), COALESCE(charge.credited_amount, 0),
           charge.state, charge.kind, line.id AS line_id, line.account_id, line.balance, line.amount_currency,
           line.analytic_distribution, billed.by_then,
           EXISTS (SELECT 1 FROM account_move AS refund
                    WHERE refund.reversed_entry_id = move.id
                      AND refund.state = 'posted'
                      AND refund.date < %(boundary)s) AS credited_by_then,
           (SELECT sum(other.amount) FROM billing_charge AS other
             WHERE other.move_line_id = line.id) AS on_line
      FROM billing_charge AS charge
 LEFT JOIN account_move_line AS line ON line.id = charge.move_line_id
 LEFT JOIN account_move AS move ON move.id = line.move_id
 LEFT JOIN billing_service AS service ON service.id = charge.service_id
 LEFT JOIN billing_term_scheme AS scheme ON scheme.id = service.term_scheme_id
CROSS JOIN LATERAL (
        SELECT move.id IS NOT NULL AND move.state = 'posted'
               AND move.date < %(boundary)s AS by_then) AS billed
     WHERE charge.company_id = %(company)s
       AND (charge.state IN ('rated', 'invoiced')
            OR charge.state = 'waived' AND move.state = 'posted')
       AND charge.wallet_transaction_id IS NULL
       AND scheme.classification IS DISTINCT FROM 'prepaid'
       AND (billed.by_then AND charge.period_end > %(boundary)s
            OR NOT billed.by_then AND charge.period_start < %(boundary)s)
  ORDER BY charge.id
"""


class Charge(NamedTuple):
    """A row of ``CHARGES``."""

    id: int
    service: int | None
    partner: int
    product: int
    currency: int
    start: date
    end: date
    full_start: date | None
    full_end: date | None
    full_price: float | None
    quantity: float
    discount: float | None
    amount: float
    includes_tax: bool
    credited: float
    state: str
    kind: str
    line: int | None
    account: int | None
    balance: float | None
    amount_currency: float | None
    analytic: dict | None
    billed: bool
    credited_by_then: bool
    on_line: float | None

    def is_cut_usage(self, boundary: date) -> bool:
        """Whether these are calls of days before the boundary and of days after it."""
        return self.kind == "usage" and self.start < boundary < self.end

    @property
    def period(self) -> Period:
        """The charge's days, with what its full period costs."""
        if not self.full_start or self.full_price is None:
            return Period(self.start, self.end)
        numbers = (self.full_price, self.quantity, self.discount or 0)
        total = line_total(*map(to_decimal, numbers))
        return Period(self.start, self.end, self.full_start, self.full_end, total)

    @property
    def left(self) -> Decimal:
        """The part of the charge, 0 to 1, that credit notes of the month have left of it."""
        if not self.line or not self.credited_by_then:
            return Decimal(1)
        if self.state == "waived":
            return Decimal(0)
        if not self.amount:
            return Decimal(1)
        return 1 - to_decimal(self.credited) / to_decimal(self.amount)


class BillingClosing(models.Model):
    """What a month-end counts: charges, unrated days and uncharged calls, each with what belongs
    to the month."""

    _inherit = "billing.closing"

    def _collect(self) -> list[dict]:
        """Return the rows of the month-end as its figures are now, without writing anything."""
        self.ensure_one()
        self.env.flush_all()
        boundary = self._boundary()
        self.env.cr.execute(SQL(CHARGES, boundary=boundary, company=self.company_id.id))
        found = [Charge(*row) for row in self.env.cr.fetchall()]
        cut = [charge.id for charge in found if charge.is_cut_usage(boundary)]
        parts = self._usage_parts(cut, boundary)
        rows = [row for charge in found if (row := self._charge_row(charge, boundary, parts))]
        rows += self._unrated_rows(boundary)
        rows += self._usage_rows(boundary)
        return self._complete(rows)

    # === CHARGES === #

    def _charge_row(self, charge: Charge, boundary: date, parts: dict) -> dict | None:
        """Return what one charge adds to the month-end; None where that is nothing.

        :param parts: what charges of calls are made of, by id, where days do not say it
        """
        currency = self.env["res.currency"].browse(charge.currency)
        coin = smallest_coin(currency)
        amount, period = to_decimal(charge.amount), charge.period
        earned = None
        if charge.id in parts:
            earned = earned_by_calls(amount, *parts[charge.id], coin)
        if earned is None:
            earned = earned_amount(amount, period, boundary, coin)
        if charge.line:
            # What the line brought before tax, as revenue: credit notes below zero.
            revenue = -to_decimal(charge.amount_currency) * charge.left
            net = share_of(revenue, amount, to_decimal(charge.on_line), coin)
        else:
            net = self._net(amount, charge.product, charge.partner, currency, charge.includes_tax)
        counted = share_of(net, earned, amount, coin)
        if charge.billed:
            counted = net - counted
        if not counted:
            return None
        row = {
            "kind": "deferral" if charge.billed else "accrual",
            "charge_id": charge.id,
            "move_line_id": charge.line,
            "service_id": charge.service,
            "partner_id": charge.partner,
            "product_id": charge.product,
            "currency_id": charge.currency,
            "account_id": charge.account,
            "analytic": charge.analytic,
            "period_start": charge.start,
            "period_end": charge.end,
            "net": net,
            "counted": counted,
        }
        if charge.billed and charge.amount_currency:
            # At the rate of the invoice, whose revenue is put off.
            own = smallest_coin(self.company_id.currency_id)
            rate = to_decimal(charge.balance) / to_decimal(charge.amount_currency)
            row["balance"] = round_amount(counted * rate, own)
        return row

    def _net(self, amount: Decimal, product_id, partner_id, currency, includes_tax) -> Decimal:
        """Return an amount before tax: charges stand on the basis of their product's own taxes."""
        if not includes_tax or not amount:
            return amount
        product = self.env["product.product"].browse(product_id)
        taxes = product.taxes_id._filter_taxes_by_company(self.company_id)
        partner = self.env["res.partner"].browse(partner_id)
        result = taxes.compute_all(
            float(amount), currency=currency, quantity=1.0, product=product, partner=partner
        )
        return to_decimal(currency.round(result["total_excluded"]))

    # === DAYS THAT ARE NOT RATED YET === #

    def _unrated_rows(self, boundary: date) -> list[dict]:
        """Return what days before the boundary will be charged that no run has rated yet: of periods
        in arrears that go on, and of what runs have not come to."""
        services = self.env["billing.service"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "in", ("active", "suspended", "terminated")),
                ("rated_up_to", "<", boundary),
                ("term_scheme_id.classification", "=", "postpaid"),
            ],
            order="id",
        )
        rows = []
        for some in split_every(SERVICES, services.ids):
            batch = services.browse(some)
            rated = batch._rate_rows(boundary - ONE_DAY, until=boundary)
            for service, (charged, _rated_up_to) in rated.items():
                rows += (self._unrated_row(service, row) for row in charged)
                rows += (
                    self._unrated_row(service, row)
                    for row in service._setup_rows(boundary - ONE_DAY)
                )
            batch.invalidate_recordset()
        return [row for row in rows if row["counted"]]

    def _unrated_row(self, service, charged: dict) -> dict:
        currency = service.currency_id
        product = self.env["product.product"].browse(charged["product_id"])
        net = self._net(
            charged["amount"],
            product.id,
            charged["partner_id"],
            currency,
            product._billing_price_includes_tax(self.company_id),
        )
        # A period that is billed whole although it goes on belongs to its days all the same.
        period = Period(charged["period_start"], charged["period_end"])
        counted = earned_amount(net, period, self._boundary(), smallest_coin(currency))
        return {
            "kind": "unrated",
            "charge_id": None,
            "move_line_id": None,
            "service_id": service.id,
            "partner_id": charged["partner_id"],
            "product_id": product.id,
            "currency_id": currency.id,
            "account_id": None,
            "analytic": None,
            "period_start": charged["period_start"],
            "period_end": charged["period_end"],
            "net": net,
            "counted": counted,
        }

    # === WHERE IT IS BOOKED === #

    def _complete(self, rows: list[dict]) -> list[dict]:
        """Fill in accounts, analytic distributions, days and amounts in the company's currency."""
        company, boundary = self.company_id, self._boundary()
        memo: dict = defaultdict(dict)
        for row in rows:
            period = Period(row["period_start"], row["period_end"])
            days = days_before(period, boundary)
            all_days = (period.end - period.start).days
            row |= {"days": all_days, "counted_days": days}
            if row["kind"] == "deferral":
                row["counted_days"] = all_days - days
            if not row["account_id"]:
                key = row["product_id"], row["partner_id"]
                if key not in memo["account"]:
                    memo["account"][key] = self._income_account(*key)
                row["account_id"] = memo["account"][key]
                place = *key, row["account_id"]
                if place not in memo["analytic"]:
                    memo["analytic"][place] = self._distribution(*place)
                row["analytic"] = memo["analytic"][place]
            if "balance" not in row:
                currency = self.env["res.currency"].browse(row["currency_id"])
                row["balance"] = to_decimal(
                    currency._convert(
                        float(row["counted"]), company.currency_id, company, self.date_end
                    )
                )
        return rows

    def _income_account(self, product_id, partner_id) -> int:
        """Return the account on which an invoice would book the product for the customer."""
        company = self.company_id
        partner = self.env["res.partner"].browse(partner_id)
        position = (
            self.env["account.fiscal.position"].with_company(company)._get_fiscal_position(partner)
        )
        template = self.env["product.product"].browse(product_id).product_tmpl_id
        accounts = template.with_company(company).get_product_accounts(fiscal_pos=position)
        journal = self.env["account.journal"].search(
            [("company_id", "=", company.id), ("type", "=", "sale")], limit=1
        )
        account = accounts["income"] or journal.default_account_id
        return self._check_account(account, template)

    def _distribution(self, product_id, partner_id, account_id) -> dict | None:
        """Return the analytic distribution that an invoice line would get."""
        product = self.env["product.product"].browse(product_id)
        partner = self.env["res.partner"].browse(partner_id)
        return (
            self.env["account.analytic.distribution.model"]._get_distribution(
                {
                    "product_id": product.id,
                    "product_categ_id": product.categ_id.id,
                    "partner_id": partner.id,
                    "partner_category_id": partner.category_id.ids,
                    "account_prefix": self.env["account.account"]
                    .with_company(self.company_id)
                    .browse(account_id)
                    .code,
                    "company_id": self.company_id.id,
                }
            )
            or None
        )


def group_key(row: dict) -> tuple:
    """Return what rows of one journal item have in common."""
    analytic = json.dumps(row["analytic"], sort_keys=True) if row["analytic"] else ""
    side = "deferral" if row["kind"] == "deferral" else "accrual"
    return side, row["account_id"], row["currency_id"], analytic
