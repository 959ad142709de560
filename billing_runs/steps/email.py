from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from ..delivery.billing_delivery import FAILED_STATES
from .step import Step

_lt = LazyTranslate(__name__)


class Email(Step):
    """Documents go by e-mail to the customers who want that."""

    code = "email"
    title = _lt("E-mail bills")
    phase = "post"
    place = 40
    confirm_label = _lt("Leave without E-mail")
    needs_documents = True

    def show(self, run, before):
        counts = run._delivery_counts("email")
        documents = {
            what: run._company_moves().search_count(run._document_domain("email", what))
            for what in ("to_send", "no_pdf", "no_address")
        }
        waiting = documents["to_send"] + run._documents_on_their_way()
        failed = sum(counts.get(state, 0) for state in FAILED_STATES)
        step = {
            "links": [
                *run._document_links("email", documents),
                *run._delivery_links("email", counts),
            ],
        }
        task = run._live_task("email_bills")
        if task:
            sentence = run.env._("E-mailing: %s to go.", waiting)
            if task.state == "error":
                reason = task.error_message or ""
                sentence = plural(
                    waiting,
                    run.env._(
                        "1 document waits to be e-mailed; the next try comes by itself: %s", reason
                    ),
                    run.env._(
                        "%(count)s documents wait to be e-mailed; the next try comes by itself:"
                        " %(reason)s",
                        count=waiting,
                        reason=reason,
                    ),
                )
            return {**step, "state": "todo", "live": True, "sentence": sentence}
        if documents["to_send"] + counts.get("pending", 0):
            return {
                **step,
                "state": "todo",
                "sentence": plural(
                    waiting,
                    run.env._("1 document has to be e-mailed."),
                    run.env._("%s documents have to be e-mailed.", waiting),
                ),
                "buttons": [
                    {
                        "method": "action_email_bills",
                        "label": run.env._("E-mail bills"),
                        "primary": True,
                        "confirm": run._email_question(),
                    },
                    {"method": "action_choose_emails", "label": run.env._("Choose…")},
                ],
            }
        if failed or counts.get("sending"):
            return {
                **step,
                "state": "attention",
                "sentence": run.env._("Not every e-mail reached its customer."),
            }
        if documents["no_pdf"]:
            return {**step, **run._without_pdf("email")}
        if documents["no_address"]:
            return {**step, **run._without_address(documents["no_address"])}
        sent = counts.get("sent", 0)
        if sent:
            sentence = run.env._("All e-mails are sent: %s.", sent)
        else:
            sentence = run.env._("No document goes by e-mail.")
        return {**step, "state": "done", "sentence": sentence}


class BillingRun(models.Model):
    """E-mailing the documents of a run."""

    _inherit = "billing.run"

    def action_email_bills(self):
        """E-mail the run's documents to the customers who want e-mail, each once."""
        self._check_user()
        for run in self:
            run._email_bills(run._documents_to_email())
        return True

    def action_choose_emails(self):
        """Ask which of the documents to e-mail."""
        self.ensure_one()
        self._check_user()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("E-mail Bills"),
            "res_model": "billing.delivery.send",
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_run_id": self.id},
        }

    def _documents_on_their_way(self):
        """Return how many documents have e-mails that wait or are being sent. One goes to several
        addresses, but it is one document."""
        domain = Domain(self._delivery_domain("email")) & Domain(
            "state", "in", ("pending", "sending")
        )
        deliveries = self.env["billing.delivery"]
        [[count]] = deliveries._read_group(domain, [], ["move_id:count_distinct"])
        return count

    def _email_domain(self):
        """Return the domain of documents without an e-mail yet, and of those whose e-mails still
        wait."""
        self.ensure_one()
        waiting = Domain("billing_bill_id.run_id", "=", self.id) & Domain(
            "billing_delivery_ids", "any", [("channel", "=", "email"), ("state", "=", "pending")]
        )
        return self._document_domain("email", "to_send") | waiting

    def _documents_to_email(self, only=Domain.TRUE):
        """Return the documents to e-mail, by customer.

        :param only: a domain that limits them further
        """
        domain = self._email_domain() & only
        return self._company_moves().search(domain, order="partner_id, name, id")

    def _email_bills(self, moves):
        """Queue the e-mails of documents, in tasks of the company's size.

        :raise UserError: nothing to send, or e-mails are being sent
        """
        self.ensure_one()
        self._check_not_live("email_bills")
        if not moves:
            raise UserError(self.env._("%s: no document has to be e-mailed.", self.number))
        self._enqueue_emails(moves)

    def _enqueue_emails(self, moves):
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "email_bills",
                    "record": self,
                    "parameters": {"move_ids": list(move_ids)},
                }
                for move_ids in split_every(self.company_id.billing_email_batch_size, moves.ids)
            ]
        )

    def _without_address(self, count):
        """Return what the e-mail step shows where documents without an address are all that is
        left: somebody fixes them, or confirms that they stay."""
        return {
            "state": "attention",
            "sentence": plural(
                count,
                self.env._(
                    "1 document has no e-mail address to go to. Set one on the customer, or choose"
                    " another way of sending invoices there; or confirm that it is not e-mailed."
                ),
                self.env._(
                    "%s documents have no e-mail address to go to. Set one on the customers, or choose"
                    " another way of sending invoices there; or confirm that they are not"
                    " e-mailed.",
                    count,
                ),
            ),
            "numbers": {"no_address": count},
        }
