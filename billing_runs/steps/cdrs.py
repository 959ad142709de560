from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from .step import Step

_lt = LazyTranslate(__name__)


class Cdrs(Step):
    """Files of calls, carrier by carrier, beside those of the month before.

    What is missing or waits keeps it from being confirmed until it is processed, or ignored for a
    reason that stays on the run.
    """

    code = "cdrs"
    title = _lt("Check CDRs")
    place = 40
    confirm_label = _lt("Confirm CDRs Processed")

    def is_hidden(self, run):
        return not run._usage_carriers()

    def show(self, run, before):
        rows = run._usage_files()
        unsettled = any(row["unsettled"] for row in rows)
        waiting = sum(len(row["waiting"]) for row in rows)
        return {
            "state": "attention" if unsettled else "todo",
            "sentence": self._sentence(run, rows),
            "unsettled": unsettled,
            "numbers": {
                str(row["carrier"].id): [
                    row["files"],
                    row["lines"],
                    sorted(row["waiting"].ids),
                    row["expected"],
                ]
                for row in rows
            },
            "links": [
                {
                    "label": plural(
                        waiting, run.env._("file that waits"), run.env._("files that wait")
                    ),
                    "count": waiting,
                    "method": "action_view_waiting_cdr_files",
                }
            ]
            if waiting
            else [],
            "buttons": self._buttons(run, rows),
            "live": any("processing" in row["waiting"].mapped("state") for row in rows)
            or run._is_fetching_cdrs(),
            "table": self._figures(run, rows),
        }

    def _sentence(self, run, rows):
        texts = []
        for row in rows:
            values = {"carrier": row["carrier"].name}
            if row["missing"]:
                values |= {"count": row["files"], "expected": row["expected"]}
                texts.append(run.env._("%(carrier)s: %(count)s of %(expected)s files.", **values))
            if count := len(row["waiting"]):
                values["count"] = count
                texts.append(
                    plural(
                        count,
                        run.env._("%(carrier)s: 1 file waits.", **values),
                        run.env._("%(carrier)s: %(count)s files wait.", **values),
                    )
                )
            if row["reason"]:
                values["reason"] = row["reason"]
                texts.append(run.env._("%(carrier)s: ignored, %(reason)s.", **values))
        if not texts:
            return run.env._("Every carrier's files of the month are processed.")
        if any(row["unsettled"] for row in rows):
            texts.append(
                run.env._("Have them processed, or ignore them for a reason.")
                if self._is_manager(run)
                else run.env._("A billing manager has them processed or ignores them.")
            )
        return " ".join(texts)

    def _buttons(self, run, rows):
        if not self._is_manager(run):
            return []
        found = [
            (run._carriers_to_fetch(), "action_fetch_cdrs", run.env._("Fetch Now")),
            (run._cdr_files_to_process(), "action_process_cdrs", run.env._("Process First")),
            (
                any(row["unsettled"] for row in rows),
                "action_ignore_cdrs",
                run.env._("Ignore…"),
            ),
        ]
        return [
            {"method": method, "label": label, "primary": False}
            for offered, method, label in found
            if offered
        ]

    def _figures(self, run, rows):
        opens = []
        for row in rows:
            files = {
                which: {"method": "action_view_cdr_files", "args": [row["carrier"].id, which]}
                for which in ("now", "before", "waiting")
            }
            opens.append(
                [
                    None,
                    row["files"] and files["now"],
                    row["lines"] and files["now"],
                    row["files_before"] and files["before"],
                    row["lines_before"] and files["before"],
                    len(row["waiting"]) and files["waiting"],
                ]
            )
        return {
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
                    len(row["waiting"]),
                ]
                for row in rows
            ],
            "opens": opens,
        }

    @staticmethod
    def _is_manager(run):
        return run.env.user.has_group("billing_operations.group_billing_manager")


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
            "numbers": {
                row["code"]: [row["errors"], row["records"], row["amount"]] for row in rows
            },
            "links": [
                {
                    "label": plural(count, run.env._("open error"), run.env._("open errors")),
                    "count": count,
                    "method": "action_view_usage_errors",
                    "args": [self.fixed_fees],
                }
            ]
            if rows
            else [],
            "table": self._figures(run, rows) if rows else None,
        }

    def _figures(self, run, rows):
        opens = [
            {"method": "action_view_usage_errors", "args": [self.fixed_fees, row["code"]]}
            for row in rows
        ]
        return {
            "labels": 1,
            "head": [
                run.env._("Problem"),
                run.env._("Errors"),
                run.env._("Fixed Fees") if self.fixed_fees else run.env._("Calls"),
                run.env._("Cost, at Least"),
            ],
            "rows": [[row["label"], row["errors"], row["records"], row["cost"]] for row in rows],
            "opens": [[None, action, action, action] for action in opens],
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
