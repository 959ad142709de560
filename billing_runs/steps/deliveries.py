from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...billing_tasks.texts import plural
from ..delivery.billing_delivery import REACHED_STATES
from ..runs.billing_run import ENDED_STATES

#: credit notes of what was taken back
NOTES = Domain("reversed_entry_id", "!=", False)


class BillingRun(models.Model):
    """What the steps of e-mail and print count: documents on their way to the customers."""

    _inherit = "billing.run"

    delivery_count = fields.Integer("Deliveries", compute="_compute_delivery_count")

    def _compute_delivery_count(self):
        counts = dict(
            self.env["billing.delivery"]._read_group(
                [("run_id", "in", self.ids)], ["run_id"], ["__count"]
            )
        )
        for run in self:
            run.delivery_count = counts.get(run._origin, 0)

    def _without_pdf(self, channel):
        """Return what a step shows where documents without PDF are all that is left."""
        missing = self._document_domain(channel, "no_pdf")
        count = self._company_moves().search_count(missing & ~NOTES)
        if not count:
            return self._notes_without_pdf(self._company_moves().search_count(missing))
        if self.state not in ENDED_STATES:
            return {"state": "waiting", "sentence": self.env._("The PDFs are not ready yet.")}
        if not self._has_pdfs():
            # Somebody closed the run without PDFs.
            sentence = plural(
                count,
                self.env._("The run ended without PDFs; 1 document is not delivered."),
                self.env._("The run ended without PDFs; %s documents are not delivered.", count),
            )
            return {"state": "done", "sentence": sentence}
        sentence = plural(
            count,
            self.env._("1 document has no PDF. Fix the bills in error and run again."),
            self.env._("%s documents have no PDF. Fix the bills in error and run again.", count),
        )
        return {"state": "attention", "sentence": sentence}

    def _notes_without_pdf(self, count):
        """Return what a step shows where credit notes of what was taken back have no PDF: it is
        being made, or somebody asks for it again in the step of production."""
        if self._makes_note_pdfs():
            sentence = plural(
                count,
                self.env._("The PDF of 1 credit note is being made."),
                self.env._("The PDFs of %s credit notes are being made.", count),
            )
            return {"state": "todo", "live": True, "sentence": sentence}
        sentence = plural(
            count,
            self.env._(
                "1 credit note of what was taken back has no PDF. Bill production makes it."
            ),
            self.env._(
                "%s credit notes of what was taken back have no PDF. Bill production makes them.",
                count,
            ),
        )
        return {"state": "attention", "sentence": sentence}

    def _has_pdfs(self):
        """Return whether the run has got through the stage that makes the PDFs."""
        self.ensure_one()
        stages = self._stages()
        return 0 <= stages.pdf_place <= stages.place(self.stage)

    def _delivery_counts(self, channel):
        """Return ``{state: number}`` of deliveries that were not delivered again."""
        return dict(
            self.env["billing.delivery"]._read_group(
                self._delivery_domain(channel), ["state"], ["__count"]
            )
        )

    def _delivery_domain(self, channel, state=None):
        domain = [("run_id", "=", self.id), ("channel", "=", channel), ("successor_id", "=", False)]
        return [*domain, ("state", "=", state)] if state else domain

    def _company_moves(self):
        """Return ``account.move`` in the run's company, where customers' wishes are those that
        they have there."""
        return self.env["account.move"].with_company(self.company_id)

    def _document_domain(self, channel, what):
        """Return the domain of documents that were not delivered yet.

        A document that a credit note has cancelled is not delivered any more. Of what was taken
        back, the credit notes are whose documents have reached their customers: there is nothing
        to be read about others.

        :param str what: ``to_send``, ``no_pdf`` or ``no_address``
        """
        self.ensure_one()
        methods = ("email", False) if channel == "email" else ("print",)
        standing = Domain("billing_bill_id.state", "!=", "undone") & Domain(
            "payment_state", "!=", "reversed"
        )
        reached = [("billing_delivery_ids", "any", [("state", "in", REACHED_STATES)])]
        notes = Domain("billing_bill_id.state", "=", "undone") & Domain(
            "reversed_entry_id", "any", reached
        )
        domain = (standing | notes) & Domain(
            [
                ("billing_bill_id.run_id", "=", self.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "posted"),
                ("commercial_partner_id.invoice_sending_method", "in", methods),
                ("billing_delivery_ids", "not any", [("channel", "=", channel)]),
            ]
        )
        if channel == "email":
            has_address = Domain("partner_id.email_normalized", "!=", False)
            if what == "no_address":
                return domain & ~has_address
            domain &= has_address
        has_pdf = Domain("invoice_pdf_report_file", "!=", False)
        return domain & (~has_pdf if what == "no_pdf" else has_pdf)

    def _document_links(self, channel, counts):
        labels = {
            "to_send": self.env._("to e-mail") if channel == "email" else self.env._("to bundle"),
            "no_pdf": self.env._("without PDF"),
            "no_address": self.env._("without e-mail address"),
        }
        return [
            {
                "label": labels[what],
                "count": count,
                "method": "action_view_documents",
                "args": [channel, what],
            }
            for what, count in counts.items()
            if count
        ]

    def _delivery_links(self, channel, counts):
        labels = {
            "pending": self.env._("waiting"),
            "sending": self.env._("being sent"),
            "sent": self.env._("sent"),
            "unknown": self.env._("of unknown outcome"),
            "error": self.env._("refused or not deliverable"),
            "bounced": self.env._("came back"),
            "printed": self.env._("printed"),
        }
        return [
            {
                "label": label,
                "count": counts[state],
                "method": "action_view_deliveries",
                "args": [channel, state],
            }
            for state, label in labels.items()
            if counts.get(state)
        ]

    def action_view_documents(self, channel, what):
        """Open the documents that a step counts as not delivered yet."""
        return self._view_counted("account.move", f"{channel}:{what}", self.env._("Invoices"))

    def action_view_deliveries(self, channel=None, state=None):
        """Open the run's deliveries, or those that a step counts."""
        self.check_access("read")
        if channel:
            domain = self._delivery_domain(channel, state)
        else:
            domain = [("run_id", "in", self.ids)]
        return self.env["billing.delivery"]._action_view(domain)

    def _live_task(self, code):
        """Return the run's live task of a type, one that waits after an error first."""
        return self._live_tasks_of(code, limit=1)

    def _live_tasks_of(self, code, limit=None):
        tasks = self.env["billing.task"].sudo()
        return tasks.search(tasks._live_domain(self, code), order="state", limit=limit)

    def _check_not_live(self, code):
        if self._live_task(code):
            raise UserError(
                self.env._("%s: this is under way. Wait until its tasks are done.", self.number)
            )
