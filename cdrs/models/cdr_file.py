from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

LIVE_STATES = ("pending", "processing", "processed")


class CdrFile(models.Model):
    """One file of call records, or of fixed fees, from a carrier.

    States: ``pending`` waits for somebody to have it processed, ``processing`` has its task in the queue
    or at work, ``processed`` is in, ``error`` could not be read, or only in part, ``duplicate`` has the
    same content as another and is held, ``held`` came from a sender who is not listed, ``ignored`` is not
    wanted, with a reason.

    Billing users see files; managers upload, process, release and ignore them. Nobody deletes one.
    """

    _name = "cdr.file"
    _description = "CDR File"
    _inherit = ["billing.state.mixin", "billing.task.mixin", "mail.thread"]
    _order = "id desc"
    _check_company_auto = True
    _mail_post_access = "read"
    _own_fields = frozenset(
        {
            "sha256", "attachment_id", "entry", "size", "line_count", "record_count",
            "error_count", "duplicate_count", "late_count", "total_seconds", "total_cost",
            "first_date", "last_date", "message", "ignore_reason", "duplicate_of_id",
            "is_released", "received_by", "received_date", "sender", "processed_date", "archive_id",
        }
    )  # fmt: skip

    name = fields.Char(required=True, readonly=True)
    carrier_id = fields.Many2one(
        "cdr.carrier", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="carrier_id.company_id", store=True, precompute=True, required=True, index=True
    )
    kind = fields.Selection(
        [("calls", "Calls"), ("fixed_fee", "Fixed Fees")], required=True, default="calls"
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("processing", "Processing"),
            ("processed", "Processed"),
            ("error", "Error"),
            ("duplicate", "Potential Duplicate"),
            ("held", "Held"),
            ("ignored", "Ignored"),
        ],
        required=True,
        default="pending",
        readonly=True,
        index=True,
        tracking=True,
    )
    period = fields.Date(
        help="The first day of the month that its calls are of. Found out while it is processed where"
        " nobody says it.",
    )
    received_by = fields.Selection(
        [
            ("upload", "Upload"),
            ("email", "E-mail"),
            ("ftp", "FTP"),
            ("ftps", "FTPS"),
            ("sftp", "SFTP"),
        ],
        string="Came By",
        required=True,
        default="upload",
        readonly=True,
    )
    received_date = fields.Datetime(
        string="Received", required=True, default=fields.Datetime.now, readonly=True
    )
    processed_date = fields.Datetime(string="Processed On", readonly=True)
    sender = fields.Char(readonly=True)
    sha256 = fields.Char(
        string="Fingerprint", readonly=True, help="SHA-256 of the content, unpacked."
    )
    attachment_id = fields.Many2one(
        "ir.attachment", string="Content", readonly=True, ondelete="restrict"
    )
    entry = fields.Char(
        string="File in the Archive",
        readonly=True,
        help="Which of the files of a zip archive this is.",
    )
    size = fields.Integer(string="Size (bytes)", readonly=True, aggregator="sum")
    line_count = fields.Integer(string="Lines", readonly=True)
    record_count = fields.Integer(string="Records", readonly=True)
    error_count = fields.Integer(string="Lines in Error", readonly=True)
    duplicate_count = fields.Integer(
        string="Had Already",
        readonly=True,
        help="Records that another file, or this one, brought before.",
    )
    late_count = fields.Integer(
        string="Too Late",
        readonly=True,
        help="Calls that are older than the carrier's files may hold.",
    )
    total_seconds = fields.Float(string="Duration (s)", digits=(18, 0), readonly=True)
    total_cost = fields.Float(string="Cost", digits=(20, 6), readonly=True)
    currency_id = fields.Many2one(related="carrier_id.currency_id")
    first_date = fields.Date(string="First Call", readonly=True)
    last_date = fields.Date(string="Last Call", readonly=True)
    message = fields.Text(string="What Happened", readonly=True)
    ignore_reason = fields.Char(readonly=True, tracking=True)
    duplicate_of_id = fields.Many2one(
        "cdr.file", string="Same Content As", readonly=True, index="btree_not_null"
    )
    is_released = fields.Boolean(
        string="Released",
        readonly=True,
        help="Somebody said that it is no duplicate, or is wanted.",
    )
    line_ids = fields.One2many("cdr.file.line", "file_id", string="Lines Not Read")

    _content_once = models.UniqueIndex(
        "(carrier_id, sha256) WHERE sha256 IS NOT NULL AND NOT coalesce(is_released, false)"
        " AND state IN ('pending', 'processing', 'processed')",
        "The carrier has sent a file with this content already.",
    )
    _waiting_idx = models.Index(
        "(company_id, state) WHERE state IN ('pending', 'processing', 'error', 'duplicate', 'held')"
    )
    _reason_when_ignored = models.Constraint(
        "CHECK(state <> 'ignored' OR coalesce(ignore_reason, '') <> '')",
        "A file is ignored for a reason.",
    )
    _period_is_a_month = models.Constraint(
        "CHECK(extract(day FROM period) = 1)", "A period is named by the first day of its month."
    )

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "pending": {"processing", "duplicate", "error", "ignored"},
            "processing": {"processed", "error", "duplicate"},
            "processed": {"processing"},
            "error": {"processing", "duplicate", "ignored"},
            "duplicate": {"pending", "processing", "ignored"},
            "held": {"pending", "processing", "duplicate", "error", "ignored"},
            "ignored": {"pending", "processing", "duplicate", "error"},
        }

    # === ACTIONS === #

    def action_process(self):
        """Have these files processed now; those that were processed before are read again, and what
        they brought stays."""
        files = self._as_manager()
        wrong = files.filtered(lambda file: file.state not in ("pending", "error", "processed"))
        if wrong:
            raise UserError(
                self.env._(
                    "Only files that wait, are in error or were processed can be processed, not: %s.",
                    ", ".join(wrong.mapped("display_name")),
                )
            )
        files._start()
        return True

    def action_release(self):
        """Have held files and potential duplicates processed after all."""
        files = self._as_manager()
        files._to_move("processing", ("duplicate", "held", "ignored"))
        files._own().write({"is_released": True})
        files._start()
        return True

    def action_ignore(self, reason=None):
        """Leave files out for good.

        :param str reason: why, in words that are kept.
        """
        files = self._as_manager()
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why the file is ignored."))
        files._set_state("ignored", {"ignore_reason": reason})
        return True

    def action_discard(self):
        """Leave potential duplicates and held files out."""
        files = self._as_manager()
        files._to_move("ignored", ("duplicate", "held"))
        texts = {
            "duplicate": self.env._("Discarded: the same content came before."),
            "held": self.env._("Discarded: from a sender who is not listed."),
        }
        files._set_state("ignored", lambda file: {"ignore_reason": texts[file.state]})
        return True

    def action_open_records(self):
        """Open the records that this file brought."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.cdr_record_action"
        )
        return action | {"domain": [("file_id", "=", self.id)], "context": {}}

    def action_open_duplicate(self):
        """Open the file with the same content."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.duplicate_of_id.id,
            "view_mode": "form",
        }

    def _as_manager(self):
        """Return these files with the right to move them, after checking the user's."""
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(self.env._("Only billing managers may work on CDR files."))
        self.check_access("read")
        return self.sudo()
