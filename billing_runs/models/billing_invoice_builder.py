from odoo import models
from odoo.fields import Command

QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
}


class BillingInvoiceBuilder(models.AbstractModel):
    """Creates and posts customer invoices in batches.

    The result is what Odoo's own ``create`` and ``action_post`` give, without a message per invoice:
    the caller writes one for the whole run. Nothing here commits, changes the user or picks a company.
    """

    _name = "billing.invoice.builder"
    _description = "Invoice Builder"

    def _create_invoices(self, specs):
        """Create one draft invoice per spec.

        :param list[dict] specs: all of one company. Keys are fields of ``account.move`` (``move_type``, ``partner_id``,
            ``journal_id``, ``currency_id``, ``company_id``, ``invoice_date``, ``date``, …; many2one as ids) and ``lines``, a
            list of dicts with fields of ``account.move.line`` (``product_id``, ``name``, ``quantity``, ``price_unit``,
            ``discount``, ``tax_ids`` as ids, ``analytic_distribution``, …). A field that is left out gets Odoo's value.
            An ``invoice_date_due`` clears the payment term.
        :return: ``account.move`` recordset, in the order of the specs
        """
        moves = self.env["account.move"].with_context(**QUIET)
        return moves.create([self._plain_move_values(spec) for spec in specs]).with_env(self.env)

    def _post_invoices(self, moves):
        """Post draft invoices, as ``action_post`` does.

        :param moves: ``account.move`` drafts
        :return: the posted moves
        :raise UserError: what Odoo refuses, for all moves at once: nothing is posted then
        """
        return moves.with_context(**QUIET)._post(soft=False).with_env(self.env)

    def _plain_move_values(self, spec):
        """Return the values that ``account.move.create`` takes for a spec."""
        vals = {name: value for name, value in spec.items() if name != "lines"}
        if vals.get("invoice_date_due"):
            vals["invoice_payment_term_id"] = False
        else:
            vals.pop("invoice_date_due", None)
        vals["invoice_line_ids"] = [
            Command.create(self._plain_line_values(line)) for line in spec["lines"]
        ]
        return vals

    def _plain_line_values(self, line):
        """Return the values that ``account.move.line.create`` takes for a line of a spec."""
        vals = dict(line)
        if "tax_ids" in vals:
            vals["tax_ids"] = [Command.set(vals["tax_ids"])]
        return vals
