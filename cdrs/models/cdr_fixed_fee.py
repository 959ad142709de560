from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ...services.models.billing_charge import LIVE_STATES
from ..numbers import normalised

PERIODIC = ("recurring", "addon", "adjustment")
#: so many services are compared at once
AT_ONCE = 1_000


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
        """Store the lines of a file and match them, in few statements however many there are.

        Lines that the file has brought already are left out.

        :param rows: dicts with line_number, identifier (as in the file), name, cost, period_start
            and period_end
        :return: the new fees
        """
        country = file.carrier_id.country_id or file.company_id.country_id
        codes = (country.code or "", str(country.phone_code or ""))
        currency = file.carrier_id.currency_id or file.company_id.currency_id
        known = {}
        for row in rows:
            number = row["identifier"].strip()
            if not number:
                raise ValidationError(self.env._("A fixed fee needs the number that it is for."))
            if number not in known:
                known[number] = normalised(number, *codes)[0] or number
        columns = [
            ("line_number", "int", [row["line_number"] for row in rows]),
            ("identifier", "varchar", [known[row["identifier"].strip()] for row in rows]),
            ("name", "varchar", [row.get("name") or None for row in rows]),
            ("cost", "numeric", [row["cost"] for row in rows]),
            ("period_start", "date", [row["period_start"] for row in rows]),
            ("period_end", "date", [row["period_end"] for row in rows]),
        ]
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                INSERT INTO cdr_fixed_fee (file_id, carrier_id, company_id, currency_id, state,
                                           error_code, error_key, create_uid, create_date, write_uid,
                                           write_date, %(names)s)
                SELECT %(file)s, %(carrier)s, %(company)s, %(currency)s, 'error',
                       'fixed_fee_unmatched', row.identifier, %(uid)s, %(now)s, %(uid)s, %(now)s,
                       row.line_number, row.identifier, row.name, round(row.cost, %(digits)s),
                       row.period_start, row.period_end
                  FROM unnest(%(arrays)s) AS row (%(names)s)
                    ON CONFLICT (file_id, line_number) DO NOTHING
             RETURNING id
                """,
                names=SQL(", ").join(SQL.identifier(name) for name, _type, _values in columns),
                arrays=SQL(", ").join(
                    SQL("%s::%s[]", values, SQL(kind))  # pylint: disable=sql-injection
                    for _name, kind, values in columns
                ),
                file=file.id,
                carrier=file.carrier_id.id,
                company=file.company_id.id,
                currency=currency.id,
                digits=currency.decimal_places,
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        fees = self.browse(sorted(row[0] for row in found))
        fees._match()
        return fees

    # === MATCHING === #

    def _match(self):
        """Find the services of these fees, and compare their cost with what is charged.

        Several fees of one service for the same days are compared as a whole.

        :return: dict ``{state: number of fees}``
        """
        if not self:
            return {}
        self.env.flush_all()
        self._find_services()
        self._compare()
        self.invalidate_model()
        return dict(
            self.env.execute_query(
                SQL(
                    "SELECT state, count(*) FROM cdr_fixed_fee"
                    " WHERE id = ANY(%s) AND state <> 'ignored' GROUP BY state",
                    self.ids,
                )
            )
        )

    def _find_services(self):
        """Give these fees the services that had their numbers, in one statement; what was said of
        them before is forgotten."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE cdr_fixed_fee AS fee
                   SET service_id = found.service_id,
                       state = CASE WHEN found.is_served THEN 'matched' ELSE 'error' END,
                       error_code = CASE WHEN found.is_served THEN NULL
                                         WHEN found.service_id IS NULL THEN 'fixed_fee_unmatched'
                                         ELSE 'fixed_fee_terminated' END,
                       error_key = CASE WHEN found.is_served THEN NULL ELSE fee.identifier END,
                       error_id = NULL, sale = 0, service_cost = 0
                  FROM (
                    SELECT DISTINCT ON (fee.id) fee.id, service.id AS service_id,
                           GREATEST(identifier.date_from, service.date_start) < fee.period_end
                           AND COALESCE(LEAST(identifier.date_to, service.date_end), 'infinity')
                               > fee.period_start
                           AND service.state IN ('active', 'suspended', 'terminated') AS is_served
                      FROM cdr_fixed_fee AS fee
                      LEFT JOIN billing_service_identifier AS identifier
                        ON identifier.company_id = fee.company_id
                       AND identifier.usage_key = fee.identifier
                      LEFT JOIN billing_service AS service ON service.id = identifier.service_id
                     WHERE fee.id = ANY(%s) AND fee.state <> 'ignored'
                     ORDER BY fee.id, is_served DESC NULLS LAST, identifier.date_from DESC
                  ) AS found
                 WHERE fee.id = found.id
                """,
                self.ids,
            )
        )

    def _compare(self):
        """Set what is charged beside these matched fees; where it is less, they are in error.

        Fees of one service for the same days, whichever file brought them, count together.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT fee.service_id, fee.period_start, fee.period_end, fee.currency_id,
                       sum(fee.cost)::float, array_agg(fee.id)
                  FROM cdr_fixed_fee AS fee
                 WHERE (fee.service_id, fee.period_start, fee.period_end) IN (
                       SELECT mine.service_id, mine.period_start, mine.period_end
                         FROM cdr_fixed_fee AS mine
                        WHERE mine.id = ANY(%s) AND mine.state = 'matched')
                   AND fee.state <> 'ignored'
                   AND (fee.error_code IS NULL OR fee.error_code = 'fixed_fee_loss')
                 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
                """,
                self.ids,
            )
        )
        groups = defaultdict(list)
        for service_id, start, end, *of_currency in rows:
            groups[service_id, start, end].append(of_currency)
        keys = list(groups)
        for place in range(0, len(keys), AT_ONCE):
            some = keys[place : place + AT_ONCE]
            sales = self._sales(some)
            self._write_sales({key: (sales[key], groups[key]) for key in some})

    def _write_sales(self, compared):
        """Write what is charged, and what all fees of the service come to.

        :param compared: ``{(service id, first day, end): (what is charged, [(currency id, cost, ids
            of the fees)])}``
        """
        values = []
        currencies = self.env["res.currency"]
        for (service_id, day, _end), (charged, parts) in compared.items():
            service = self.env["billing.service"].browse(service_id)
            company = service.company_id
            for currency_id, _cost, ids in parts:
                currency = currencies.browse(currency_id)
                sale = service.currency_id._convert(charged, currency, company, day)
                cost = sum(
                    currencies.browse(other)._convert(part, currency, company, day)
                    for other, part, _fees in parts
                )
                is_loss = currency.compare_amounts(cost, sale) > 0
                values += [
                    (fee_id, currency.round(sale), currency.round(cost), is_loss) for fee_id in ids
                ]
        self.env.cr.execute(
            SQL(
                """
                UPDATE cdr_fixed_fee AS fee
                   SET sale = found.sale, service_cost = found.cost,
                       state = CASE WHEN found.is_loss THEN 'error' ELSE 'matched' END,
                       error_code = CASE WHEN found.is_loss THEN 'fixed_fee_loss' END,
                       error_key = CASE WHEN found.is_loss
                                        THEN concat('service:', fee.service_id) END,
                       error_id = CASE WHEN found.is_loss THEN fee.error_id END
                  FROM unnest(%s::int[], %s::numeric[], %s::numeric[], %s::bool[])
                       AS found (id, sale, cost, is_loss)
                 WHERE fee.id = found.id
                """,
                *map(list, zip(*values, strict=True)),
            )
        )

    def _sales(self, wanted):
        """Return ``{(service id, first day, end): amount}`` of what is charged for days of services.

        Charges count by the days that they share; days that are not rated yet as they will be.
        """
        services = self.env["billing.service"].browse(dict.fromkeys(key[0] for key in wanted))
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
            (service_id, start, end): sum(
                amount * max((min(end, to) - max(start, begin)).days, 0) / (to - begin).days
                for begin, to, amount in rows[service_id]
            )
            for service_id, start, end in wanted
        }
