"""What a document comes to and how it is paid: totals, taxes, account, due dates, bank, QR code."""

import base64

from .html_text import paragraphs


class PaymentValues:
    """The money of documents in one language."""

    def __init__(self, formats, labels, with_payments, means=None):
        """
        :param dict means: ``{document: PaymentMeans}`` of those that are collected
        """
        self.means = means or {}
        self.with_payments = with_payments
        self.formats = formats
        self.labels = labels

    # === TOTALS === #

    def totals(self, move):
        """Return the totals in the document's currency: taxes by rate, total, paid, due."""
        summary = move.tax_totals
        currency = move.currency_id
        rows = self._tax_rows(summary, currency, "_currency")
        if "cash_rounding_base_amount_currency" in summary:
            amount = summary["cash_rounding_base_amount_currency"]
            rows.append([self.labels["rounding"], self.formats.money(amount, currency)])
        paid = self._paid(move)
        total = self.formats.money(summary["total_amount_currency"], currency)
        notes = []
        if move.company_id.display_invoice_amount_total_words and move.amount_total_words:
            notes.append(move.amount_total_words)
        return {
            "rows": rows,
            "total": [self.labels["total"], total],
            "paid": paid,
            "due": [self.labels["amount_due"], self.formats.money(move.amount_residual, currency)],
            "notes": notes,
        }

    def company_totals(self, move):
        """Return the totals in the company's currency where the law asks for them, else None."""
        summary = move.tax_totals
        if not summary.get("display_in_company_currency"):
            return None
        currency = move.company_currency_id
        rows = self._tax_rows(summary, currency, "")
        rows.append([self.labels["total"], self.formats.money(summary["total_amount"], currency)])
        return {"title": f"{self.labels['taxes']} {currency.name}", "rows": rows}

    def _tax_rows(self, summary, currency, suffix):
        rows = []
        for subtotal in summary["subtotals"]:
            if not subtotal["tax_groups"]:
                continue
            amount = subtotal[f"base_amount{suffix}"]
            rows.append([subtotal["name"], self.formats.money(amount, currency)])
            for group in subtotal["tax_groups"]:
                name = group["group_name"]
                base = group[f"display_base_amount{suffix}"]
                if not summary["same_tax_base"] and base is not False and base is not None:
                    name = f"{name} ({self.formats.money(base, currency)})"
                amount = self.formats.money(group[f"tax_amount{suffix}"], currency)
                rows.append([name, amount])
        return rows

    def _paid(self, move):
        if not self.with_payments:
            return []
        if move.payment_state in ("not_paid", "invoicing_legacy") or move.state != "posted":
            return []
        widget = move.invoice_payments_widget or {}
        env = self.formats.env
        rows = []
        for payment in widget.get("content") or ():
            if payment["is_exchange"]:
                continue
            day = self.formats.day(payment["date"])
            if payment["is_refund"]:
                label = env._("Reversed on %(day)s", day=day)
            else:
                label = env._("Paid on %(day)s", day=day)
            rows.append([label, self.formats.money(payment["amount"], move.currency_id)])
        return rows

    # === THE CUSTOMER'S ACCOUNT === #

    def account(self, move):
        """Return opening balance, payments and closing balance of the document's bill, None where
        it has no bill or nothing but this bill stands on the account."""
        bill = move.billing_bill_id
        if not bill.balance_date:
            return None
        currency = bill.currency_id
        figures = [
            ("opening_balance", bill.opening_balance),
            ("payments", -bill.payments),
            ("this_bill", bill.billed),
            ("other_entries", bill.other_entries),
        ]
        rows = [
            [self.labels[name], self.formats.money(amount, currency)]
            for name, amount in figures
            if name != "other_entries" or not currency.is_zero(amount)
        ]
        if all(currency.is_zero(amount) for name, amount in figures if name != "this_bill"):
            return None
        closing = self.formats.money(bill.closing_balance, currency)
        return {
            "title": self.labels["account"],
            "rows": rows,
            "closing": [self.labels["closing_balance"], closing],
        }

    # === PAYING === #

    def payment(self, move):
        """Return what is said about paying, None where there is nothing to say, and the pictures of
        QR codes by the names of their files."""
        if move.move_type != "out_invoice":
            return None, {}
        means = self.means.get(move)
        rows = []
        if move.invoice_date_due:
            rows.append([self.labels["due_date"], self.formats.day(move.invoice_date_due)])
        if move.payment_reference:
            rows.append([self.labels["payment_reference"], move.payment_reference])
        rows += self._collected(means) if means else self._bank(move)
        notes = [*([means.note] if means else ()), *self._terms(move)]
        if not rows and not notes:
            return None, {}
        # What is collected would be paid twice by somebody who scans a code.
        qr = None if means else self._qr(move)
        link, link_qr = (None, None) if means else self._link(move)
        codes = {"qr.png": qr, "link.png": link_qr}
        return {
            "title": self.labels["payment"],
            "rows": rows,
            "notes": notes,
            "qr": "qr.png" if qr else None,
            "qr_text": self.labels["scan"],
            "link": link,
        }, {name: picture for name, picture in codes.items() if picture}

    def _bank(self, move):
        """Return where a document is to be paid to, as a row."""
        bank = move.partner_bank_id
        if not bank:
            return []
        account = [bank.acc_number, bank.bank_name, bank.bank_bic]
        holder = bank.acc_holder_name or bank.partner_id.name
        if holder and holder != move.company_id.name:
            account.insert(0, holder)
        return [[self.labels["bank_account"], "\n".join(filter(None, account))]]

    def _collected(self, means):
        """Return what is known of a document's being collected, as rows."""
        rows = [
            (self.labels["collection_date"], self.formats.day(means.day)),
            (self.labels["mandate"], means.mandate),
            (self.labels["creditor"], means.creditor),
            (self.labels["debited_account"], means.masked_account()),
        ]
        return [[label, value] for label, value in rows if value]

    def _terms(self, move):
        """Return the note of the payment terms, early discount and instalments."""
        env = self.formats.env
        term = move.invoice_payment_term_id
        notes = paragraphs(term.note)
        if not term.display_on_invoice or not move.show_payment_term_details:
            return notes
        currency = move.currency_id
        if move._is_eligible_for_early_payment_discount(currency, move.invoice_date):
            amount = term._get_amount_due_after_discount(move.amount_total, move.amount_tax)
            notes.append(
                env._(
                    "%(amount)s due if paid before %(day)s",
                    amount=self.formats.money(amount, currency),
                    day=term._get_last_discount_date_formatted(move.invoice_date),
                )
            )
        details = move.payment_term_details or []
        if len(details) > 1:
            notes += [
                env._(
                    "Instalment %(number)s: %(amount)s due on %(day)s",
                    number=number,
                    amount=self.formats.money(detail["amount"], currency),
                    day=detail["date"],
                )
                for number, detail in enumerate(details, 1)
            ]
        return notes

    def _qr(self, move):
        if not move.display_qr_code or not move.amount_residual or move.state != "posted":
            return None
        return self._picture(move._generate_qr_code(silent_errors=True))

    def _link(self, move):
        """Return what leads to paying online, and the picture of its QR code."""
        if not move.display_link_qr_code or not move.amount_residual or move.state != "posted":
            return None, None
        picture = self._picture(move._generate_portal_payment_qr())
        if not picture:
            return None, None
        text = self.labels["pay_online"]
        return {"url": move._get_portal_payment_link(), "qr": "link.png", "text": text}, picture

    @staticmethod
    def _picture(url):
        if not url or "base64," not in url:
            return None
        return base64.b64decode(url.partition("base64,")[2])
