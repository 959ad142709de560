from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from ...billing_tasks.texts import plural
from .accounting_export_item import FOR_PEOPLE, SENDABLE

#: customers or documents in one task
BATCH = 500
#: customers whose possible duplicates one task looks for
CHECKED_AT_ONCE = 20000
DOCUMENTS = ("out_invoice", "out_refund")


class AccountingExportConnection(models.Model):
    """What is to be sent, the questions before it, and how it comes into the queue."""

    _inherit = "accounting.export.connection"

    customer_count = fields.Integer("Customers to Send", compute="_compute_counts")
    document_count = fields.Integer("Invoices to Send", compute="_compute_counts")
    attention_count = fields.Integer("For a Person", compute="_compute_counts")
    unmapped_text = fields.Text("Not Mapped", compute="_compute_unmapped_text")

    @api.depends_context("uid")
    def _compute_counts(self):
        items = self.env["accounting.export.item"]
        for connection in self:
            counts = connection._counts() if connection._origin else {}
            connection.customer_count = counts.get("customers", 0)
            connection.document_count = counts.get("documents", 0)
            connection.attention_count = (
                items.search_count(connection._attention_domain()) if connection._origin else 0
            )

    @api.depends_context("uid")
    def _compute_unmapped_text(self):
        for connection in self:
            connection.unmapped_text = (
                connection._unmapped_text(connection._unmapped(connection._to_send_domain()))
                if connection._origin
                else False
            )

    # === WHAT IS TO BE SENT === #

    def _document_domain(self, run=None):
        """Return the domain of the documents that are for this connection, sent or not.

        :param run: those of one billing run
        """
        self.ensure_one()
        domain = Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "posted"),
                ("move_type", "in", DOCUMENTS),
                ("invoice_date", ">=", self.date_from),
            ]
        )
        return domain & Domain("billing_bill_id.run_id", "=", run.id) if run else domain

    def _to_send_domain(self, run=None):
        """Return the domain of the documents that are not sent yet: not begun, waiting or refused."""
        mine = Domain("connection_id", "=", self.id)
        listed = Domain("accounting_item_ids", "any", mine)
        waiting = Domain("accounting_item_ids", "any", mine & Domain("state", "in", SENDABLE))
        return self._document_domain(run) & (~listed | waiting)

    def _customer_domain(self, run=None):
        """Return the domain of the customers who are not sent yet, of documents that are for this
        connection."""
        moves = self.env["account.move"].with_company(self.company_id)
        query = moves._search(self._document_domain(run))
        mine = Domain("connection_id", "=", self.id) & Domain("kind", "=", "customer")
        listed = Domain("accounting_item_ids", "any", mine)
        waiting = Domain("accounting_item_ids", "any", mine & Domain("state", "in", SENDABLE))
        return Domain("id", "in", query.subselect("commercial_partner_id")) & (~listed | waiting)

    def _attention_domain(self):
        """Return the domain of the items that wait for a person."""
        mine = Domain("connection_id", "in", self.ids)
        return mine & (Domain("state", "in", FOR_PEOPLE) | Domain("difference", "!=", False))

    def _counts(self, run=None):
        """Return how many customers and documents are not sent yet."""
        self.ensure_one()
        return {
            "customers": self.env["res.partner"].search_count(self._customer_domain(run)),
            "documents": self.env["account.move"].search_count(self._to_send_domain(run)),
        }

    # === ACTIONS === #

    def _questions(self):
        return super()._questions() | {
            "action_send_customers": (
                self.env._("Send New Customers"),
                lambda found: "\n".join(c._customers_question() for c in found),
            ),
            "action_send_invoices": (
                self.env._("Send New Invoices"),
                lambda found: "\n".join(c._invoices_question() for c in found),
            ),
        }

    def action_ask_send_customers(self):
        """Ask before new customers are sent."""
        return self._ask("action_send_customers")

    def action_ask_send_invoices(self):
        """Ask before new invoices are sent."""
        return self._ask("action_send_invoices")

    def action_send_customers(self):
        """Send the customers who are not sent yet; those who may be there already wait for a person."""
        self._check_user()
        self.check_access("read")
        for connection in self:
            connection._send_customers()
        return True

    def action_send_invoices(self):
        """Send the invoices and credit notes that are not sent yet, of customers who are."""
        self._check_user()
        self.check_access("read")
        for connection in self:
            connection._send_documents()
        return True

    def action_list_customers(self):
        """Put new customers on the list to send, have possible duplicates looked for, and open it."""
        self.ensure_one()
        self._check_user()
        self.check_access("read")
        self._check_ready()
        items = self.sudo()._collect_customers().filtered(lambda item: not item.checked)
        if items and self.kind == "xero":
            self.sudo()._enqueue_checks(items, send=False)
        return self._view_items(
            self.env._("Customers to Send"), [("kind", "=", "customer"), ("state", "!=", "sent")]
        )

    def action_view_customers(self):
        """Open the customers who are not sent yet."""
        self.ensure_one()
        self.check_access("read")
        return self._view("res.partner", self.env._("Customers to Send"), self._customer_domain())

    def action_view_documents(self):
        """Open the documents that are not sent yet."""
        self.ensure_one()
        self.check_access("read")
        return self._view("account.move", self.env._("Invoices to Send"), self._to_send_domain())

    def action_view_attention(self):
        """Open what waits for a person."""
        self.ensure_one()
        self.check_access("read")
        found = self.env["accounting.export.item"]._search(self._attention_domain())
        return self._view_items(self.env._("For a Person"), [("id", "in", list(found))])

    def action_view_items(self):
        """Open all that was sent or is to be."""
        self.ensure_one()
        self.check_access("read")
        return self._view_items(self.env._("Sent to Accounting"), [])

    def _view_items(self, name, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.accounting_export_item_action"
        )
        return {
            **action,
            "display_name": name,
            "domain": [("connection_id", "=", self.id), *domain],
            "context": {},
        }

    def _view(self, model, name, domain):
        ids = list(self.env[model]._search(domain))
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": [("id", "in", ids)],
        }

    # === QUESTIONS === #

    def _customers_question(self, run=None):
        """Return what is asked before new customers are sent."""
        self.ensure_one()
        count = self._counts(run)["customers"]
        values = {"count": count, "where": self._where()}
        text = plural(
            count,
            self.env._("Send 1 customer to %(where)s?", **values),
            self.env._("Send %(count)s customers to %(where)s?", **values),
        )
        if self.kind == "csv":
            return text
        return "\n".join(
            [
                text,
                self.env._(
                    "Who may be there already, by name, tax ID or e-mail, is not sent and waits for a"
                    " person."
                ),
            ]
        )

    def _invoices_question(self, run=None):
        """Return what is asked before new invoices are sent, with their money."""
        self.ensure_one()
        domain = self._to_send_domain(run)
        ready = domain & self._known_customer_domain()
        moves = self.env["account.move"].with_company(self.company_id)
        texts = [self._documents_text(*self._amounts(ready))]
        if waiting := moves.search_count(domain & ~self._known_customer_domain()):
            texts.append(
                plural(
                    waiting,
                    self.env._("1 more waits until its customer is sent."),
                    self.env._("%s more wait until their customers are sent.", waiting),
                )
            )
        if text := self._unmapped_text(self._unmapped(ready)):
            texts.append(text)
            texts.append(self.env._("Documents that use them are refused until then."))
        return "\n".join(texts)

    def _amounts(self, domain):
        """Return number and money of documents; credit notes count against."""
        rows = (
            self.env["account.move"]
            .with_company(self.company_id)
            ._read_group(
                domain, ["currency_id"], ["__count", "amount_total_in_currency_signed:sum"]
            )
        )
        count = sum(number for _currency, number, _amount in rows)
        return count, ", ".join(currency.format(amount) for currency, _number, amount in rows)

    def _documents_text(self, count, amount):
        values = {"count": count, "amount": amount, "where": self._where()}
        if not count:
            return self.env._("No document can be sent to %(where)s now.", **values)
        return plural(
            count,
            self.env._("Send 1 document, %(amount)s, to %(where)s?", **values),
            self.env._("Send %(count)s documents, %(amount)s, to %(where)s?", **values),
        )

    def _send_text(self, items):
        """Return what is asked before chosen items are sent."""
        asked = items.filtered(lambda item: item.state == "unknown")
        items -= asked
        moves = items.move_id
        customers = len(items) - len(moves)
        texts = []
        if customers:
            values = {"count": customers, "where": self._where()}
            texts.append(
                plural(
                    customers,
                    self.env._("Send 1 customer to %(where)s?", **values),
                    self.env._("Send %(count)s customers to %(where)s?", **values),
                )
            )
        if moves:
            texts.append(self._documents_text(*self._amounts(Domain("id", "in", moves.ids))))
        if asked:
            texts.append(
                plural(
                    len(asked),
                    self.env._("1 record is asked about; it is sent only if it is not there."),
                    self.env._(
                        "%s records are asked about; they are sent only if they are not there.",
                        len(asked),
                    ),
                )
            )
        return "\n".join(texts)

    def _where(self):
        """Return what people call the other side."""
        return self.tenant_name or self.name

    # === INTO THE QUEUE === #

    def _known_customer_domain(self):
        """Return the domain of documents whose customers are on the other side."""
        known = [
            ("connection_id", "=", self.id),
            ("kind", "=", "customer"),
            ("state", "=", "sent"),
        ]
        return Domain("commercial_partner_id.accounting_item_ids", "any", known)

    def _send_customers(self, run=None):
        """Put customers who are not sent yet into the queue.

        :raise UserError: there is none, or the connection does not work
        """
        self.ensure_one()
        self._check_ready()
        connection = self.sudo()
        items = connection._collect_customers(run)
        if not items:
            raise UserError(self.env._("%s: every customer is sent.", self.name))
        connection._enqueue_items(items)

    def _send_documents(self, run=None):
        """Put documents that are not sent yet, of customers who are, into the queue.

        :raise UserError: there is none, or the connection does not work
        """
        self.ensure_one()
        self._check_ready()
        connection = self.sudo()
        items = connection._collect_documents(run)
        if not items:
            raise UserError(
                self.env._(
                    "%s: no document can be sent. Documents are sent when they are posted and their"
                    " customers are sent.",
                    self.name,
                )
            )
        connection._enqueue_items(items)

    def _collect_customers(self, run=None):
        """Make the items of customers who are not sent yet, and return them with those that wait."""
        # Two databases may send to one organisation: each knows its own customers.
        database = self.env["ir.config_parameter"].sudo().get_param("database.uuid") or ""
        partners = self.env["res.partner"].search(self._customer_domain(run), order="id")
        known = self._waiting_items(Domain("kind", "=", "customer"), "partner_id", partners)
        new = partners - known.partner_id
        return known | self.env["accounting.export.item"]._own().create(
            [
                {
                    "connection_id": self.id,
                    "kind": "customer",
                    "partner_id": partner.id,
                    "reference": f"{database[:8]}-{partner.id}",
                }
                for partner in new
            ]
        )

    def _collect_documents(self, run=None):
        """Make the items of documents that are not sent yet, and return them with those that wait."""
        moves = (
            self.env["account.move"]
            .with_company(self.company_id)
            .search(
                self._to_send_domain(run) & self._known_customer_domain(),
                order="invoice_date, name, id",
            )
        )
        known = self._waiting_items(Domain("kind", "!=", "customer"), "move_id", moves)
        new = moves - known.move_id
        return known | self.env["accounting.export.item"]._own().create(
            [
                {
                    "connection_id": self.id,
                    "kind": "credit" if move.move_type == "out_refund" else "invoice",
                    "partner_id": move.commercial_partner_id.id,
                    "move_id": move.id,
                    "reference": move.name,
                }
                for move in new
            ]
        )

    def _waiting_items(self, kind, field, records):
        """Return the items of records that are on the list already, ready to be sent."""
        items = self.env["accounting.export.item"].search(
            kind
            & Domain("connection_id", "=", self.id)
            & Domain("state", "in", SENDABLE)
            & Domain(field, "in", records.ids),
            order="id",
        )
        items.filtered(lambda item: item.state == "error")._set_state(
            "waiting", {"error_code": False, "error_message": False}
        )
        return items

    def _enqueue_items(self, items):
        """Put items into the queue, some of them a task: customers, of whom possible duplicates are looked
        for first, and documents."""
        self.ensure_one()
        customers = items.filtered(lambda item: item.kind == "customer")
        documents = items - customers
        if self.kind == "csv":
            self._enqueue_file(customers, documents)
            return
        unchecked = customers.filtered(lambda item: not item.checked and item.state == "waiting")
        if unchecked:
            self._enqueue_checks(unchecked, send=True)
        self._enqueue_sending("accounting_customers", customers - unchecked)
        self._enqueue_sending("accounting_invoices", documents)

    def _enqueue_checks(self, items, send):
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "accounting_check",
                    "record": self,
                    "parameters": {"item_ids": ids, "send": send},
                    "exclusive_key": self._exclusive_key(),
                }
                for ids in split_every(CHECKED_AT_ONCE, items.ids, list)
            ]
        )

    def _enqueue_sending(self, code, items):
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": code,
                    "record": self,
                    "parameters": {"item_ids": ids},
                    "exclusive_key": self._exclusive_key(),
                    "identity_key": f"{code}:{self.id}:{ids[0]}:{ids[-1]}:{len(ids)}",
                }
                for ids in split_every(BATCH, items.ids, list)
            ]
        )

    def _exclusive_key(self):
        """Return the key by which one task at a time talks to the other side: its tokens change, and it
        counts calls."""
        return f"accounting:{self.id}"

    def _is_at_work(self):
        """Return whether tasks of this connection wait or run."""
        tasks = self.env["billing.task"].sudo()
        codes = (
            "accounting_check",
            "accounting_customers",
            "accounting_invoices",
            "accounting_payments",
            "accounting_book",
            "accounting_file",
        )
        return any(tasks.search_count(tasks._live_domain(self, code), limit=1) for code in codes)
