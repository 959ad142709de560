from odoo import models
from odoo.tools import SQL
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from ..usage.finding import calls_of
from ..usage.texts import clock
from .step import Step

_lt = LazyTranslate(__name__)


class TieOutUsage(Step):
    """Calls, charges and invoice lines agree, in number, seconds and money."""

    code = "tie_out_usage"
    title = _lt("Tie-out of usage")
    phase = "post"
    place = 85
    needs_documents = True

    def is_hidden(self, run):
        return super().is_hidden(run) or not run._has_usage()

    def show(self, run, before):
        if run.state == "running":
            return {
                "state": "waiting",
                "sentence": run.env._("Calls are compared when the run rests."),
            }
        rows = run._tie_out_usage()
        charges = run._untied_usage_charges(rows)
        tied = not charges and not any(row["difference"] for row in rows)
        gone = sum(len(row["gone"]) for row in rows)
        sentences = []
        if not tied:
            sentences.append(run.env._("Calls, charges and invoice lines differ."))
            sentences += charges._name_untied_calls()
        elif not gone:
            sentences.append(run.env._("Calls, charges and invoice lines agree."))
        if gone:
            sentences.append(
                plural(
                    gone,
                    run.env._(
                        "Of 1 charge no call is there any more: they were archived, or are"
                        " part of another charge."
                    ),
                    run.env._(
                        "Of %s charges no call is there any more: they were archived, or are"
                        " part of other charges.",
                        gone,
                    ),
                )
            )
        return {
            "state": "done" if tied else "problem",
            "sentence": " ".join(sentences),
            "table": {
                "labels": 1,
                "head": [
                    run.env._("Currency"),
                    run.env._("Calls"),
                    run.env._("Duration"),
                    run.env._("Calls Charged"),
                    run.env._("Duration Charged"),
                    run.env._("Amount of the Calls"),
                    run.env._("Charges"),
                    run.env._("Invoice Lines"),
                ],
                "rows": [
                    [
                        row["currency"].name,
                        row["calls"],
                        clock(row["seconds"]),
                        row["charged_calls"],
                        clock(row["charged_seconds"]),
                        *(
                            row["currency"].format(row[name])
                            for name in ("amount", "charges", "lines")
                        ),
                    ]
                    for row in rows
                ],
            }
            if rows
            else None,
            "links": [
                {
                    "label": plural(
                        len(charges),
                        run.env._("charge to look at"),
                        run.env._("charges to look at"),
                    ),
                    "count": len(charges),
                    "method": "action_view_untied_usage",
                }
            ]
            if charges
            else [],
        }


