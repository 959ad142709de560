from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...services.loose_many2one import HeldMany2one
from .finding import calls_of, charges_with


class BillingCharge(models.Model):
    """Usage: the calls that a charge is made of, and what becomes of them with it."""

    _inherit = "billing.charge"

    call_count = fields.Integer("Calls", compute="_compute_call_count")
    usage_class_id = HeldMany2one(
        "cdr.rate.class",
        string="Rate Class",
        readonly=True,
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    usage_calls = fields.Integer(
        "Calls Charged",
        readonly=True,
        copy=False,
        help="How many calls the charge was made of.",
    )
    usage_seconds = fields.Integer(
        "Seconds Charged",
        readonly=True,
        copy=False,
        help="What these calls were billed for, included minutes among it.",
    )

    def _compute_call_count(self):
        counts = dict(
            self.env["cdr.record"]._read_group(
                self.filtered(lambda c: c.kind == "usage")._calls_domain(),
                ["charge_id"],
                ["__count"],
            )
        )
        for charge in self:
            charge.call_count = counts.get(charge, 0)
        self._count_earlier_calls()

    # === ACTIONS === #

    def action_view_calls(self):
        """Open the calls that the charges are made of, each with what priced it."""
        self.check_access("read")
        return self._earlier_calls_action() or {
            "type": "ir.actions.act_window",
            "name": self.env._("Calls"),
            "res_model": "cdr.record",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(self._calls_domain()),
        }

    def _calls_domain(self):
        """Return the domain of the calls that these charges are made of. Customers and days find
        them: no index of calls holds the charge."""
        charges = self.sudo()
        if not charges:
            return Domain.FALSE
        return (
            Domain("charge_id", "in", self.ids)
            & Domain("partner_id", "in", charges.partner_id.ids)
            & Domain("call_day", ">=", min(charges.mapped("period_start")))
            & Domain("call_day", "<", max(charges.mapped("period_end")))
        )

    # === WITH THEIR CALLS === #

    def _return_to_sources(self):
        # First, so that calls are back where they came from before they are freed in turn.
        self._restore_corrected()
        result = super()._return_to_sources()
        self._free_calls()
        return result

    def _free_calls(self):
        """Let the calls of charges that are void be charged anew."""
        usage = self.filtered(lambda charge: charge.kind == "usage" and charge.state == "void")
        if not usage:
            return
        self.env.flush_all()
        self.env["cdr.open.day"].sudo()._add_changed(
            SQL(
                """
                UPDATE cdr_record AS record
                   SET state = 'rated', charge_id = NULL, included_seconds = NULL,
                       charged_amount = NULL, counted_before = NULL
                  FROM (%s) AS call
                 WHERE record.id = call.id AND record.state = 'charged'
                """,
                calls_of(charges_with(usage.ids)),
            )
        )
        self.env["cdr.record"].invalidate_model()

    def _set_charged_calls(self, due: SQL | None):
        """Tie the calls to the charges that were made of them.

        :param due: the condition, on ``cdr_record``, of calls that are charged with their own amount;
            None where ``usage_call`` says what each is charged with
        :return: how many
        """
        if not self:
            return 0
        made = SQL(
            """
            (SELECT id AS charge_id, service_id, partner_id, currency_id,
                    COALESCE(usage_class_id, 0) AS class_id
               FROM billing_charge WHERE id = ANY(%s)) AS made
            """,
            self.ids,
        )
        if due:
            # In the order in which they lie: what is near in an index is looked for together.
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE cdr_record
                       SET state = 'charged', charge_id = made.charge_id, included_seconds = 0,
                           counted_before = NULL, charged_amount = cdr_record.amount
                      FROM %(made)s
                     WHERE %(due)s
                       AND made.service_id = cdr_record.service_id
                       AND made.partner_id = cdr_record.partner_id
                       AND made.currency_id = cdr_record.currency_id
                       AND made.class_id = COALESCE(cdr_record.class_id, 0)
                    """,
                    made=made,
                    due=due,
                )
            )
        else:
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE cdr_record AS record
                       SET state = 'charged', charge_id = call.charge_id,
                           included_seconds = call.included_seconds,
                           counted_before = call.counted_before,
                           charged_amount = call.charge_amount
                      FROM (SELECT usage_call.*, made.charge_id
                              FROM usage_call
                              JOIN %s USING (service_id, partner_id, currency_id, class_id)
                             ORDER BY place) AS call
                     WHERE record.ctid = call.place AND record.id = call.id
                       AND record.state = 'rated'
                    """,
                    made,
                )
            )
        count = self.env.cr.rowcount
        self.env["cdr.record"].invalidate_model()
        return count
