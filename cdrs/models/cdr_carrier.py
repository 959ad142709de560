from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CdrCarrier(models.Model):
    """Who sends call records, how, and in which format.

    Billing users see carriers, managers fetch and upload their files, administrators keep them.
    Passwords and keys can be read by administrators alone.
    """

    _name = "cdr.carrier"
    _description = "CDR Carrier"
    _inherit = ["billing.secret.mixin", "billing.used.mixin", "billing.task.mixin",
                "mail.alias.mixin.optional"]  # fmt: skip
    _order = "sequence, name, id"
    _check_company_auto = True
    _secret_fields = ("password", "private_key")

    name = fields.Char(required=True)
    code = fields.Char(help="A short name, for lists and reports.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        help="In which the carrier's costs are.",
    )
    country_id = fields.Many2one(
        "res.country",
        string="Numbers Of",
        default=lambda self: self.env.company.country_id,
        help="Numbers without an international prefix belong to this country.",
    )
    format_id = fields.Many2one(
        "cdr.format",
        string="Format of Calls",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('file_kind', '=', 'calls'), ('company_id', 'in', (False, company_id))]",
    )
    fixed_fee_format_id = fields.Many2one(
        "cdr.format",
        string="Format of Fixed Fees",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('file_kind', '=', 'fixed_fee'), ('company_id', 'in', (False, company_id))]",
        help="Of files with what the carrier charges a period, such as line rental.",
    )
    expected_files = fields.Integer(
        string="Files a Month",
        help="So many files with calls come every month. 0: not known, none is missed.",
    )
    auto_import = fields.Boolean(
        string="Process at Once",
        default=True,
        help="Off: files that come wait until somebody has them processed.",
    )
    late_rule = fields.Selection(
        [("accept", "The next run bills them"), ("refuse", "Refuse calls older than")],
        string="Late Calls",
        required=True,
        default="accept",
    )
    late_days = fields.Integer(
        string="Days", default=90, help="Calls that are older when their file comes are not billed."
    )

    # === WAYS IN === #

    way_in = fields.Selection(
        [
            ("upload", "Upload"),
            ("email", "E-mail"),
            ("ftp", "FTP"),
            ("ftps", "FTPS"),
            ("sftp", "SFTP"),
        ],
        required=True,
        default="upload",
        help="How files come by themselves. They can be uploaded as well, always.",
    )
    sender_emails = fields.Text(
        string="Senders",
        help="Addresses or @domains from which files are taken, one a line. What others send is held.",
    )
    host = fields.Char(help="Name or address of the carrier's server.")
    port = fields.Integer(help="0: the usual one.")
    username = fields.Char(string="User Name")
    password = fields.Char(
        groups="billing_operations.group_billing_administrator", copy=False, exportable=False
    )
    private_key = fields.Text(
        groups="billing_operations.group_billing_administrator",
        copy=False,
        exportable=False,
        help="An OpenSSH key without a passphrase, in place of a password.",
    )
    has_secret = fields.Boolean(
        string="Password or Key Set", compute="_compute_has_secret", compute_sudo=True
    )
    host_key = fields.Char(
        help="The server's public key, such as ssh-ed25519 AAAA… A server with another one is not"
        " talked to.",
    )
    certificate = fields.Text(
        string="Trusted Certificate",
        help="PEM, of servers whose certificate is not signed by a known authority.",
    )
    remote_folder = fields.Char(string="Folder", help="Empty: where the server puts its users.")
    file_pattern = fields.Char(string="Files", default="*", help="Such as *.csv or calls_*.")
    after_fetch = fields.Selection(
        [("leave", "Leave them"), ("move", "Move them to a folder")],
        string="Fetched Files",
        required=True,
        default="leave",
    )
    done_folder = fields.Char(string="Move To", default="done")
    done_marker = fields.Char(
        help="A file is whole when one with this at the end of its name lies beside it, such as .ok."
        " Empty: when its size and time have not changed between two looks.",
    )
    settle_minutes = fields.Integer(string="Between Two Looks (min)", default=1, required=True)
    auto_fetch = fields.Boolean(
        string="Fetch Every Hour", default=True, help="Off: only when somebody asks for it."
    )

    file_ids = fields.One2many("cdr.file", "carrier_id", string="CDR Files")
    file_count = fields.Integer(compute="_compute_file_count")

    _name_unique = models.UniqueIndex(
        "(company_id, name)", "The company already has a carrier with this name."
    )
    _numbers_in_range = models.Constraint(
        "CHECK(expected_files >= 0 AND late_days BETWEEN 1 AND 3650 AND port BETWEEN 0 AND 65535"
        " AND settle_minutes BETWEEN 0 AND 1440)",
        "Expected files are not negative, late calls 1 to 3650 days old, ports 1 to 65535, looks up to"
        " 1440 minutes apart.",
    )
    _host_of_servers = models.Constraint(
        "CHECK(way_in NOT IN ('ftp', 'ftps', 'sftp') OR coalesce(host, '') <> '')",
        "Files that are fetched need the name of a server.",
    )
    _folder_to_move_to = models.Constraint(
        "CHECK(after_fetch <> 'move' OR coalesce(done_folder, '') <> '')",
        "Say to which folder fetched files are moved.",
    )

    @api.depends("password", "private_key")
    def _compute_has_secret(self):
        for carrier in self:
            carrier.has_secret = bool(carrier.password or carrier.private_key)

    @api.depends("file_ids")
    def _compute_file_count(self):
        counts = dict(
            self.env["cdr.file"]._read_group(
                [("carrier_id", "in", self.ids)], ["carrier_id"], ["__count"]
            )
        )
        for carrier in self:
            carrier.file_count = counts.get(carrier._origin, 0)

    @api.constrains("format_id", "fixed_fee_format_id", "company_id")
    def _check_formats(self):
        for carrier in self:
            for form in carrier.format_id, carrier.fixed_fee_format_id:
                if form.company_id and form.company_id != carrier.company_id:
                    raise ValidationError(
                        self.env._(
                            "The format %(format)s belongs to another company than %(carrier)s.",
                            format=form.name,
                            carrier=carrier.name,
                        )
                    )

    def write(self, vals):
        # The fields of an alias are written as the system, so rights are asked for here.
        self.check_access("write")
        if "company_id" in vals:
            moved = self.filtered(lambda carrier: carrier.company_id.id != vals["company_id"])
            if moved.sudo().file_ids:
                raise UserError(
                    self.env._(
                        "%s has sent files already and stays with its company. Create another"
                        " carrier.",
                        moved[:1].name,
                    )
                )
        return super().write(vals)

    def _alias_get_creation_values(self):
        values = super()._alias_get_creation_values()
        values["alias_model_id"] = self.env["ir.model"]._get("cdr.file").id
        values["alias_contact"] = "everyone"
        if self.id:
            values["alias_defaults"] = {"carrier_id": self.id}
        return values

    def _is_listed(self, sender):
        """Return whether files are taken from an address, by the carrier's list of senders."""
        self.ensure_one()
        listed = {line.strip().lower() for line in (self.sender_emails or "").splitlines()}
        domain = sender.rpartition("@")[2]
        return bool(sender) and (sender in listed or f"@{domain}" in listed)

    # === ACTIONS === #

    def action_open_files(self):
        """Open the files of this carrier."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("billing_operations.cdr_file_action")
        return action | {"domain": [("carrier_id", "=", self.id)], "context": {}}
