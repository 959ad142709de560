from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ...services.loose_many2one import LooseMany2one
from ..rating_sql import RATED_COLUMNS, SOURCE_COLUMNS, rated_select

#: states in which a call has not been charged and may be rated again
OPEN_STATES = ("unrated", "rated", "error")


class CdrRecord(models.Model):
    """What rating says of a call, and rating calls again.

    New calls are rated while they are loaded; ``_rate`` rates those that are there, after something was
    corrected. Both use one SELECT, ``rating_sql.rated_select``.
    """

    _inherit = "cdr.record"

    # Nothing that priced a call is deleted: ``billing.used.mixin`` goes by ``ondelete``.
    plan_id = LooseMany2one("cdr.rate.plan", string="Rate Plan", readonly=True, ondelete="restrict")
    rate_id = LooseMany2one("cdr.rate", string="Rate", readonly=True, ondelete="restrict")
    class_id = LooseMany2one(
        "cdr.rate.class", string="Rate Class", readonly=True, ondelete="restrict"
    )
    band = fields.Char(string="Time Band", readonly=True)
    error_key = fields.Char(
        string="Cause", readonly=True, help="What tells causes of one kind of error apart."
    )
    error_id = LooseMany2one("billing.error", string="Billing Error", readonly=True)
    included_seconds = fields.Integer(
        string="Included (s)",
        readonly=True,
        help="Seconds of the included minutes that it used when it was charged.",
    )

    arithmetic = fields.Char(
        compute="_compute_arithmetic", help="How the rate makes the amount of the call."
    )

    _error_id_idx = models.Index("(error_id) WHERE error_id IS NOT NULL")
    _unlinked_idx = models.Index("(company_id) WHERE error_code IS NOT NULL AND error_id IS NULL")

    # === COMPUTES === #

    @api.depends("rate_id", "billed_seconds", "amount", "state")
    def _compute_arithmetic(self):
        for record in self:
            record.arithmetic = record._arithmetic_text()

    def _arithmetic_text(self):
        """Return how the amount comes from the rate, in words; nothing where no rate priced it."""
        self.ensure_one()
        rate = self.rate_id
        if not rate or self.state not in ("rated", "charged"):
            return False
        if not self.amount and not self.billed_seconds:
            return self.env._("Free: not answered, or its number was withheld.")
        numbers = {
            "seconds": self.billed_seconds,
            "price": f"{rate.price_minute:g}",
            "fee": f"{rate.connect_fee:g}",
            "minimum": f"{rate.minimum:g}",
            "amount": f"{self.amount:g}",
        }
        if not self.billed_seconds:
            return self.env._("Connect fee %(fee)s alone: not answered", **numbers)
        parts = [self.env._("%(seconds)s s × %(price)s / 60 s", **numbers)]
        if rate.connect_fee:
            parts.append(self.env._("connect fee %(fee)s", **numbers))
        text = self.env._("%(sum)s = %(amount)s", sum=" + ".join(parts), amount=numbers["amount"])
        if rate.minimum and self.amount <= rate.minimum:
            text = self.env._("%(sum)s, but at least %(minimum)s", sum=" + ".join(parts), **numbers)
        return text

    # === ACTIONS === #

    def action_rerate(self):
        """Open the dialog that rates the selected calls again, after showing the difference."""
        self.check_access("read")
        if not self.env.user.has_group("billing_operations.group_billing_manager"):
            raise UserError(self.env._("Only billing managers may re-rate calls."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Re-rate Calls"),
            "res_model": "cdr.record.rerate",
            "view_mode": "form",
            "target": "new",
            "context": {"default_record_ids": self.ids},
        }

    # === RATING === #

    @api.model
    @api.private
    def _rate(self, domain, company):
        """Rate the calls of a company that match and are not charged yet, in one statement.

        Their old errors are left, and counted again; what is in error now joins its cause.

        :param domain: which of them; see ``_open_domain``
        :return: dict ``{state: number of calls}``
        """
        domain = self._open_domain(company) & Domain(domain)
        left = self._errors_of(domain)
        assigned = SQL(", ").join(
            SQL("%s = rated.%s", SQL.identifier(name), SQL.identifier(name))
            for name in RATED_COLUMNS
        )
        counts = (
            self.env["cdr.open.day"]
            .sudo()
            ._add_changed(
                SQL(
                    """
                    UPDATE cdr_record AS record
                       SET %(assigned)s, error_id = NULL
                      FROM (%(rated)s) AS rated
                     WHERE record.id = rated.id AND record.state IN %(states)s
                    """,
                    assigned=assigned,
                    rated=self._rated(domain, company),
                    states=OPEN_STATES,
                )
            )
        )
        crash_point("rate.updated")
        self.invalidate_model()
        errors = self.env["billing.error"].sudo()
        errors._collect(company)
        left._recount()
        return counts

    @api.model
    @api.private
    def _rerate(self, domain, company):
        """Rate a selection again: what is not charged yet is replaced. Floors above extend it by
        what becomes of calls that are charged.

        :return: dict of counts, as the task's result
        """
        return self._rate(domain, company)

    @api.model
    @api.private
    def _preview_rerate(self, domain, company):
        """Return what ``_rerate`` would change, customer by customer, without changing anything.

        :return: list of dicts: ``kind`` (``open`` of calls that are not charged yet), ``partner_id``
            and ``currency_id`` (None where no service was or is found), ``calls``, how many of them
            are ``changed``, the amounts ``old`` and ``new``, and calls in error, ``errors_old`` and
            ``errors_new``
        """
        domain = self._replaced_domain(company) & Domain(domain)
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT 'open' AS kind, COALESCE(rated.partner_id, record.partner_id) AS partner_id,
                       COALESCE(rated.currency_id, record.currency_id) AS currency_id,
                       count(*) AS calls,
                       count(*) FILTER (WHERE (record.amount, rated.state <> 'error',
                                               record.service_id)
                           IS DISTINCT FROM (rated.amount, record.state <> 'error',
                                             rated.service_id)) AS changed,
                       COALESCE(sum(record.amount), 0)::float AS old,
                       COALESCE(sum(rated.amount), 0)::float AS new,
                       count(*) FILTER (WHERE record.state = 'error') AS errors_old,
                       count(*) FILTER (WHERE rated.state = 'error') AS errors_new
                  FROM (%s) AS rated
                  JOIN cdr_record AS record ON record.id = rated.id
                 GROUP BY 2, 3 ORDER BY 2, 3
                """,
                self._rated(domain, company),
            )
        )

    @api.model
    def _replaced_domain(self, company):
        """Return the domain of the calls of a company whose prices re-rating replaces."""
        return self._open_domain(company)

    @api.model
    def _open_domain(self, company):
        """Return the domain of the calls of a company that may be rated again."""
        return Domain("company_id", "=", company.id) & Domain("state", "in", OPEN_STATES)

    @api.model
    def _rated(self, domain, company):
        """Return the SELECT that rates the calls of a domain, with their ids."""
        prepared = self.env["cdr.rate.plan"]._prepare_rating(company)
        query = self.sudo()._search(domain, order="id")
        columns = SQL(", ").join(
            SQL("call.%s", SQL.identifier(name)) for name in ("id", *SOURCE_COLUMNS)
        )
        source = SQL(
            "SELECT %s FROM cdr_record AS call WHERE call.id IN %s", columns, query.subselect()
        )
        return rated_select(source, prepared)

    @api.model
    def _errors_of(self, domain):
        """Return the billing errors to which the calls of a domain belong."""
        query = self.sudo()._search(domain & Domain("error_id", "!=", False))
        rows = self.env.execute_query(query.select(SQL("DISTINCT %s", SQL("cdr_record.error_id"))))
        return self.env["billing.error"].sudo().browse([row[0] for row in rows])

    @api.model
    @api.private
    def _task_rate(self, task):
        """Handle ``cdr_rate``: gather causes, reprocess those of some errors, read lines of files again, or
        re-rate a selection."""
        company = task.company_id
        errors = self.env["billing.error"].sudo()
        wish = task.parameters or {}
        if wish.get("error_ids"):
            return errors.browse(wish["error_ids"]).exists()._reprocess()
        if wish.get("file_ids"):
            return self.env["cdr.file"].sudo().browse(wish["file_ids"])._reread()
        if "domain" in wish:
            return self._rerate(Domain(wish["domain"]), company)
        errors._collect(company)
        return {
            "open": errors.search_count([("company_id", "=", company.id), ("state", "=", "open")])
        }
