from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...billing_tasks.exceptions import FatalTaskError
from ...billing_tasks.garbage import collecting_later
from ..netting import net, to_units
from ..sequences import sequence_types

#: how many lines are read at once, so that a large run takes no more memory than a small one
AT_ONCE = 500
#: what a file says of invoices and customers: they have a hundred more fields, which nobody needs
READ = {
    "move_id": ["name", "payment_reference"],
    "partner_id": [
        *("name", "street", "zip", "city", "country_id"),
        *("billing_collection_hold", "billing_collection_hold_until"),
    ],
}


class BillingPaymentRun(models.Model):
    """From a confirmed run to a submitted one, by a task: the last look at what is collected."""

    _inherit = "billing.payment.run"

    # === TASKS === #

    def _enqueue(self, step, **parameters):
        """Queue a step of the run."""
        self.env["billing.task"].sudo().enqueue(
            self._task_code(),
            self,
            {"step": step, **parameters},
            identity_key=f"payment_run:{self.id}:{step}",
            exclusive_key=f"payment_run:{self.id}",
        )

    def _task_code(self):
        """Return the code of the tasks that submit the run and post its payments."""
        self.ensure_one()
        return "book_card_payments" if self.method == "card" else "collect_direct_debit"

    @api.model
    def _task_collect(self, task):
        """Do the step that a task is for."""
        run = task.env["billing.payment.run"].browse(task.res_id).exists()
        parameters = task.parameters or {}
        if parameters.get("step") == "submit":
            return run._submit()
        lines = task.env["billing.payment.line"].browse(parameters.get("line_ids", []))
        with collecting_later():
            return run._post_lines(lines.exists())

    @api.model
    def _task_collect_failed(self, task):
        """Leave the reason on the run."""
        run = task.env["billing.payment.run"].browse(task.res_id).exists()
        run._own().write({"problem": task.error_message})

    # === SUBMITTING === #

    def _check_creditor(self):
        """Check what the settings need to hold before a file can be written.

        :raise UserError: naming what is missing
        """
        self.ensure_one()
        company = self.company_id.sudo()
        journal = company.billing_debit_journal_id
        missing = [
            text
            for there, text in (
                (company._creditor_id(), self.env._("the creditor identifier")),
                (journal, self.env._("the bank journal")),
                (
                    journal.bank_account_id.acc_number or not journal,
                    self.env._("the account number of the bank journal"),
                ),
            )
            if not there
        ]
        if missing:
            raise UserError(
                self.env._(
                    "An administrator has to set in the settings, under Direct Debit: %s.",
                    ", ".join(missing),
                )
            )

    def _submit(self):
        """Write the files and have the payments posted, all in one transaction: a file that cannot
        be written leaves the run as it was."""
        self.ensure_one()
        if self.state != "confirmed":
            return {"message": self.env._("%s was submitted before.", self.number)}
        self = self.with_company(self.company_id)
        debits, line_ids = defaultdict(list), []
        for lines in self._by_customers(self._lock_lines("confirmed").ids):
            for name, names in READ.items():
                lines[name].sudo().fetch(names)
            lines = self._with_present_mandates(self._take_off_credits(lines))
            for scheme, some in lines.grouped(lambda line: line.mandate_id.scheme).items():
                debits[scheme] += zip(some.ids, self._debits(some), strict=True)
            self._use_mandates(lines)
            lines._set_state("submitted")
            line_ids += lines.ids
            # What is read of some customers is of no use for the others.
            self.env.flush_all()
            self.env.invalidate_all(flush=False)
        if not line_ids:
            raise FatalTaskError(self.env._("Nothing is left to collect."))
        files = self._write_files(debits)
        self._set_state("submitted", {"commenced_date": fields.Datetime.now(), "problem": False})
        self._enqueue_posting(line_ids)
        return {"lines": len(line_ids), "files": files.mapped("name")}

    def _by_customers(self, line_ids, number=AT_ONCE):
        """Yield lines some at a time, all of a customer together: their credits and the sequence
        types of their mandates are shared.

        :param int number: how many lines make enough
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT array_agg(id ORDER BY id) FROM billing_payment_line WHERE id = ANY(%s)"
                " GROUP BY partner_id ORDER BY min(id)",
                list(line_ids),
            )
        )
        some = []
        for (mine,) in rows:
            some += mine
            if len(some) >= number:
                yield self.env["billing.payment.line"].browse(some)
                some = []
        if some:
            yield self.env["billing.payment.line"].browse(some)

    def _take_off_credits(self, lines):
        """Lower amounts by what was paid or credited since they were confirmed, never raise them; leave
        out what the customer is just paying online.

        :return: the lines with something left to collect
        """
        items, credits = self._open_items(lines.move_line_id.ids)
        left, _pairs = net(items, credits)
        places = self.currency_id.decimal_places
        paid = lines.browse()
        online = lines.move_id._being_paid_online()
        for line in lines:
            units = min(left.get(line.move_line_id.id, 0), to_units(line.amount, places))
            if not units or line.move_id in online:
                paid += line
            elif units != to_units(line.amount, places):
                line._own().write({"amount": units / 10**places})
        changed = paid.filtered(lambda line: line.move_id.state != "posted")
        changed._set_state("cancelled", {"error_code": "changed"})
        (paid - changed)._set_state("cancelled", {"error_code": "paid"})
        return lines - paid

    def _with_present_mandates(self, lines):
        """Leave out lines whose mandate was revoked or blocked meanwhile, or that a customer now on
        hold has, and set the sequence types as they are now."""
        held = lines.partner_id._held_from_collection(self.collection_date)
        by_mandate = defaultdict(lines.browse)
        gone, kinds = defaultdict(lines.browse), defaultdict(lines.browse)
        for line in lines:
            if line.partner_id.id in held:
                gone["hold"] += line
            else:
                by_mandate[line.mandate_id] += line
        for mandate, some in by_mandate.items():
            usable = mandate.state == "active" and mandate.expiry_date > self.collection_date
            code = self._mandate_problem(mandate if usable else None)
            if code:
                gone[code] += some
                continue
            for line, kind in zip(
                some,
                sequence_types(mandate.kind, mandate.collection_count, mandate.is_last, len(some)),
                strict=True,
            ):
                if not kind:
                    gone["one_off"] += line
                elif line.sequence_type != kind:
                    kinds[kind] += line
        for code, some in gone.items():
            some._set_state("cancelled", {"error_code": code})
            lines -= some
        for kind, some in kinds.items():
            some._own().write({"sequence_type": kind})
        return lines
