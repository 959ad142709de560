from odoo import models


class BillingBill(models.Model):
    """Preview: what rating and invoicing would make of bills, for the pre-billing report.

    Everything up to the documents is the run's own code; only the documents themselves are
    worked out and not created. For use inside a dry run.
    """

    _inherit = "billing.bill"

    def _preview(self):
        """Take pending bills as far as their documents and return these as plain rows.

        Bills that get no document end as the run would leave them: ``skipped`` with a reason or
        ``error`` with a code. The others stay ``rated``.

        :return: list of tuples in the order of ``REPORT_LINE_COLUMNS``, one a charge
        """
        self._rate()
        rated = self.filtered(lambda bill: bill.state == "rated")
        sheets = rated._worksheets()
        todo = rated - rated._refuse_by(rated._invoicing_problems(sheets))
        rows = {}
        todo._isolate(lambda bills: rows.update(bills._preview_batch(sheets)), "invoicing_failed")
        billed = todo.filtered(lambda bill: bill.state == "rated")
        return [row for bill_id in billed.ids for row in rows[bill_id]]

    def _preview_batch(self, sheets):
        """Return ``{bill id: rows}`` of the documents that rated bills would get.

        :param dict sheets: from :meth:`_worksheets`
        """
        documents, zero = self._prepare_documents(sheets)
        builder = self.env["billing.invoice.builder"]
        proofs = self._draft_proofs("preview")
        results = builder._untaxed_amounts([spec for _bill, _charges, spec in documents], proofs)
        negative = [index for index, (_amounts, total) in enumerate(results) if total < 0]
        if negative:
            turned = [self._turn_document(*documents[index]) for index in negative]
            for index, document, result in zip(
                negative,
                turned,
                builder._untaxed_amounts([spec for _bill, _charges, spec in turned], proofs),
                strict=True,
            ):
                documents[index], results[index] = document, result
        rows = {}
        for (bill, charges, spec), (amounts, _total) in zip(documents, results, strict=True):
            sign = 1 if spec["move_type"] == "out_invoice" else -1
            rows.setdefault(bill.id, []).extend(
                self._preview_row(charge, sign * amount)
                for charge, amount in zip(charges, amounts, strict=True)
            )
        self._skip_undocumented(documents, zero)
        return rows

    def _preview_row(self, charge, amount):
        full_price = charge.full_price or charge.price_unit
        return (
            charge.partner_id.id,
            charge.currency_id.id,
            charge.service_id.id or None,
            charge.addon_line_id.id or None,
            charge.kind,
            charge.product_id.id,
            charge.name,
            charge.quantity,
            full_price * (1 - (charge.discount or 0.0) / 100.0),
            amount,
        )
