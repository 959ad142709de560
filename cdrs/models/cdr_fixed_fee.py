from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ...services.models.billing_charge import LIVE_STATES
from ..numbers import normalised

PERIODIC = ("recurring", "addon", "adjustment")


class CdrFixedFee(models.Model):
    """A line of a wholesale file: what a carrier charges for a number or circuit in a period.

    States: ``matched`` has its service, which pays for it; ``error`` has none, or one that had ended or
    that is charged less (``error_code``); ``ignored`` was given up with its cause.

    Billing users read them; managers correct their causes. Nobody writes them by hand.
    """

    _name = "cdr.fixed.fee"
    _description = "Fixed Fee"
    _order = "period_start desc, file_id desc, line_number"
    _rec_name = "identifier"
    _check_company_auto = True

    file_id = fields.Many2one(
        "cdr.file",
        string="CDR File",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    carrier_id = fields.Many2one(
        related="file_id.carrier_id", store=True, precompute=True, index=True
    )
    company_id = fields.Many2one(
        related="file_id.company_id", store=True, precompute=True, required=True, index=True
    )
    line_number = fields.Integer(string="Line", required=True, readonly=True, aggregator=None)
    identifier = fields.Char(
        string="Number", required=True, readonly=True, help="By which the service is found."
    )
    name = fields.Char(string="Description", readonly=True)
    cost = fields.Monetary(required=True, readonly=True, help="What the carrier charges.")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    period_start = fields.Date(string="From", required=True, readonly=True)
    period_end = fields.Date(string="Until (excluded)", required=True, readonly=True)
    service_id = fields.Many2one(
        "billing.service", readonly=True, index="btree_not_null", ondelete="set null"
    )
    partner_id = fields.Many2one(related="service_id.partner_id", string="Customer")
    tariff_id = fields.Many2one(related="service_id.tariff_id")
    sale = fields.Monetary(
        string="Charged",
        readonly=True,
        help="What the service is charged for the same days, without usage, in the carrier's "
        "currency. Days that are not billed yet count as they will be.",
    )
    service_cost = fields.Monetary(
        string="All Fees", readonly=True, help="All fixed fees of the service for these days."
    )
    state = fields.Selection(
        [("matched", "Matched"), ("error", "Error"), ("ignored", "Ignored")],
        required=True,
        readonly=True,
        default="error",
    )
    error_code = fields.Selection(
        [
            ("fixed_fee_unmatched", "No service"),
            ("fixed_fee_terminated", "Service ended"),
            ("fixed_fee_loss", "Above what is charged"),
        ],
        string="Problem",
        readonly=True,
    )
    error_key = fields.Char(string="Cause", readonly=True)
    error_id = fields.Many2one(
        "billing.error",
        string="Billing Error",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    _line_once = models.UniqueIndex(
        "(file_id, line_number)", "The file has brought this line already."
    )
    _period_ordered = models.Constraint(
        "CHECK(period_end > period_start)", "A fixed fee is for at least one day."
    )
    _code_when_error = models.Constraint(
        "CHECK(state <> 'matched' OR error_code IS NULL)", "A matched fee has no problem."
    )

    @api.constrains("identifier")
    def _check_identifier(self):
        for fee in self:
            if not fee.identifier.strip():
                raise ValidationError(self.env._("A fixed fee needs the number that it is for."))

    # === LOADING === #

    @api.model
    @api.private
    def _load(self, file, rows):
        """Store the lines of a file and match them.

        :param rows: dicts with line_number, identifier (as in the file), name, cost, period_start
            and period_end
        :return: the new fees
        """
        country = file.company_id.country_id
        codes = (country.code or "", str(country.phone_code or ""))
        currency = file.carrier_id.currency_id or file.company_id.currency_id
        fees = self.create(
            [
                {
                    **row,
                    "identifier": normalised(row["identifier"], *codes)[0] or row["identifier"],
                    "file_id": file.id,
                    "currency_id": currency.id,
                    "error_code": "fixed_fee_unmatched",
                }
                for row in rows
            ]
        )
        fees._match()
        return fees

    # === MATCHING === #

    def _match(self):
        """Find the services of these fees, and compare their cost with what is charged.

        Several fees of one service for the same days are compared as a whole.

        :return: dict ``{state: number of fees}``
        """
        todo = self.filtered(lambda fee: fee.state != "ignored")
        found = todo._find_services()
        for fee in todo:
            service_id, code = found[fee.id]
            fee.write(
                {
                    "service_id": service_id,
                    "state": "error" if code else "matched",
                    "error_code": code,
                    "error_key": fee.identifier if code else False,
                    "error_id": False,
                    "sale": 0.0,
                    "service_cost": 0.0,
                }
            )
        todo.filtered(lambda fee: fee.state == "matched")._compare()
        return {state: len(fees) for state, fees in todo.grouped("state").items()}

    def _find_services(self):
        """Return ``{fee id: (service id or False, error code or False)}``."""
        if not self:
            return {}
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (fee.id) fee.id, service.id,
                       GREATEST(identifier.date_from, service.date_start) < fee.period_end
                       AND COALESCE(LEAST(identifier.date_to, service.date_end), 'infinity')
                           > fee.period_start
                       AND service.state IN ('active', 'suspended', 'terminated') AS is_served
                  FROM cdr_fixed_fee AS fee
                  LEFT JOIN billing_service_identifier AS identifier
                    ON identifier.company_id = fee.company_id
                   AND identifier.usage_key = fee.identifier
                  LEFT JOIN billing_service AS service ON service.id = identifier.service_id
                 WHERE fee.id IN %s
                 ORDER BY fee.id, is_served DESC NULLS LAST, identifier.date_from DESC
                """,
                tuple(self.ids),
            )
        )
        return {
            fee_id: (
                service_id or False,
                False
                if is_served
                else "fixed_fee_terminated"
                if service_id
                else "fixed_fee_unmatched",
            )
            for fee_id, service_id, is_served in rows
        }

    def _compare(self):
        """Set what is charged beside these matched fees; where it is less, they are in error."""
        together = self.search(
            [("service_id", "in", self.service_id.ids), ("state", "!=", "ignored")]
        ).filtered(lambda fee: fee.error_code in (False, "fixed_fee_loss"))
        groups = together.grouped(lambda fee: (fee.service_id, fee.period_start, fee.period_end))
        wanted = {(fee.service_id, fee.period_start, fee.period_end) for fee in self}
        sales = self._sales(wanted)
        for key in wanted:
            fees = groups[key]
            service = key[0]
            for fee in fees:
                day = fee.period_start
                company = fee.company_id
                sale = service.currency_id._convert(sales[key], fee.currency_id, company, day)
                cost = sum(
                    other.currency_id._convert(other.cost, fee.currency_id, company, day)
                    for other in fees
                )
                is_loss = fee.currency_id.compare_amounts(cost, sale) > 0
                fee.write(
                    {
                        "sale": sale,
                        "service_cost": cost,
                        "state": "error" if is_loss else "matched",
                        "error_code": "fixed_fee_loss" if is_loss else False,
                        "error_key": f"service:{service.id}" if is_loss else False,
                        "error_id": fee.error_id.id if is_loss else False,
                    }
                )

    def _sales(self, wanted):
        """Return ``{(service, first day, end): amount}`` of what is charged for days of services.

        Charges count by the days that they share; days that are not rated yet as they will be.
        """
        services = self.env["billing.service"].union(*(key[0] for key in wanted))
        rows = defaultdict(list)
        charges = self.env["billing.charge"].search_fetch(
            [
                ("service_id", "in", services.ids),
                ("kind", "in", PERIODIC),
                ("state", "in", LIVE_STATES),
            ],
            ["service_id", "period_start", "period_end", "amount"],
        )
        for charge in charges:
            rows[charge.service_id.id].append(
                (charge.period_start, charge.period_end, charge.amount)
            )
        last = max((key[2] for key in wanted), default=None)
        for company_services in services.grouped("company_id").values():
            # Periods in arrears come to light when they have ended: look a year further.
            for row in company_services._preview_charges(last + timedelta(days=366)):
                if row["kind"] in PERIODIC:
                    place = rows[row["service_id"]]
                    place.append((row["period_start"], row["period_end"], float(row["amount"])))
        return {
            (service, start, end): sum(
                amount * max((min(end, to) - max(start, begin)).days, 0) / (to - begin).days
                for begin, to, amount in rows[service.id]
            )
            for service, start, end in wanted
        }
