import hashlib
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from ..accounts import compact_iban
from ..bank_messages import read_message
from .billing_payment_line import COLLECTED_STATES


class BillingPaymentReturn(models.Model):
    """One message of a bank about direct debits, or returns entered by hand, and what came of it.

    Importing a message again changes nothing: what is back already is told so. Billing users import
    and enter them; nobody changes or deletes one.
    """

    _name = "billing.payment.return"
    _description = "Returns of Direct Debits"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    kind = fields.Selection(
        [
            ("pain.002", "Status Report (pain.002)"),
            ("camt.053", "Bank Statement (camt.053)"),
            ("camt.054", "Notification (camt.054)"),
            ("hand", "By Hand"),
        ],
        required=True,
        readonly=True,
    )
    sha256 = fields.Char(string="Fingerprint", readonly=True, index="btree_not_null")
    line_ids = fields.One2many("billing.payment.return.line", "return_id", readonly=True)
    applied_count = fields.Integer(string="Came Back", compute="_compute_counts")
    problem_count = fields.Integer(string="To Look At", compute="_compute_counts")

    @api.depends("line_ids.state")
    def _compute_counts(self):
        for message in self:
            states = message.line_ids.mapped("state")
            message.applied_count = states.count("applied")
            message.problem_count = len(
                [state for state in states if state not in ("applied", "known")]
            )

    # === IMPORTING === #

    @api.model
    def _check_user(self):
        if not self.env.su and not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Only billing users may import returns."))

    @api.model
    def _import(self, company, name, content):
        """Take a bank's message: what it says came back comes back, each collection once.

        :param bytes content: the message, unpacked
        :raise MessageProblem: it cannot be read
        """
        self._check_user()
        kind, answers = read_message(content)
        message = self.sudo().create(
            {
                "name": name,
                "company_id": company.id,
                "kind": kind,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
        message.with_company(company)._take(answers)
        return message.with_env(self.env)

    def _take(self, answers):
        """Do what the answers say, and keep for each what came of it."""
        self.ensure_one()
        by_reference = self._lines_of(answers)
        rows, facts, todo = [], {}, defaultdict(self.env["billing.payment.line"].browse)
        for answer in answers:
            lines = by_reference.get((answer.scope, answer.reference))
            foreign = self._is_foreign(answer)
            if not lines or foreign:
                rows.append(self._row(answer, None, "foreign" if foreign else "unknown"))
                continue
            for line in lines:
                state = "known" if line.id in facts else self._judge(answer, line)
                rows.append(self._row(answer, line, state))
                if state == "applied":
                    todo[answer.kind] += line
                    facts[line.id] = {
                        "code": answer.code.upper(),
                        "day": answer.day or self.company_id._billing_today(),
                        "text": answer.text,
                        "fee": float(answer.fee),
                    }
        for kind, lines in todo.items():
            lines._come_back(kind, facts)
        self.env["billing.payment.return.line"].sudo().create(rows)

    def _judge(self, answer, line):
        """Return what is to be done about a line that an answer is about."""
        if line.state in ("rejected", "returned"):
            return "known"
        if line.state not in COLLECTED_STATES:
            return "not_submitted"
        if answer.scope == "line" and answer.amounts:
            other = answer.currency and answer.currency != line.currency_id.name
            places = line.currency_id
            same = any(
                places.compare_amounts(float(amount), line.amount) == 0 for amount in answer.amounts
            )
            if other or not same:
                return "amount"
        return "applied"

    def _is_foreign(self, answer):
        """Return whether an answer is about another account or creditor than the company's."""
        company = self.company_id.sudo()
        journals = (
            self.env["account.journal"]
            .sudo()
            .search([("company_id", "=", company.id), ("type", "=", "bank")])
        )
        accounts = {
            account
            for account in journals.bank_account_id.mapped("sanitized_acc_number")
            if account
        }
        if answer.account and compact_iban(answer.account) not in accounts:
            return True
        return bool(answer.creditor_id) and not self._knows_creditor(answer.creditor_id)

    def _knows_creditor(self, creditor_id):
        if creditor_id == self.company_id._creditor_id():
            return True
        mandates = self.env["billing.mandate"].sudo()
        return bool(
            mandates.search_count(
                [
                    ("company_id", "=", self.company_id.id),
                    ("announced_creditor_id", "=", creditor_id),
                ],
                limit=1,
            )
        )

    def _lines_of(self, answers):
        """Return ``{(scope, reference): lines}`` of the company's collections."""
        lines = self.env["billing.payment.line"].sudo()
        references = {answer.reference for answer in answers if answer.scope == "line"}
        mine = Domain("company_id", "=", self.company_id.id)
        mine &= Domain("method", "=", "direct_debit")
        found = {
            ("line", line.reference): line
            for line in lines.search(mine & Domain("reference", "in", list(references - {""})))
        }
        for answer in answers:
            if answer.scope != "line":
                found[answer.scope, answer.reference] = self._lines_of_file(answer)
        return found

    def _lines_of_file(self, answer):
        """Return the lines of a whole file, or of one of its blocks."""
        message = answer.reference
        number = None
        if answer.scope == "block":
            message, _dash, number = message.rpartition("-")
        file = (
            self.env["billing.payment.file"]
            .sudo()
            .search(
                [("company_id", "=", self.company_id.id), ("message_id", "=", message)], limit=1
            )
        )
        blocks = file._blocks()
        if number is None:
            return sum(blocks, self.env["billing.payment.line"].sudo())
        place = int(number) - 1 if number.isdigit() else -1
        return blocks[place] if 0 <= place < len(blocks) else self.env["billing.payment.line"]

    def _row(self, answer, line, state):
        return {
            "return_id": self.id,
            "payment_line_id": line.id if line else False,
            "reference": answer.reference,
            "code": answer.code.upper(),
            "note": answer.text,
            "currency_id": (line.currency_id if line else self.company_id.currency_id).id,
            "amount": float(answer.amounts[0]) if answer.amounts else (line.amount if line else 0),
            "fee": float(answer.fee),
            "date": answer.day,
            "state": state,
        }
