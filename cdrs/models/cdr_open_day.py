import logging
from datetime import date

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, sql

_logger = logging.getLogger(__name__)

#: days further apart are read apart
APART = 31


class CdrOpenDay(models.Model):
    """A day on which calls of a company may have a price and wait to be charged.

    Charging millions of calls must not touch an index of theirs, so none says which ones wait: these
    rows do, by day, and may say too much, never too little. Whoever brings calls in, rates them or frees
    them adds rows of its own, in the same transaction, also where some are there: nobody waits for
    anybody. A clean-up, once a day and whenever the addon is updated, reads all calls. It adds days that
    nobody told of and takes away rows of days on which nothing waits: only rows that it saw together with
    the calls that came with them.

    Written by methods that bring calls in, and the clean-up; billing users read it.
    """

    _name = "cdr.open.day"
    _description = "Day with Calls to Charge"
    _order = "day, id"
    _log_access = False
    _rec_name = "day"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    day = fields.Date(required=True, readonly=True)

    _company_day_idx = models.Index("(company_id, day)")

    def init(self):
        """Say of calls that are there already on which days they wait."""
        if sql.table_exists(self.env.cr, "cdr_record"):
            self._compare()

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
    def _add_changed(self, update: SQL) -> dict:
        """Change the state of calls, and say on which days some wait now.

        :param update: an UPDATE of ``cdr_record AS record`` without RETURNING
        :return: ``{state: number of calls}``
        """
        rows = self.env.execute_query(
            SQL(
                """
                WITH changed AS (%s RETURNING record.state, record.company_id, record.call_day),
                     added AS (
                    INSERT INTO cdr_open_day (company_id, day)
                    SELECT DISTINCT company_id, call_day FROM changed WHERE state = 'rated')
                SELECT state, count(*) FROM changed GROUP BY state
                """,
                update,
            )
        )
        self.invalidate_model()
        return dict(rows)

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
        days = [day for [day] in rows]
        if not days:
            return Domain.FALSE
        spans = []
        for day in days:
            if spans and (day - spans[-1][1]).days <= APART:
                spans[-1][1] = day
            else:
                spans.append([day, day])
        # By spans as well: only those parts of the table are read in which they lie.
        near = Domain.OR(
            Domain("call_day", ">=", first) & Domain("call_day", "<=", end) for first, end in spans
        )
        return Domain("company_id", "=", company.id) & near & Domain("call_day", "in", days)

    @api.autovacuum
    def _gc_open_days(self):
        """Drop rows of days on which nothing waits any more, and add days that nobody told of."""
        self.env.flush_all()
        if missing := self._compare():
            _logger.warning(
                "Calls waited to be charged on days that were not told: %s.",
                ", ".join(f"{day} (company {company_id})" for company_id, day in missing),
            )

    def _compare(self):
        """Compare the days with the calls themselves, and mend them.

        :return: ``[(company id, day)]`` of those that were missing
        """
        # In a statement of its own, so that several processors may read; what comes in meanwhile brings
        # rows of its own, which this transaction does not see either.
        waiting = self.env.execute_query(
            SQL("SELECT DISTINCT company_id, call_day FROM cdr_record WHERE state = 'rated'")
        )
        self.env.cr.execute("SELECT DISTINCT company_id, day FROM cdr_open_day")
        told = set(self.env.cr.fetchall())
        missing, gone = sorted(set(waiting) - told), sorted(told - set(waiting))
        for statement, pairs in (
            ("INSERT INTO cdr_open_day (company_id, day) SELECT * FROM %s", missing),
            (
                "DELETE FROM cdr_open_day AS told USING %s"
                " WHERE told.company_id = pair.company_id AND told.day = pair.day",
                gone,
            ),
        ):
            if pairs:
                companies, days = map(list, zip(*pairs, strict=True))
                listed = SQL(
                    "unnest(%s::int[], %s::date[]) AS pair (company_id, day)", companies, days
                )
                self.env.cr.execute(SQL(statement, listed))  # pylint: disable=sql-injection
        self.invalidate_model()
        return missing
