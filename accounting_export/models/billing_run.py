from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...billing_tasks.texts import plural
from ..steps import ACCOUNTING_STEPS

#: what a step counts of what was sent, by what it is called in a link
PROBLEMS = ("error", "duplicate", "unknown", "different")


class BillingRun(models.Model):
    """What of a billing run goes to the accounting software."""

    _inherit = "billing.run"

    @api.model
    def _step_registry(self):
        mine = {step.code: step for step in ACCOUNTING_STEPS}
        kept = [step for step in super()._step_registry() if step.code not in mine]
        return kept + list(ACCOUNTING_STEPS)

    def _accounting_connection(self):
        """Return the connection that the run's company works with; none where it has none."""
        self.ensure_one()
        return (
            self.env["accounting.export.connection"]._of_company(self.company_id).with_env(self.env)
        )

    # === ACTIONS === #

    def action_send_customers(self):
        """Send the run's customers who are not sent yet."""
        self._check_user()
        for run in self:
            run._working_connection()._send_customers(run)
        return True

    def action_send_invoices(self):
        """Send the run's invoices that are not sent yet."""
        self._check_user()
        for run in self:
            run._working_connection()._send_documents(run)
        return True

    def action_fetch_accounting_payments(self):
        """Fetch payments from the accounting software."""
        self._check_user()
        for run in self:
            run._working_connection().action_fetch_payments()
        return True

    def action_view_accounting(self, what):
        """Open what the step counts: customers or documents to send, or what waits for a person."""
        self.ensure_one()
        self.check_access("read")
        connection = self._working_connection()
        if what == "customers":
            return connection._view(
                "res.partner", self.env._("Customers to Send"), connection._customer_domain(self)
            )
        if what == "documents":
            return connection._view(
                "account.move", self.env._("Invoices to Send"), connection._to_send_domain(self)
            )
        if what not in PROBLEMS:
            raise UserError(self.env._("A billing run does not count “%s”.", what))
        items = self.env["accounting.export.item"]
        found = items._search(self._accounting_problem_domains(connection)[what])
        return connection._view_items(self.env._("Sent to Accounting"), [("id", "in", list(found))])

    def _working_connection(self):
        connection = self._accounting_connection()
        if not connection:
            raise UserError(
                self.env._("%s has no accounting connection.", self.company_id.display_name)
            )
        return connection

    # === FOR THE STEP === #

    def _accounting_problem_domains(self, connection):
        """Return ``{name: domain}`` of the run's items that wait for a person."""
        moves = self._company_moves()._search(connection._document_domain(self))
        mine = Domain("connection_id", "=", connection.id) & (
            Domain("move_id", "in", moves)
            | Domain("kind", "=", "customer")
            & Domain("partner_id", "in", moves.subselect("commercial_partner_id"))
        )
        return {
            "error": mine & Domain("state", "=", "error"),
            "duplicate": mine & Domain("state", "=", "duplicate"),
            "unknown": mine & Domain("state", "=", "unknown"),
            "different": mine & Domain("difference", "!=", False),
        }

    def _accounting_problem_counts(self, connection):
        items = self.env["accounting.export.item"]
        return {
            name: items.search_count(domain)
            for name, domain in self._accounting_problem_domains(connection).items()
        }

    def _accounting_links(self, counts, problems):
        labels = {
            "customers": plural(
                counts["customers"],
                self.env._("customer to send"),
                self.env._("customers to send"),
            ),
            "documents": plural(
                counts["documents"], self.env._("invoice to send"), self.env._("invoices to send")
            ),
            "error": self.env._("refused"),
            "duplicate": self.env._("possible duplicates"),
            "unknown": self.env._("unknown whether sent"),
            "different": self.env._("differ there"),
        }
        numbers = {**counts, **problems}
        return [
            {
                "label": label,
                "count": numbers[what],
                "method": "action_view_accounting",
                "args": [what],
            }
            for what, label in labels.items()
            if numbers[what] or what in counts
        ]

    def _accounting_buttons(self, connection, counts):
        if connection.state != "active":
            return []
        buttons = []
        if counts["customers"]:
            buttons.append(
                {
                    "method": "action_send_customers",
                    "label": self.env._("Send New Customers"),
                    "primary": True,
                    "confirm": connection._customers_question(self),
                }
            )
        if counts["documents"]:
            buttons.append(
                {
                    "method": "action_send_invoices",
                    "label": self.env._("Send New Invoices"),
                    "primary": not counts["customers"],
                    "confirm": connection._invoices_question(self),
                }
            )
        if connection.kind == "xero":
            buttons.append(
                {
                    "method": "action_fetch_accounting_payments",
                    "label": self.env._("Fetch Payments"),
                }
            )
        return buttons
