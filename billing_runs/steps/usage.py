from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ...billing_tasks.texts import labels

#: states in which a file of calls keeps usage from being billed
WAITING_STATES = ("pending", "processing", "error", "duplicate", "held")
#: of these, the states in which it can be had processed
TO_PROCESS_STATES = ("pending", "error")


class BillingRun(models.Model):
    """What there is to know, and to do, about usage before a run bills it."""

    _inherit = "billing.run"

    cdr_ignored_ids = fields.One2many(
        "billing.run.cdr.ignored", "run_id", string="Ignored Files", readonly=True
    )

    # === ACTIONS === #

    def action_view_waiting_cdr_files(self):
        """Open the files of calls that wait for somebody."""
        self.ensure_one()
        self.check_access("read")
        return self._open_cdr_files(self._cdr_file_domain("waiting"))

    def action_view_cdr_files(self, carrier_id, which):
        """Open a carrier's files.

        :param str which: those of the run's month (``now``), of the one before (``before``), or those
            that wait (``waiting``)
        """
        self.ensure_one()
        self.check_access("read")
        domain = self._cdr_file_domain(which) & Domain("carrier_id", "=", int(carrier_id))
        return self._open_cdr_files(domain)

    def action_view_usage_errors(self, fixed_fees=False, code=None):
        """Open the open billing errors, of calls or of fixed fees; those of one problem with
        ``code``."""
        self.ensure_one()
        self.check_access("read")
        domain = self._usage_error_domain(fixed_fees)
        if code:
            domain &= Domain("code", "=", code)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Billing Errors"),
            "res_model": "billing.error",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(domain),
        }

    def action_fetch_cdrs(self):
        """Look for new files now at all carriers whose files come from a server or by e-mail."""
        self.ensure_one()
        self._check_works_on_cdrs()
        carriers = self._carriers_to_fetch()
        if not carriers:
            raise UserError(
                self.env._("No carrier has a server or mailbox from which files are fetched.")
            )
        return carriers.action_fetch()

    def action_process_cdrs(self):
        """Have the files that wait, and those in error, processed now."""
        self.ensure_one()
        self._check_works_on_cdrs()
        files = self._cdr_files_to_process()
        if not files:
            raise UserError(self.env._("No file waits to be processed."))
        return files.action_process()

    def action_ignore_cdrs(self):
        """Open the dialog that goes on without the files that are missing or wait, for a reason."""
        self.ensure_one()
        self._check_works_on_cdrs()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Go On without These Files"),
            "res_model": "billing.run.cdr.ignore",
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_run_id": self.id},
        }

    def _open_cdr_files(self, domain):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("CDR Files"),
            "res_model": "cdr.file",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(domain),
        }

    # === FILES === #

    def _usage_carriers(self):
        """Return the carriers that files are expected of."""
        return self.env["cdr.carrier"].search([("company_id", "=", self.company_id.id)])

    def _carriers_to_fetch(self):
        """Return the carriers whose files can be fetched now."""
        return self._usage_carriers()._that_can_be_fetched()

    def _is_fetching_cdrs(self):
        """Return whether a carrier's server is being looked at now."""
        return self._usage_carriers()._is_being_fetched()

    def _cdr_files_to_process(self):
        """Return the files that wait to be processed, and those in error."""
        return self.env["cdr.file"].search(
            Domain("company_id", "=", self.company_id.id) & Domain("state", "in", TO_PROCESS_STATES)
        )

    def _cdr_file_domain(self, which):
        """Return the domain of the company's files: see ``action_view_cdr_files``."""
        mine = Domain("company_id", "=", self.company_id.id)
        if which == "waiting":
            return mine & Domain("state", "in", WAITING_STATES)
        month = self.cutoff_date and self.cutoff_date.replace(day=1)
        if which == "before":
            month = month and month - relativedelta(months=1)
        processed = Domain("kind", "=", "calls") & Domain("state", "=", "processed")
        return mine & processed & Domain("period", "=", month and fields.Date.to_string(month))

    def _usage_files(self):
        """Return what came of each carrier in the month of the cutoff day and the one before.

        :return: list of dicts: ``carrier``, ``expected``, ``files``, ``lines``, ``files_before``,
            ``lines_before``, ``missing`` files, the files of any month that are ``waiting``,
            ``reason``, for which all of that is ignored, and whether any of it is ``unsettled``
        """
        files = self.env["cdr.file"]
        counts = {}
        for which in ("now", "before"):
            for carrier, count, lines in files._read_group(
                self._cdr_file_domain(which), ["carrier_id"], ["__count", "line_count:sum"]
            ):
                counts[carrier, which] = (count, lines)
        waiting = files.search(self._cdr_file_domain("waiting")).grouped("carrier_id")
        ignored = {row.carrier_id: row for row in self.cdr_ignored_ids}
        rows = []
        for carrier in self._usage_carriers():
            now, before = (counts.get((carrier, which), (0, 0)) for which in ("now", "before"))
            row = {
                "carrier": carrier,
                "expected": carrier.expected_files,
                "files": now[0],
                "lines": now[1],
                "files_before": before[0],
                "lines_before": before[1],
                "missing": max(carrier.expected_files - now[0], 0),
                "waiting": waiting.get(carrier, files),
            }
            note = ignored.get(carrier, self.env["billing.run.cdr.ignored"])
            open_files = row["waiting"] - note.file_ids
            row["unsettled"] = bool(row["missing"] > note.missing_count or open_files)
            row["reason"] = note.reason if not row["unsettled"] else False
            rows.append(row)
        return rows

    def _check_works_on_cdrs(self):
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(
                self.env._("Only billing managers may fetch, process or ignore CDR files.")
            )
        self.check_access("read")

    def _ignore_cdrs(self, carriers, reason):
        """Put on record that the run goes on without what is missing of carriers or waits.

        :param str reason: why, in words that are kept
        :raise UserError: there is nothing to ignore, or no reason
        """
        self.ensure_one()
        self._check_works_on_cdrs()
        reason = (reason or "").strip().rstrip(".")
        if not reason:
            raise UserError(self.env._("Say why the files are ignored."))
        rows = [
            row for row in self._usage_files() if row["unsettled"] and row["carrier"] in carriers
        ]
        if not rows:
            raise UserError(self.env._("No file of these carriers is missing or waits."))
        notes = self.env["billing.run.cdr.ignored"].sudo()
        notes.search(
            [("run_id", "=", self.id), ("carrier_id", "in", [row["carrier"].id for row in rows])]
        ).unlink()
        notes.create(
            [
                {
                    "run_id": self.id,
                    "carrier_id": row["carrier"].id,
                    "missing_count": row["missing"],
                    "file_ids": [fields.Command.set(row["waiting"].ids)],
                    "reason": reason,
                    "user_id": self.env.uid,
                }
                for row in rows
            ]
        )
        self.invalidate_recordset(["cdr_ignored_ids"])
        self.message_post(
            body=self.env._(
                "Goes on without files of %(carriers)s: %(reason)s.",
                carriers=", ".join(row["carrier"].name for row in rows),
                reason=reason,
            )
        )

    # === ERRORS === #

    def _usage_error_domain(self, fixed_fees):
        codes = self.env["billing.error"]._fixed_fee_codes()
        return (
            Domain("company_id", "=", self.company_id.id)
            & Domain("state", "=", "open")
            & Domain("code", "in" if fixed_fees else "not in", codes)
        )

    def _usage_errors(self, fixed_fees):
        """Return the open causes by problem: ``code``, ``label``, ``errors``, ``records``, what they
        cost as ``amount``, and as text in ``cost``."""
        errors = self.env["billing.error"]
        names = labels(errors, "code")
        currency = self.company_id.currency_id
        return [
            {
                "code": code,
                "label": names[code],
                "errors": count,
                "records": records,
                "amount": currency.round(cost or 0.0),
                "cost": currency.format(cost or 0.0),
            }
            for code, count, records, cost in errors._read_group(
                self._usage_error_domain(fixed_fees),
                ["code"],
                ["__count", "record_count:sum", "cost:sum"],
            )
        ]
