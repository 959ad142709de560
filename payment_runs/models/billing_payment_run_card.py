from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from ...billing_tasks.exceptions import FatalTaskError
from ..netting import net
from .billing_card_charge import LIVE_CHARGES
from .billing_payment_line_card import OPEN_LINES

#: how many charges are made at once
MADE_AT_ONCE = 500


class BillingPaymentRun(models.Model):
    """Collection by card: the saved cards of the customers, and a charge for each collection."""

    _inherit = "billing.payment.run"

    charge_count = fields.Integer(string="Charges", compute="_compute_charge_counts")
    waiting_charge_count = fields.Integer(string="Waiting", compute="_compute_charge_counts")
    unknown_charge_count = fields.Integer(string="Unknown", compute="_compute_charge_counts")

    @api.depends("line_ids.charge_ids.state")
    def _compute_charge_counts(self):
        numbers = {}
        for run, state, number in self.env["billing.card.charge"]._read_group(
            [("run_id", "in", self.ids)], ["run_id", "state"], ["__count"]
        ):
            numbers.setdefault(run.id, {})[state] = number
        for run in self:
            mine = numbers.get(run.id, {})
            run.charge_count = sum(mine.values())
            run.waiting_charge_count = mine.get("waiting", 0)
            run.unknown_charge_count = mine.get("unknown", 0)

    def action_open_charges(self):
        """Open the charges of the run, each a try."""
        return self._open_charges([], self.env._("Charges"))

    def action_open_unknown_charges(self):
        """Open the charges of which nobody knows whether they were made."""
        return self._open_charges([("state", "=", "unknown")], self.env._("Unknown"))

    def _open_charges(self, domain, name):
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_card_charge_action"
        )
        domain = Domain("run_id", "in", self.ids) & Domain(domain)
        return action | {"domain": list(domain), "context": {}, "display_name": name}

    # === SELECTION === #

    def _with_cards(self, rows):
        """Give each line that is to be collected the customer's card, or say why not."""
        todo = [row for row in rows if row["state"] == "draft"]
        partners = self.env["res.partner"].browse({row["partner_id"] for row in todo})
        cards = partners._billing_cards_of(self.company_id, self.currency_id, self.collection_date)
        for row in todo:
            token, code = cards[row["partner_id"]]
            row["token_id"] = token.id or None
            if code:
                row.update(state="excluded", error_code=code)
        return rows

    def _check_providers(self):
        """Check that the company can charge cards at all.

        :raise UserError: saying where that is set up
        """
        self.ensure_one()
        if not self.company_id._card_providers():
            raise UserError(
                self.env._(
                    "%s has no payment provider that saves cards. An administrator has to switch one"
                    " on, with Allow Saving Payment Methods and a journal, and without manual capture.",
                    self.company_id.name,
                )
            )

    # === SUBMITTING === #

    @api.model
    def _task_book_cards(self, task):
        """Submit the run that a task is for, or post the payments of charges."""
        if (task.parameters or {}).get("step") == "submit":
            return task.env[self._name].browse(task.res_id).exists()._submit_cards()
        return self.env["billing.card.charge"]._task_book(task)

    @api.model
    def _task_cards_failed(self, task):
        """Leave the reason on the run."""
        if task.res_model == self._name:
            run = task.env[self._name].browse(task.res_id).exists()
            run._own().write({"problem": task.error_message})

    def _submit_cards(self):
        """Make a charge for each line, and have those sent whose day has come."""
        self.ensure_one()
        if self.state != "confirmed":
            return {"message": self.env._("%s was submitted before.", self.number)}
        self = self.with_company(self.company_id)
        lines = self._take_off_credits(self._lock_lines("confirmed"))
        held = lines.partner_id._held_from_collection(self.collection_date)
        late = lines.filtered(lambda line: line.partner_id.id in held)
        late._set_state("cancelled", {"error_code": "hold"})
        lines -= late
        if not lines:
            raise FatalTaskError(self.env._("Nothing is left to collect."))
        lines._set_state("submitted")
        self._set_state("submitted", {"commenced_date": fields.Datetime.now(), "problem": False})
        charges = self.env["billing.card.charge"]
        for some in split_every(MADE_AT_ONCE, lines.ids, lines.browse):
            charges += charges._make([self._charge_values(line) for line in some])
        charges.filtered_domain(charges._due_domain(self.company_id))._enqueue()
        return {"charges": len(charges)}

    def _charge_values(self, line):
        return {
            "reference": f"{line.reference}-1",
            "company_id": line.company_id.id,
            "partner_id": line.partner_id.id,
            "kind": "invoice",
            "line_id": line.id,
            "currency_id": line.currency_id.id,
            "amount": line.amount,
            "planned_date": line.collection_date,
            "token_id": line.token_id.id,
            "card": line.token_id.display_name if line.token_id else False,
        }

    # === CREDITS === #

    def _net_for(self, line):
        """Return what is left of a line, and the credits that are used for it.

        Credits are for all that is being collected from the customer in the run, the oldest first.

        :return: ``({receivable id: units left}, [(receivable id, credit id)])``
        """
        self.ensure_one()
        mine = self.env["billing.payment.line"].search(
            Domain("run_id", "=", self.id)
            & Domain("partner_id", "=", line.partner_id.id)
            & Domain("state", "in", OPEN_LINES)
        )
        items, credits = self._open_items((mine | line).move_line_id.ids)
        left, pairs = net(items, credits)
        own = line.move_line_id.id
        return left, [(item, credit) for item, credit, _units in pairs if item == own]

    def _use_credits(self, line):
        """Reconcile a line with the customer's credits that were taken off its amount."""
        _left, pairs = self._net_for(line)
        items = self.env["account.move.line"].sudo()
        if pairs:
            items._reconcile_plan([items.browse(pair) for pair in pairs])

    # === THE END === #

    def _runs_charging(self):
        """Return those of the runs of which a charge may still bring money."""
        charges = self.env["billing.card.charge"].sudo()
        return charges.search([("run_id", "in", self.ids), ("state", "in", LIVE_CHARGES)]).run_id
