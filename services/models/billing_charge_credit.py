from collections import defaultdict
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ..credits import withheld
from ..periods import Period, days_left
from ..proration import PriceLine, charge_row, negated, one_unit, smallest_coin, to_decimal
from .billing_charge import LIVE_ADJUSTABLE, LIVE_STATES


class BillingCharge(models.Model):
    """Credits: what is taken back of which charge, and never more than is owed of it."""

    _inherit = "billing.charge"

    def _creditable_domain(self, service_ids: list[int]) -> list:
        """Charges of days, which a credit could take back: not credits themselves, not void."""
        return [
            ("service_id", "in", service_ids),
            ("kind", "in", LIVE_ADJUSTABLE),
            ("full_start", "!=", False),
            ("credited_id", "=", False),
            ("state", "!=", "void"),
        ]

    def _charged_end(self):
        """The first day that this charge does not cover, or no longer does."""
        self.ensure_one()
        return self.charged_until or self.period_end

    def _credited_days(self) -> dict[int, list]:
        """{charge id: the ranges of days [first, first after) that credits have taken back}."""
        found = defaultdict(list)
        credits = self.search(
            [
                ("credited_id", "in", self.ids),
                ("full_start", "!=", False),
                ("state", "!=", "void"),
            ]
        )
        for credit in credits:
            found[credit.credited_id.id].append((credit.period_start, credit.period_end))
        return found

    def _credit_row(self, start, end, rounding: Decimal) -> dict:
        """The row that takes the days ``[start, end)`` of this charge back, at the very price it
        carries."""
        self.ensure_one()
        line = PriceLine(
            "adjustment",
            self.product_id.id,
            self.addon_line_id.id or None,
            to_decimal(self.full_price),
            to_decimal(self.quantity),
            to_decimal(self.discount),
        )
        period = Period(start, end, self.full_start, self.full_end)
        return charge_row(negated(line), period, rounding) | {
            "label": "credit",
            "credited_id": self.id,
            "service_id": self.service_id.id,
            "partner_id": self.partner_id.id,
        }

    # === WHAT WAS GIVEN BACK IN ALL === #

    def _withheld_rows(
        self, planned: dict[int, Decimal] | None = None, charged: list[dict] | None = None
    ) -> list[dict]:
        """Rows that keep the credits of these charges within what is owed of them.

        :param planned: {charge id: amount of a credit that is about to be made, negative}
        :param charged: rows of charges that are about to be made for days of these ones
        :return: one adjustment a charge where what is kept differs from what it should be
        """
        bases = self.filtered(lambda c: c.full_start and not c.credited_id and c.amount > 0)
        if not bases:
            return []
        linked = self.search([("credited_id", "in", bases.ids), ("state", "!=", "void")]).grouped(
            "credited_id"
        )
        goodwill = bases._goodwill(charged or ())
        rows = []
        for base in bases:
            kept, credited, count = Decimal(0), -(planned or {}).get(base.id, Decimal(0)), 0
            for charge in linked.get(base, ()):
                owed = to_decimal(charge.amount) - to_decimal(charge.credited_amount)
                if not charge.full_start:
                    kept += to_decimal(charge.amount)
                    count += 1
                elif charge.state in LIVE_STATES:
                    credited -= owed
            live = base.state in LIVE_STATES
            needed = withheld(
                to_decimal(base.amount) if live else Decimal(0),
                credited,
                to_decimal(base.credited_amount) if live else Decimal(0),
                goodwill.get(base.id, Decimal(0)),
            )
            if needed != kept:
                rows.append(base._withheld_row(needed - kept, count + 1))
        return rows

    def _withheld_row(self, amount: Decimal, number: int) -> dict:
        return one_unit(amount) | {
            "kind": "adjustment",
            "label": "withheld" if amount > 0 else "released",
            "service_id": self.service_id.id,
            "partner_id": self.partner_id.id,
            "credited_id": self.id,
            "product_id": self.product_id.id,
            "addon_line_id": self.addon_line_id.id or None,
            "period_start": self.period_start,
            "period_end": self.period_end,
            "source_key": f"charge:{self.id}:withheld:{number}",
        }

    def _goodwill(self, charged=()) -> dict[int, Decimal]:
        """{charge id: what adjustments by hand have credited for its days, as a positive amount}.

        An adjustment counts for one charge of its customer that covers its day: one that still
        counts on that day, else the last that did; the service's own before add-ons.

        :param charged: rows of charges that are about to be made: what they cover is theirs
        """
        manual = self.search(
            [
                ("service_id", "in", self.service_id.ids),
                ("kind", "=", "adjustment"),
                ("full_start", "=", False),
                ("credited_id", "=", False),
                ("amount", "<", 0),
                ("state", "in", LIVE_STATES),
            ]
        )
        if not manual:
            return {}
        bases = self.search(self._creditable_domain(manual.service_id.ids))
        credited = bases._credited_days()
        covering = bases.grouped("service_id")
        found: dict[int, Decimal] = {}
        for adjustment in manual:
            bases = covering.get(adjustment.service_id, ())
            base = adjustment._covered_by(bases, credited, charged)
            if base:
                owed = to_decimal(adjustment.amount) - to_decimal(adjustment.credited_amount)
                found[base.id] = found.get(base.id, Decimal(0)) - owed
        return found

    def _covered_by(self, bases, credited, charged):
        """The one of ``bases`` that this adjustment counts for, if any. See ``_goodwill``."""
        day, customer = self.period_start, self.partner_id
        if any(
            row["partner_id"] == customer.id and row["period_start"] <= day < row["period_end"]
            for row in charged
        ):
            return None
        bases = [
            base
            for base in bases
            if base.amount > 0
            and base.partner_id == customer
            and base.period_start <= day < base.period_end
        ]
        counting = [
            base
            for base in bases
            if day < base._charged_end()
            and not any(first <= day < stop for first, stop in credited[base.id])
        ]
        if counting:
            return min(counting, key=lambda base: (bool(base.addon_line_id), base.id))
        return min(bases, key=lambda base: (bool(base.addon_line_id), -base.id), default=None)

    def _balance_credits(self):
        """Withdraw, or give again, what the credits of these charges come to beyond what is owed.

        Called whenever what is owed of a charge changes after it was credited: it is waived, its
        document is credited or cancelled by hand, or one of these is taken back.
        """
        return self._insert_rows(self._withheld_rows())

    def _credit_cut_days(self):
        """Credit the days that were charged anew while these charges were not owed.

        A change takes nothing back of a charge that is waived at that time. When its document
        comes back, those days would be charged twice. What was credited before it was waived is
        credited already.
        """
        cut = self.filtered(lambda charge: charge._charged_end() < charge.period_end)
        credited = cut._credited_days()
        rows = []
        for charge in cut:
            rounding = smallest_coin(charge.currency_id)
            for start, end in days_left(
                charge.charged_until, charge.period_end, credited[charge.id]
            ):
                row = charge._credit_row(start, end, rounding)
                rows.append(row | {"source_key": f"charge:{charge.id}:cut:{start}"})
        return self._insert_rows(rows)

    @api.model
    def _cut(self, days: dict):
        """Note from which day on charges no longer count: ``{charge id: day}``; the day after their
        last one where they count whole."""
        if not days:
            return
        charges = self.browse(days)
        charges.flush_recordset()
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_charge AS charge
                   SET charged_until = NULLIF(cut.day, charge.period_end)
                  FROM unnest(%s::int[], %s::date[]) AS cut (id, day)
                 WHERE charge.id = cut.id
                """,
                list(days),
                list(days.values()),
            )
        )
        charges.invalidate_recordset(["charged_until"])

    # === WHAT BECAME OF THE DOCUMENTS === #

    def _leave_documents(self):
        """A later run takes these charges: their document does not count any more."""
        return self._reopen()

    def _move_to_lines(self, lines: dict):
        """Put charges on other invoice lines, which stand in the place of theirs.

        :param lines: {line: line that replaces it}
        """
        for charge in self:
            charge.move_line_id = lines[charge.move_line_id]

    def _follow_documents(self, left: dict[int, float]):
        """Take over what somebody made of the documents of these charges.

        :param left: {charge id: the part of it, 0 to 1, that its document still bills}
        """
        forgiven = self.filtered(lambda c: left[c.id] <= 0 and c.state == "invoiced")
        # What a cancelled credit note gave back is still the customer's: a later run gives it.
        given_back = forgiven.filtered(lambda c: c.move_id.move_type == "out_refund")
        forgiven -= given_back
        given_back._leave_documents()
        self -= given_back
        restored = self.filtered(lambda c: left[c.id] > 0 and c.state == "waived")
        for move, charges in forgiven.grouped("move_id").items():
            reason = self.env._("%s was cancelled.", move.display_name)
            if move.state != "cancel":
                reason = self.env._("%s was credited.", move.display_name)
            charges._set_state("waived", {"waive_reason": reason})
        restored._set_state("invoiced", {"waive_reason": False})
        changed = forgiven | restored
        for charge in self.filtered(lambda c: c.state == "invoiced"):
            credited = charge.currency_id.round(charge.amount * (1 - left[charge.id]))
            if charge.currency_id.compare_amounts(credited, charge.credited_amount):
                charge.credited_amount = credited
                changed |= charge
        restored._credit_cut_days()
        (changed | changed.credited_id)._balance_credits()
