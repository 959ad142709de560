from odoo import models

from ...billing_tasks.texts import plural


class BillingPriceChange(models.Model):
    """What a price change asks before it is scheduled or undone, in figures. Who asks is a matter of
    the floor above."""

    _inherit = "billing.price.change"

    # === QUESTIONS === #

    def _figures(self):
        """Return what a person agrees to: prices, customers and money, for comparison."""
        self.ensure_one()
        self.invalidate_recordset()
        return self.line_count, self.customer_count, self.totals, self._tariffs_text()

    def _tariffs_text(self) -> str:
        return ", ".join(
            f"{rate.display_name} {rate.currency_id.format(rate.old_price)} → "
            f"{rate.currency_id.format(rate.new_price)}"
            for rate in self.tariff_line_ids
        )

    def _schedule_question(self) -> str:
        """Return what scheduling means, in figures, for the dialog that asks first."""
        self.ensure_one()
        self._check_manager()
        self._check_draft()
        self._work_out()
        today = self.company_id._billing_today()
        sentences = [
            self.env._(
                "From %(day)s on %(prices)s of %(customers)s change: %(totals)s a month.",
                day=self._day_text(self.date),
                prices=plural(
                    self.line_count,
                    self.env._("1 price"),
                    self.env._("%s prices", self.line_count),
                ),
                customers=plural(
                    self.customer_count,
                    self.env._("1 customer"),
                    self.env._("%s customers", self.customer_count),
                ),
                totals=self.totals or "0",
            )
        ]
        if self.tariff_line_ids:
            sentences.append(self.env._("New tariff prices: %s.", self._tariffs_text()))
        if self.left_out_count:
            sentences.append(self.env._("Left out: %s.", self.left_out_count))
        if self.date <= today:
            sentences.append(
                self.env._(
                    "The day has come already: the prices are applied at once, and what was billed "
                    "since then is settled."
                )
            )
        if self.with_notice:
            silent = self._silent_count()
            day = self._day_text(max(self.notice_date, today))
            sentences.append(self.env._("Customers are told by e-mail on %s.", day))
            if self.notice_date < today:
                sentences.append(
                    self.env._(
                        "That is later than the %s days ahead that were wanted.", self.notice_days
                    )
                )
            if silent:
                sentences.append(
                    plural(
                        silent,
                        self.env._("1 customer has no e-mail address and needs a letter."),
                        self.env._(
                            "%s customers have no e-mail address and need a letter.", silent
                        ),
                    )
                )
        return "\n".join(sentences)

    def _undo_question(self) -> str:
        """Return what undoing means, in figures, for the dialog that asks first."""
        self.ensure_one()
        self._check_manager()
        told = self.env["billing.price.change.customer"].search_count(
            [("change_id", "=", self.id), ("state", "in", ("sent", "told"))]
        )
        sentences = [
            self.env._("Undo %s? The prices stay as they are.", self.display_name),
        ]
        if told:
            sentences.append(
                plural(
                    told,
                    self.env._("1 customer was told already: write to them."),
                    self.env._("%s customers were told already: write to them.", told),
                )
            )
        return "\n".join(sentences)

    def _silent_count(self) -> int:
        """Return how many customers cannot be told by e-mail."""
        partners = self.customer_ids.filtered("service_count").partner_id
        return len(partners.filtered(lambda partner: not partner.email))
