from odoo import api, fields, models, tools
from odoo.exceptions import UserError


class BillingTaskType(models.Model):
    """One kind of background work and the numbers that govern it.

    Types come as data with the code that handles them; nobody creates or renames them. Billing
    managers tune priority, retries, delays and parallelism, and pause a type by archiving it: its
    tasks then wait.
    """

    _name = "billing.task.type"
    _description = "Billing Task Type"
    _order = "priority, name, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, readonly=True)
    active = fields.Boolean(
        default=True, help="Archive a type to pause it: its tasks wait until it is active again."
    )
    is_machine = fields.Boolean(
        "Step of the Machine",
        readonly=True,
        help="Moves other tasks along and is no work of its own: lists begin without it.",
    )
    priority = fields.Integer(
        default=50,
        required=True,
        help="Priority of new tasks of this type. The lowest number runs first.",
    )
    max_retries = fields.Integer(
        default=5,
        required=True,
        help="How often a task that hit a problem is tried again before it fails.",
    )
    retry_delay = fields.Float(
        string="Retry Delay (minutes)",
        default=5.0,
        required=True,
        help="Time before the first new try.",
    )
    backoff = fields.Float(
        string="Back-off Factor",
        default=2.0,
        required=True,
        help="Each further try waits this many times longer than the one before, a day at most.",
    )
    max_parallel = fields.Integer(
        default=0,
        required=True,
        help="How many tasks of this type may run at once. 0 means no limit.",
    )

    _code_unique = models.UniqueIndex("(code)", "There is already a task type with this code.")
    _numbers_in_range = models.Constraint(
        "CHECK (priority BETWEEN 0 AND 9999 AND max_retries BETWEEN 0 AND 1000"
        " AND retry_delay BETWEEN 0 AND 1440 AND backoff BETWEEN 1 AND 100"
        " AND max_parallel BETWEEN 0 AND 100)",
        "The priority is between 0 and 9999, the retries between 0 and 1000, the delay between 0 and"
        " 1440 minutes (a day), the back-off factor between 1 and 100, the parallel limit between 0"
        " and 100.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        if "code" in vals and not self.env.su:
            raise UserError(
                self.env._("The code of a task type belongs to the program and cannot be changed.")
            )
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_tasks(self):
        if self.env["billing.task"].sudo().search_count([("type_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "A task type that has tasks cannot be deleted. Archive it to pause its tasks."
                )
            )

    @api.model
    def _by_code(self, code):
        """Return the type with this code, archived or not.

        :raise ValueError: where no such type exists (a mistake in code or data, not of a person).
        """
        type_id = self._id_by_code(code)
        if not type_id:
            raise ValueError(f"There is no billing task type with the code {code!r}.")
        return self.browse(type_id)

    @api.model
    @tools.ormcache("code")
    def _id_by_code(self, code):
        return self.sudo().with_context(active_test=False).search([("code", "=", code)], limit=1).id
