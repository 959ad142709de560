from datetime import timedelta

from odoo import models


class BillingBill(models.Model):
    """Low invoices: what becomes of bills below their customer's minimum."""

    _inherit = "billing.bill"

    def _apply_low_invoice_rule(self):
        """Apply the customers' low-invoice rules to bills below their minimum.

        Compared is what the documents come to before tax; credits (a total below zero) are
        never low. ``skip`` leaves the charges for a later run; ``pad`` and ``fee`` add a charge
        that raises the total before tax to the minimum, or by the fee.

        :return: the bills that were skipped
        """
        ruled = self.filtered(
            lambda bill: bill._partner().billing_low_invoice_rule not in (False, "none")
        )
        skipped = self.browse()
        if not ruled:
            return skipped
        prices, addressees = ruled._document_prices(), ruled._addressees()
        documents = ruled._priced_documents(prices, addressees)
        wanted = {}
        for bill, total in zip(ruled, ruled._totals_before_tax(prices, documents), strict=True):
            currency = bill.currency_id
            minimum = bill._in_bill_currency("billing_low_invoice_minimum")
            if (
                currency.compare_amounts(total, 0) < 0
                or currency.compare_amounts(total, minimum) >= 0
            ):
                continue
            rule = bill._partner().billing_low_invoice_rule
            if rule == "skip":
                skipped |= bill
                bill._set_skipped(
                    "below_minimum",
                    self.env._(
                        "The charges of %(total)s are below the customer's minimum of"
                        " %(minimum)s. They wait for a later run.",
                        total=currency.format(total),
                        minimum=currency.format(minimum),
                    ),
                )
            elif rule == "pad":
                wanted[bill] = total, currency.round(minimum)
            else:
                fee = bill._in_bill_currency("billing_low_invoice_fee")
                wanted[bill] = total, currency.round(total + fee)
        self._add_minimum_charges(wanted, prices, addressees, documents)
        return skipped

    def _priced_documents(self, prices, addressees):
        """Return ``{bill: {key: DocumentLines of a document}}``, by the keys of
        ``_document_groups``."""
        charges = self._rated_charges()
        documents = {}
        for bill in self:
            groups = bill._document_groups(
                charges.get(bill, self.env["billing.charge"]),
                addressees[bill.partner_id].position,
            )
            documents[bill] = {
                key: [prices.line(charge, key[1]) for charge in group]
                for key, group in groups.items()
            }
        return documents

    def _totals_before_tax(self, prices, documents):
        """Return what each bill comes to before tax.

        :param dict documents: from :meth:`_priced_documents`
        """
        todo = [(bill, lines) for bill in self for lines in documents[bill].values()]
        amounts = prices.totals_before_tax([(bill.currency_id, lines) for bill, lines in todo])
        totals = dict.fromkeys(self, 0.0)
        for (bill, _lines), amount in zip(todo, amounts, strict=True):
            totals[bill] += amount
        return [bill.currency_id.round(totals[bill]) for bill in self]

    def _add_minimum_charges(self, wanted, prices, addressees, documents):
        """Add to bills what takes their total before tax to where it must be.

        With taxes in the price a price in whole cents may miss it; then the price is not rounded,
        and last the cents are made up for.

        :param dict wanted: ``{bill: (total before tax, total wanted)}``
        """
        if not wanted:
            return
        bills = self.browse().concat(*wanted)
        charge_prices, todo, missing = {}, bills, {bill: 0.0 for bill in bills}
        for rounded in (True, False, False):
            for bill in todo:
                total, target = wanted[bill]
                charge_prices[bill] = bill._minimum_price(
                    prices, addressees, target - total + missing[bill], rounded
                )
            padded = {
                bill: bill._with_minimum(documents[bill], prices, addressees, charge_prices[bill])
                for bill in todo
            }
            totals = todo._totals_before_tax(prices, padded)
            for bill, total in zip(todo, totals, strict=True):
                missing[bill] = 0.0 if rounded else wanted[bill][1] - total
            todo = todo.browse().concat(
                *(
                    bill
                    for bill, total in zip(todo, totals, strict=True)
                    if bill.currency_id.compare_amounts(total, wanted[bill][1])
                )
            )
        self.env["billing.charge"].create(
            [bill._prepare_minimum_charge(price) for bill, price in charge_prices.items()]
        )

    def _minimum_price(self, prices, addressees, amount, rounded):
        """Return the price of the minimum's product that comes to ``amount`` before tax."""
        price = prices.price_before_tax(
            self.company_id._billing_minimum_product(),
            addressees[self.partner_id].position,
            self.currency_id,
            self.currency_id.round(amount),
        )
        return self.currency_id.round(price) if rounded else price

    def _with_minimum(self, documents, prices, addressees, price):
        """Return a bill's documents with its minimum at a price. A minimum has no service."""
        position = addressees[self.partner_id].position
        product = self.company_id._billing_minimum_product()
        line = prices.line_of(product, position, self.currency_id, 1.0, price)
        key = self.env["billing.service"], position
        return documents | {key: [*documents.get(key, ()), line]}

    def _in_bill_currency(self, field):
        """Return an amount of the customer's, kept in the company's currency, in the bill's."""
        return self.run_id._converted(
            self._partner()[field], self.company_id.currency_id, self.currency_id
        )

    def _prepare_minimum_charge(self, price):
        product = self.company_id._billing_minimum_product()
        env = self.env(context={**self.env.context, "lang": self.partner_id.lang})
        rule = self._partner().billing_low_invoice_rule
        return {
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "currency_id": self.currency_id.id,
            "bill_id": self.id,
            "kind": "minimum",
            "product_id": product.id,
            "name": env._("Minimum charge") if rule == "pad" else env._("Low-usage fee"),
            "period_start": self.run_id.cutoff_date,
            "period_end": self.run_id.cutoff_date + timedelta(days=1),
            "quantity": 1.0,
            "price_unit": price,
            "amount": self.currency_id.round(price),
            "price_includes_tax": product._billing_price_includes_tax(self.company_id),
            "source_key": f"run:{self.run_id.id}:bill:{self.id}:minimum",
        }
