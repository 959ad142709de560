from odoo import fields, models


class AccountingExportCandidate(models.Model):
    """A customer of the accounting software who may be one that is to be sent: linked by a person, or
    left alone."""

    _name = "accounting.export.candidate"
    _description = "Possible Duplicate in an Accounting Software"
    _order = "item_id, reason, id"
    _check_company_auto = True

    item_id = fields.Many2one(
        "accounting.export.item", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="item_id.company_id", store=True, precompute=True, required=True, index=True
    )
    other_id = fields.Char("Id There", required=True)
    name = fields.Char(required=True)
    email = fields.Char()
    vat = fields.Char("Tax ID")
    archived = fields.Boolean("Archived There")
    reason = fields.Selection(
        [
            ("reference", "Was sent before"),
            ("vat", "Same tax ID"),
            ("name", "Same name"),
            ("email", "Same e-mail"),
        ],
        required=True,
    )

    _once = models.UniqueIndex("(item_id, other_id)", "This possible duplicate is known already.")

    def action_link(self):
        """Take this as the customer: nothing is sent."""
        self.ensure_one()
        self.item_id._check_user()
        self.check_access("read")
        return self.item_id._link(self.other_id, self.name)
