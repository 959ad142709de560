from dateutil.relativedelta import relativedelta

from odoo import models
from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import labels
from .step import Step

_lt = LazyTranslate(__name__)

#: states in which a file of calls keeps usage from being billed
WAITING_STATES = ("pending", "processing", "error", "duplicate", "held")


class Cdrs(Step):
    """Files of calls, carrier by carrier, beside those of the month before."""

    code = "cdrs"
    title = _lt("Check CDRs")
    place = 40
    confirm_label = _lt("Confirm CDRs Processed")

    def is_hidden(self, run):
        return not run._usage_carriers()

    def show(self, run, before):
        rows = run._usage_files()
        waiting = sum(row["waiting"] for row in rows)
        missing = [row for row in rows if row["files"] < row["expected"]]
        sentences = []
        if waiting:
            sentences.append(run.env._("Files wait to be processed, released or ignored."))
        sentences += [
            run.env._(
                "%(carrier)s: %(count)s of %(expected)s files.",
                carrier=row["carrier"].name,
                count=row["files"],
                expected=row["expected"],
            )
            for row in missing
        ]
        fetching = any(row["carrier"].way_in in ("ftp", "ftps", "sftp") for row in rows)
        return {
            "state": "attention" if sentences else "todo",
            "sentence": " ".join(sentences)
            or run.env._("Every carrier's files of the month are processed."),
            "numbers": {
                str(row["carrier"].id): [row["files"], row["lines"], row["waiting"]] for row in rows
            },
            "links": [
                {
                    "label": run.env._("files that wait"),
                    "count": waiting,
                    "method": "action_view_waiting_cdr_files",
                }
            ]
            if waiting
            else [],
            "buttons": [
                {
                    "method": "action_fetch_cdrs",
                    "label": run.env._("Fetch Files"),
                    "primary": False,
                }
            ]
            if fetching
            else [],
            "table": {
                "labels": 1,
                "head": [
                    run.env._("Carrier"),
                    run.env._("Files"),
                    run.env._("Lines"),
                    run.env._("Files Before"),
                    run.env._("Lines Before"),
                    run.env._("Waiting"),
                ],
                "rows": [
                    [
                        row["carrier"].name,
                        row["files"],
                        row["lines"],
                        row["files_before"],
                        row["lines_before"],
                        row["waiting"],
                    ]
                    for row in rows
                ],
            },
        }


class _Errors(Step):
    """Causes that keep usage from being billed, by problem."""

    #: whether it is about fixed fees
    fixed_fees = False

    def show(self, run, before):
        rows = run._usage_errors(self.fixed_fees)
        count = sum(row["errors"] for row in rows)
        return {
            "state": "attention" if rows else "todo",
            "sentence": run.env._("What they stop is not on the bills of this run.")
            if rows
            else run.env._("Nothing is open."),
            "numbers": {row["code"]: [row["errors"], row["records"], row["cost"]] for row in rows},
            "links": [
                {
                    "label": run.env._("open errors"),
                    "count": count,
                    "method": "action_view_usage_errors",
                    "args": [self.fixed_fees],
                }
            ]
            if rows
            else [],
            "table": {
                "labels": 1,
                "head": [
                    run.env._("Problem"),
                    run.env._("Errors"),
                    run.env._("Calls"),
                    run.env._("Cost, at Least"),
                ],
                "rows": [
                    [row["label"], row["errors"], row["records"], row["cost"]] for row in rows
                ],
            }
            if rows
            else None,
        }


class BillingErrors(_Errors):
    code = "billing_errors"
    title = _lt("Check billing errors")
    place = 45
    confirm_label = _lt("Confirm Errors Checked")

    def is_hidden(self, run):
        return not run._usage_carriers()


class FixedFeeErrors(_Errors):
    code = "fixed_fee_errors"
    title = _lt("Check fixed fee errors")
    place = 50
    confirm_label = _lt("Confirm Fixed Fee Errors Checked")
    fixed_fees = True

    def is_hidden(self, run):
        return not run.env["cdr.file"].search_count(
            [("company_id", "=", run.company_id.id), ("kind", "=", "fixed_fee")], limit=1
        )


class BillingRun(models.Model):
    """What there is to know about usage before a run bills it."""

    _inherit = "billing.run"

    # === ACTIONS === #

    def action_view_waiting_cdr_files(self):
        """Open the files of calls that wait for somebody."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("CDR Files"),
            "res_model": "cdr.file",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(self._usage_file_domain() & Domain("state", "in", WAITING_STATES)),
        }

    def action_view_usage_errors(self, fixed_fees=False):
        """Open the open billing errors, of calls or of fixed fees."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Billing Errors"),
            "res_model": "billing.error",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(self._usage_error_domain(fixed_fees)),
        }

    def action_fetch_cdrs(self):
        """Look for new files at all carriers that have a server."""
        self.ensure_one()
        self.check_access("read")
        carriers = self._usage_carriers()
        return carriers.filtered(
            lambda carrier: carrier.way_in in ("ftp", "ftps", "sftp")
        ).action_fetch()

    # === BUSINESS === #

    def _usage_carriers(self):
        """Return the carriers that files are expected of."""
        return self.env["cdr.carrier"].search([("company_id", "=", self.company_id.id)])

    def _usage_file_domain(self):
        return Domain("company_id", "=", self.company_id.id)

    def _usage_files(self):
        """Return what came of each carrier in the month of the cutoff day and the one before.

        :return: list of dicts: ``carrier``, ``expected``, ``files``, ``lines``, ``files_before``,
            ``lines_before`` and ``waiting``, files of any month
        """
        files = self.env["cdr.file"]
        month = self.cutoff_date and self.cutoff_date.replace(day=1)
        counts = {}
        for name, domain in (
            ("now", Domain("period", "=", month) & Domain("state", "=", "processed")),
            (
                "before",
                Domain("period", "=", month and month - relativedelta(months=1))
                & Domain("state", "=", "processed"),
            ),
            ("waiting", Domain("state", "in", WAITING_STATES)),
        ):
            for carrier, count, lines in files._read_group(
                self._usage_file_domain() & domain, ["carrier_id"], ["__count", "line_count:sum"]
            ):
                counts[carrier, name] = (count, lines)
        rows = []
        for carrier in self._usage_carriers():
            now, before, waiting = (
                counts.get((carrier, name), (0, 0)) for name in ("now", "before", "waiting")
            )
            rows.append(
                {
                    "carrier": carrier,
                    "expected": carrier.expected_files,
                    "files": now[0],
                    "lines": now[1],
                    "files_before": before[0],
                    "lines_before": before[1],
                    "waiting": waiting[0],
                }
            )
        return rows

    def _usage_error_domain(self, fixed_fees):
        codes = self.env["billing.error"]._fixed_fee_codes()
        return (
            Domain("company_id", "=", self.company_id.id)
            & Domain("state", "=", "open")
            & Domain("code", "in" if fixed_fees else "not in", codes)
        )

    def _usage_errors(self, fixed_fees):
        """Return the open causes by problem: ``code``, ``label``, ``errors``, ``records`` and
        ``cost`` as text."""
        errors = self.env["billing.error"]
        names = labels(errors, "code")
        currency = self.company_id.currency_id
        return [
            {
                "code": code,
                "label": names[code],
                "errors": count,
                "records": records,
                "cost": currency.format(cost or 0.0),
            }
            for code, count, records, cost in errors._read_group(
                self._usage_error_domain(fixed_fees),
                ["code"],
                ["__count", "record_count:sum", "cost:sum"],
            )
        ]
