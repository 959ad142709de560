import base64

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..csv_files import Form, customers_file, documents_file


class AccountingExportFile(models.Model):
    """A file of customers or documents for an accounting software, made once, with what it holds.

    What is in a file counts as sent and goes into no other, unless a person exports it again and says why.
    Billing users see files and download them; nobody makes or deletes them by hand.
    """

    _name = "accounting.export.file"
    _description = "Accounting Export File"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True)
    connection_id = fields.Many2one(
        "accounting.export.connection",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, precompute=True, required=True, index=True
    )
    kind = fields.Selection(
        [("customers", "Customers"), ("documents", "Invoices and Credit Notes")],
        required=True,
        readonly=True,
    )
    item_ids = fields.One2many("accounting.export.item", "file_id", "Holds", readonly=True)
    item_count = fields.Integer("Records", readonly=True)
    content = fields.Binary(readonly=True, attachment=True)
    reason = fields.Char("Exported Again Because", readonly=True)
    downloaded_date = fields.Datetime("Downloaded On", readonly=True)
    downloaded_by_id = fields.Many2one("res.users", readonly=True)

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            self.check_access("create")
            raise UserError(self.env._("Files are made by the connection: use its buttons."))
        return super().create(vals_list)

    def action_download(self):
        """Download the file; who did first is put on record."""
        self.ensure_one()
        self._check_user()
        self.check_access("read")
        if not self.downloaded_date:
            self.sudo().write(
                {"downloaded_date": fields.Datetime.now(), "downloaded_by_id": self.env.uid}
            )
        return {
            "type": "ir.actions.act_url",
            "target": "self",
            "url": f"/web/content/{self._name}/{self.id}/content/{self.name}?download=true",
        }

    def _check_user(self):
        if not self.env.su and not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Only billing users may download these files."))

    @api.model
    def _make(self, connection, kind, items, reason):
        """Write items into a new file, which counts as sending them; None where none can be written."""
        form = Form(connection.delimiter, connection.decimal_point, connection.bom)
        if kind == "customers":
            content = customers_file((connection._customer(item) for item in items), form)
        else:
            documents = connection._documents(items.move_id)
            for item in items:
                made = documents[item.move_id.id]
                if isinstance(made, Exception):
                    item._refuse(made.code, str(made))
                    items -= item
            content = documents_file((documents[item.move_id.id] for item in items), form)
        if not items:
            return None
        file = self.sudo().create(
            {
                "name": self._next_name(connection, kind),
                "connection_id": connection.id,
                "kind": kind,
                "item_count": len(items),
                "content": base64.b64encode(content),
                "reason": reason,
            }
        )
        now = fields.Datetime.now()
        for item in items:
            values = {
                "other_id": item.reference,
                "other_name": item.partner_id.name,
                "file_id": file.id,
                "sent_date": now,
                "error_code": False,
                "error_message": False,
            }
            item._set_state("sent", values)
        return file

    @api.model
    def _next_name(self, connection, kind):
        number = (
            self.env["ir.sequence"].with_company(connection.company_id).next_by_code(self._name)
        )
        return f"{number}-{kind}.csv"
