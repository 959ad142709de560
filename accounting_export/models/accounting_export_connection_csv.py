from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import split_every

#: records in one file
RECORDS = 5000


class AccountingExportConnection(models.Model):
    """Files for any accounting software: made by a task, each record in one file only."""

    _inherit = "accounting.export.connection"

    def action_view_files(self):
        """Open the files that were made."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.accounting_export_file_action"
        )
        return {**action, "domain": [("connection_id", "=", self.id)], "context": {}}

    def _enqueue_file(self, customers, documents, reason=None):
        """Have files made of customers and of documents."""
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": "accounting_file",
                    "record": self,
                    "parameters": {"kind": kind, "item_ids": ids, "reason": reason or None},
                    "exclusive_key": self._exclusive_key(),
                    "identity_key": f"accounting_file:{self.id}:{kind}:{ids[0]}:{ids[-1]}",
                }
                for kind, items in (("customers", customers), ("documents", documents))
                for ids in split_every(RECORDS, items.ids, list)
            ]
        )

    @api.model
    def _task_file(self, task):
        """Make a file of those items that still wait."""
        connection = task._record()
        wanted = task.parameters or {}
        items = task.env["accounting.export.item"].search(
            [
                ("id", "in", wanted.get("item_ids", [])),
                ("connection_id", "=", connection.id),
                ("state", "=", "waiting"),
            ],
            order="id",
        )
        if not items:
            return {"records": 0}
        file = task.env["accounting.export.file"]._make(
            connection, wanted["kind"], items, wanted.get("reason")
        )
        return {"records": file.item_count if file else 0, "file": file.name if file else None}

    def _export_again(self, items, reason):
        """Have records that were exported written into a new file.

        :raise UserError: without a reason, or for records that are not in a file
        """
        self.ensure_one()
        self._check_user()
        if not (reason or "").strip():
            raise UserError(self.env._("Say why these are exported again."))
        if self.kind != "csv" or items.filtered(lambda item: item.state != "sent"):
            raise UserError(
                self.env._("Only records that were exported to a file are exported again.")
            )
        self._check_ready()
        items = items.sudo()
        items._set_state("waiting", sources=("sent",))
        customers = items.filtered(lambda item: item.kind == "customer")
        self.sudo()._enqueue_file(customers, items - customers, reason.strip())
