from odoo import fields, models


class CdrRemoteFile(models.Model):
    """A file on a carrier's server, as it was when it was looked at: so that each is fetched once, and
    none before it is whole.

    States: ``seen`` waits to be the same at the next look, ``fetched`` is stored here, ``moved`` lies in the
    other folder by now.
    """

    _name = "cdr.remote.file"
    _description = "File on a Carrier's Server"
    _order = "id desc"
    _check_company_auto = True

    carrier_id = fields.Many2one("cdr.carrier", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="carrier_id.company_id", store=True, precompute=True, required=True, index=True
    )
    name = fields.Char(required=True)
    size = fields.Float(digits=(20, 0))
    modified_text = fields.Char(string="Changed", help="As the server writes it.")
    seen_date = fields.Datetime(required=True, help="Since when it has had this size and time.")
    state = fields.Selection(
        [("seen", "Seen"), ("fetched", "Fetched"), ("moved", "Moved")],
        required=True,
        default="seen",
    )
    file_id = fields.Many2one("cdr.file", ondelete="cascade", index="btree_not_null")

    _once = models.UniqueIndex("(carrier_id, name)", "A file is noted once.")
    _file_when_fetched = models.Constraint(
        "CHECK(state = 'seen' OR file_id IS NOT NULL)", "What was fetched is stored."
    )
