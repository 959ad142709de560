import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

from . import facturx
from .odoo_report import OdooReport
from .structured import FACTURX
from .template import check_source, describe
from .typst_engine import BillingLayout, missing_for_archives, pool
from .typst_pool import LayoutError


class ResCompany(models.Model):
    """How a company's bills look."""

    _inherit = "res.company"

    billing_bill_layout = fields.Selection(
        selection="_selection_bill_layout",
        string="Bill Layout",
        help="How invoices become PDFs. Empty means the billing layout where the server has what it"
        " needs, else Odoo's report.",
    )
    billing_bill_archive = fields.Boolean(
        "Bills for Archives",
        help="Bills by the billing layout are PDF/A-3: they look the same in decades, and have the"
        " structured invoice (Factur-X) in them. Those of customers who want Factur-X always are.",
    )
    billing_bill_template = fields.Binary(
        "Bill Template",
        attachment=True,
        groups="base.group_system",
        copy=False,
        help="A template of your own in Typst, instead of the one that comes with the billing"
        " layout.",
    )
    billing_bill_template_name = fields.Char(groups="base.group_system", copy=False)

    @api.model
    def _bill_layout_engines(self):
        """Return the ways in which documents become PDFs, the first that can work being the one
        that is used where nothing was chosen.

        An addon adds its own with ``super()``.

        :return: list of :class:`~.engine.Engine`
        """
        return [BillingLayout(), OdooReport()]

    @api.model
    def _selection_bill_layout(self):
        return [(engine.code, str(engine.label)) for engine in self._bill_layout_engines()]

    def _bill_layout(self, code=None):
        """Return the engine that the company's bills are laid out by.

        :param str code: of a choice that is not saved yet, instead of the company's
        """
        self.ensure_one()
        engines = self._bill_layout_engines()
        code = code or self.billing_bill_layout
        chosen = [engine for engine in engines if engine.code == code]
        able = [engine for engine in engines if not engine.missing(self.env)]
        return (chosen or able or engines[-1:])[0]

    def _bill_layout_of(self, move, report):
        """Return the engine that one of the company's documents is laid out by when it is printed
        with a report: Odoo's where the company's own does not serve it.

        Nobody chose the layout of a country whose addon brings its own invoice report; there
        Odoo's stays until somebody does.
        """
        engine = self._bill_layout()
        by_itself = not self.billing_bill_layout
        if by_itself and move._get_name_invoice_report() != "account.report_invoice_document":
            return OdooReport()
        return engine if engine.serves(move, report) else OdooReport()

    def _bill_layout_missing(self, code, archive):
        """Return what the server lacks for a choice that is not saved yet, in one sentence; None
        for nothing.

        :param str code: of the engine
        :param bool archive: whether bills are made for archives
        """
        engine = self._bill_layout(code)
        missing = engine.missing(self.env)
        if not missing and archive and engine.finished:
            return missing_for_archives(self.env)
        return missing

    def _keeps_for_archive(self, move):
        """Return whether one of the company's documents becomes a PDF/A-3, by a layout that makes
        such: by the company's choice, or for a customer who wants Factur-X, which is one."""
        if self.billing_bill_archive:
            return True
        wanted = self.env["account.move.send"]._get_default_invoice_edi_format(move)
        return wanted == FACTURX and facturx.is_available()

    # === A TEMPLATE OF ONE'S OWN === #

    def _bill_layout_source(self):
        """Return the source of the company's own template, None where it has none."""
        self.ensure_one()
        content = self.sudo().with_context(bin_size=False).billing_bill_template
        return base64.b64decode(content).decode("utf-8", "replace") if content else None

    @api.constrains("billing_bill_template")
    def _check_bill_template(self):
        """Try a template before bills are made by it."""
        for company in self.sudo():
            source = company._bill_layout_source()
            if source is not None:
                company._try_bill_template(source)

    def _try_bill_template(self, source):
        """Lay out one of the company's invoices by a template.

        :raise UserError: with line and reason, where that fails
        """
        self.ensure_one()
        check_source(self.env, source)
        engine = BillingLayout()
        if missing := engine.missing(self.env):
            raise UserError(missing)
        sample = self._bill_layout_sample()
        if not sample:
            raise UserError(
                self.env._(
                    "The template is tried on an invoice of %(company)s before it is used, and there"
                    " is none yet: make one first.",
                    company=self.name,
                )
            )
        result = pool().compile_all(list(engine.jobs(sample, source=source).values()))[0]
        if isinstance(result, LayoutError):
            raise UserError(describe(self.env, result))

    def _bill_layout_sample(self):
        """Return an invoice of the company to try a layout on: the newest that is posted."""
        return (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.id),
                    ("move_type", "=", "out_invoice"),
                    ("state", "!=", "cancel"),
                ],
                order="state desc, id desc",
                limit=1,
            )
        )

    def _preview_bill_layout(self):
        """Lay out the company's newest invoice anew, and return the action that opens it."""
        self.ensure_one()
        sample = self._bill_layout_sample()
        if not sample:
            raise UserError(
                self.env._("There is no invoice of %(company)s to show yet.", company=self.name)
            )
        report = self.env["account.move.send"]._get_default_pdf_report_id(sample)
        engine = self._bill_layout_of(sample, report)
        content = engine.render(sample, report)[sample]
        if isinstance(content, Exception):
            raise content
        name = self.env._("Bill Layout") + ".pdf"
        attachments = self.env["ir.attachment"]
        # One a user: the next look takes the place of the one before.
        domain = [("name", "=", name), ("res_model", "=", False)]
        attachments.search([*domain, ("create_uid", "=", self.env.uid)]).unlink()
        # It belongs to no record: a customer's invoice, for the eyes of who asked.
        attachment = attachments.create(
            {"name": name, "raw": content, "mimetype": "application/pdf"}
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{attachment.id}",
            "target": "new",
        }
