"""What a bill says, for a whole batch of documents: plain data that can be written as JSON.

The form of it is what ``bill.typ`` and templates of companies read. Everything is a text in the
customer's language, formatted here; nothing is worked out by a template.
"""

import base64

from odoo.tools import is_html_empty

from .envelopes import window_of
from .formats import Formats
from .html_text import paragraphs
from .images import prepare_logo, readable
from .labels import read_labels
from .lines import MANY, LineValues, whole_period
from .payment import PaymentValues

#: millimetres, for paper formats that Odoo knows by name
PAPERS = {"A4": (210, 297), "Letter": (215.9, 279.4), "Legal": (215.9, 355.6)}
#: languages written from right to left are known to Odoo; these fonts have what the chosen one
#: may lack
FALLBACK_FONTS = [
    "Noto Sans", "DejaVu Sans", "Open Sans", "Tajawal", "Noto Sans Arabic", "Noto Sans Hebrew",
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans Thai", "Noto Sans Devanagari",
]  # fmt: skip
PRIMARY = "#1f3a5f"
#: millimetres that an address has at least
LEAST_ADDRESS = 60


class DocumentValues:
    """The values of a batch of documents in one language."""

    def __init__(self, moves, with_payments=True):
        """
        :param moves: with the language in the context
        :param bool with_payments: whether what was paid is said
        """
        self.env = moves.env
        self.moves = moves
        self.formats = Formats(moves.env)
        self.labels = read_labels(moves.env)
        self.lines = LineValues(self.formats, self.labels)
        means = moves._billing_payment_means()
        self.payment = PaymentValues(self.formats, self.labels, with_payments, means)
        self._companies = {}

    def all(self):
        """Return ``{move: (values, {name: content of files})}``."""
        # Read for the whole batch; what follows asks no more for each document.
        self.moves.fetch(["billing_message", "narration", "partner_id", "billing_bill_id"])
        self.moves.line_ids.fetch(["name", "display_type", "price_unit", "tax_ids"])
        self.moves.line_ids.billing_charge_ids.service_id.fetch(["name", "number"])
        return {move: self._document(move) for move in self.moves}

    def _document(self, move):
        seller = self._company(move.company_id)
        title = self._title(move)
        period = self._period(move)
        shown = move._get_move_lines_to_report()
        columns = self.lines.columns(move, shown)
        groups = self.lines.groups(move, shown, period)
        payment, codes = self.payment.payment(move)
        files = {**seller["files"], **codes}
        footer = seller["footer"]
        return {
            "lang": self.env.lang.split("_")[0].split("@")[0],
            "region": self._region(),
            "dir": self.formats.lang.direction,
            "labels": self.labels,
            "paper": {**seller["paper"], "window": self._window(move)},
            "style": seller["style"],
            "seller": {**seller["seller"], "ids": self._seller_ids(move)},
            "buyer": {"lines": self._address(move.partner_id), "ids": self._buyer_ids(move)},
            "shipping": self._shipping(move),
            "document": {
                "title": title,
                "subtitle": f"{self.labels['period']}: {period}" if period else None,
                "kind": "credit_note" if move.move_type == "out_refund" else "invoice",
                "mark": None if move.state == "posted" else self._kind(move),
            },
            "facts": self._facts(move),
            "message": paragraphs(move.billing_message),
            "columns": columns,
            "groups": groups,
            "dense": sum(len(group["rows"]) for group in groups) > MANY,
            "shapes": self.lines.shapes(columns, groups),
            "forms": self.lines.forms(groups),
            "totals": self.payment.totals(move),
            "company_totals": self.payment.company_totals(move),
            "account": self.payment.account(move),
            "payment": payment,
            "legal": [
                *paragraphs(move.fiscal_position_id.note),
                *paragraphs(move.taxes_legal_notes),
            ],
            "terms": paragraphs(move.narration) if not is_html_empty(move.narration) else [],
            "footer": footer,
            "footer_lines": max(1, sum(text.count("\n") + 1 for text in footer)),
        }, files

    def frame(self, move):
        """Return what further files share with a document: language, paper and look."""
        seller = self._company(move.company_id)
        return {
            "lang": self.env.lang.split("_")[0].split("@")[0],
            "region": self._region(),
            "dir": self.formats.lang.direction,
            "paper": seller["paper"],
            "style": seller["style"],
            "seller": {"name": seller["seller"]["name"]},
        }

    # === WHAT THE DOCUMENT IS === #

    def _kind(self, move):
        name = "credit_note" if move.move_type == "out_refund" else "invoice"
        prefix = {"draft": "draft_", "cancel": "cancelled_"}.get(move.state, "")
        return self.labels[prefix + name]

    def _title(self, move):
        number = move.name if move.name and move.name != "/" else ""
        return f"{self._kind(move)} {number}".strip()

    def _period(self, move):
        """Return the first to the last day that the document's charges are for."""
        period = whole_period(move.invoice_line_ids.billing_charge_ids)
        return self.formats.period(*period) if period else None

    def _facts(self, move):
        labels, day = self.labels, self.formats.day
        refund = move.move_type == "out_refund"
        partner = move.partner_id
        facts = [
            (labels["credit_note_date" if refund else "invoice_date"], day(move.invoice_date)),
            (labels["due_date"], "" if refund else day(move.invoice_date_due)),
            (labels["delivery_date"], day(move.delivery_date)),
            (labels["customer_code"], partner.ref or move.commercial_partner_id.ref),
            (labels["reference"], move.ref),
            (labels["source"], move.invoice_origin),
            (labels["original"], move.reversed_entry_id.name if refund else ""),
            (labels["incoterm"], self._incoterm(move)),
        ]
        if move.show_taxable_supply_date:
            facts.insert(2, (labels["supply_date"], day(move.taxable_supply_date)))
        return [[label, value] for label, value in facts if value]

    def _incoterm(self, move):
        return " ".join(filter(None, [move.invoice_incoterm_id.code, move.incoterm_location]))

    # === SELLER AND BUYER === #

    def _company(self, company):
        """Return what is the same on all documents of a company."""
        if company not in self._companies:
            self._companies[company] = self._read_company(company)
        return self._companies[company]

    def _read_company(self, company):
        logo = None
        if company.logo and not company.uses_default_logo:
            logo = prepare_logo(base64.b64decode(company.logo))
        address = self._address(company.partner_id)[1:]
        contact = [text for text in (company.phone, company.email, company.website) if text]
        details = paragraphs(company.company_details)
        lines = [line for text in details for line in text.split("\n")] or contact
        said = "\n".join(lines)
        # The law wants the whole address, whatever people wrote into the details.
        lines = [*(line for line in address if line not in said), *lines]
        lines = [line for line in lines if line != company.name]
        font = (company.font or "Lato").replace("_", " ")
        return {
            "files": {f"logo.{logo[0]}": logo[1]} if logo else {},
            "paper": self._paper(company),
            "style": {
                "primary": readable(company.primary_color, PRIMARY),
                "secondary": readable(company.secondary_color, PRIMARY),
                "fonts": list(dict.fromkeys([font, *FALLBACK_FONTS])),
            },
            "seller": {
                "name": company.name,
                "logo": f"logo.{logo[0]}" if logo else None,
                "tagline": paragraphs(company.report_header),
                "lines": lines,
                "address": address,
                "contact": contact,
                "sender_line": " · ".join([company.name, *address]),
            },
            "footer": paragraphs(company.report_footer) or [" · ".join([company.name, *contact])],
        }

    def _paper(self, company):
        paper = company.paperformat_id
        width, height = PAPERS["Letter" if paper.format == "Letter" else "A4"]
        if paper.format in PAPERS:
            width, height = PAPERS[paper.format]
        elif paper.format == "custom" and paper.page_width and paper.page_height:
            width, height = paper.page_width, paper.page_height
        return {"width": width, "height": height, "margin": {"left": 20, "right": 18}}

    def _window(self, move):
        window = window_of(move.company_id.country_id.code)
        paper = self._company(move.company_id)["paper"]
        room, left = paper["width"] - paper["margin"]["right"], window.left
        if room - left < LEAST_ADDRESS:  # narrow paper, which goes into other envelopes
            left = max(room - window.width, paper["margin"]["left"])
        return {**window._asdict(), "left": left, "width": min(window.width, room - left)}

    def _region(self):
        parts = self.env.lang.split("@")[0].split("_")
        return parts[1].upper() if len(parts) > 1 and len(parts[1]) == 2 else None

    def _address(self, partner):
        """Return the lines of a postal address, the name first."""
        name = partner.name or partner.commercial_partner_id.name or ""
        company = partner.commercial_company_name
        lines = [name] if not company or company == name else [company, name]
        text = partner._display_address(without_company=True)
        lines += [line.strip() for line in text.splitlines() if line.strip()]
        return lines

    def _vat_label(self, company):
        return company.account_fiscal_country_id.vat_label or self.labels["tax_id"]

    def _seller_ids(self, move):
        company = move.company_id
        vat = move.fiscal_position_id.foreign_vat or company.vat
        ids = [
            [self._vat_label(company), vat],
            [self.labels["registry"], company.company_registry],
        ]
        return [[label, value] for label, value in ids if value and value != "/"]

    def _buyer_ids(self, move):
        vat = move.partner_id.vat or move.commercial_partner_id.vat
        return [[self._vat_label(move.company_id), vat]] if vat and vat != "/" else []

    def _shipping(self, move):
        shipping = move.partner_shipping_id
        if not shipping or shipping == move.partner_id:
            return None
        if not self.env.user.has_group("account.group_delivery_invoice_address"):
            return None
        return self._address(shipping)
