from odoo import models
from odoo.exceptions import UserError


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Merging customers: what was sent of them stays known, so that nothing is sent again.

    A customer stands once on the list of a connection. Of two, one that is there on the other side
    stays; where both are there, the one who stays here is told that the other side has two.
    """

    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        partners = self.env["res.partner"].browse(partner_ids).exists()
        twice = self._keep_one_export(partners, dst_partner) if len(partners) > 1 else []
        result = super()._merge(partner_ids, dst_partner, extra_checks)
        for kept, note in twice:
            # It names the customer who stayed by now, whoever may see the export.
            kept.partner_id.sudo().message_post(body=note)
        return result

    def _keep_one_export(self, partners, dst_partner):
        """Take away what would be second places on the list of a connection: Odoo would delete all
        that was sent of a customer, invoices included, where one of its rows cannot follow.

        :return: ``[(item that stays, note)]`` where the other side knows two of them
        :raise UserError: one of them is being sent
        """
        # Whoever may merge contacts need not see exports, nor those of all companies.
        items = (
            self.env["accounting.export.item"]
            .sudo()
            .search([("kind", "=", "customer"), ("partner_id", "in", partners.ids)])
        )
        twice = []
        for connection, same in items.grouped("connection_id").items():
            if len(same) < 2:
                continue
            if open_items := same.filtered(lambda item: item.state in ("sending", "unknown")):
                raise UserError(
                    self.env._(
                        "%(customer)s cannot be merged while %(connection)s does not know whether"
                        " the customer has arrived there: wait, or ask there under Sent to"
                        " Accounting.",
                        customer=open_items[0].display_name,
                        connection=connection.display_name,
                    )
                )
            same = same.sorted(lambda item: (item.state != "sent", item.partner_id != dst_partner))
            kept, gone = same[0], same[1:]
            if known := gone.filtered(lambda item: item.state == "sent"):
                note = self.env._(
                    "%(connection)s has this customer twice: %(kept)s, to whom invoices go from now"
                    " on, and %(gone)s. Merge them there as well.",
                    connection=connection.display_name,
                    kept=kept.other_name or kept.other_id,
                    gone=", ".join(item.other_name or item.other_id for item in known),
                )
                twice.append((kept, note))
            gone._own().unlink()
        return twice
