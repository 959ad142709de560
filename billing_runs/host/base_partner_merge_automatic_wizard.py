from odoo import models
from odoo.exceptions import UserError


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Merging customers: what they have in billing, and every limit to them, follows to the one
    that stays.

    A customer has one bill per run and currency. Two that were billed by the same run stay two;
    a report that lists both is removed, as it can be made again.
    """

    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        partners = self.env["res.partner"].browse(partner_ids).exists()
        if len(partners) > 1:
            self._check_billed_apart(partners)
            self._remove_reports_on_both(partners)
        names = {partner.id: partner.display_name for partner in partners}
        result = super()._merge(partner_ids, dst_partner, extra_checks)
        kept = partners.exists()
        if len(kept) == 1 < len(partners):
            gone = {key: name for key, name in names.items() if key != kept.id}
            self.env["billing.limited.mixin"]._move_limits("res.partner", gone, kept)
        return result

    def _check_billed_apart(self, partners):
        """Check that no two of the partners have a bill in the same run and currency."""
        # Whoever may merge contacts need not see bills, nor those of all companies.
        both = (
            self.env["billing.bill"]
            .sudo()
            ._read_group(
                [("partner_id", "in", partners.ids)],
                ["run_id", "currency_id"],
                ["partner_id:recordset"],
                having=[("__count", ">", 1)],
                limit=1,
            )
        )
        for run, _currency, customers in both:
            raise UserError(
                self.env._(
                    "%(customers)s cannot be merged, because each has a bill in billing run"
                    " %(run)s: archive the one that is no longer used instead.",
                    customers=", ".join(
                        self.env._(
                            "%(name)s (ID %(id)s)", name=customer.display_name, id=customer.id
                        )
                        for customer in customers
                    ),
                    run=run.number,
                )
            )

    def _remove_reports_on_both(self, partners):
        """Remove the reports in which two of the partners stand in the same currency."""
        both = (
            self.env["billing.run.report.customer"]
            .sudo()
            ._read_group(
                [("partner_id", "in", partners.ids)],
                ["report_id", "currency_id"],
                having=[("__count", ">", 1)],
            )
        )
        self.env["billing.run.report"].sudo().union(*(report for report, _cur in both)).unlink()
