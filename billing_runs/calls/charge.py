from datetime import timedelta

from odoo import models
from odoo.fields import Domain

from ...services.proration import to_decimal
from .texts import CallTexts

#: so many charges are looked into, and so many calls of each, for those that differ
CHARGES, CALLS = 20, 2_000
#: so many are named
NAMED = 10
#: days before and after those of a charge on which its calls are looked for
AROUND = timedelta(days=92)


class BillingCharge(models.Model):
    """Charges of usage that differ from their calls: which ones it is."""

    _inherit = "billing.charge"

    def _name_untied_calls(self):
        """Return sentences that name, of charges that differ from their calls, the calls whose amount
        does not follow from their rate, and how many are missing or too many."""
        texts = CallTexts(self.env)
        sentences = []
        for charge in self[:CHARGES]:
            # Around its days, too: a call may have come to a charge that is not its own.
            calls = Domain("charge_id", "=", charge.id)
            calls &= Domain("partner_id", "=", charge.partner_id.id)
            calls &= Domain("call_day", ">=", charge.period_start - AROUND)
            calls &= Domain("call_day", "<", charge.period_end + AROUND)
            records = self.env["cdr.record"].search(
                calls & Domain("state", "=", "charged"), order="call_time, id", limit=CALLS
            )
            explained = records._explain()
            odd = [
                record
                for record in records
                if record.service_id != charge.service_id
                or record.class_id != charge.usage_class_id
                or record not in explained
                or not explained[record].agrees
            ]
            sentences += [self._untied_text(record, explained.get(record), texts) for record in odd]
            there = self.env["cdr.record"].search_count(calls)
            if there != charge.usage_calls:
                sentences.append(
                    self.env._(
                        "%(charge)s: %(there)s calls are there, %(charged)s were charged.",
                        charge=charge.name,
                        there=there,
                        charged=charge.usage_calls,
                    )
                )
            elif not odd:
                sentences.append(self.env._("%s differs from its calls.", charge.name))
            if len(sentences) >= NAMED:
                break
        return sentences[:NAMED]

    def _untied_text(self, record, explanation, texts):
        amount = texts.number(to_decimal(record.charged_amount))
        values = {
            "call": record.display_name,
            "day": texts.day(record.call_day),
            "line": record.line_number,
            "file": record.file_id.display_name,
            "amount": amount,
        }
        if explanation is None or explanation.agrees:
            return self.env._(
                "Call %(call)s of %(day)s (%(file)s, line %(line)s) belongs to another charge.",
                **values,
            )
        return self.env._(
            "Call %(call)s of %(day)s (%(file)s, line %(line)s) is charged with %(amount)s for"
            " %(billed)s s; by its rate it is %(right)s.",
            right=texts.number(explanation.charged_amount),
            billed=record.billed_seconds,
            **values,
        )
