from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...services.loose_many2one import HeldMany2one
from .billing_usage_earlier import PRICED_COLUMNS


class BillingCharge(models.Model):
    """Corrections of usage that was invoiced: a charge that takes the old one back, and new ones.

    They belong together: all of them are billed, taken back or waived. Taking an unbilled one back
    gives the calls to the charge that they came from.

    Source keys: ``usage:<id of the old charge>:back:<number>`` and
    ``usage:<id>:again:<number>:<customer>:<service>:<class>:<currency>``: a charge is corrected once.
    """

    _inherit = "billing.charge"

    corrected_id = HeldMany2one(
        "billing.charge",
        string="Corrects",
        readonly=True,
        copy=False,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The charge of usage that this one takes back, or replaces.",
    )
    correction_ids = fields.One2many("billing.charge", "corrected_id", string="Corrected By")

    _correction_is_usage = models.Constraint(
        "CHECK(corrected_id IS NULL OR kind = 'usage')", "Only charges of usage are corrected."
    )

    # === THEIR CALLS === #

    def _count_earlier_calls(self):
        """Count the calls of charges that were corrected, and of those that take them back, as they
        were charged then."""
        without = self.filtered(lambda charge: charge.kind == "usage" and not charge.call_count)
        if not without:
            return
        earlier = self.env["billing.usage.earlier"]
        for name in ("charge_id", "back_id"):
            for charge, count in earlier._read_group(
                [(name, "in", without.ids)], [name], ["__count"]
            ):
                charge.with_env(self.env).call_count = count

    def _earlier_calls_action(self):
        """Return the action that opens the calls of these charges as they were charged before; None
        where they are theirs still."""
        earlier = self.env["billing.usage.earlier"]
        domain = Domain("charge_id", "in", self.ids) | Domain("back_id", "in", self.ids)
        has_calls = self.env["cdr.record"].search_count(self._calls_domain(), limit=1)
        if has_calls or not earlier.search_count(domain, limit=1):
            return None
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Calls as Charged Before"),
            "res_model": earlier._name,
            "view_mode": "list",
            "views": [[False, "list"]],
            "domain": list(domain),
        }

    # === TOGETHER === #

    def _live_corrections(self):
        """Return the charges that correct these, and those that correct them in turn."""
        found, todo = self.browse(), self
        while todo:
            todo = self.search(
                [("corrected_id", "in", todo.ids), ("state", "not in", ("void", "waived"))]
            )
            found |= todo
        return found

    def _counterparts(self):
        """Return the charges that belong to the same corrections as these, which are not void."""
        corrected = self.corrected_id
        if not corrected:
            return self.browse()
        return self.search([("corrected_id", "in", corrected.ids), ("state", "!=", "void")])

    def _with_corrections(self):
        """Return these charges with the unbilled corrections that must go with them."""
        charges = self
        usage = self.filtered(lambda charge: charge.kind == "usage")
        while usage:
            more = (usage._counterparts() | usage._live_corrections()) - charges
            usage = more.filtered(lambda charge: charge.state == "rated")
            charges |= usage
        return charges

    def _void_together(self):
        return super()._void_together()._with_corrections()

    def _void_blockers(self):
        blockers = super()._void_blockers()
        usage = self.filtered(lambda charge: charge.kind == "usage")
        others = (usage._counterparts() - self).grouped("corrected_id")
        later = (usage._live_corrections() - self).grouped("corrected_id")
        for charge in usage:
            if charge.corrected_id in others:
                blockers[charge] = self.env._(
                    "Charge %(charge)s and %(other)s belong together: void both or waive.",
                    charge=charge.display_name,
                    other=others[charge.corrected_id][0].display_name,
                )
            elif charge in later:
                blockers[charge] = self.env._(
                    "Charge %(charge)s was corrected since by %(other)s, which is billed. Take that"
                    " one back first, or re-open instead.",
                    charge=charge.display_name,
                    other=later[charge][0].display_name,
                )
        return blockers

    def _waive(self, reason):
        usage = self.filtered(lambda charge: charge.kind == "usage")
        if others := usage._counterparts().filtered(lambda c: c.state != "waived") - self:
            raise UserError(
                self.env._(
                    "%(other)s belongs to the same correction and is not waived: waive all of them"
                    " or none.",
                    other=others[0].display_name,
                )
            )
        later = usage._live_corrections() - self
        later.filtered(lambda charge: charge.state == "rated")._void()
        if billed := later.filtered(lambda charge: charge.state != "void"):
            raise UserError(
                self.env._(
                    "Charge %(other)s corrects one of these and is billed. Take its run back first.",
                    other=billed[0].display_name,
                )
            )
        result = super()._waive(reason)
        usage._restore_corrected()
        return result

    def _restore_corrected(self):
        """Give the calls of these corrections, which do not count any more, back to the charges that
        they came from, with the prices of then."""
        corrected = self.filtered(lambda charge: charge.kind == "usage").corrected_id
        if not corrected:
            return
        self.env.flush_all()
        # The last correction first: a call goes back step by step.
        for charge in corrected.sorted("id", reverse=True):
            self.env.cr.execute(
                SQL(
                    """
                    WITH gone AS (
                        DELETE FROM billing_usage_earlier
                         WHERE charge_id = %(charge)s RETURNING *
                    )
                    UPDATE cdr_record AS record
                       SET charge_id = gone.charge_id, %(priced)s
                      FROM gone
                     WHERE record.id = gone.record_id AND record.state = 'charged'
                    """,
                    charge=charge.id,
                    priced=SQL(", ").join(
                        SQL("%s = gone.%s", SQL.identifier(name), SQL.identifier(name))
                        for name in PRICED_COLUMNS
                    ),
                )
            )
        self.env["cdr.record"].invalidate_model()
        self.env["billing.usage.earlier"].invalidate_model()
