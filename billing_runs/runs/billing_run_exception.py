from odoo import fields, models
from odoo.tools import SQL


class BillingRunException(models.Model):
    """The exceptions of a run by code: how many bills, and one reason as an example.

    Counted from the bills whenever it is read; nobody writes it.
    """

    _name = "billing.run.exception"
    _description = "Billing Run Exception"
    _auto = False
    _order = "run_id desc, bill_count desc, id"
    _rec_name = "error_code"

    run_id = fields.Many2one("billing.run", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    error_code = fields.Selection(
        selection=lambda self: self.env["billing.bill"]._fields["error_code"].selection,
        string="Exception",
        readonly=True,
    )
    bill_count = fields.Integer("Bills", readonly=True)
    example = fields.Text("For Example", readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT MIN(id) AS id, run_id, company_id, error_code, COUNT(*) AS bill_count,
                   MIN(error_message) AS example
              FROM billing_bill
             WHERE error_code IS NOT NULL
             GROUP BY run_id, company_id, error_code
            """
        )

    def action_view_bills(self):
        """Open the bills with these codes."""
        self.check_access("read")
        domain = [
            ("run_id", "in", self.run_id.ids),
            ("error_code", "in", self.mapped("error_code")),
        ]
        return self.run_id._view_records("billing.bill", domain, self.env._("Exceptions"))
