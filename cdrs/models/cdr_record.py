from odoo import api, fields, models
from odoo.exceptions import UserError

from ...services.loose_many2one import LooseMany2one
from .billing_error import CODES

STATES = ("unrated", "rated", "error", "ignored", "charged")


class CdrRecord(models.Model):
    """One call, or other usage, as a carrier's file holds it.

    Rows are loaded and rated by the million, in SQL alone: the ORM reads them. What they name is not
    checked by the database row by row (``LooseMany2one``); the models at the other end keep their
    records while calls name them.

    States: ``unrated`` has no price yet, ``rated`` has one that was not charged, ``error`` cannot be
    priced (``error_code``), ``ignored`` is not billed, ``charged`` is part of a charge.
    """

    _name = "cdr.record"
    _description = "Call Record"
    _order = "id desc"
    _log_access = False
    _rec_name = "record_key"

    company_id = LooseMany2one("res.company", required=True, readonly=True)
    carrier_id = LooseMany2one("cdr.carrier", required=True, readonly=True)
    file_id = LooseMany2one("cdr.file", string="CDR File", required=True, readonly=True)
    line_number = fields.Integer(string="Line", required=True, readonly=True, aggregator=None)
    record_key = fields.Char(
        string="Key",
        required=True,
        readonly=True,
        help="The carrier's own number of the call, or a fingerprint of its line.",
    )
    call_time = fields.Datetime(string="Time", required=True, readonly=True)
    call_day = fields.Date(
        string="Day", required=True, readonly=True, help="In the zone of the company."
    )
    direction = fields.Selection(
        [("out", "Made"), ("in", "Received")], required=True, readonly=True
    )
    caller = fields.Char(readonly=True)
    callee = fields.Char(string="Number Called", readonly=True)
    identifier = fields.Char(
        string="Found By", readonly=True, help="The number or login by which the service is found."
    )
    destination = fields.Char(
        string="Other Side",
        readonly=True,
        help="The number of the other side, by which it is rated.",
    )
    withheld = fields.Boolean(readonly=True)
    answered = fields.Boolean(readonly=True)
    seconds = fields.Integer(string="Duration (s)", readonly=True)
    cost = fields.Float(digits=(20, 10), readonly=True, help="What the carrier charges.")
    cost_currency_id = LooseMany2one("res.currency", readonly=True)
    service_id = LooseMany2one("billing.service", readonly=True)
    identifier_id = LooseMany2one("billing.service.identifier", readonly=True)
    partner_id = LooseMany2one("res.partner", string="Customer", readonly=True)
    billed_seconds = fields.Integer(string="Billed (s)", readonly=True)
    amount = fields.Float(digits=(20, 10), readonly=True, help="Before rounding.")
    currency_id = LooseMany2one("res.currency", readonly=True)
    state = fields.Selection(
        [
            ("unrated", "Unrated"),
            ("rated", "Rated"),
            ("error", "Error"),
            ("ignored", "Ignored"),
            ("charged", "Charged"),
        ],
        required=True,
        readonly=True,
    )
    error_code = fields.Selection(CODES, string="Problem", readonly=True)
    charge_id = LooseMany2one("billing.charge", readonly=True)

    # Ordered by time, so that a month's rows lie together however many there are.
    _record_once = models.UniqueIndex(
        "(carrier_id, call_time, record_key)", "The carrier has sent this record already."
    )
    # The rows of a file lie together, and about those of a day: a few pages tell where, and cost nothing
    # to keep.
    _file_idx = models.Index("USING brin (file_id)")
    _day_idx = models.Index("USING brin (call_day)")
    # By the code, for no index goes by what charging changes: see ``init``.
    _error_idx = models.Index("(company_id, error_code) WHERE error_code IS NOT NULL")
    _code_when_error = models.Constraint(
        "CHECK((state = 'error') = (error_code IS NOT NULL))",
        "A record in error says which, and only such a one.",
    )

    def init(self):
        """Have calls charged in place: each page has room for its rows twice.

        As long as no index holds, or goes by, a column that charging changes, the database writes the
        call anew beside the old one and leaves all indexes as they are.
        """
        self.env.cr.execute("ALTER TABLE cdr_record SET (fillfactor = 45)")

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._set_days_open()
        return records

    def write(self, vals):
        result = super().write(vals)
        if {"state", "call_day", "company_id"} & vals.keys():
            self._set_days_open()
        return result

    def _set_days_open(self):
        """Say that these calls may wait to be charged."""
        for company, records in self.grouped("company_id").items():
            self.env["cdr.open.day"]._add(company, records.mapped("call_day"))

    @api.depends("caller", "callee", "call_time")
    def _compute_display_name(self):
        for record in self:
            record.display_name = f"{record.caller or '?'} → {record.callee or '?'}"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_always(self):
        raise UserError(
            self.env._("Call records are kept until they are archived, and not deleted by hand.")
        )
