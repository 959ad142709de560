from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class ServiceProcessingModule(models.Model):
    """How the operations on services of a tariff are carried out, and by which department.

    Kind ``manual`` makes a service task of every operation at once. Any other kind is automatic: a
    background task calls out, and only what fails, or whose outcome nobody knows, becomes a
    service task of the responsible department. A disabled (archived) module takes no new
    services; it still serves those that have it.

    Billing users read modules, managers keep them. The secret key is for administrators alone.

    A module of another kind is added by inheritance: add the kind to ``kind`` with ``selection_add``,
    and override ``_call_operation``, and ``_ask_operation`` where the other side can be asked,
    beginning with ``if self.kind != "mine": return super()...``.
    """

    _name = "service.processing.module"
    _description = "Processing Module"
    _inherit = "billing.secret.mixin"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(
        string="Enabled", default=True, help="A disabled module takes no new services."
    )
    kind = fields.Selection(
        [("manual", "Manual"), ("webhook", "Webhook")], required=True, default="manual"
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    department_id = fields.Many2one(
        "hr.department",
        string="Responsible Department",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Gets the service tasks. Without one only billing managers see them.",
    )
    department_problem = fields.Char(
        compute="_compute_department_problem", help="Why nobody would see the service tasks."
    )
    tariff_ids = fields.One2many("billing.tariff", "processing_module_id", string="Tariff Plans")
    tariff_count = fields.Integer(compute="_compute_tariff_count")
    is_default = fields.Boolean(
        string="Default Module",
        compute="_compute_is_default",
        help="Serves tariffs without a module of their own.",
    )

    _name_unique = models.UniqueIndex(
        "(company_id, name)", "The company already has a module with this name."
    )

    @api.constrains("active", "kind")
    def _check_default(self):
        for company in self.company_id:
            module = company.sudo().service_processing_module_id
            if module in self and (not module.active or module.kind != "manual"):
                raise ValidationError(
                    self.env._(
                        "%s serves every tariff without a module of its own: it stays enabled and "
                        "manual. Choose another default module in Settings first.",
                        module.name,
                    )
                )

    @api.depends("department_id", "company_id")
    def _compute_department_problem(self):
        served = {
            company: self.env["hr.department"]._served_departments(company)
            for company in self.company_id
        }
        for module in self:
            department = module.department_id._origin
            unserved = department and department not in served.get(module.company_id, department)
            module.department_problem = unserved and department._unserved_text()

    @api.depends("tariff_ids")
    def _compute_tariff_count(self):
        counts = dict(
            self.env["billing.tariff"]._read_group(
                [("processing_module_id", "in", self.ids)], ["processing_module_id"], ["__count"]
            )
        )
        for module in self:
            module.tariff_count = counts.get(module._origin, 0)

    @api.depends_context("uid")
    def _compute_is_default(self):
        for module in self:
            default = module.company_id.sudo().service_processing_module_id
            module.is_default = default == module._origin

    @api.ondelete(at_uninstall=False)
    def _unlink_except_default(self):
        for module in self:
            if module.is_default:
                raise UserError(
                    self.env._(
                        "%s is the company's default module. Choose another first.", module.name
                    )
                )

    def action_open_tariffs(self):
        """Open the tariffs that use this module."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_tariff_action"
        )
        return action | {"domain": [("processing_module_id", "=", self.id)], "context": {}}

    # === HOOKS === #

    def _is_automatic(self) -> bool:
        """Does software carry the operations out?"""
        self.ensure_one()
        return self.kind != "manual"

    def _call_operation(self, operation):
        """Carry ``operation`` out on the other side. Runs outside of any transaction that writes.

        ``operation.payload`` is what to say, the same at every attempt; ``operation.key`` is the key
        by which the other side knows a repeated request.

        :return: a dict: ``outcome`` (``done``; ``accepted``: finished later by a callback; ``failed``:
            refused for good; ``retry``: certainly not done, try again later), ``message``, and
            optionally ``parameters`` ({parameter name: value} to keep on the service).
        :raise Exception: anything else says that the outcome is unknown: it is asked for with
            ``_ask_operation``, never called again blindly.
        """
        self.ensure_one()
        if self.kind == "webhook":
            return self._post_operation(operation)
        raise NotImplementedError(f"Modules of the kind {self.kind} cannot call out")

    def _can_ask(self) -> bool:
        """Can ``_ask_operation`` find anything out?"""
        self.ensure_one()
        if self.kind == "webhook":
            return self.timeout_rule != "person"
        return self._is_automatic()

    def _ask_operation(self, operation):
        """Find out what became of a call without answer.

        :return: like ``_call_operation``, where ``retry`` says that the call may be made again; None
            when the other side cannot tell and a person has to find out.
        :raise Exception: it could not be asked now; it is asked again later.
        """
        self.ensure_one()
        return self._ask_webhook(operation) if self.kind == "webhook" else None
