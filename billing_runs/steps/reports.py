from odoo import models
from odoo.tools import format_datetime
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import labels, plural
from .step import Step

_lt = LazyTranslate(__name__)


class PreReport(Step):
    """What would be billed, before bills are requested."""

    code = "pre_report"
    title = _lt("Pre-billing report")
    place = 60
    confirm_label = _lt("Confirm Pre-Billing Report Checked")

    def show(self, run, before):
        report = run._report("pre")
        request = {
            "method": "action_pre_billing_report",
            "label": run.env._("Report Again") if report else run.env._("Make Report"),
            "primary": not report,
        }
        if not report:
            return {
                "state": "todo",
                "sentence": run.env._("See what would be billed before bills are requested."),
                "buttons": [request],
            }
        if report._is_stale():
            return {
                "state": "todo",
                "sentence": run.env._(
                    "Dates or criteria have changed since the report was made. Make it again."
                ),
                "buttons": [{**request, "primary": True}],
            }
        buttons = [request] if report.state != "computing" else []
        return {**show_report(run, report), "buttons": buttons}


class PostReport(Step):
    """What was billed."""

    code = "post_report"
    title = _lt("Post-billing report")
    phase = "post"
    place = 10
    confirm_label = _lt("Confirm Post-Billing Report Checked")

    def show(self, run, before):
        report = run._report("post")
        request = {"method": "action_post_billing_report", "label": run.env._("Report Again")}
        if not report:
            return {
                "state": "todo",
                "sentence": run.env._("There is no report on what was billed yet."),
                "buttons": [request] if run._is_posted() else [],
            }
        buttons = [request] if report.state != "computing" else []
        return {**show_report(run, report), "buttons": buttons}


def show_report(run, report):
    """Return what the step of a report that exists shows."""
    if report.state == "computing":
        return {
            "state": "todo",
            "sentence": run.env._("The report is being made in the background."),
        }
    if report.state == "failed":
        return {"state": "problem", "sentence": report.message}
    totals = report._totals()
    anomalies = sum(total["anomalies"] for total in totals)
    not_billed = sum(total["not_billed"] for total in totals)
    unusual = len(report._unusual_usage())
    customers = report._customers_found()
    found = [
        run.env._(
            "Made %(date)s. Anomalies: %(anomalies)s. Not billed: %(not_billed)s.",
            date=format_datetime(run.env, report.ended_date),
            anomalies=anomalies,
            not_billed=not_billed,
        )
    ]
    if unusual:
        found.append(run.env._("Services with unusual usage: %s.", unusual))
    return {
        "state": "attention" if anomalies or unusual else "done",
        "sentence": " ".join(found),
        "table": {
            "labels": 1,
            "head": [
                run.env._("Currency"),
                run.env._("Customers"),
                run.env._("Before Tax"),
                run.env._("Previous Run"),
                run.env._("Difference"),
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
                "label": plural(customers, run.env._("Customer"), run.env._("Customers")),
                "count": customers,
                "method": "action_view_report",
                "args": [report.phase],
            },
            {
                "label": plural(anomalies, run.env._("Anomaly"), run.env._("Anomalies")),
                "count": anomalies,
                "method": "action_view_report",
                "args": [report.phase, "anomalies"],
            },
            {
                "label": run.env._("Not billed"),
                "count": not_billed,
                "method": "action_view_report",
                "args": [report.phase, "not_billed"],
            },
            *(
                [
                    {
                        "label": run.env._("Unusual usage"),
                        "count": unusual,
                        "method": "action_view_unusual_usage",
                    }
                ]
                if unusual
                else []
            ),
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
        ]
        + ([{"unusual": unusual}] if unusual else []),
    }


class BillingRun(models.Model):
    """The way from a run to the screens of its reports."""

    _inherit = "billing.run"

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
        phases = labels(self.env["billing.run.report"], "phase")
        name = self.env._("%(phase)s Report", phase=phases[phase])
        return {
            **action,
            "name": name,
            "display_name": name,
            "domain": [("run_id", "in", self.ids), ("phase", "=", phase)],
            "context": {"graph_groupbys": ["currency_id"]}
            | ({f"search_default_{only}": 1} if only else {}),
        }

    def action_view_unusual_usage(self):
        """Open the services whose usage is unusual in the pre-billing report."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_run_report_usage"
        )
        domain = [("run_id", "in", self.ids), ("phase", "=", "pre")]
        return {**action, "domain": domain, "context": {}}
