from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

#: so long restored calls stay before they are archived again
RESTORED_DAYS = 90


class CdrArchive(models.Model):
    """Old call records of a carrier and month, as a compressed CSV file in place of rows.

    States: ``archived``: the file alone holds the calls; ``restored``: they were read back and are kept
    until a day; ``replaced``: they were archived again since, another file holds them.

    Billing users see archives, managers read them back. They are made by the task ``cdr_archive``, once
    an administrator has seen the figures and agreed. Nobody writes or deletes them.
    """

    _name = "cdr.archive"
    _description = "Archive of Call Records"
    _inherit = ["billing.state.mixin"]
    _order = "month desc, carrier_id, part, id desc"
    _check_company_auto = True
    _own_fields = frozenset(
        {
            *("carrier_id", "month", "part", "record_count", "given_up_count", "total_seconds"),
            *("total_cost", "first_date", "last_date", "sha256", "attachment_id", "size"),
            "restored_until",
        }
    )

    name = fields.Char(compute="_compute_name", store=True)
    carrier_id = fields.Many2one(
        "cdr.carrier", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="carrier_id.company_id", store=True, precompute=True, required=True, index=True
    )
    month = fields.Date(
        required=True, readonly=True, help="The first day of the month of the calls."
    )
    part = fields.Integer(
        required=True,
        readonly=True,
        default=1,
        aggregator=None,
        help="Months with very many calls make several files.",
    )
    state = fields.Selection(
        [("archived", "Archived"), ("restored", "Restored"), ("replaced", "Replaced")],
        required=True,
        default="archived",
        readonly=True,
    )
    record_count = fields.Integer(string="Calls", readonly=True)
    given_up_count = fields.Integer(
        string="Never Billed",
        readonly=True,
        help="Calls among them that were given up for their age without having been billed.",
    )
    total_seconds = fields.Float(string="Duration (s)", digits=(18, 0), readonly=True)
    total_cost = fields.Float(string="Cost", digits=(20, 6), readonly=True)
    currency_id = fields.Many2one(related="carrier_id.currency_id")
    first_date = fields.Date(string="First Call", readonly=True)
    last_date = fields.Date(string="Last Call", readonly=True)
    sha256 = fields.Char(string="Fingerprint", readonly=True, help="SHA-256 of the file, unpacked.")
    attachment_id = fields.Many2one(
        "ir.attachment", string="File", readonly=True, ondelete="restrict"
    )
    size = fields.Integer(string="Size (bytes)", readonly=True)
    restored_until = fields.Date(readonly=True)
    service_ids = fields.One2many("cdr.archive.service", "archive_id", string="By Service")
    file_ids = fields.One2many("cdr.file", "archive_id", string="Read Back As")

    _month_is_a_month = models.Constraint(
        "CHECK(extract(day FROM month) = 1)", "A month is named by its first day."
    )
    _live_idx = models.Index("(carrier_id, month) WHERE state <> 'replaced'")

    @api.depends("carrier_id.name", "month", "part")
    def _compute_name(self):
        for archive in self:
            month = archive.month and archive.month.strftime("%Y-%m")
            archive.name = f"{archive.carrier_id.name} {month} ({archive.part})"

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "archived": {"restored"},
            "restored": {"replaced", "archived"},
            "replaced": {"restored"},
        }

    @api.ondelete(at_uninstall=False)
    def _unlink_except_always(self):
        raise UserError(self.env._("Archives of call records are kept."))

    # === ACTIONS === #

    def action_restore(self):
        """Read the calls back: they can be seen again for some time, and are not billed again."""
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(self.env._("Only billing managers may read archives back."))
        self.check_access("read")
        archives = self.sudo()
        if there := archives.filtered(lambda archive: archive.state == "restored"):
            raise UserError(self.env._("The calls of %s are there already.", there[0].name))
        files = self.env["cdr.file"].sudo()._own().with_context(mail_create_nolog=True)
        made = files.create(
            [
                {
                    "name": archive.attachment_id.name,
                    "carrier_id": archive.carrier_id.id,
                    "period": archive.month,
                    "sha256": archive.sha256,
                    "size": archive.size,
                    "attachment_id": archive.attachment_id.id,
                    "archive_id": archive.id,
                    # Its content is no other file's: it may come as often as it is wanted.
                    "is_released": True,
                }
                for archive in archives
            ]
        )
        made._start()
        return True

    def action_open_records(self):
        """Open the calls that were read back."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.cdr_record_action"
        )
        return action | {"domain": [("file_id", "in", self.file_ids.ids)], "context": {}}
