from odoo import fields, models


class BillingMandateImportLine(models.TransientModel):
    """One line of a file of mandates, with what is wrong with it."""

    _name = "billing.mandate.import.line"
    _description = "Line of a Mandate File"
    _order = "id"

    import_id = fields.Many2one("billing.mandate.import", required=True, ondelete="cascade")
    line_number = fields.Integer(string="Line")
    customer = fields.Char()
    reference = fields.Char()
    iban = fields.Char(string="IBAN")
    signed_date = fields.Date(string="Signed On")
    problem = fields.Char()
