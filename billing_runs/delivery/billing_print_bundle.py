import base64

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.pdf import merge_pdf

from ...billing_tasks.exceptions import FatalTaskError
from ...billing_tasks.texts import plural


class BillingPrintBundle(models.Model):
    """A PDF with many documents of a run in customer order, to be printed at once.

    States: ``ready`` → ``printed`` (somebody printed it and said so, which marks its
    deliveries). Made by tasks; billing users read, download and mark them.
    """

    _name = "billing.print.bundle"
    _description = "Print Bundle"
    _inherit = ["billing.state.mixin", "billing.asking.mixin"]
    _order = "run_id, name, id"

    name = fields.Char(required=True, readonly=True)
    run_id = fields.Many2one(
        "billing.run",
        "Billing Run",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, required=True, precompute=True, index=True
    )
    state = fields.Selection(
        [("ready", "To Print"), ("printed", "Printed")],
        required=True,
        default="ready",
        readonly=True,
    )
    document = fields.Binary("PDF", attachment=True, readonly=True)
    file_name = fields.Char(compute="_compute_file_name")
    delivery_ids = fields.One2many("billing.delivery", "bundle_id", "Documents", readonly=True)
    document_count = fields.Integer("Number of Documents", readonly=True)
    printed_by_id = fields.Many2one("res.users", readonly=True)
    printed_date = fields.Datetime("Printed On", readonly=True)

    @api.depends("name")
    def _compute_file_name(self):
        for bundle in self:
            bundle.file_name = f"{(bundle.name or '').replace('/', '_')}.pdf"

    # === ACTIONS === #

    def _questions(self):
        return super()._questions() | {
            "action_mark_printed": (
                self.env._("Mark as Printed"),
                lambda bundles: bundles._printed_question(),
            )
        }

    def _printed_question(self):
        """Return what is asked before bundles are marked as printed."""
        ready = self.filtered(lambda bundle: bundle.state == "ready")
        documents = sum(ready.mapped("document_count"))
        return self.env._(
            "Mark %(bundles)s with %(documents)s as printed? This cannot be taken back.",
            bundles=plural(
                len(ready), self.env._("1 bundle"), self.env._("%s bundles", len(ready))
            ),
            documents=plural(
                documents, self.env._("1 document"), self.env._("%s documents", documents)
            ),
        )

    def action_ask_printed(self):
        """Ask before the bundles are marked as printed."""
        return self._ask("action_mark_printed")

    def action_mark_printed(self):
        """Note that the bundles were printed."""
        self._check_user()
        # Bundles and deliveries are read-only to people: the rights were checked above.
        bundles = self.sudo().filtered(lambda bundle: bundle.state == "ready")
        now = fields.Datetime.now()
        bundles.delivery_ids._set_state("printed", {"done_date": now})
        bundles._set_state("printed", {"printed_by_id": self.env.uid, "printed_date": now})
        return True

    def action_download(self):
        """Open the PDF."""
        self._check_user()
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/document/{self.file_name}",
            "target": "new",
        }

    def _check_user(self):
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Print bundles are for billing users."))
        self.check_access("read")

    # === BUSINESS === #

    @api.model
    def _get_transitions(self):
        return {"ready": {"printed"}, "printed": set()}

    # === TASK === #

    @api.model
    def _task_print(self, task):
        """Handle ``print_bills``: merge the PDFs of the documents named in the parameters."""
        run = task._record()
        if not run or run._name != "billing.run":
            raise FatalTaskError(self.env._("The billing run of this task is gone."))
        moves = self.env["account.move"].browse(task.parameters["move_ids"]).exists()
        bundle = self._create_bundle(run, moves, task.parameters["name"])
        return {"bundle": bundle.id or None, "documents": bundle.document_count}

    @api.model
    def _files_to_print(self, move):
        """Return the PDFs of a document that are printed: its own, then its annexes."""
        annexes = move.billing_bill_id._get_annexes(move)
        return move.invoice_pdf_report_id + annexes.filtered(
            lambda annex: annex.mimetype == "application/pdf"
        )

    @api.model
    def _create_bundle(self, run, moves, name):
        """Create one bundle of the documents that still wait to be printed.

        :param moves: in the order to print them
        :return: the bundle; empty where nothing is left to print
        """
        deliveries = self.env["billing.delivery"]
        rows = deliveries.search([("move_id", "in", moves.ids), ("channel", "=", "print")])
        known = rows.move_id
        deliveries.create(
            [
                deliveries._prepare_values(move, None)
                for move in moves
                if move not in known and not move._is_out_of_date()  # cancelled since it was asked
            ]
        )
        waiting = deliveries.search(
            [
                ("move_id", "in", moves.ids),
                ("channel", "=", "print"),
                ("state", "=", "pending"),
                ("bundle_id", "=", False),
            ]
        ).grouped("move_id")
        moves = moves.filtered(lambda move: move in waiting and move.invoice_pdf_report_id)
        if not moves:
            return self.browse()
        bundle = self.create(
            {
                "name": name,
                "run_id": run.id,
                "document_count": len(moves),
                "document": base64.b64encode(
                    merge_pdf([file.raw for move in moves for file in self._files_to_print(move)])
                ),
            }
        )
        for move in moves:
            waiting[move].bundle_id = bundle
        return bundle
