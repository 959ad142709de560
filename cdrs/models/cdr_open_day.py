from datetime import date

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .cdr_record_rating import OPEN_STATES


class CdrOpenDay(models.Model):
    """A day on which calls of a company may wait to be charged.

    Charging millions of calls must not touch an index of theirs, so none says which ones wait: these
    rows do, by day, and may say too much, never too little. Whoever brings calls in, or makes them
    open again, adds rows of its own, in the same transaction, also where some are there: nobody waits for
    anybody. Rows go once a clean-up finds nothing open on their days; it takes away only rows
    that it saw together with the calls that came with them.

    Written by methods that bring calls in and the daily clean-up; billing users read it.
    """

    _name = "cdr.open.day"
    _description = "Day with Calls to Charge"
    _order = "day, id"
    _log_access = False
    _rec_name = "day"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    day = fields.Date(required=True, readonly=True)

    _company_day_idx = models.Index("(company_id, day)")

    @api.model
    @api.private
    def _add(self, company, days):
        """Say that calls of a company may wait on these days.

        :param days: dates, or texts of dates as PostgreSQL reads them
        """
        if days:
            self.env.cr.execute(
                SQL(
                    "INSERT INTO cdr_open_day (company_id, day)"
                    " SELECT %s, day FROM unnest(%s::date[]) AS day ORDER BY day",
                    company.id,
                    sorted(set(days)),
                )
            )
            self.invalidate_model()

    @api.model
    @api.private
    def _add_changed(self, update: SQL):
        """Make calls open again.

        :param update: an UPDATE of ``cdr_record AS record`` without RETURNING
        :return: of how many calls
        """
        [[count]] = self.env.execute_query(
            SQL(
                """
                WITH changed AS (%s RETURNING record.company_id, record.call_day),
                     added AS (
                    INSERT INTO cdr_open_day (company_id, day)
                    SELECT DISTINCT company_id, call_day FROM changed)
                SELECT count(*) FROM changed
                """,
                update,
            )
        )
        self.invalidate_model()
        return count

    @api.model
    @api.private
    def _domain(self, company, last: date) -> Domain:
        """Return the domain of the calls of a company that lie on days on which some may wait, up to
        the last one."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT day FROM cdr_open_day WHERE company_id = %s AND day <= %s"
                " ORDER BY day",
                company.id,
                last,
            )
        )
        return Domain("company_id", "=", company.id) & Domain(
            "call_day", "in", [day for [day] in rows]
        )

    @api.autovacuum
    def _gc_closed_days(self):
        """Drop rows of days on which nothing waits any more, and what says a day twice."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH waiting AS MATERIALIZED (
                    SELECT DISTINCT record.company_id, record.call_day
                      FROM cdr_record AS record
                     WHERE record.call_day = ANY(ARRAY(SELECT DISTINCT day FROM cdr_open_day))
                       AND record.state IN %s
                )
                DELETE FROM cdr_open_day AS gone
                 WHERE NOT EXISTS (SELECT FROM waiting
                                    WHERE waiting.company_id = gone.company_id
                                      AND waiting.call_day = gone.day)
                    OR EXISTS (SELECT FROM cdr_open_day AS same
                                WHERE same.company_id = gone.company_id AND same.day = gone.day
                                  AND same.id < gone.id)
                """,
                OPEN_STATES,
            )
        )
        self.invalidate_model()
