from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ...billing_runs.invoicing.prepared import quiet
from ..netting import net
from ..sets import values_of
from .billing_payment_line import COLLECTED_STATES

#: how many lines one task posts
BATCH = 500


class BillingPaymentRun(models.Model):
    """The payments of a submitted run, and its end."""

    _inherit = "billing.payment.run"

    # === POSTING === #

    def _enqueue_posting(self, line_ids):
        """Have the payments posted, some lines a task, one journal at a time."""
        journal = self.company_id.billing_debit_journal_id
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "collect_direct_debit",
                    "record": self,
                    "parameters": {"step": "post", "line_ids": some.ids},
                    "exclusive_key": f"journal:{journal.id}",
                }
                for some in self._by_customers(line_ids, BATCH)
            ]
        )

    def _post_lines(self, lines):
        """Post the payments of lines that have none yet and reconcile them with the invoices,
        credits first."""
        self.ensure_one()
        self = self.with_company(self.company_id)
        lines = lines.with_env(self.env).filtered(
            lambda line: line.state in COLLECTED_STATES and not line.payment_id
        )
        if not lines:
            return {"payments": 0}
        netted = {item_id for item_id, _credit_id in self._credit_pairs(lines)}
        self.env["billing.payment.writer"]._post(self, lines, netted)
        return {"payments": len(lines)}

    def _post_as_odoo(self, lines):
        """Post payments of lines by Odoo's own methods, and reconcile them with the invoices, credits
        first."""
        if not lines:
            return
        credits = self._credit_pairs(lines)
        payments = self._create_payments(lines)
        items = self.env["account.move.line"]
        plan = [items.browse(pair) for pair in credits]
        for line, payment in zip(lines, payments, strict=True):
            if line.move_line_id.reconciled or line.move_line_id.parent_state != "posted":
                # Paid otherwise since the file was made: what comes is the customer's credit.
                continue
            received = payment.move_id.line_ids.filtered(
                lambda item, line=line: item.account_id == line.move_line_id.account_id
            )
            plan.append(line.move_line_id + received)
        items._reconcile_plan(plan)

    def _note_posting(self, reason, again):
        """Say on the run why Odoo posts payments of it one by one.

        :param bool again: payments of the kind have been written by sets before
        """
        if again:
            body = self.env._(
                "Payments of this run are posted by Odoo from now on, since one of them came out"
                " otherwise. %s Check those that were posted before.",
                reason,
            )
        else:
            body = self.env._("Payments of this run are posted by Odoo one by one. %s", reason)
        self.message_post(body=body)

    def _credit_pairs(self, lines):
        """Return ``[(receivable line, credit)]`` of what is taken off the amounts."""
        items, credits = self._open_items(lines.move_line_id.ids)
        _left, pairs = net(items, credits)
        return [(item, credit) for item, credit, _units in pairs]

    def _create_payments(self, lines):
        """Return posted payments of the lines, in their order."""
        journal = self.company_id.billing_debit_journal_id
        method = journal.inbound_payment_method_line_ids[:1]
        payments = self.env["account.payment"].with_context(
            **quiet(self.company_id), skip_invoice_sync=True
        )
        outstanding = method.payment_account_id or payments.new(
            {"company_id": self.company_id.id, "payment_type": "inbound"}
        )._get_outstanding_account("inbound")
        created = payments.create(
            [
                {
                    "payment_type": "inbound",
                    "partner_type": "customer",
                    "partner_id": line.partner_id.id,
                    "amount": line.amount,
                    "currency_id": line.currency_id.id,
                    "date": self.payment_date,
                    "journal_id": journal.id,
                    "company_id": self.company_id.id,
                    "payment_method_line_id": method.id,
                    "outstanding_account_id": outstanding.id,
                    "destination_account_id": line.move_line_id.account_id.id,
                    "memo": f"{line.reference} {line.move_id.name}",
                    "payment_reference": line.reference,
                    "invoice_ids": [Command.link(line.move_id.id)],
                }
                for line in lines
            ]
        )
        created._post_together()
        self.env.flush_all()
        for some in values_of(zip(lines.ids, created.ids, strict=True)):
            self.env.cr.execute(
                SQL(
                    "UPDATE billing_payment_line l SET payment_id = v.payment"
                    " FROM (VALUES %s) AS v(id, payment) WHERE l.id = v.id",
                    some,
                )
            )
        lines.invalidate_recordset(["payment_id"])
        return created

    # === THE END === #

    def _settle(self, lines):
        """Put on record that the money of lines has come, and end runs of which nothing is open."""
        lines._set_state("done")
        self._end()

    def _end(self):
        """End the runs of which no line is open any more."""
        now = fields.Datetime.now()
        ended = self.filtered(lambda run: run.state in ("submitted", "done", "partly_failed"))
        for run in ended - ended._runs_charging():
            lines = self.env["billing.payment.line"]
            states = {state for [state] in lines._read_group([("run_id", "=", run.id)], ["state"])}
            if states & {"submitted", "unknown"}:
                continue
            failed = states & {"rejected", "returned"}
            run._set_state(
                "partly_failed" if failed or run.state == "partly_failed" else "done",
                {"completed_date": run.completed_date or now},
            )

    @api.model
    def _cron_settle(self):
        """Take the money of direct debits as come some days after the collection date: what is
        returned later is a return all the same."""
        for [company] in self._read_group([("state", "=", "submitted")], ["company_id"]):
            last = company._billing_today() - timedelta(days=company.billing_settle_days)
            lines = self.env["billing.payment.line"].search(
                Domain("company_id", "=", company.id)
                & Domain("method", "=", "direct_debit")
                & Domain("state", "=", "submitted")
                & Domain("payment_id", "!=", False)
                & Domain("collection_date", "<=", last)
            )
            if lines:
                lines.run_id._settle(lines)
