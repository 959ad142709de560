import json
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL, split_every

from ...services.periods import ONE_DAY
from ...services.proration import line_total, round_amount, smallest_coin, to_decimal
from .arithmetic import Period, days_before, earned_amount, earned_by_calls, share_of
from .places import Places, together

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
        partners = together(self.env["res.partner"], (charge.partner for charge in found))
        products = together(self.env["product.product"], (charge.product for charge in found))
        rows = []
        for charge in found:
            product, partner = products[charge.product], partners[charge.partner]
            if row := self._charge_row(charge, product, partner, boundary, parts):
                rows.append(row)
        rows += self._unrated_rows(boundary)
        rows += self._usage_rows(boundary)
        return self._complete(rows)

    # === CHARGES === #

    def _charge_row(
        self, charge: Charge, product, partner, boundary: date, parts: dict
    ) -> dict | None:
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
            net = self._net(amount, product, partner, currency, charge.includes_tax)
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

    def _net(self, amount: Decimal, product, partner, currency, includes_tax) -> Decimal:
        """Return an amount before tax: charges stand on the basis of their product's own taxes."""
        if not includes_tax or not amount:
            return amount
        taxes = product.taxes_id._filter_taxes_by_company(self.company_id)
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
            found = [
                (service, row)
                for service, (charged, _rated_up_to) in rated.items()
                for row in (*charged, *service._setup_rows(boundary - ONE_DAY))
            ]
            partners = together(self.env["res.partner"], (row["partner_id"] for _, row in found))
            products = together(
                self.env["product.product"], (row["product_id"] for _, row in found)
            )
            rows += (
                self._unrated_row(
                    service, row, products[row["product_id"]], partners[row["partner_id"]]
                )
                for service, row in found
            )
            batch.invalidate_recordset()
        return [row for row in rows if row["counted"]]

    def _unrated_row(self, service, charged: dict, product, partner) -> dict:
        currency = service.currency_id
        net = self._net(
            charged["amount"],
            product,
            partner,
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
            "partner_id": partner.id,
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
        places = Places(self, [row for row in rows if not row["account_id"]])
        for row in rows:
            period = Period(row["period_start"], row["period_end"])
            days = days_before(period, boundary)
            all_days = (period.end - period.start).days
            row |= {"days": all_days, "counted_days": days}
            if row["kind"] == "deferral":
                row["counted_days"] = all_days - days
            if not row["account_id"]:
                key = row["product_id"], row["partner_id"]
                row["account_id"] = places.account(*key)
                row["analytic"] = places.distribution(*key, row["account_id"])
            if "balance" not in row:
                currency = self.env["res.currency"].browse(row["currency_id"])
                row["balance"] = to_decimal(
                    currency._convert(
                        float(row["counted"]), company.currency_id, company, self.date_end
                    )
                )
        return rows


def group_key(row: dict) -> tuple:
    """Return what rows of one journal item have in common."""
    analytic = json.dumps(row["analytic"], sort_keys=True) if row["analytic"] else ""
    side = "deferral" if row["kind"] == "deferral" else "accrual"
    return side, row["account_id"], row["currency_id"], analytic
