from odoo import models
from odoo.tools import format_datetime


class BillingRun(models.Model):
    """The steps of the two reports, and the way to their screens."""

    _inherit = "billing.run"

    # === STEPS === #

    def _step_pre_report(self):
        report = self._report("pre")
        request = {
            "method": "action_pre_billing_report",
            "label": self.env._("Report Again") if report else self.env._("Make Report"),
            "primary": not report,
        }
        if not report:
            return {
                "state": "todo",
                "sentence": self.env._("See what would be billed before bills are requested."),
                "buttons": [request],
            }
        if report._is_stale():
            return {
                "state": "todo",
                "sentence": self.env._(
                    "Dates or criteria have changed since the report was made. Make it again."
                ),
                "buttons": [{**request, "primary": True}],
            }
        step = self._report_step(report)
        step["buttons"] = [request] if report.state != "computing" else []
        return step | {"confirm_label": self.env._("Confirm Pre-Billing Report Checked")}

    def _step_post_report(self):
        report = self._report("post")
        request = {"method": "action_post_billing_report", "label": self.env._("Report Again")}
        if not report:
            return {
                "state": "todo",
                "sentence": self.env._("There is no report on what was billed yet."),
                "buttons": [request] if self._is_posted() else [],
            }
        step = self._report_step(report)
        step["buttons"] = [request] if report.state != "computing" else []
        return step | {"confirm_label": self.env._("Confirm Post-Billing Report Checked")}

    def _report_step(self, report):
        """Return the step of a report that exists."""
        if report.state == "computing":
            return {
                "state": "todo",
                "sentence": self.env._("The report is being made in the background."),
            }
        if report.state == "failed":
            return {"state": "problem", "sentence": report.message}
        totals = report._totals()
        anomalies = sum(total["anomalies"] for total in totals)
        not_billed = sum(total["not_billed"] for total in totals)
        return {
            "state": "attention" if anomalies else "done",
            "sentence": self.env._(
                "Made %(date)s. Anomalies: %(anomalies)s. Not billed: %(not_billed)s.",
                date=format_datetime(self.env, report.ended_date),
                anomalies=anomalies,
                not_billed=not_billed,
            ),
            "table": {
                "labels": 1,
                "head": [
                    self.env._("Currency"),
                    self.env._("Customers"),
                    self.env._("Before Tax"),
                    self.env._("Previous Run"),
                    self.env._("Difference"),
                ],
                "rows": [
                    [
                        total["currency"].name,
                        total["billed"],
                        *(
                            total["currency"].format(total[name])
                            for name in ("amount", "previous", "difference")
                        ),
                    ]
                    for total in totals
                ],
            },
            "links": [
                {
                    "label": self.env._("Customers"),
                    "count": sum(total["customers"] for total in totals),
                    "method": "action_view_report",
                    "args": [report.phase],
                },
                {
                    "label": self.env._("Anomalies"),
                    "count": anomalies,
                    "method": "action_view_report",
                    "args": [report.phase, "anomalies"],
                },
                {
                    "label": self.env._("Not billed"),
                    "count": not_billed,
                    "method": "action_view_report",
                    "args": [report.phase, "not_billed"],
                },
            ],
            "numbers": [
                {
                    "currency": total["currency"].name,
                    "amount": f"{total['amount']:.{total['currency'].decimal_places}f}",
                    "billed": total["billed"],
                    "not_billed": total["not_billed"],
                    "anomalies": total["anomalies"],
                }
                for total in totals
            ],
            "confirmable": True,
        }

    # === SCREENS === #

    def action_view_pre_report(self):
        """Open the pre-billing report: its customers."""
        return self.action_view_report("pre")

    def action_view_post_report(self):
        """Open the post-billing report: its customers."""
        return self.action_view_report("post")

    def action_view_report(self, phase, only=None):
        """Open the customers of a report.

        :param str phase: ``pre`` or ``post``
        :param str only: a filter of their list, such as ``anomalies`` or ``not_billed``
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_run_report_customer"
        )
        phases = dict(
            self.env["billing.run.report"]._fields["phase"]._description_selection(self.env)
        )
        name = self.env._("%(phase)s Report", phase=phases[phase])
        return {
            **action,
            "name": name,
            "display_name": name,
            "domain": [("run_id", "in", self.ids), ("phase", "=", phase)],
            "context": {"graph_groupbys": ["currency_id"]}
            | ({f"search_default_{only}": 1} if only else {}),
        }

    def action_view_report_lines(self):
        """Open the lines of the run's reports."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_run_report_line"
        )
        return {**action, "domain": [("run_id", "in", self.ids)]}
