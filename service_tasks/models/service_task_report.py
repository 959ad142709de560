from odoo import api, fields, models
from odoo.tools import SQL

from .service_operation import OPERATION_TYPES


class ServiceTaskReport(models.Model):
    """One row a service task, for pivots and graphs: open and overdue by department, time to
    close, and the revenue that waits behind open set-up tasks.

    Revenue waiting is what one full billing period of the service will bring before tax: price ×
    quantity less discount, and the add-ons beyond what is included. Billing managers read it.
    """

    _name = "service.task.report"
    _description = "Service Task Analysis"
    _auto = False
    _order = "create_date desc"
    _depends = {
        "service.task": ["state", "type", "deadline", "department_id", "hours_to_close"],
        "billing.service": ["price", "quantity", "discount", "tariff_id", "currency_id"],
        "billing.service.addon": ["quantity", "active"],
        "billing.tariff": ["price"],
        "billing.tariff.addon": ["price", "included"],
    }

    task_id = fields.Many2one("service.task", readonly=True)
    number = fields.Char(readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    department_id = fields.Many2one("hr.department", readonly=True)
    user_id = fields.Many2one("res.users", string="Assignee", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    tariff_id = fields.Many2one("billing.tariff", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    type = fields.Selection(OPERATION_TYPES, string="Task Type", readonly=True)
    state = fields.Selection(
        [
            ("new", "New"),
            ("in_progress", "In Progress"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
        ],
        readonly=True,
    )
    create_date = fields.Datetime(string="Created", readonly=True)
    closed_date = fields.Datetime(readonly=True)
    open_count = fields.Integer(string="Open", readonly=True)
    overdue_count = fields.Integer(string="Overdue", readonly=True)
    hours_to_close = fields.Float(string="Hours to Close", aggregator="avg", readonly=True)
    revenue_waiting = fields.Monetary(
        readonly=True, help="What a full period of the services behind open set-up tasks brings."
    )

    @property
    def _table_query(self):
        return self._query()

    @api.model
    def _query(self) -> SQL:
        return SQL(
            """
            SELECT task.id, task.id AS task_id, task.number, task.company_id, task.department_id,
                   task.user_id, task.partner_id, task.tariff_id, task.type, task.state,
                   task.create_date, task.closed_date, service.currency_id,
                   CASE WHEN task.state IN ('new', 'in_progress') THEN 1 ELSE 0 END AS open_count,
                   CASE WHEN task.state IN ('new', 'in_progress')
                             AND task.deadline < %s
                        THEN 1 ELSE 0 END AS overdue_count,
                   CASE WHEN task.state = 'done' THEN task.hours_to_close END AS hours_to_close,
                   CASE WHEN task.type = 'setup' AND task.state IN ('new', 'in_progress')
                        THEN COALESCE(NULLIF(service.price, 0), tariff.price) * service.quantity
                             * (1 - COALESCE(service.discount, 0) / 100)
                             + COALESCE(addons.amount, 0)
                        ELSE 0 END AS revenue_waiting
              FROM service_task task
              JOIN billing_service service ON service.id = task.service_id
              JOIN billing_tariff tariff ON tariff.id = service.tariff_id
         LEFT JOIN LATERAL (
                   SELECT SUM(GREATEST(line.quantity - COALESCE(offer.included, 0), 0)
                              * offer.price) AS amount
                     FROM billing_service_addon line
                     JOIN billing_tariff_addon offer ON offer.id = line.addon_id
                    WHERE line.service_id = service.id AND line.active
                   ) addons ON TRUE
            """,
            fields.Datetime.now(),
        )
