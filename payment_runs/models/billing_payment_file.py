import base64

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_datetime, formatLang

from ...billing_tasks.texts import plural

FILES_GROUP = "billing_operations.group_payment_files"


class BillingPaymentFile(models.Model):
    """The file of one scheme of a payment run, as the bank gets it: the same bytes each time.

    Billing users see that there is one; its content comes by *Download* alone, to members of *Payment
    Files*, and who has it is put on record. What was downloaded before asks first: handed in twice it
    debits twice. Nobody changes or deletes one.
    """

    _name = "billing.payment.file"
    _description = "Direct Debit File"
    _inherit = ["billing.asking.mixin"]
    _order = "id desc"
    _check_company_auto = True

    run_id = fields.Many2one(
        "billing.payment.run", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, precompute=True, required=True, index=True
    )
    currency_id = fields.Many2one(related="run_id.currency_id")
    scheme = fields.Char(required=True, readonly=True)
    name = fields.Char(required=True, readonly=True)
    message_id = fields.Char(string="Message Name", required=True, readonly=True, index=True)
    content = fields.Binary(attachment=True, readonly=True, groups=fields.NO_ACCESS)
    sha256 = fields.Char(string="Fingerprint", required=True, readonly=True)
    line_count = fields.Integer(string="Collections", readonly=True)
    amount = fields.Monetary(string="Control Sum", readonly=True)
    download_ids = fields.One2many("billing.payment.download", "file_id")
    download_count = fields.Integer(string="Downloaded", compute="_compute_download_count")

    _message_once = models.UniqueIndex(
        "(company_id, message_id)", "There is already a file with this message."
    )

    @api.depends("download_ids")
    def _compute_download_count(self):
        counts = dict(
            self.env["billing.payment.download"]
            .sudo()
            ._read_group([("file_id", "in", self.ids)], ["file_id"], ["__count"])
        )
        for file in self:
            file.download_count = counts.get(file._origin, 0)

    def _blocks(self):
        """Return the collections of each of the file's blocks, which are numbered in the order in
        which their first collection comes."""
        lines = self.env["billing.payment.line"].sudo()
        if not self:
            return []
        self.ensure_one()
        found = lines.search(
            [
                ("run_id", "=", self.run_id.id),
                ("mandate_id.scheme", "=", self.scheme),
                ("state", "not in", ("draft", "excluded", "cancelled")),
            ],
            order="id",
        )
        return list(found.grouped("sequence_type").values())

    def _keep(self, content: bytes):
        """Store the content, without a copy of it in base64: files of large runs are large."""
        self.ensure_one()
        self.env["ir.attachment"].sudo().create(
            {
                "name": "content",
                "res_model": self._name,
                "res_field": "content",
                "res_id": self.id,
                "company_id": self.company_id.id,
                "type": "binary",
                # Of what counts as a text Odoo would keep all words once more to search in them.
                "mimetype": "application/pain.008",
                "raw": content,
            }
        )
        self.invalidate_recordset(["content"])

    def _questions(self):
        return super()._questions() | {
            "action_download_again": (self.env._("Download Again"), lambda file: file._again_text())
        }

    def action_download(self):
        """Give out the file; who asked is put on record when it leaves. Later ones ask first."""
        self.ensure_one()
        self._check_download()
        # The screen may have been opened before somebody downloaded it.
        if self.download_count:
            return self._ask("action_download_again")
        return self._leave()

    def action_download_again(self):
        """Give out the same bytes once more."""
        self.ensure_one()
        self._check_download()
        return self._leave()

    def _leave(self):
        return {
            "type": "ir.actions.act_url",
            "url": f"/billing_operations/payment_file/{self.id}",
            "close": True,
        }

    def _again_text(self):
        number = self.download_count
        last = self.sudo().download_ids[:1]
        return self.env._(
            "Download %(file)s again, with %(lines)s, %(amount)s in all? It was downloaded %(times)s,"
            " the last time by %(user)s on %(moment)s. Handing it in twice debits your customers"
            " twice.",
            file=self.name,
            lines=plural(
                self.line_count,
                self.env._("1 collection"),
                self.env._("%s collections", self.line_count),
            ),
            amount=formatLang(self.env, self.amount, currency_obj=self.currency_id),
            times=plural(number, self.env._("once"), self.env._("%s times", number)),
            user=last.user_id.name,
            moment=format_datetime(self.env, last.date),
        )

    def _check_download(self):
        if not self.env.user.has_group(FILES_GROUP):
            raise AccessError(
                self.env._("Only billing users with the right “Payment Files” may download files.")
            )
        self.check_access("read")

    def _give_out(self) -> bytes:
        """Return the content after putting on record who has it."""
        self.ensure_one()
        self._check_download()
        self.env["billing.payment.download"].sudo().create(
            {"file_id": self.id, "user_id": self.env.uid, "date": fields.Datetime.now()}
        )
        self.run_id.sudo().message_post(
            body=self.env._(
                "%(user)s downloaded %(file)s.", user=self.env.user.name, file=self.name
            )
        )
        return base64.b64decode(self.sudo().with_context(bin_size=False).content)
