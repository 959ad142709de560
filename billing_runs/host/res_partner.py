import logging

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.tools import html2plaintext

from ..invoicing.posting import RANKS, current_posting

_logger = logging.getLogger(__name__)


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "billing.run.counted.mixin"]

    billing_bill_count = fields.Integer(
        "Bills",
        compute="_compute_billing_bill_count",
        groups="billing_operations.group_billing_user",
    )

    billing_message_template_id = fields.Many2one(
        "billing.message.template",
        "Take Message From",
        store=False,
        copy=False,
        groups="billing_operations.group_billing_user",
        help="Copies the template's text in the customer's language.",
    )

    billing_run_id = fields.Many2one(
        "billing.run",
        "Billed by Run",
        store=False,
        copy=False,
        search="_search_billing_run_id",
        groups="billing_operations.group_billing_user",
        help="To find the customers of a billing run.",
    )

    @api.model
    def _search_billing_run_id(self, operator, value):
        if operator != "in":
            return NotImplemented  # Odoo asks for the others by this one
        bills = self.env["billing.bill"]._search([("run_id", "in", value)])
        return [("id", "in", bills.subselect("partner_id"))]

    @api.onchange("billing_message_template_id")
    def _onchange_billing_message_template_id(self):
        template = self.billing_message_template_id
        if template:
            self.billing_invoice_message = html2plaintext(template._in_language(self.lang))

    def _compute_billing_bill_count(self):
        counts = dict(
            self.env["billing.bill"]._read_group(
                [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.billing_bill_count = counts.get(partner._origin, 0)

    def action_view_bills(self):
        """Open the customer's bills."""
        self.ensure_one()
        self.env["billing.bill"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_bill"
        )
        return {**action, "domain": [("partner_id", "=", self.id)]}

    def _increase_rank(self, field, n=1):
        """Collect the customers of one posting: raising one at a time writes one at a time."""
        posting = current_posting(self.env)
        if not posting or field != "customer_rank":
            return super()._increase_rank(field, n)
        for partner in self:
            posting.customer_ranks[partner.id] += n
        return None

    def _increase_customer_ranks(self, counts):
        """Do what ``_increase_rank`` does for many customers at once.

        :param dict counts: ``{id of a partner: by how much}``
        """
        self = self.sudo().with_context(tracking_disable=True)
        partners = self.browse(counts)
        partners.fetch(["customer_rank"])  # alone, for others wait meanwhile
        new = partners.filtered(lambda partner: not partner.customer_rank)
        for count, group in new.grouped(lambda partner: counts[partner.id]).items():
            group.customer_rank = count
        for count, group in (partners - new).grouped(lambda partner: counts[partner.id]).items():
            group._increase_rank("customer_rank", count)

    def _raise_ranks_together(self):
        """Raise customers by sets once this transaction is committed. Odoo, which does it one by one,
        finds nothing left to do then: ask for this before the first document is posted."""
        postcommit = self.env.cr.postcommit
        env = self.env(su=True, context=dict(self.env.context, tracking_disable=True))

        @postcommit.add
        def raise_customers():
            counts = postcommit.data.get(RANKS)
            if not counts:
                return
            try:
                with env.registry.cursor() as cr:
                    partners = env(cr=cr)[self._name].with_context(prefetch_fields=False)
                    partners = partners.browse(sorted(counts)).exists()
                    by_rank = partners.grouped(
                        lambda partner: partner.customer_rank + counts[partner.id]
                    )
                    for rank, group in by_rank.items():
                        group.customer_rank = rank
            except OperationalError:
                # Somebody else is at work on one of them; Odoo's own hook tries each.
                _logger.debug("Customers are raised one by one", exc_info=True)
            else:
                counts.clear()
