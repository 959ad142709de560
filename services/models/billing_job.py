from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..numbers import give_numbers, numbered_name
from ..proration import to_decimal


class BillingJob(models.Model):
    """Work delivered once: an installation, an hour of support.

    States: draft → done (delivered, to be billed) → billed. Billing users write jobs while they
    are draft and set them done, or back to draft before they are billed; billing makes one
    charge a line.
    """

    _name = "billing.job"
    _description = "Job"
    _inherit = ["billing.state.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "date desc, number desc, id desc"
    _rec_names_search = ["number", "name", "partner_id"]
    _check_company_auto = True
    _own_fields = frozenset({"state"})

    number = fields.Char(readonly=True, copy=False, required=True, default="/")
    name = fields.Char(string="Description", tracking=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        check_company=True,
        tracking=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    service_id = fields.Many2one(
        "billing.service",
        index="btree_not_null",
        check_company=True,
        domain="[('partner_id', '=', partner_id)]",
        help="The service the work was done for, if any.",
    )
    date = fields.Date(
        required=True,
        index=True,
        default=lambda self: self.env.company._billing_today(),
        tracking=True,
        help="The day the work was delivered.",
    )
    state = fields.Selection(
        [("draft", "Draft"), ("done", "Done"), ("billed", "Billed")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        index=True,
        tracking=True,
    )
    line_ids = fields.One2many("billing.job.line", "job_id", string="Lines", copy=True)
    charge_ids = fields.One2many("billing.charge", "job_id", string="Charges", readonly=True)
    amount = fields.Monetary(compute="_compute_amount", string="Total")

    _number_unique = models.UniqueIndex(
        "(company_id, number)", "Another job of this company already has this number."
    )

    @api.depends("number", "name")
    def _compute_display_name(self):
        for job in self:
            job.display_name = numbered_name(job)

    @api.depends("line_ids.amount")
    def _compute_amount(self):
        for job in self:
            job.amount = sum(job.line_ids.mapped("amount"))

    @api.model_create_multi
    def create(self, vals_list):
        give_numbers(self, vals_list)
        return super().create(vals_list)

    def write(self, vals):
        fixed = {"partner_id", "company_id", "currency_id", "service_id", "date"}
        if fixed.intersection(vals):
            self._check_draft()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        self._check_draft()

    def _check_draft(self):
        for job in self:
            if job.state != "draft":
                raise UserError(
                    self.env._(
                        "Job %s is no longer a draft and cannot be edited or deleted. Set it back "
                        "to draft first; what is billed is corrected by an adjustment.",
                        job.display_name,
                    )
                )

    def action_done(self):
        """The work is delivered: bill it."""
        self._check_billing_user()
        for job in self:
            if not job.line_ids:
                raise UserError(
                    self.env._("Job %s has no lines: there is nothing to bill.", job.display_name)
                )
        self._set_state("done", sources=("draft",))

    def action_draft(self):
        """Edit a job again that is not billed yet."""
        self._check_billing_user()
        self._set_state("draft")

    def action_open_charges(self):
        """Open the charges of these jobs."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_charge_action"
        )
        return action | {"domain": [("job_id", "in", self.ids)], "context": {}}

    def _check_billing_user(self):
        self.check_access("write")
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            raise UserError(self.env._("Only billing users may change jobs."))

    @api.private
    def _rate(self):
        """Charge done jobs, one charge a line, and set them billed. Others are left alone.

        :return: the new charges
        """
        jobs = self.filtered(lambda job: job.state == "done")
        rows = [row for job in jobs for row in job._charge_rows()]
        charges = self.env["billing.charge"]._insert_rows(rows)
        jobs._set_state("billed")
        jobs.invalidate_recordset(["charge_ids"])
        return charges

    def _charge_rows(self):
        for line in self.line_ids:
            yield {
                "kind": "job",
                "partner_id": self.partner_id.id,
                "company_id": self.company_id.id,
                "currency_id": self.currency_id.id,
                "service_id": self.service_id.id or None,
                "job_id": self.id,
                "product_id": line.product_id.id,
                "name": line.name,
                "period_start": self.date,
                "period_end": self.date + timedelta(days=1),
                "quantity": to_decimal(line.quantity),
                "price_unit": to_decimal(line.price_unit),
                "discount": to_decimal(line.discount),
                "amount": line._charged_amount(),
                "source_key": f"job:{self.id}:{line.id}",
            }

    def _return_to_done(self):
        """A charge of these jobs was voided: they are to be billed again."""
        self.filtered(lambda job: job.state == "billed")._set_state("done")

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {"draft": {"done"}, "done": {"draft", "billed"}, "billed": {"done"}}

    @api.model
    def _get_start_text(self):
        return self.env._("A new job starts as draft. Create it first, then set it done.")

    @api.model
    def _get_own_text(self, names):
        return self.env._("Set a job done or back to draft with its buttons.")
