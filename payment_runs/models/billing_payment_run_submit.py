import base64
import hashlib
from collections import defaultdict
from datetime import timedelta

from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, split_every

from ...billing_tasks.exceptions import FatalTaskError
from ..netting import net, to_units
from ..pain008 import Creditor, Debit, FileProblems, MissingLibrary, write_file
from ..sepa_text import is_allowed, sepa_name, sepa_text
from ..sequences import sequence_types
from ..sets import values_of
from .billing_payment_line import COLLECTED_STATES

#: how many lines one task posts
BATCH = 500


class BillingPaymentRun(models.Model):
    """From a confirmed run to its files and payments, by tasks."""

    _inherit = "billing.payment.run"

    # === TASKS === #

    def _enqueue(self, step, **parameters):
        """Queue a step of the run."""
        self.env["billing.task"].sudo().enqueue(
            self._task_code(),
            self,
            {"step": step, **parameters},
            identity_key=f"payment_run:{self.id}:{step}",
            exclusive_key=f"payment_run:{self.id}",
        )

    def _task_code(self):
        """Return the code of the tasks that submit the run and post its payments."""
        self.ensure_one()
        return "book_card_payments" if self.method == "card" else "collect_direct_debit"

    @api.model
    def _task_collect(self, task):
        """Do the step that a task is for."""
        run = task.env["billing.payment.run"].browse(task.res_id).exists()
        parameters = task.parameters or {}
        if parameters.get("step") == "submit":
            return run._submit()
        lines = task.env["billing.payment.line"].browse(parameters.get("line_ids", []))
        return run._post_lines(lines.exists())

    @api.model
    def _task_collect_failed(self, task):
        """Leave the reason on the run."""
        run = task.env["billing.payment.run"].browse(task.res_id).exists()
        run._own().write({"problem": task.error_message})

    # === SUBMITTING === #

    def _check_creditor(self):
        """Check what the settings need to hold before a file can be written.

        :raise UserError: naming what is missing
        """
        self.ensure_one()
        company = self.company_id.sudo()
        journal = company.billing_debit_journal_id
        missing = [
            text
            for there, text in (
                (company._creditor_id(), self.env._("the creditor identifier")),
                (journal, self.env._("the bank journal")),
                (
                    journal.bank_account_id.acc_number or not journal,
                    self.env._("the account number of the bank journal"),
                ),
            )
            if not there
        ]
        if missing:
            raise UserError(
                self.env._(
                    "An administrator has to set in the settings, under Direct Debit: %s.",
                    ", ".join(missing),
                )
            )

    def _submit(self):
        """Write the files and have the payments posted, all in one transaction: a file that cannot
        be written leaves the run as it was."""
        self.ensure_one()
        if self.state != "confirmed":
            return {"message": self.env._("%s was submitted before.", self.number)}
        self = self.with_company(self.company_id)
        lines = self._take_off_credits(self._lock_lines("confirmed"))
        lines = self._with_present_mandates(lines)
        if not lines:
            raise FatalTaskError(self.env._("Nothing is left to collect."))
        files = self._write_files(lines)
        self._use_mandates(lines)
        lines._set_state("submitted")
        self._set_state("submitted", {"commenced_date": fields.Datetime.now(), "problem": False})
        self._enqueue_posting(lines)
        return {"lines": len(lines), "files": files.mapped("name")}

    def _take_off_credits(self, lines):
        """Lower amounts by what was paid or credited since they were confirmed, never raise them.

        :return: the lines with something left to collect
        """
        items, credits = self._open_items(lines.move_line_id.ids)
        left, _pairs = net(items, credits)
        places = self.currency_id.decimal_places
        paid = lines.browse()
        for line in lines:
            units = min(left.get(line.move_line_id.id, 0), to_units(line.amount, places))
            if not units:
                paid += line
            elif units != to_units(line.amount, places):
                line._own().write({"amount": units / 10**places})
        paid._set_state("cancelled", {"error_code": "paid"})
        return lines - paid

    def _with_present_mandates(self, lines):
        """Leave out lines whose mandate was revoked or blocked meanwhile, or that a customer now on
        hold has, and set the sequence types as they are now."""
        held = lines.partner_id._held_from_collection(self.collection_date)
        by_mandate = defaultdict(lines.browse)
        gone, kinds = defaultdict(lines.browse), defaultdict(lines.browse)
        for line in lines:
            if line.partner_id.id in held:
                gone["hold"] += line
            else:
                by_mandate[line.mandate_id] += line
        for mandate, some in by_mandate.items():
            usable = mandate.state == "active" and mandate.expiry_date > self.collection_date
            code = self._mandate_problem(mandate if usable else None)
            if code:
                gone[code] += some
                continue
            for line, kind in zip(
                some,
                sequence_types(mandate.kind, mandate.collection_count, mandate.is_last, len(some)),
                strict=True,
            ):
                if not kind:
                    gone["one_off"] += line
                elif line.sequence_type != kind:
                    kinds[kind] += line
        for code, some in gone.items():
            some._set_state("cancelled", {"error_code": code})
            lines -= some
        for kind, some in kinds.items():
            some._own().write({"sequence_type": kind})
        return lines

    # === FILES === #

    def _write_files(self, lines):
        """Return the files of the lines, one for each scheme."""
        files = self.env["billing.payment.file"]
        vals_list = []
        for scheme, some in lines.grouped(lambda line: line.mandate_id.scheme).items():
            message_id = f"{self.number}-{scheme}"
            content = self._file_content(scheme, message_id, some)
            vals_list.append(
                {
                    "run_id": self.id,
                    "scheme": scheme,
                    "name": f"{message_id}.xml",
                    "message_id": message_id,
                    "content": base64.b64encode(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "line_count": len(some),
                    "amount": sum(some.mapped("amount")),
                }
            )
        return files.create(vals_list)

    def _file_content(self, scheme, message_id, lines):
        company = self.company_id
        journal = company.billing_debit_journal_id
        account = journal.bank_account_id
        creditor = Creditor(
            name=sepa_name(company._creditor_name()),
            creditor_id=company._creditor_id(),
            iban=account.sanitized_acc_number,
            bic=(account.bank_bic or "").replace(" ", "").upper(),
        )
        now = fields.Datetime.context_timestamp(
            self.with_context(tz=company._billing_zone()), fields.Datetime.now()
        )
        debits = [self._debit(line) for line in lines]
        try:
            return write_file(
                company.billing_pain_version,
                scheme,
                message_id,
                now.replace(tzinfo=None),
                creditor,
                debits,
            )
        except MissingLibrary as error:
            raise FatalTaskError(
                self.env._(
                    "The server lacks the Python package sepaxml. Have it installed: "
                    "pip install sepaxml."
                )
            ) from error
        except FileProblems as error:
            raise FatalTaskError(self._problem_text(error.problems, lines)) from error

    def _debit(self, line):
        """Return what the file says of a line."""
        mandate, partner = line.mandate_id, line.partner_id
        account = mandate.partner_bank_id
        amended = mandate._amendments()
        names = {
            "announced_reference": "mandate",
            "announced_iban": "account",
            "announced_creditor_id": "creditor_id",
            "announced_creditor_name": "creditor_name",
        }
        invoice = line.move_id
        text = invoice.payment_reference or invoice.name
        if invoice.name not in text:
            text = f"{invoice.name} {text}"
        return Debit(
            reference=line.reference,
            cents=to_units(line.amount, 2),
            name=sepa_name(account.acc_holder_name or partner.name, f"Customer {partner.id}"),
            iban=account.sanitized_acc_number,
            bic=(account.bank_bic or "").replace(" ", "").upper(),
            mandate=mandate.reference,
            signed=mandate.signed_date,
            sequence_type=line.sequence_type,
            day=line.collection_date,
            text=sepa_text(text, 140),
            address=self._address(partner),
            amended={
                names[key]: value if is_allowed(value) else sepa_name(value)
                for key, value in amended.items()
            },
        )

    @staticmethod
    def _address(partner):
        values = {
            "street": partner.street,
            "zip": partner.zip,
            "town": partner.city,
            "country": partner.country_id.code,
        }
        return {key: sepa_text(value, 70) for key, value in values.items() if value}

    def _problem_text(self, problems, lines):
        """Return in words what may not stand in the file, by customer."""
        texts = {
            "creditor_name": self.env._("the creditor's name"),
            "creditor_id": self.env._("the creditor identifier"),
            "creditor_iban": self.env._("the IBAN of the bank journal"),
            "creditor_bic": self.env._("the BIC of the bank journal's bank"),
            "amount": self.env._("the amount"),
            "name": self.env._("the account holder's name"),
            "iban": self.env._("the IBAN"),
            "bic": self.env._("the BIC"),
            "address": self.env._("the address (town and country)"),
            "reference": self.env._("the reference"),
            "twice": self.env._("the reference, which stands twice"),
            "mandate": self.env._("the mandate's reference"),
            "signed": self.env._("the day of signature"),
            "past": self.env._("the collection date, which is over"),
            "sequence": self.env._("the sequence type"),
            "first_twice": self.env._("the sequence type: a first or last collection is one"),
            "text": self.env._("the text"),
            "schema": self.env._("the file as a whole"),
        }
        parts = []
        for place, code, value in problems[:10]:
            who = self.number if place is None else lines[place].partner_id.display_name
            parts.append(
                self.env._(
                    "%(who)s: %(what)s (%(value)s)",
                    who=who,
                    what=texts.get(code, code),
                    value=value,
                )
            )
        return self.env._("The bank would not take the file. Correct: %s", "; ".join(parts))

    # === MANDATES === #

    def _use_mandates(self, lines):
        """Put on the mandates that they are collected with, and what is announced of them; the lines
        keep what was announced before."""
        self.env.flush_all()
        uses, before = [], []
        for mandate, some in lines.grouped("mandate_id").items():
            now = mandate._announced()
            old = {name: mandate[name] for name in now}
            if any(old[name] != value for name, value in now.items()):
                before.append((some[0].id, Json(old)))
            uses.append((mandate.id, len(some), *now.values()))
        for some in values_of(uses):
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE billing_mandate m
                       SET collection_count = COALESCE(m.collection_count, 0) + v.number,
                           last_collection_date = GREATEST(m.last_collection_date, %s),
                           announced_reference = v.reference, announced_iban = v.iban,
                           announced_creditor_id = v.creditor_id,
                           announced_creditor_name = v.creditor_name
                      FROM (VALUES %s) AS v(id, number, reference, iban, creditor_id, creditor_name)
                     WHERE m.id = v.id
                    """,
                    self.collection_date,
                    some,
                )
            )
        for some in values_of(before):
            self.env.cr.execute(
                SQL(
                    "UPDATE billing_payment_line l SET mandate_before = v.before::jsonb"
                    " FROM (VALUES %s) AS v(id, before) WHERE l.id = v.id",
                    some,
                )
            )
        lines.invalidate_recordset(["mandate_before"])
        mandates = lines.mandate_id
        mandates.invalidate_recordset()
        last = lines.filtered(lambda line: line.sequence_type in ("OOFF", "FNAL"))
        last.mandate_id._set_state("ended", {"ended_date": self.collection_date})

    # === POSTING === #

    def _enqueue_posting(self, lines):
        """Have the payments posted, some lines a task, one journal at a time."""
        journal = self.company_id.billing_debit_journal_id
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "collect_direct_debit",
                    "record": self,
                    "parameters": {"step": "post", "line_ids": list(ids)},
                    "exclusive_key": f"journal:{journal.id}",
                }
                for ids in split_every(BATCH, lines.ids)
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
        credits = self._credit_pairs(lines)
        payments = self._create_payments(lines)
        items = self.env["account.move.line"]
        plan = [items.browse(pair) for pair in credits]
        for line, payment in zip(lines, payments, strict=True):
            received = payment.move_id.line_ids.filtered(
                lambda item, line=line: item.account_id == line.move_line_id.account_id
            )
            plan.append(line.move_line_id + received)
        items._reconcile_plan(plan)
        return {"payments": len(payments)}

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
            tracking_disable=True, skip_invoice_sync=True, mail_create_nosubscribe=True
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
            states = set(run.line_ids.mapped("state"))
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
