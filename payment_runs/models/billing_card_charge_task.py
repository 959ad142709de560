from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, split_every

from ..card_answers import WATCH, NotReached, OtherAmount, Watch
from ..netting import to_units
from .billing_card_charge import OPEN_CHARGES, OWN_CODES

#: how many charges one task sends
CHARGES = 50
#: how many payments one task posts
PAYMENTS = 100


class BillingCardCharge(models.Model):
    """Charging by background tasks: intent, commit, provider, commit, result."""

    _inherit = "billing.card.charge"

    # === QUEUE === #

    def _enqueue(self):
        """Have waiting charges sent, some of them a task, those of a run with the run as its task's
        record."""
        specs = []
        for record, charges in self.sudo().grouped(lambda c: c.run_id or c.wallet_id).items():
            for ids in split_every(CHARGES, charges.ids, list):
                specs.append(
                    {
                        "type_code": "collect_card",
                        "record": record,
                        "parameters": {"charge_ids": ids},
                        "identity_key": f"card_charges:{ids[0]}",
                    }
                )
        if specs:
            self.env["billing.task"].sudo().enqueue_many(specs)

    def _enqueue_booking(self):
        """Have the payments of charges posted, one journal at a time."""
        specs = []
        journals = self.sudo().grouped(lambda c: c.transaction_id.provider_id.journal_id)
        for journal, charges in journals.items():
            for ids in split_every(PAYMENTS, charges.ids, list):
                first = charges.browse(ids[0])
                specs.append(
                    {
                        "type_code": "book_card_payments",
                        "record": first.run_id or first.wallet_id,
                        "parameters": {"charge_ids": ids},
                        "exclusive_key": f"journal:{journal.id}",
                        "identity_key": f"card_booking:{first.id}",
                    }
                )
        if specs:
            self.env["billing.task"].sudo().enqueue_many(specs)

    # === CHARGING === #

    @api.model
    def _task_prepare(self, task):
        """Return the intent of the next charge, whose transaction is committed with it."""
        charges = task.env[self._name].browse((task.parameters or {}).get("charge_ids", []))
        while charge := charges._next_due():
            if charge._is_ready():
                charge._make_transaction()
                return {"reference": charge.reference, "charge_id": charge.id}
        return None

    @api.model
    def _task_call(self, task, intent):
        """Ask the provider for the money."""
        return task.env[self._name].browse(intent["charge_id"])._send()

    @api.model
    def _task_record(self, task, intent, answer):
        """Put the provider's answer on record."""
        charge = task.env[self._name].browse(intent["charge_id"])
        charge._lock()
        charge._take_answer(answer)

    @api.model
    def _task_ask(self, task, intent):
        """Return what became of a charge whose answer nobody heard: its transaction may know."""
        charge = task.env[self._name].browse(intent["charge_id"])
        return charge._ask_provider()

    @api.model
    def _task_unknown(self, task, intent):
        """Leave a charge to a person."""
        charge = task.env[self._name].browse(intent["charge_id"])
        charge._lock()
        charge._take("lost")

    def _next_due(self):
        """Return the next charge to send, locked; none is sent twice, whoever else is at work.

        All are of one company.
        """
        if not self:
            return self
        for charge in self.search(
            Domain("id", "in", self.ids) & self._due_domain(self.company_id), order="id"
        ):
            self.env.cr.execute(
                SQL(
                    "SELECT id FROM billing_card_charge WHERE id = %s AND state = 'waiting'"
                    " FOR NO KEY UPDATE SKIP LOCKED",
                    charge.id,
                )
            )
            if self.env.cr.fetchone():
                return charge
        return self.browse()

    # === BEFORE === #

    def _is_ready(self):
        """Look once more whether and how much is to be charged, and with which card; what is not is
        put on record."""
        self.ensure_one()
        if self.move_id._being_paid_online():
            self._postpone(self.env._("The customer is just paying it online."))
            return False
        if self.line_id and not self._is_owed():
            return False
        if self.wallet_id and not self._may_top_up():
            return False
        token, code = self.partner_id._billing_card(
            self.company_id, self.currency_id, self.company_id._billing_today()
        )
        self._own().write({"token_id": token.id, "card": token.display_name if token else False})
        if code in OWN_CODES:
            self._postpone(self._code_text(code))
        elif code:
            self._take("error", code=code)
        return not code

    def _is_owed(self):
        """Lower the amount to what is still open; end the collection where nothing is."""
        line = self.line_id
        run = line.run_id.with_company(line.company_id)
        if line.state not in ("submitted", "unknown") or line.move_id.state != "posted":
            code = "changed"
        elif line.partner_id._held_from_collection(self.company_id._billing_today()):
            code = "hold"
        else:
            left, _pairs = run._net_for(line)
            places = self.currency_id.decimal_places
            units = min(left.get(line.move_line_id.id, 0), to_units(self.amount, places))
            if units:
                amount = units / 10**places
                self._own().write({"amount": amount})
                line._own().write({"amount": amount})
                return True
            code = "paid"
        self._set_state("cancelled", self._ended(None, code=code))
        if line.state == "submitted":
            line._set_state("cancelled", {"error_code": code})
            run._end()
        return False

    def _may_top_up(self):
        """Return whether the wallet still wants the money, within its monthly ceiling."""
        code = self.wallet_id._top_up_problem(self)
        if code:
            self._set_state("cancelled", self._ended(None, code=code))
        return not code

    def _make_transaction(self):
        """Make the provider's transaction with the charge's own reference, or take up the one that
        never reached it."""
        self.ensure_one()
        token = self.token_id
        values = {
            "provider_id": token.provider_id.id,
            "payment_method_id": token.payment_method_id.id,
            "reference": self.reference,
            "amount": self.amount,
            "currency_id": self.currency_id.id,
            "token_id": token.id,
            "operation": "offline",
            "partner_id": self.partner_id.id,
            "invoice_ids": [Command.set(self.move_id.ids)],
            "billing_wallet_id": self.wallet_id.id,
        }
        transaction = self.transaction_id
        if transaction:
            transaction.write(values)
        else:
            transaction = transaction.create(values)
        self._set_state(
            "sending",
            {
                "transaction_id": transaction.id,
                "sent_date": fields.Datetime.now(),
                "not_before": False,
                "message": False,
            },
        )

    # === THE CHARGE === #

    def _send(self):
        """Charge the card, once. To be called with the charge committed as ``sending``.

        :return: what came of it: ``{"state", "message"}``
        :raise Exception: the answer was lost, so that nobody can say
        """
        self.ensure_one()
        transaction = self.transaction_id
        if transaction.state != "draft":
            return self._answer()
        if transaction.provider_id.state == "disabled":
            return {"state": "unreached", "message": self._code_text("provider")}
        try:
            with self.env.cr.savepoint():
                transaction.with_context(**{WATCH: Watch()})._charge_with_token()
        except NotReached:
            return {"state": "unreached"}
        except OtherAmount as error:
            return {"state": "lost", "message": str(error)}
        transaction.invalidate_recordset(["state", "state_message"])
        return self._answer()

    def _answer(self):
        """Return what the transaction holds: ``draft`` says that no result came."""
        transaction = self.transaction_id
        state = transaction.state
        return {
            "state": "lost" if state == "draft" else state,
            "message": transaction.state_message or None,
        }

    def _ask_provider(self):
        """Return what became of a charge, first of its transaction, then of the provider; None where
        neither can say."""
        self.ensure_one()
        if self.transaction_id.state != "draft":
            return self._answer()
        return self.transaction_id._ask_about_charge()

    def _take_answer(self, answer):
        """Put an answer on record. What the transaction says by now, told by the provider in the
        meantime, comes first; an answer to a question is put on the transaction too."""
        self.ensure_one()
        transaction = self.transaction_id
        transaction.invalidate_recordset(["state", "state_message"])
        state, message = answer["state"], answer.get("message")
        if transaction.state == "draft" and state in ("done", "pending", "error", "cancel"):
            transaction._take_told(state, message)
        elif transaction.state != "draft" and state != "lost":
            state, message = transaction.state, transaction.state_message
        self._take(state, message, answer.get("code"))

    # === BOOKING === #

    @api.model
    def _task_book(self, task):
        """Post the payments of charges, by Odoo's own post-processing of their transactions."""
        charges = task.env[self._name].browse((task.parameters or {}).get("charge_ids", []))
        return charges.exists()._book()

    def _book(self):
        """Post what has no payment yet. What Odoo refuses is said on the charge, and tried again."""
        booked = 0
        todo = self.filtered(lambda charge: charge.state == "done" and not charge.payment_id)
        for charge in todo:
            try:
                with self.env.cr.savepoint():
                    charge.transaction_id.with_company(charge.company_id)._post_process()
                booked += 1
            except UserError as error:
                self.env.invalidate_all()
                charge._own().write({"problem": str(error)})
        return {"payments": booked, "refused": len(todo) - booked}

    # === CRON === #

    @api.model
    def _cron_charge(self):
        """Send what is due, book what is not booked yet, and take back what providers told only their
        transactions."""
        for [company] in self._read_group([("state", "=", "waiting")], ["company_id"]):
            due = self.search(self._due_domain(company), order="id")
            due._enqueue()
        self._follow_transactions()
        self.search([("state", "=", "done"), ("payment_id", "=", False)])._enqueue_booking()
        self._hand_over_late()

    @api.model
    def _follow_transactions(self):
        """Take what transactions know and charges do not."""
        for charge in self.search(
            Domain("state", "in", OPEN_CHARGES) & Domain("transaction_id.state", "=", "done")
            | Domain("state", "=", "pending")
            & Domain("transaction_id.state", "in", ("error", "cancel"))
        ):
            charge._lock()
            charge._take_answer({"state": charge.transaction_id.state})

    @api.model
    def _hand_over_late(self):
        """Leave to a person what providers have said nothing of for too long, and charges whose task is
        gone."""
        tasks = self.env["billing.task"].sudo()
        for charge in self.search(
            Domain("state", "=", "sending")
            & Domain("sent_date", "<", fields.Datetime.subtract(fields.Datetime.now(), hours=1))
        ):
            record = charge.run_id or charge.wallet_id
            if not tasks.search_count(tasks._live_domain(record, "collect_card"), limit=1):
                charge._lock()
                charge._take_answer(charge._ask_provider() or {"state": "lost"})
        for [company] in self._read_group([("state", "=", "pending")], ["company_id"]):
            last = fields.Datetime.subtract(
                fields.Datetime.now(), days=company.sudo().billing_card_pending_days
            )
            for charge in self.search(
                Domain("company_id", "=", company.id)
                & Domain("state", "=", "pending")
                & Domain("sent_date", "<", last)
            ):
                charge._take("lost", self.env._("The provider has given no result for too long."))
