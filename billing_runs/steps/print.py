from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from .step import Step

_lt = LazyTranslate(__name__)


class Print(Step):
    """Documents on paper are put into print bundles, and these are printed."""

    code = "print"
    title = _lt("Print bills")
    phase = "post"
    place = 50
    needs_documents = True

    def show(self, run, before):
        counts = run._delivery_counts("print")
        documents = {
            what: run._company_moves().search_count(run._document_domain("print", what))
            for what in ("to_send", "no_pdf")
        }
        again = run.env["billing.delivery"].search_count(
            [*run._delivery_domain("print", "pending"), ("bundle_id", "=", False)]
        )
        ready, printed = (
            run.env["billing.print.bundle"].search_count(
                [("run_id", "=", run.id), ("state", "=", state)]
            )
            for state in ("ready", "printed")
        )
        links = run._document_links("print", documents)
        links += [
            {"label": label, "count": count, "method": "action_view_bundles", "args": [state]}
            for label, count, state in (
                (
                    plural(ready, run.env._("bundle to print"), run.env._("bundles to print")),
                    ready,
                    "ready",
                ),
                (
                    plural(printed, run.env._("bundle printed"), run.env._("bundles printed")),
                    printed,
                    "printed",
                ),
            )
            if count
        ]
        links += run._delivery_links("print", counts)
        step = {"links": links}
        if run._live_task("print_bills"):
            sentence = run.env._("Print bundles are being made.")
            return {**step, "state": "todo", "live": True, "sentence": sentence}
        if documents["to_send"] + again:
            return {
                **step,
                "state": "todo",
                "sentence": plural(
                    documents["to_send"] + again,
                    run.env._("1 document has to be put into a print bundle."),
                    run.env._(
                        "%s documents have to be put into print bundles.",
                        documents["to_send"] + again,
                    ),
                ),
                "buttons": [
                    {
                        "method": "action_create_bundles",
                        "label": run.env._("Create print bundles"),
                        "primary": True,
                        "confirm": run._print_question(),
                    }
                ],
            }
        if ready:
            sentence = run.env._("Open the bundles, print them and mark them as printed.")
            return {**step, "state": "todo", "sentence": sentence}
        if documents["no_pdf"]:
            return {**step, **run._without_pdf("print")}
        done = counts.get("printed", 0)
        sentence = (
            run.env._("All documents are printed: %s.", done)
            if done
            else run.env._("No document has to be printed.")
        )
        return {**step, "state": "done", "sentence": sentence}


class BillingRun(models.Model):
    """Putting the documents of a run into print bundles."""

    _inherit = "billing.run"

    def action_create_bundles(self):
        """Merge the PDFs of the documents to print into bundles, in customer order."""
        self._check_user()
        for run in self:
            run._create_bundles()
        return True

    def _create_bundles(self):
        self.ensure_one()
        self._check_not_live("print_bills")
        moves = self._company_moves().search(self._print_domain(), order="partner_id, name, id")
        if not moves:
            raise UserError(self.env._("%s: no document has to be printed.", self.number))
        self._enqueue_bundles(moves)

    def _print_domain(self):
        """Return the domain of documents to print without a bundle yet."""
        self.ensure_one()
        again = Domain("billing_bill_id.run_id", "=", self.id) & Domain(
            "billing_delivery_ids",
            "any",
            [("channel", "=", "print"), ("state", "=", "pending"), ("bundle_id", "=", False)],
        )
        return self._document_domain("print", "to_send") | again

    def _enqueue_bundles(self, moves):
        """Queue print bundles of documents, numbered on from those made and under way."""
        first = 1 + self.env["billing.print.bundle"].search_count([("run_id", "=", self.id)])
        first += len(self._live_tasks_of("print_bills"))
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "print_bills",
                    "record": self,
                    "parameters": {
                        "move_ids": list(move_ids),
                        "name": f"{self.number}/P{number:02}",
                    },
                    # Two tasks must not take the same documents.
                    "exclusive_key": f"print_bills:{self.id}",
                }
                for number, move_ids in enumerate(
                    split_every(self.company_id.billing_bundle_size, moves.ids), first
                )
            ]
        )

    def action_view_bundles(self, state):
        """Open the run's print bundles."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_print_bundle"
        )
        return {**action, "domain": [("run_id", "=", self.id), ("state", "=", state)]}
