from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from ..delivery.billing_delivery import FAILED_STATES
from ..runs.billing_run import ENDED_STATES
from ..runs.engine import LIVE_TASK_STATES


class BillingRun(models.Model):
    """The steps that take the documents to the customers: e-mail and print."""

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

    # === E-MAIL === #

    def _step_email(self):
        counts = self._delivery_counts("email")
        documents = {
            what: self._documents().search_count(self._document_domain("email", what))
            for what in ("to_send", "no_pdf", "no_address")
        }
        waiting = documents["to_send"] + counts.get("pending", 0) + counts.get("sending", 0)
        failed = sum(counts.get(state, 0) for state in FAILED_STATES)
        step = {
            "links": [
                *self._document_links("email", documents),
                *self._delivery_links("email", counts),
            ],
        }
        task = self._live_task("email_bills")
        if task:
            sentence = self.env._("Bills are being e-mailed: %s to go.", waiting)
            if task.state == "error":
                sentence = self.env._(
                    "%(count)s bills wait to be e-mailed; the next try comes by itself: %(reason)s",
                    count=waiting,
                    reason=task.error_message or "",
                )
            return {**step, "state": "todo", "live": True, "sentence": sentence}
        if documents["to_send"] + counts.get("pending", 0):
            return {
                **step,
                "state": "todo",
                "sentence": self.env._("%s bills have to be e-mailed.", waiting),
                "buttons": [
                    {
                        "method": "action_email_bills",
                        "label": self.env._("E-mail bills"),
                        "primary": True,
                    },
                    {"method": "action_choose_emails", "label": self.env._("Choose…")},
                ],
            }
        if failed or counts.get("sending"):
            return {
                **step,
                "state": "attention",
                "sentence": self.env._("Not every e-mail reached its customer."),
            }
        if documents["no_pdf"]:
            return {**step, **self._without_pdf(documents["no_pdf"])}
        if documents["no_address"]:
            return {**step, **self._without_address(documents["no_address"])}
        sent = counts.get("sent", 0)
        if sent:
            sentence = self.env._("All e-mails are sent: %s.", sent)
        else:
            sentence = self.env._("No bill goes by e-mail.")
        return {**step, "state": "done", "sentence": sentence}

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
        return self._documents().search(domain, order="partner_id, name, id")

    def _email_bills(self, moves):
        """Queue the e-mails of documents, in tasks of the company's size.

        :raise UserError: nothing to send, or e-mails are being sent
        """
        self.ensure_one()
        self._check_not_live("email_bills")
        if not moves:
            raise UserError(self.env._("%s: no bill has to be e-mailed.", self.number))
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

    # === PRINT === #

    def _step_print(self):
        counts = self._delivery_counts("print")
        documents = {
            what: self._documents().search_count(self._document_domain("print", what))
            for what in ("to_send", "no_pdf")
        }
        again = self.env["billing.delivery"].search_count(
            [*self._delivery_domain("print", "pending"), ("bundle_id", "=", False)]
        )
        ready, printed = (
            self.env["billing.print.bundle"].search_count(
                [("run_id", "=", self.id), ("state", "=", state)]
            )
            for state in ("ready", "printed")
        )
        links = self._document_links("print", documents)
        links += [
            {"label": label, "count": count, "method": "action_view_bundles", "args": [state]}
            for label, count, state in (
                (self.env._("bundles to print"), ready, "ready"),
                (self.env._("bundles printed"), printed, "printed"),
            )
            if count
        ]
        links += self._delivery_links("print", counts)
        step = {"links": links}
        if self._live_task("print_bills"):
            sentence = self.env._("Print bundles are being made.")
            return {**step, "state": "todo", "live": True, "sentence": sentence}
        if documents["to_send"] + again:
            return {
                **step,
                "state": "todo",
                "sentence": self.env._(
                    "%s bills have to be put into print bundles.", documents["to_send"] + again
                ),
                "buttons": [
                    {
                        "method": "action_create_bundles",
                        "label": self.env._("Create print bundles"),
                        "primary": True,
                    }
                ],
            }
        if ready:
            sentence = self.env._("Open the bundles, print them and mark them as printed.")
            return {**step, "state": "todo", "sentence": sentence}
        if documents["no_pdf"]:
            return {**step, **self._without_pdf(documents["no_pdf"])}
        done = counts.get("printed", 0)
        sentence = (
            self.env._("All bills are printed: %s.", done)
            if done
            else self.env._("No bill has to be printed.")
        )
        return {**step, "state": "done", "sentence": sentence}

    def action_create_bundles(self):
        """Merge the PDFs of the documents to print into bundles, in customer order."""
        self._check_user()
        for run in self:
            run._create_bundles()
        return True

    def _create_bundles(self):
        self.ensure_one()
        self._check_not_live("print_bills")
        again = Domain("billing_bill_id.run_id", "=", self.id) & Domain(
            "billing_delivery_ids",
            "any",
            [("channel", "=", "print"), ("state", "=", "pending"), ("bundle_id", "=", False)],
        )
        moves = self._documents().search(
            self._document_domain("print", "to_send") | again, order="partner_id, name, id"
        )
        if not moves:
            raise UserError(self.env._("%s: no bill has to be printed.", self.number))
        self._enqueue_bundles(moves)

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

    # === WHAT THE STEPS COUNT === #

    def _without_pdf(self, count):
        """Return state and sentence where documents without PDF are all that is left."""
        if self.state not in ENDED_STATES:
            return {"state": "waiting", "sentence": self.env._("The PDFs are not ready yet.")}
        if self.stage != self._stages()[-1].name:
            # Somebody closed the run without PDFs.
            sentence = self.env._("The run ended without PDFs; %s bills are not delivered.", count)
            return {"state": "done", "sentence": sentence}
        sentence = self.env._("%s bills have no PDF. Mend the bills in error and run again.", count)
        return {"state": "attention", "sentence": sentence}

    def _without_address(self, count):
        """Return what the e-mail step shows where documents without an address are all that is
        left: somebody mends them, or confirms that they stay."""
        return {
            "state": "attention",
            "sentence": self.env._(
                "%s bills have no e-mail address to go to. Set one on the customer, or choose"
                " another way of sending invoices there; or confirm that they are not e-mailed.",
                count,
            ),
            "confirmable": True,
            "confirm_label": self.env._("Leave without E-mail"),
            "numbers": {"no_address": count},
        }

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

    def _documents(self):
        """Return the documents' model, where customers' wishes are those of the run's company."""
        return self.env["account.move"].with_company(self.company_id)

    def _document_domain(self, channel, what):
        """Return the domain of documents that were not delivered yet.

        A document that a credit note has cancelled is not delivered any more.

        :param str what: ``to_send``, ``no_pdf`` or ``no_address``
        """
        self.ensure_one()
        methods = ("email", False) if channel == "email" else ("print",)
        domain = Domain(
            [
                ("billing_bill_id.run_id", "=", self.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "posted"),
                ("payment_state", "!=", "reversed"),
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

    def action_view_bundles(self, state):
        """Open the run's print bundles."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_print_bundle"
        )
        return {**action, "domain": [("run_id", "=", self.id), ("state", "=", state)]}

    def _live_task(self, code):
        """Return the run's live task of a type, one that waits after an error first."""
        return self._live_tasks_of(code, limit=1)

    def _live_tasks_of(self, code, limit=None):
        domain = [
            ("type_id.code", "=", code),
            ("res_model", "=", self._name),
            ("res_id", "=", self.id),
            ("state", "in", LIVE_TASK_STATES),
        ]
        return self.env["billing.task"].sudo().search(domain, order="state", limit=limit)

    def _check_not_live(self, code):
        if self._live_task(code):
            raise UserError(
                self.env._("%s: this is under way. Wait until its tasks are done.", self.number)
            )
