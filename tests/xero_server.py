"""Xero for tests, on this machine: an HTTP server that reads every request and writes every answer
through the models and the serializer of Xero's own SDK.

It keeps Xero's rules as far as they matter here: tokens that end and rotate, one organisation at a time,
pages, limits of calls, idempotency keys, unique names and numbers, and what it checks of accounts, taxes,
lines and dates. `faults` says what goes wrong with the next requests.
"""

import base64
import hashlib
import json
import re
import threading
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from xero_python.accounting import models
from xero_python.api_client import ModelFinder
from xero_python.api_client.deserializer import deserialize
from xero_python.api_client.serializer import serialize
from xero_python.identity import models as identity

try:
    from .xero_people import XeroPeople
except ImportError:  # read by a program of its own
    from xero_people import XeroPeople

CLIENT, SECRET = "client", "client-password"
CENT = Decimal("0.01")
_CONDITION = re.compile(r'(\w+)==(?:GUID\()?"([^"]*)"\)?', re.IGNORECASE)
_TRUE = {"true", "True"}


class Drop(Exception):
    """The connection is closed instead of an answer."""


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status, data=None, headers=None):
        super().__init__(status)
        self.status, self.data, self.headers = status, data or {}, headers or {}


class XeroServer(XeroPeople):
    """One organisation of Xero, and who may enter it."""

    def __init__(self, per_minute=60, token_seconds=1800, grace=True):
        self.per_minute = per_minute
        self.token_seconds = token_seconds
        self.grace = grace
        self.lock = threading.RLock()
        self.tenant = str(uuid.uuid4())
        self.tenants = [
            identity.Connection(
                id=str(uuid.uuid4()),
                tenant_id=self.tenant,
                tenant_type="ORGANISATION",
                tenant_name="Provider Ltd in Xero",
            )
        ]
        self.access = {}  # token: when it ends
        self.refresh = {}  # refresh token: the one that followed it, None while none did
        self.codes = {}  # code: (challenge, redirect)
        self.calls = []  # times of calls of the accounting API
        self.requests = []  # (method, path, idempotency key)
        self.exchanges = []  # (method, url, headers, body, status, answer body), where recorded
        self.record = False
        self.faults = []  # [method, path, what, how often]
        self.kept = {}  # idempotency key: (body, status, answer)
        self.contacts, self.invoices, self.credit_notes, self.payments = {}, {}, {}, {}
        self.lock_date = None
        self.busy = 0
        self.most_busy = 0
        self.accounts = [
            models.Account(
                code="200", name="Sales", type=models.AccountType.REVENUE, status="ACTIVE"
            ),
            models.Account(
                code="260", name="Other Revenue", type=models.AccountType.REVENUE, status="ACTIVE"
            ),
            models.Account(
                code="400", name="Old", type=models.AccountType.REVENUE, status="ARCHIVED"
            ),
            models.Account(
                code="090",
                name="Business Bank",
                type=models.AccountType.BANK,
                status="ACTIVE",
                enable_payments_to_account=True,
            ),
        ]
        self.tax_rates = [
            models.TaxRate(
                name="15% on sales",
                tax_type="OUTPUT2",
                status="ACTIVE",
                effective_rate=Decimal("15"),
                can_apply_to_revenue=True,
            ),
            models.TaxRate(
                name="No tax",
                tax_type="NONE",
                status="ACTIVE",
                effective_rate=Decimal("0"),
                can_apply_to_revenue=True,
            ),
        ]
        self.tracking = self.make_tracking()
        self._server = None

    # === LIFE === #

    def __enter__(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server._serve(self, "GET")

            def do_PUT(self):
                server._serve(self, "PUT")

            def do_POST(self):
                server._serve(self, "POST")

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # === ONE REQUEST === #

    def _serve(self, handler, method):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        parts = urlsplit(handler.path)
        with self.lock:
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        try:
            with self.lock:
                status, data, headers = self._answer(method, parts, handler.headers, body)
        except Drop:
            handler.close_connection = True
            with closing(handler.connection):
                return
        except Refused as refused:
            status, data, headers = refused.status, refused.data, refused.headers
        finally:
            with self.lock:
                self.busy -= 1
        content = json.dumps(data).encode()
        if self.record:
            self.exchanges.append(
                (method, handler.path, dict(handler.headers), body, status, content)
            )
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _answer(self, method, parts, headers, body):
        path = parts.path
        key = headers.get("Idempotency-Key")
        self.requests.append((method, path, key))
        name = path.rsplit("/", 1)[-1]
        fault = self._fault(method, name)
        if fault == "drop_before":
            raise Drop
        if fault == "limit":
            raise Refused(429, {}, {"Retry-After": "7", "X-Rate-Limit-Problem": "minute"})
        if fault == "day":
            raise Refused(429, {}, {"Retry-After": "43200", "X-Rate-Limit-Problem": "day"})
        if isinstance(fault, int):
            raise Refused(fault, {"Title": "Fault", "Detail": f"fault {fault}"})
        if path == "/connect/token":
            answer = self._token(headers, parse_qs(body.decode()))
        else:
            self._check_token(headers)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if path == "/Connections":
                answer = serialize(self.tenants)
            else:
                self._check_tenant(headers)
                self._check_limits()
                answer = self._accounting(method, name, query, headers, body, key)
        if fault == "drop_after":
            raise Drop
        if fault == "500_after":
            raise Refused(500, {"Title": "Server error"})
        return 200, answer, {"X-MinLimit-Remaining": str(self.per_minute - len(self.calls))}

    def _fault(self, method, name):
        for fault in self.faults:
            if fault[0] == method and fault[1] == name and fault[3] > 0:
                fault[3] -= 1
                return fault[2]
        return None

    # === DOOR === #

    def _token(self, headers, form):
        form = {name: values[0] for name, values in form.items()}
        wanted = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers.get("Authorization") != wanted:
            raise Refused(401, {"error": "invalid_client"})
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return self._new_tokens(False)
        if grant == "authorization_code":
            challenge, redirect = self.codes.pop(form.get("code"), (None, None))
            hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            mine = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
            if challenge != mine or redirect != form.get("redirect_uri"):
                raise Refused(400, {"error": "invalid_grant"})
            return self._new_tokens(True)
        token = form.get("refresh_token")
        if token not in self.refresh:
            raise Refused(400, {"error": "invalid_grant"})
        if self.refresh[token] is not None and not (
            self.grace and self.refresh[self.refresh[token]] is None
        ):
            # The one that followed it was used already.
            raise Refused(400, {"error": "invalid_grant"})
        tokens = self._new_tokens(True)
        self.refresh[token] = tokens["refresh_token"]
        return tokens

    def _new_tokens(self, with_refresh):
        access = uuid.uuid4().hex
        self.access[access] = time.time() + self.token_seconds
        tokens = {"access_token": access, "expires_in": self.token_seconds, "token_type": "Bearer"}
        if with_refresh:
            tokens["refresh_token"] = uuid.uuid4().hex
            self.refresh[tokens["refresh_token"]] = None
        return tokens

    def _check_token(self, headers):
        token = (headers.get("Authorization") or "").removeprefix("Bearer ")
        if self.access.get(token, 0) <= time.time():
            raise Refused(401, {"Title": "Unauthorized", "Detail": "TokenExpired: token expired"})

    def _check_tenant(self, headers):
        if headers.get("xero-tenant-id") != self.tenant:
            raise Refused(403, {"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"})

    def _check_limits(self):
        now = time.time()
        self.calls = [moment for moment in self.calls if moment > now - 60]
        if len(self.calls) >= self.per_minute:
            wait = int(self.calls[0] + 60 - now) + 1
            raise Refused(429, {}, {"Retry-After": str(wait), "X-Rate-Limit-Problem": "minute"})
        if self.busy > 5:
            raise Refused(429, {}, {"Retry-After": "1", "X-Rate-Limit-Problem": "concurrent"})
        self.calls.append(now)

    # === ACCOUNTING === #

    def _accounting(self, method, name, query, headers, body, key):
        if method == "GET":
            return self._read(name, query, headers)
        if key in self.kept:
            known, answer = self.kept[key]
            if known != body:
                raise Refused(
                    400,
                    {
                        "Title": "Bad Request",
                        "Detail": "Idempotency key was used for another request",
                    },
                )
            return answer
        data = json.loads(body, parse_float=Decimal)
        wanted = deserialize(name, data, ModelFinder(models))
        summarize = query.get("summarizeErrors") not in ("false", "False")
        create = {
            "Contacts": self._create_contacts,
            "Invoices": self._create_invoices,
            "CreditNotes": self._create_credit_notes,
        }[name]
        answer = create(wanted, summarize)
        if key:
            self.kept[key] = (body, answer)
        return answer

    def _read(self, name, query, headers):
        if name == "Accounts":
            return serialize(models.Accounts(accounts=self.accounts))
        if name == "TaxRates":
            return serialize(models.TaxRates(tax_rates=self.tax_rates))
        if name == "TrackingCategories":
            return serialize(models.TrackingCategories(tracking_categories=self.tracking))
        store, one, several = {
            "Contacts": (self.contacts, "contact_id", "contacts"),
            "Invoices": (self.invoices, "invoice_id", "invoices"),
            "CreditNotes": (self.credit_notes, "credit_note_id", "credit_notes"),
            "Payments": (self.payments, "payment_id", "payments"),
        }[name]
        found = list(store.values())
        since = headers.get("If-Modified-Since")
        if since:
            since = datetime.fromisoformat(since)
            since = since if since.tzinfo else since.replace(tzinfo=UTC)
            found = [entry for entry in found if entry.updated_date_utc >= since]
        if query.get("IDs"):
            ids = query["IDs"].split(",")
            found = [entry for entry in found if getattr(entry, one) in ids]
        if name == "Contacts" and query.get("includeArchived") not in _TRUE:
            found = [entry for entry in found if entry.contact_status == "ACTIVE"]
        if query.get("where"):
            found = [entry for entry in found if self._fits(entry, query["where"])]
        found.sort(key=lambda entry: getattr(entry, one))
        page, size = int(query.get("page", 0)), int(query.get("pageSize", 100))
        values = {several: found}
        if page:
            values[several] = found[(page - 1) * size : page * size]
            values["pagination"] = models.Pagination(
                page=page,
                page_size=size,
                page_count=max(1, -(-len(found) // size)),
                item_count=len(found),
            )
        return serialize(getattr(models, name)(**values))

    @staticmethod
    def _fits(entry, where):
        """Is an entry what is asked for: conditions by AND, of which those in brackets by OR?"""

        def holds(condition):
            name, value = condition
            name = next(a for a, n in entry.attribute_map.items() if n.lower() == name.lower())
            return str(getattr(entry, name)) == value

        outer, _sign, inner = where.partition(" AND (")
        if not inner:
            return any(holds(condition) for condition in _CONDITION.findall(where))
        return all(holds(c) for c in _CONDITION.findall(outer)) and any(
            holds(c) for c in _CONDITION.findall(inner)
        )

    def _many(self, wanted, summarize, problems, make, several):
        """Make each that has no problem; with `summarize` one problem refuses all."""
        made, elements = [], []
        for entry in wanted:
            errors = problems(entry)
            if errors:
                entry.validation_errors = [models.ValidationError(message=e) for e in errors]
                entry.status_attribute_string = "ERROR"
                entry.has_errors = True if hasattr(entry, "has_errors") else None
                elements.append({"ValidationErrors": [{"Message": e} for e in errors]})
            elif not summarize:
                make(entry)
                entry.status_attribute_string = "OK"
            made.append(entry)
        if summarize:
            if elements:
                raise Refused(
                    400,
                    {
                        "ErrorNumber": 10,
                        "Type": "ValidationException",
                        "Message": "A validation exception occurred",
                        "Elements": elements,
                    },
                )
            for entry in made:
                make(entry)
        return serialize(getattr(models, several)(**{_snake(several): made}))

    def _create_contacts(self, wanted, summarize):
        names = {c.name.lower() for c in self.contacts.values() if c.contact_status == "ACTIVE"}

        def problems(contact):
            if not contact.name:
                return ["The contact name must be specified"]
            if contact.name.lower() in names:
                return [f"The contact name {contact.name} is already assigned to another contact."]
            names.add(contact.name.lower())
            if contact.email_address and "@" not in contact.email_address:
                return ["Email address is not a valid email address"]
            return []

        def make(contact):
            contact.contact_id = str(uuid.uuid4())
            contact.contact_status = "ACTIVE"
            contact.updated_date_utc = datetime.now(UTC)
            self.contacts[contact.contact_id] = contact

        return self._many(wanted.contacts, summarize, problems, make, "Contacts")

    def _create_invoices(self, wanted, summarize):
        taken = {i.invoice_number for i in self.invoices.values() if i.status != "DELETED"}

        def problems(invoice):
            errors = self._problems(invoice)
            if invoice.type != "ACCREC":
                errors.append("Invoice type is not valid")
            if invoice.invoice_number in taken:
                errors.append("Invoice # must be unique.")
            taken.add(invoice.invoice_number)
            return errors

        def make(invoice):
            self._complete(invoice)
            invoice.invoice_id = str(uuid.uuid4())
            invoice.amount_due, invoice.amount_paid = invoice.total, Decimal()
            self.invoices[invoice.invoice_id] = invoice

        return self._many(wanted.invoices, summarize, problems, make, "Invoices")

    def _create_credit_notes(self, wanted, summarize):
        taken = {c.credit_note_number for c in self.credit_notes.values()}

        def problems(note):
            errors = self._problems(note)
            if note.credit_note_number in taken:
                errors.append("Credit note number must be unique.")
            taken.add(note.credit_note_number)
            return errors

        def make(note):
            self._complete(note)
            note.credit_note_id = str(uuid.uuid4())
            note.remaining_credit = note.total
            self.credit_notes[note.credit_note_id] = note

        return self._many(wanted.credit_notes, summarize, problems, make, "CreditNotes")

    def _problems(self, entry):
        """What Xero says of a document that it does not take."""
        errors = []
        contact = self.contacts.get(entry.contact and entry.contact.contact_id)
        if contact is None:
            errors.append("A Contact must be specified for this type of transaction")
        elif contact.contact_status != "ACTIVE":
            errors.append("The contact is archived: archived contacts cannot be used")
        if not entry.line_items:
            errors.append("One or more line items must be specified")
        if self.lock_date and entry.date and entry.date <= self.lock_date:
            errors.append("The document date cannot be before the period lock date")
        accounts = {a.code for a in self.accounts if a.status == "ACTIVE"}
        taxes = {t.tax_type for t in self.tax_rates}
        options = {(c.name, o.name) for c in self.tracking for o in c.options}
        for line in entry.line_items or ():
            if not line.description:
                errors.append("Description is a mandatory field")
            if line.account_code not in accounts:
                errors.append(
                    f"Account code '{line.account_code}' is not a valid code for this document."
                )
            if line.tax_type not in taxes:
                errors.append(f"The TaxType code '{line.tax_type}' does not exist")
            for tracking in line.tracking or ():
                if (tracking.name, tracking.option) not in options:
                    errors.append("The tracking option does not exist")
            expected = (line.quantity * line.unit_amount).quantize(CENT, ROUND_HALF_UP)
            if expected != line.line_amount:
                errors.append(
                    f"The line total {line.line_amount} does not match the expected line total"
                    f" {expected}"
                )
        return errors

    def _complete(self, entry):
        entry.sub_total = sum((line.line_amount for line in entry.line_items), Decimal())
        entry.total_tax = sum((line.tax_amount for line in entry.line_items), Decimal())
        entry.total = entry.sub_total + entry.total_tax
        entry.updated_date_utc = datetime.now(UTC)


def _snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
