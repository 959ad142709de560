from datetime import UTC, datetime, time, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from ..xero_models import BATCH, PAGE, last_page, payments, results

#: how many payments one task registers
BOOKED = 100
#: what is read when payments are fetched, one after the other; in the order of ids, so that what changes
#: meanwhile moves nothing from one page to another
STREAMS = ("payments", "invoices", "credit_notes")
#: payments changed in the last hours before the newest one are read once more
OVERLAP = timedelta(hours=1)
#: states of documents on the other side that stand
KINDS = {"invoices": "invoice", "credit_notes": "credit"}


class AccountingExportConnection(models.Model):
    """Payments that Xero knows, and what of the documents there differs from those here."""

    _inherit = "accounting.export.connection"

    # === ACTIONS === #

    def action_fetch_payments(self):
        """Fetch what was paid, and look what differs."""
        self._check_user()
        self.check_access("read")
        for connection in self:
            connection._check_fetches()
            connection._check_ready()
        self.sudo()._enqueue_fetch()
        return True

    def action_compare(self):
        """Look at every document that was sent: whether it is there, with the same total, and paid alike."""
        self._check_user()
        self.check_access("read")
        for connection in self:
            connection._check_fetches()
            connection._check_ready()
            items = (
                self.env["accounting.export.item"]
                .sudo()
                .search(
                    [
                        ("connection_id", "=", connection.id),
                        ("kind", "!=", "customer"),
                        ("state", "=", "sent"),
                    ],
                    order="id",
                )
            )
            connection.sudo()._enqueue_comparison(items)
        return True

    def action_view_payments(self):
        """Open the payments that were fetched."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.accounting_export_payment_action"
        )
        return {**action, "domain": [("connection_id", "=", self.id)], "context": {}}

    def _check_fetches(self):
        if self.kind != "xero":
            raise UserError(
                self.env._("%s writes files: payments cannot be fetched from it.", self.name)
            )

    @api.model
    def _cron_fetch(self):
        """Fetch payments of the connections that want it every day."""
        self.search(
            [("kind", "=", "xero"), ("state", "=", "active"), ("auto_fetch", "=", True)]
        )._enqueue_fetch()

    def _enqueue_fetch(self):
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "accounting_payments",
                    "record": connection,
                    "identity_key": f"accounting_payments:{connection.id}",
                    "exclusive_key": connection._exclusive_key(),
                }
                for connection in self
            ]
        )

    def _enqueue_comparison(self, items):
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "accounting_compare",
                    "record": self,
                    "parameters": {"item_ids": ids},
                    "identity_key": f"accounting_compare:{self.id}:{ids[0]}",
                    "exclusive_key": self._exclusive_key(),
                }
                for ids in split_every(BATCH * 20, items.ids, list)
            ]
        )

    def _is_stale(self):
        """Return whether payments were not fetched lately, as the company's setting says."""
        self.ensure_one()
        if self.kind != "xero" or self.state not in ("active", "broken"):
            return False
        limit = fields.Datetime.now() - timedelta(
            days=self.company_id.billing_accounting_stale_days
        )
        return not self.last_fetch_date or self.last_fetch_date < limit

    # === FETCH === #

    def _next_payment_step(self, task):
        """Return the next page to read: of payments, then of documents that changed."""
        done = self._progress_of(task)
        stream = next((name for name in STREAMS if name not in done.get("read", [])), None)
        if stream is None:
            return None
        return {"step": stream, "page": done.get("page", 1), "since": done.get("since")}

    def _since(self, intent):
        """Return from when on changes are read, the same for all pages of a task."""
        if intent.get("since"):
            return fields.Datetime.to_datetime(intent["since"]).replace(tzinfo=UTC)
        if self.fetched_until:
            return (self.fetched_until - OVERLAP).replace(tzinfo=UTC)
        return datetime.combine(self.date_from, time(), UTC)

    def _ask_payments(self, task, intent):
        return self._xero(
            lambda api, more, tenant: api.get_payments(
                tenant,
                if_modified_since=self._since(intent),
                order="PaymentID ASC",
                page=intent["page"],
                page_size=PAGE,
                **more,
            )
        )

    def _ask_invoices(self, task, intent):
        return self._xero(
            lambda api, more, tenant: api.get_invoices(
                tenant,
                if_modified_since=self._since(intent),
                where='Type=="ACCREC"',
                order="InvoiceID ASC",
                page=intent["page"],
                page_size=PAGE,
                summary_only=True,
                **more,
            )
        )

    def _ask_credit_notes(self, task, intent):
        return self._xero(
            lambda api, more, tenant: api.get_credit_notes(
                tenant,
                if_modified_since=self._since(intent),
                where='Type=="ACCRECCREDIT"',
                order="CreditNoteID ASC",
                page=intent["page"],
                page_size=PAGE,
                **more,
            )
        )

    def _take_payments(self, task, intent, data):
        found = payments(data)
        rows = self.env["accounting.export.payment"]._take(self, found)
        newest = max(filter(None, (entry["updated"] for entry in found)), default=None)
        self._enqueue_booking(rows)
        done = self._progress_of(task)
        newest = max(filter(None, (done.get("newest"), newest)), default=None)
        self._note_progress(task, newest=newest)
        self._turn_page(task, intent, "payments", last_page(data, "Payments"))

    def _take_invoices(self, task, intent, data):
        self._take_changed(results(data, "Invoices"))
        self._turn_page(task, intent, "invoices", last_page(data, "Invoices"))

    def _take_credit_notes(self, task, intent, data):
        self._take_changed(results(data, "CreditNotes"))
        self._turn_page(task, intent, "credit_notes", last_page(data, "CreditNotes"))

    def _turn_page(self, task, intent, stream, last):
        """Note how far a task has read; after the last page of all, until when payments are known."""
        done = self._progress_of(task)
        since = fields.Datetime.to_string(self._since(intent).replace(tzinfo=None))
        read = done.get("read", [])
        if last:
            read = [*read, stream]
        self._note_progress(task, read=read, page=1 if last else intent["page"] + 1, since=since)
        if set(STREAMS) <= set(read):
            values = {"last_fetch_date": fields.Datetime.now()}
            if done.get("newest"):
                values["fetched_until"] = done["newest"]
            self._own().write(values)

    def _take_changed(self, found):
        """Compare documents that changed there with those that were sent."""
        by_id = {entry["id"]: entry for entry in found if entry["id"]}
        items = self.env["accounting.export.item"].search(
            Domain("connection_id", "=", self.id)
            & Domain("state", "=", "sent")
            & Domain("kind", "!=", "customer")
            & Domain("other_id", "in", list(by_id))
        )
        for item in items:
            item._own().write(item._compared(by_id[item.other_id]))

    def _enqueue_booking(self, rows):
        """Have payments registered, some a task, one journal at a time."""
        specs = []
        for journal, mine in (
            rows.filtered(lambda row: row.state == "new").grouped("journal_id").items()
        ):
            for ids in split_every(BOOKED, mine.ids, list):
                specs.append(
                    {
                        "type_code": "accounting_book",
                        "record": self,
                        "parameters": {"payment_ids": ids},
                        "identity_key": f"accounting_book:{ids[0]}",
                        "exclusive_key": f"journal:{journal.id}",
                    }
                )
        if specs:
            self.env["billing.task"].sudo().enqueue_many(specs)

    # === COMPARE === #

    def _next_compare_step(self, task):
        """Return the next documents to ask for by their ids."""
        items = self.env["accounting.export.item"]
        done = self._progress_of(task).get("last", 0)
        mine = items.search(
            Domain("id", "in", (task.parameters or {}).get("item_ids", []))
            & Domain("id", ">", done)
            & Domain("connection_id", "=", self.id)
            & Domain("state", "=", "sent"),
            order="id",
            limit=BATCH,
        )
        if not mine:
            return None
        # In the order of ids, so that what comes later is not passed over.
        kind = mine[0].kind
        first_other = next((item.id for item in mine if item.kind != kind), None)
        if first_other:
            mine = mine.filtered(lambda item: item.id < first_other)
        return {"step": "compared", "kind": kind, "compared_ids": mine.ids}

    def _ask_compared(self, task, intent):
        items = self.env["accounting.export.item"].browse(intent["compared_ids"])
        ids = items.mapped("other_id")
        if intent["kind"] == "credit":
            where = " OR ".join(f'CreditNoteID==GUID("{one}")' for one in ids)
            return self._xero(
                lambda api, more, tenant: api.get_credit_notes(
                    tenant, where=where, page=1, page_size=PAGE, **more
                )
            )
        return self._xero(
            lambda api, more, tenant: api.get_invoices(
                tenant, i_ds=ids, page=1, page_size=PAGE, summary_only=True, **more
            )
        )

    def _take_compared(self, task, intent, data):
        items = self.env["accounting.export.item"].browse(intent["compared_ids"]).exists()
        self._take_changed(
            results(data, "CreditNotes" if intent["kind"] == "credit" else "Invoices")
        )
        there = {
            entry["id"]
            for entry in results(data, "CreditNotes" if intent["kind"] == "credit" else "Invoices")
        }
        gone = items.filtered(lambda item: item.other_id not in there)
        gone._own().write({"difference": "missing", "compared_date": fields.Datetime.now()})
        self._note_progress(task, last=max(intent["compared_ids"]))
