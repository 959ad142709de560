from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime


class BillingRun(models.Model):
    """The numbers on a run's form and list. All are counted, none is stored."""

    _inherit = "billing.run"

    bill_count = fields.Integer("Bills", compute="_compute_bill_counts")
    exception_count = fields.Integer("Exceptions", compute="_compute_bill_counts")
    error_count = fields.Integer("Errors", compute="_compute_bill_counts")
    progress = fields.Float(
        compute="_compute_bill_counts", help="Share of all stages that the bills have behind them."
    )
    stage_text = fields.Char(
        "Where It Is", compute="_compute_stage_text", help="Which stage is under way or waits."
    )
    charge_count = fields.Integer("Charges", compute="_compute_charge_count")
    invoice_count = fields.Integer(
        "Documents", compute="_compute_invoices", help="Invoices and credit notes."
    )
    amount_text = fields.Char(
        "Invoiced", compute="_compute_invoices", help="Before tax; credit notes count negative."
    )

    can_close = fields.Boolean(compute="_compute_can_close")

    @api.depends("state", "stage", "target_stage")
    def _compute_can_close(self):
        for run in self:
            run.can_close = bool(run.run_type) and run._can_close()

    @api.depends("state", "stage", "target_stage", "stop_reason", "scheduled_date", "started_date")
    def _compute_stage_text(self):
        for run in self:
            run.stage_text = run.run_type and run._where_it_is()

    def _where_it_is(self):
        """Return at which stage the run works, waits or has stopped, in words; empty where its
        state says enough."""
        self.ensure_one()
        if self.state not in ("requested", "running"):
            return False
        if self._is_scheduled():
            return self.env._("Starts %s", format_datetime(self.env, self.scheduled_date))
        stages = self._stages()
        place = stages.place(self.stage)
        values = {"place": place + 1, "all": len(stages)}
        if self._waits():
            if place < 0:
                return self.env._("Stopped before the first stage")
            values["stage"] = self.env._(stages[place].label)
            if self.stop_reason:
                return self.env._("Stopped after %(stage)s (%(place)s of %(all)s)", **values)
            return self.env._("Waits after %(stage)s (%(place)s of %(all)s)", **values)
        following = stages[min(place + 1, len(stages) - 1)]
        return self.env._("%(stage)s is under way", stage=self.env._(following.label))

    @api.depends("state", "stage")
    def _compute_bill_counts(self):
        groups = self.env["billing.bill"]._read_group(
            [("run_id", "in", self.ids)], ["run_id", "state", "error_code"], ["__count"]
        )
        rows = {}
        for run, state, code, count in groups:
            rows.setdefault(run.id, []).append((state, code, count))
        for run in self:
            mine = rows.get(run.id, [])
            stages = run._stages() if run.run_type else None
            run.bill_count = total = sum(count for _state, _code, count in mine)
            run.exception_count = sum(count for _state, code, count in mine if code)
            run.error_count = sum(count for state, _code, count in mine if state == "error")
            done = sum(count * stages.finished(state) for state, _code, count in mine)
            run.progress = 100.0 * done / (total * len(stages)) if total else 0.0
            if stages and not stages.by_bills:
                run.progress = 100.0 * (stages.place(run.stage) + 1) / len(stages)
            elif total and run.state in ("completed", "completed_with_errors", "failed"):
                # Closed early, it goes without the stages that are left.
                run.progress = 100.0

    def _compute_charge_count(self):
        for run in self:
            # A run that is being entered has none.
            run.charge_count = run._origin and self.env["billing.charge"].search_count(
                [("bill_id.run_id", "=", run._origin.id)]
            )

    def _compute_invoices(self):
        groups = self.env["account.move"]._read_group(
            self._standing_documents(),
            ["billing_bill_id.run_id", "currency_id"],
            ["__count", "amount_untaxed_in_currency_signed:sum"],
        )
        rows = {}
        for run, currency, count, amount in groups:
            rows.setdefault(run.id, []).append((currency, count, amount))
        for run in self:
            mine = rows.get(run._origin.id, [])
            run.invoice_count = sum(count for _currency, count, _amount in mine)
            run.amount_text = ", ".join(
                currency.format(amount) for currency, _count, amount in mine
            )

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """Sort by what was invoiced: in the company's currency, as other currencies cannot be
        compared otherwise."""
        if field_name != "amount_text":
            return super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        amount = SQL(
            """(SELECT COALESCE(SUM(move.amount_untaxed_signed), 0)
                  FROM account_move move
                  JOIN billing_bill bill ON bill.id = move.billing_bill_id
                 WHERE bill.run_id = %s AND bill.state != 'undone')""",
            SQL.identifier(alias, "id"),
        )
        return SQL("%s %s %s", amount, direction, nulls)

    def _standing_documents(self):
        """Return the domain of the runs' invoices and credit notes. What was taken back is no
        document of theirs any more, nor is what took it back."""
        return Domain(
            "billing_bill_id", "any", [("run_id", "in", self.ids), ("state", "!=", "undone")]
        )

    # === WHAT IS COUNTED, AS LISTS === #

    def _counted_domains(self, model):
        """Return ``{name: domain}`` of what the run counts among the records of a model.

        See ``billing.run.counted.mixin``, whose lists find it by these names.
        """
        self.ensure_one()
        if model == "res.partner":
            return {code: domain for code, (_label, domain) in self._customer_checks().items()}
        if model == "account.move":
            return {
                f"{channel}:{what}": self._document_domain(channel, what)
                for channel in ("email", "print")
                for what in ("to_send", "no_pdf", "no_address")
            }
        return {"selected": self._service_domain() & self._live_service_domain()}

    def _view_counted(self, model, what, name):
        """Return the action that lists what the run counts under a name."""
        self.ensure_one()
        domain = [("billing_run_counted", "=", f"{self.id}:{what}")]
        return self._view_records(model, domain, name)
