from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class BillingRunCountedMixin(models.AbstractModel):
    """Lets a list show what a run counts: found anew by the database, not by thousands of ids.

    A domain on ``billing_run_counted`` names the run and the count, such as ``"12:email:no_pdf"``.
    Customers' wishes are kept per company: the run's counts, whatever company the person looks
    from.
    """

    _name = "billing.run.counted.mixin"
    _description = "Counted by a Billing Run"

    billing_run_counted = fields.Char(
        "Counted by Run",
        store=False,
        copy=False,  # whoever copies a record need not have the right to read it
        search="_search_billing_run_counted",
        groups="billing_operations.group_billing_user",
        help="To find what a billing run counts.",
    )

    @api.model
    def _search_billing_run_counted(self, operator, value):
        if operator != "in":
            return NotImplemented  # Odoo asks for the others by this one
        return Domain.OR(self._billing_run_counted_domain(text) for text in value)

    def _billing_run_counted_domain(self, text):
        try:
            number, what = text.split(":", 1)
            run = self.env["billing.run"].search([("id", "=", int(number))])
            run = run.with_company(run.company_id)
            domain = run._counted_domains(self._name)[what]
        except (AttributeError, KeyError, ValueError) as error:
            raise UserError(self.env._("A billing run does not count “%s”.", text)) from error
        return Domain("id", "in", run.env[self._name]._search(domain))