class BillingRun(models.Model):
    """Tie-out of usage: calls = charges = invoice lines, charge by charge."""

    _inherit = "billing.run"

    def _has_usage(self):
        """Return whether a charge of usage is on a bill of the run."""
        self.ensure_one()
        domain = [("bill_id.run_id", "=", self.id), ("kind", "=", "usage")]
        return bool(self.env["billing.charge"].search_count(domain, limit=1))

    def _tie_out_usage(self):
        """Return the comparison of the run's calls, the charges made of them and their lines.

        Each charge is compared with its own calls, one that was corrected since with these as they
        were then; what they come to is rounded as charging did. Calls are looked for among those of the
        charge's customer, between the first and last day of the run's charges to him.
        Of what somebody credited and replaced, the replacement counts.

        :return: list of dicts, one a currency: ``currency``; ``calls``, ``seconds`` and ``amount``
            of the calls that are there; ``charged_calls``, ``charged_seconds`` and ``charges`` as
            charged; ``lines``; ``difference`` of charges and lines without a named reason;
            ``untied`` and ``gone``, ids of the charges that differ from their calls and of those
            whose calls are all gone
        """
        self.ensure_one()
        self.env.flush_all()
        found = self.env.execute_query_dict(
            SQL(
                """
                WITH charge AS (
                    SELECT charge.id, charge.partner_id, charge.period_start, charge.period_end,
                           charge.currency_id, charge.amount,
                           COALESCE(charge.usage_calls, 0) AS usage_calls,
                           COALESCE(charge.usage_seconds, 0) AS usage_seconds,
                           currency.rounding
                      FROM billing_bill AS bill
                      JOIN billing_charge AS charge ON charge.bill_id = bill.id
                      JOIN res_currency AS currency ON currency.id = charge.currency_id
                     WHERE bill.run_id = %(run)s AND bill.state IN %(states)s
                       AND charge.kind = 'usage'
                       AND charge.state IN ('invoiced', 'waived')
                       AND charge.move_line_id IS NOT NULL
                ), call AS (
                    SELECT charge_id, count(*) AS calls, sum(billed_seconds) AS seconds,
                           sum(charged_amount) AS amount
                      FROM (SELECT record.charge_id, record.billed_seconds, record.charged_amount
                              FROM (%(found)s) AS record
                             WHERE record.state = 'charged'
                             UNION ALL
                            SELECT earlier.charge_id, earlier.billed_seconds, earlier.charged_amount
                              FROM billing_usage_earlier AS earlier
                             WHERE earlier.charge_id IN (SELECT id FROM charge)) AS made
                     GROUP BY charge_id
                ), tied AS (
                    -- What takes a charge back has no calls of its own.
                    SELECT charge.*, call.charge_id IS NULL AND charge.usage_calls > 0 AS is_gone,
                           COALESCE(call.calls, 0) AS calls, COALESCE(call.seconds, 0) AS seconds,
                           CASE WHEN charge.usage_calls = 0 THEN charge.amount
                                ELSE COALESCE(round(call.amount / charge.rounding)
                                              * charge.rounding, 0) END AS call_amount
                      FROM charge LEFT JOIN call ON call.charge_id = charge.id
                )
                SELECT currency_id, sum(calls) AS calls, sum(seconds) AS seconds,
                       sum(call_amount) AS amount, sum(usage_calls) AS charged_calls,
                       sum(usage_seconds) AS charged_seconds, sum(amount) AS charges,
                       COALESCE(array_agg(id ORDER BY id) FILTER (
                           WHERE NOT is_gone AND (calls, seconds, call_amount)
                               IS DISTINCT FROM (usage_calls, usage_seconds, amount)), '{}')
                           AS untied,
                       COALESCE(array_agg(id ORDER BY id) FILTER (WHERE is_gone), '{}') AS gone
                  FROM tied
                 GROUP BY currency_id ORDER BY currency_id
                """,
                run=self.id,
                found=calls_of(SQL("SELECT * FROM charge")),
                states=(*self._stages().document_states, "error"),
            )
        )
        lines, differences = {}, {}
        for row in self._tie_out("usage"):
            currency = row["currency"].id
            lines[currency] = lines.get(currency, 0.0) + row["lines"]
            if not row["reason"]:
                differences[currency] = differences.get(currency, 0.0) + abs(row["difference"])
        return [
            row
            | {
                "currency": self.env["res.currency"].browse(row["currency_id"]),
                "seconds": int(row["seconds"]),
                "calls": int(row["calls"]),
                "charged_seconds": int(row["charged_seconds"]),
                "charged_calls": int(row["charged_calls"]),
                "amount": float(row["amount"]),
                "charges": float(row["charges"]),
                "lines": lines.get(row["currency_id"], 0.0),
                "difference": differences.get(row["currency_id"], 0.0),
            }
            for row in found
        ]

    def _untied_usage_charges(self, rows):
        """Return the charges that differ from their calls, of rows of ``_tie_out_usage``."""
        return self.env["billing.charge"].browse(
            [charge_id for row in rows for charge_id in row["untied"]]
        )

    def action_view_untied_usage(self):
        """Open the charges of usage that differ from their calls."""
        self.ensure_one()
        self.check_access("read")
        charges = self._untied_usage_charges(self._tie_out_usage())
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Charges That Differ from Their Calls"),
            "res_model": "billing.charge",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": [("id", "in", charges.ids)],
        }
