from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

from ...billing_tasks.crash_points import crash_point
from .. import price_sql

#: so many services are settled between two readings
SETTLED = 1000


class BillingPriceChange(models.Model):
    """What scheduling, undoing and the day of a price change do to services."""

    _inherit = "billing.price.change"

    # === SCHEDULING === #

    def _schedule(self):
        """draft → scheduled: from here on runs bill days from the date on at the new prices."""
        for change in self._to_move("scheduled"):
            if not change.line_count and not change.tariff_line_ids:
                raise UserError(
                    self.env._(
                        "No price changes by %s. Look at what is left out, and why.",
                        change.display_name,
                    )
                )
            change._check_tariffs_free()
            change._set_state("scheduled")
            change._move_lines("draft", "scheduled")
            change._run(price_sql.DUE_SOONER)
            self.env["billing.service"].invalidate_model(["next_billing_date"])
            if change.date <= change.company_id._billing_today():
                change._enqueue_apply()
            change._enqueue_notices()

    def _check_tariffs_free(self):
        """Refuse a second scheduled price for a tariff or add-on."""
        for rate in self.tariff_line_ids:
            other = rate.search(
                [
                    ("tariff_id", "=", rate.tariff_id.id),
                    ("addon_id", "=", rate.addon_id.id),
                    ("change_id.state", "=", "scheduled"),
                    ("change_id", "!=", self.id),
                ],
                limit=1,
            )
            if other:
                raise UserError(
                    self.env._(
                        "%(rate)s gets a new price by %(change)s already. Wait until that has been"
                        " applied, or undo it.",
                        rate=rate.display_name,
                        change=other.change_id.display_name,
                    )
                )

    def _run(self, statement: str, **values):
        """Execute a statement about this change, on what the database knows by now."""
        self.env.flush_all()
        self.env.cr.execute(SQL(statement, **self._values(), **values))

    def _move_lines(self, before: str, after: str):
        """Move all lines of a state to the next one, as their table allows."""
        self._run(price_sql.MOVE_LINES, **{"from": before, "to": after})
        self.env["billing.price.change.line"].invalidate_model()
        self.env["billing.service"].invalidate_model(["coming_price_ids", "price_line_ids"])

    # === UNDOING === #

    def _undo(self):
        """draft or scheduled → undone, before the date. What was billed ahead at the new prices is
        settled back."""
        for change in self._to_move("undone"):
            change._check_before_date()
            scheduled = change.line_ids.filtered(lambda line: line.state == "scheduled")
            services = scheduled.service_id
            services._lock_rows()
            services._check_price_undo(change.date)
            change._move_lines("scheduled", "undone")
            change._move_lines("draft", "undone")
            change._set_state("undone")
            services._settle_prices(change.date)
            waiting = change.customer_ids.filtered(lambda row: row.state in ("waiting", "letter"))
            # Their rights were checked on the change: nobody writes these rows by hand.
            waiting.sudo()._set_state("not_told")

    def _undo_services(self, services):
        """Take single services out of this scheduled change: they keep their present prices."""
        self.ensure_one()
        self._check_before_date()
        services._lock_rows()
        services._check_price_undo(self.date)
        lines = self.line_ids.filtered(
            lambda line: line.service_id in services and line.state == "scheduled"
        )
        # Their rights were checked on the change: nobody writes these rows by hand.
        lines.sudo()._set_state("undone")
        self.env["billing.service"].invalidate_model(["coming_price_ids", "price_line_ids"])
        services._settle_prices(self.date)
        self._sum_customers()
        gone = self.customer_ids.filtered(
            lambda row: not row.service_count and row.state in ("waiting", "letter")
        )
        gone.sudo()._set_state("not_told")

    def _check_before_date(self):
        if self.state == "scheduled" and self.date <= self.company_id._billing_today():
            raise UserError(
                self.env._(
                    "%(change)s counts since %(day)s and cannot be undone any more. Make another"
                    " price change.",
                    change=self.display_name,
                    day=self._day_text(self.date),
                )
            )

    # === THE DAY === #

    @api.private
    def _apply(self):
        """scheduled → applied: give services, add-ons and tariffs their new prices. Repeating it
        does nothing.

        Services of which something was billed beyond the date at other prices are settled one
        by one, like any other change; all others by sets.

        :return: a dict of counts
        """
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset()
        if self.state != "scheduled" or self.date > self.company_id._billing_today():
            return {}
        self._take_in_newcomers()
        cr = self.env.cr
        cr.execute("SELECT set_config('jit', 'off', TRUE)")
        cr.execute(
            SQL(
                "SELECT id FROM billing_service WHERE id IN (SELECT service_id"
                " FROM billing_price_change_line WHERE change_id = %s AND state = 'scheduled')"
                " ORDER BY id FOR NO KEY UPDATE",
                self.id,
            )
        )
        self._run(price_sql.LEAVE_OUT)
        left = self.env["billing.service"].browse(sorted({row[0] for row in cr.fetchall()}))
        self._invalidate_priced()
        left.filtered(lambda s: s.state in ("active", "suspended"))._settle_prices(self.date)
        cr.execute(price_sql.DROP)
        self._run(price_sql.SCHEDULED_LINES)
        cr.execute("ANALYZE price_line")
        self._run(price_sql.SLOW)
        cr.execute("ANALYZE price_slow")
        slow = self._reprice_slow()
        crash_point("prices.settled")
        for statement in (
            price_sql.VERSIONS,
            price_sql.DUE_SOONER,
            price_sql.MOVE_TERMS,
            price_sql.FREEZE,
            price_sql.FREEZE_ADDONS,
            price_sql.OWN_PRICES,
            price_sql.OWN_ADDON_PRICES,
        ):
            self._run(statement)
        cr.execute(price_sql.DROP)
        self._invalidate_priced()
        self._move_lines("scheduled", "applied")
        self._set_state("applied", {"applied_date": fields.Datetime.now(), "problem": False})
        for rate in self.tariff_line_ids:
            priced = rate.addon_id or rate.tariff_id
            priced.price = rate.new_price
        self._sum_customers()
        return {"prices": self.line_count, "settled": slow, "left_out": self.left_out_count}

    def _reprice_slow(self) -> int:
        """Settle the services that were billed beyond the date, and return how many they are."""
        lines = self.env["billing.price.change.line"]
        self.env.cr.execute("SELECT service_id FROM price_slow ORDER BY service_id")
        ids = [row[0] for row in self.env.cr.fetchall()]
        for some in split_every(SETTLED, ids, list):
            found = lines.search(
                [
                    ("change_id", "=", self.id),
                    ("state", "=", "scheduled"),
                    ("service_id", "in", some),
                ]
            )
            for service, prices in found.grouped("service_id").items():
                service._reprice(self.date, prices._steps())
        return len(ids)

    def _invalidate_priced(self):
        for name in ("service", "service.addon", "service.version", "price.change.line"):
            self.env[f"billing.{name}"].invalidate_model()

    def _take_in_newcomers(self):
        """Take in the services that came to a tariff since its change was worked out."""
        self.ensure_one()
        rates = self.tariff_line_ids
        if self.scope != "tariff" or not rates:
            return
        self._lay_out_items(rates.tariff_id.ids)
        self._run(price_sql.NEWCOMERS)
        self.env.cr.execute("SELECT 1 FROM price_item LIMIT 1")
        if self.env.cr.fetchone():
            self._write_lines("scheduled")
            self._sum_customers()
        self.env.cr.execute(price_sql.DROP)

    # === TASKS === #

    @api.model
    def _cron_price_changes(self):
        """Have price changes applied whose day has come, and customers told of those ahead."""
        for change in self.search([("state", "=", "scheduled")]):
            change = change.with_company(change.company_id)
            if change.date <= change.company_id._billing_today():
                change._enqueue_apply()
            else:
                change._take_in_newcomers()
            change._enqueue_notices()

    def _enqueue_apply(self):
        self.ensure_one()
        key = f"price_apply:{self.id}"
        # The queue is the system's: nobody else puts tasks into it.
        self.env["billing.task"].sudo().enqueue(
            "price_apply", self, identity_key=key, exclusive_key=key
        )

    @api.model
    def _task_apply(self, task):
        """Apply the price change of a task."""
        change = task.env["billing.price.change"].browse(task.res_id).exists()
        return change._apply() if change else None

    @api.model
    def _task_apply_failed(self, task):
        """Say on the price change why it was not applied."""
        change = task.env["billing.price.change"].browse(task.res_id).exists()
        change._own().write({"problem": task.error_message})
