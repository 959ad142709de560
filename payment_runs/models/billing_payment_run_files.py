import hashlib

from psycopg2.extras import Json

from odoo import fields, models
from odoo.tools import SQL

from ...billing_tasks.exceptions import FatalTaskError
from ..accounts import needs_address
from ..netting import to_units
from ..pain008 import Creditor, Debit, FileProblems, MissingLibrary, write_file
from ..sepa_text import is_allowed, sepa_name, sepa_text
from ..sets import values_of

#: the parts of a mandate that a file announces the change of, as the file's writer calls them
ANNOUNCED = {
    "announced_reference": "mandate",
    "announced_iban": "account",
    "announced_creditor_id": "creditor_id",
    "announced_creditor_name": "creditor_name",
}


class BillingPaymentRun(models.Model):
    """The files of a run for the bank, and what they put on record of mandates."""

    _inherit = "billing.payment.run"

    # === FILES === #

    def _write_files(self, debits):
        """Return the files, one for each scheme.

        :param dict debits: ``{scheme: [(line id, what the file says of it)]}``
        """
        files = self.env["billing.payment.file"]
        for scheme, rows in debits.items():
            # Blocks are numbered in the order of lines.
            rows.sort(key=lambda row: row[0])
            message_id = f"{self.number}-{scheme}"
            content = self._file_content(scheme, message_id, rows)
            file = files.create(
                {
                    "run_id": self.id,
                    "scheme": scheme,
                    "name": f"{message_id}.xml",
                    "message_id": message_id,
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "line_count": len(rows),
                    "amount": sum(debit.cents for _line_id, debit in rows) / 100,
                }
            )
            file._keep(content)
            files += file
        return files

    def _file_content(self, scheme, message_id, rows):
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
        try:
            return write_file(
                company.billing_pain_version,
                scheme,
                message_id,
                now.replace(tzinfo=None),
                creditor,
                [debit for _line_id, debit in rows],
            )
        except MissingLibrary as error:
            raise FatalTaskError(
                self.env._(
                    "The server lacks the Python package sepaxml. Have it installed: "
                    "pip install sepaxml."
                )
            ) from error
        except FileProblems as error:
            raise FatalTaskError(self._problem_text(error.problems, rows)) from error

    def _debits(self, lines):
        """Return what the file says of each line."""
        creditor = self.company_id._announced_creditor()
        return [self._debit(line, creditor) for line in lines]

    def _debit(self, line, creditor):
        mandate, partner = line.mandate_id, line.partner_id
        account = mandate.partner_bank_id
        amended = mandate._amendments(creditor)
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
            address=self._address(partner) if needs_address(account.sanitized_acc_number) else {},
            amended={
                ANNOUNCED[key]: value if is_allowed(value) else sepa_name(value)
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

    def _problem_text(self, problems, rows):
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
            who = self.number
            if place is not None:
                line = self.env["billing.payment.line"].browse(rows[place][0])
                who = line.partner_id.display_name
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
        creditor = self.company_id._announced_creditor()
        for mandate, some in lines.grouped("mandate_id").items():
            now = mandate._announced(creditor)
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
