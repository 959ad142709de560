from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ..documents import folded, other_names
from ..matching import Index
from ..xero_client import Answer
from ..xero_models import PAGE, contact, contacts, document, last_page, results
from ..xero_models import models as sdk
from ..xero_texts import code_of

KEYS = {"customer": "Contacts", "invoice": "Invoices", "credit": "CreditNotes"}


class AccountingExportConnection(models.Model):
    """What is sent to Xero, what it answers, and how it is asked about what was sent before."""

    _inherit = "accounting.export.connection"

    # === SEND === #

    def _ask_send(self, task, intent):
        """Send some customers, invoices or credit notes with their key, in one request."""
        items = self.env["accounting.export.item"].browse(intent["item_ids"])
        options = {"summarize_errors": False, "idempotency_key": intent["key"]}
        if intent["kind"] == "customer":
            body = sdk().Contacts(contacts=[contact(made) for made in self._named(items)])
            return self._xero(
                lambda api, more, tenant: api.create_contacts(tenant, body, **options, **more)
            )
        documents = self._documents(items.move_id)
        made = [documents[item.move_id.id] for item in items]
        if any(isinstance(one, Exception) for one in made):
            # Changed since it was looked at: it is looked at again.
            return Answer("again")
        options["unitdp"] = 4
        bodies = [document(one, self.invoice_status) for one in made]
        if intent["kind"] == "credit":
            body = sdk().CreditNotes(credit_notes=bodies)
            return self._xero(
                lambda api, more, tenant: api.create_credit_notes(tenant, body, **options, **more)
            )
        body = sdk().Invoices(invoices=bodies)
        return self._xero(
            lambda api, more, tenant: api.create_invoices(tenant, body, **options, **more)
        )

    def _named(self, items):
        """Return customers as plain data, each with a name that no other one there has."""
        customers = [self._customer(item) for item in items]
        names = {folded(customer.name) for customer in customers}
        self.env.cr.execute(
            SQL(
                "SELECT other_name FROM accounting_export_item"
                " WHERE connection_id = %s AND kind = 'customer' AND state = 'sent'"
                " AND lower(other_name) IN %s",
                self.id,
                tuple(names),
            )
        )
        taken = [row[0] for row in self.env.cr.fetchall()] + items.candidate_ids.mapped("name")
        return other_names(customers, taken)

    def _take_send(self, task, intent, data):
        """Put on record what became of each item of a request."""
        items = self._items_of_intent(intent)
        found = results(data, KEYS[intent["kind"]])
        by_name = {entry["reference"] or entry["number"]: entry for entry in found}
        for place, item in enumerate(items):
            entry = by_name.get(item.reference)
            if entry is None and len(found) == len(items):
                entry = found[place]
            if entry is None:
                item._set_state("unknown", {"error_message": self._not_said_text()})
            elif entry["id"] and not entry["errors"]:
                item._take(entry)
            else:
                self._take_error(item, "; ".join(filter(None, entry["errors"])))

    def _take_refusal(self, items, answer):
        """Put on record that a whole request was refused: what was wrong with one of many is found by
        sending each alone."""
        data = answer.get("data") or {}
        messages = [
            error.get("Message")
            for element in data.get("Elements") or ()
            for error in element.get("ValidationErrors") or ()
        ]
        message = "; ".join(filter(None, messages)) or answer.get("problem") or ""
        if "idempotency" in message.lower():
            items._set_state("waiting", {"idempotency_key": False})
        elif len(items) > 1:
            items._set_state("waiting", {"idempotency_key": False, "alone": True})
        else:
            for item in items:
                self._take_error(item, message)

    def _take_error(self, item, message):
        """Put on record why Xero refused an item, in the user's words. A number that is taken may be this
        very document: Xero is asked about it."""
        code = code_of(message)
        if code == "number_taken" and item.error_code != "number_taken":
            item._set_state("unknown", {"error_code": code, "error_message": message[:500]})
            return
        text = self._refusal_text(code, item)
        item._refuse(code, f"{text} ({message[:500]})" if message else text)
        if code == "name_taken":
            item._own().write({"checked": False})

    def _refusal_text(self, code, item):
        """Return what Xero refused, and what to do about it."""
        texts = {
            "number_taken": self.env._(
                "Xero has another document with the number %s.", item.reference
            ),
            "name_taken": self.env._(
                "Xero has another contact with this name. Send again to look for duplicates."
            ),
            "locked": self.env._(
                "The period of %s is locked in Xero. Open it there, then send again.",
                item.move_id.invoice_date or "",
            ),
            "archived": self.env._(
                "The contact is archived in Xero. Restore it there, then send again."
            ),
            "account": self.env._(
                "Xero does not take an account. Read the choices again and correct the mapping of"
                " accounts."
            ),
            "tax": self.env._(
                "Xero does not take a tax type. Read the choices again and correct the mapping of"
                " taxes."
            ),
            "currency": self.env._(
                "Xero does not take the currency %s. Add it there, then send again.",
                item.currency_id.name or "",
            ),
            "tracking": self.env._(
                "Xero does not take a tracking option. Read the choices again and correct the mapping"
                " of analytic accounts."
            ),
            "email": self.env._(
                "Xero does not take the e-mail address. Correct it on the customer."
            ),
            "line_total": self.env._("Xero reckons a line otherwise: send this document by hand."),
        }
        return texts.get(code, self.env._("Xero refused it."))

    def _not_said_text(self):
        return self.env._("Xero said nothing about it.")

    # === ASK ABOUT WHAT WAS SENT === #

    def _ask_ask_items(self, task, intent):
        """Ask whether customers or documents are there, by the references that both know."""
        items = self.env["accounting.export.item"].browse(intent["item_ids"])
        names = [reference.replace('"', "") for reference in items.mapped("reference")]
        if intent["kind"] == "customer":
            where = " OR ".join(f'ContactNumber=="{name}"' for name in names)
            return self._xero(
                lambda api, more, tenant: api.get_contacts(
                    tenant, where=where, include_archived=True, page=1, page_size=PAGE, **more
                )
            )
        if intent["kind"] == "credit":
            where = " OR ".join(f'CreditNoteNumber=="{name}"' for name in names)
            return self._xero(
                lambda api, more, tenant: api.get_credit_notes(
                    tenant, where=where, page=1, page_size=PAGE, **more
                )
            )
        where = " OR ".join(f'InvoiceNumber=="{name}"' for name in names)
        return self._xero(
            lambda api, more, tenant: api.get_invoices(
                tenant, where=f'Type=="ACCREC" AND ({where})', page=1, page_size=PAGE, **more
            )
        )

    def _take_ask_items(self, task, intent, data):
        """Put on record what is there. What is not is sent again, with the key that it was sent with where
        nothing of that request is there."""
        items = self._items_of_intent(intent)
        found = {}
        for entry in results(data, KEYS[intent["kind"]]):
            if entry["status"] not in ("DELETED", "VOIDED"):
                found[entry["reference"] or entry["number"]] = entry
        customers = self._contact_ids(items)
        any_there = any(item.reference in found for item in items)
        for item in items:
            entry = found.get(item.reference)
            if entry is None and item.error_code == "number_taken":
                item._refuse("number_taken", self._refusal_text("number_taken", item))
            elif entry is None:
                values = {"error_code": False, "error_message": False}
                if any_there:
                    values["idempotency_key"] = False
                item._set_state("waiting", values)
            elif item._is_this(entry, customers.get(item.partner_id.id)):
                item._take(entry)
            else:
                item._refuse("number_taken", self._refusal_text("number_taken", item))

    def _contact_ids(self, items):
        """Return ``{customer: their id there}`` of the customers of documents."""
        known = self.env["accounting.export.item"].search(
            Domain("connection_id", "=", self.id)
            & Domain("kind", "=", "customer")
            & Domain("state", "=", "sent")
            & Domain("partner_id", "in", items.partner_id.ids)
        )
        return {item.partner_id.id: item.other_id for item in known}

    # === POSSIBLE DUPLICATES === #

    def _next_check_step(self, task):
        """Return the next page of contacts to look through."""
        done = self._progress_of(task)
        if done.get("all") or not self._unchecked(task):
            return None
        return {"step": "contacts", "page": done.get("page", 1)}

    def _unchecked(self, task):
        items = self.env["accounting.export.item"]
        return items.search(
            Domain("id", "in", (task.parameters or {}).get("item_ids", []))
            & Domain("connection_id", "=", self.id)
            & Domain("kind", "=", "customer")
            & Domain("state", "=", "waiting")
            & Domain("checked", "=", False)
        )

    def _ask_contacts(self, task, intent):
        return self._xero(
            lambda api, more, tenant: api.get_contacts(
                tenant,
                page=intent["page"],
                page_size=PAGE,
                include_archived=True,
                order="ContactID ASC",
                **more,
            )
        )

    def _take_contacts(self, task, intent, data):
        """Note who of a page may be a customer that is to be sent; after the last page those wait for a
        person, and the others may be sent."""
        items = self._unchecked(task)
        index = Index((item.id, self._customer(item)) for item in items)
        self._note_candidates(
            {
                (item_id, found.id): (found, reason)
                for found in contacts(data)
                for item_id, reason in index.find(found)
            }
        )
        if not last_page(data, "Contacts"):
            self._note_progress(task, page=intent["page"] + 1)
            return
        self._note_progress(task, all=True)
        items._own().write({"checked": True})
        for item in items:
            ours = item.candidate_ids.filtered(lambda c: c.reason == "reference")
            if ours:
                # Sent before, and its answer was lost.
                item._link(ours[0].other_id, ours[0].name)
        mine = items.filtered(lambda item: item.state == "waiting")
        mine.filtered("candidate_ids")._set_state("duplicate")
        if (task.parameters or {}).get("send"):
            self._enqueue_sending(
                "accounting_customers", mine.filtered(lambda item: item.state == "waiting")
            )

    def _note_candidates(self, found):
        if not found:
            return
        candidates = self.env["accounting.export.candidate"]
        known = candidates.search(
            [
                ("item_id", "in", [item_id for item_id, _other in found]),
                ("other_id", "in", [other for _item_id, other in found]),
            ]
        )
        for candidate in known:
            found.pop((candidate.item_id.id, candidate.other_id), None)
        candidates.create(
            [
                {
                    "item_id": item_id,
                    "other_id": other,
                    "name": one.name or other,
                    "email": one.email,
                    "vat": one.vat,
                    "archived": one.archived,
                    "reason": reason,
                }
                for (item_id, other), (one, reason) in found.items()
            ]
        )
