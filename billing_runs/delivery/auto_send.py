from odoo import models
from odoo.fields import Domain


class BillingRun(models.Model):
    """Runs that send their documents by themselves once they have ended with their PDFs.

    E-mails leave and print bundles are made without anybody pressing a button. Left to a person
    are customers on billing hold, those without an e-mail address, and whatever has no PDF.
    """

    _inherit = "billing.run"

    def _send_automatically(self):
        """Queue the e-mails and print bundles of documents that nobody has sent yet."""
        self.ensure_one()
        held = Domain("commercial_partner_id.billing_hold", "=", True)
        moves, left_out = {}, self.env["account.move"]
        for channel, task_type in (("email", "email_bills"), ("print", "print_bills")):
            waiting = self._company_moves().search(
                self._document_domain(channel, "to_send"), order="partner_id, name, id"
            )
            on_hold = waiting.filtered_domain(held)
            left_out |= on_hold
            moves[channel] = waiting - on_hold - self._queued_documents(task_type)
        no_address = self._company_moves().search_count(
            self._document_domain("email", "no_address")
        )
        if moves["email"]:
            self._enqueue_emails(moves["email"])
        if moves["print"]:
            self._enqueue_bundles(moves["print"])
        if moves["email"] or moves["print"] or left_out or no_address:
            self.message_post(
                body=self.env._(
                    "Sent automatically: by e-mail %(email)s, on paper %(print)s. Left out: on"
                    " billing hold %(held)s, without e-mail address %(no_address)s.",
                    email=len(moves["email"]),
                    print=len(moves["print"]),
                    held=len(left_out),
                    no_address=no_address,
                )
            )

    def _queued_documents(self, task_type):
        """Return the documents that live tasks of the run are about to send."""
        tasks = self._live_tasks_of(task_type)
        return self._company_moves().browse(
            move_id for task in tasks for move_id in task.parameters["move_ids"]
        )
