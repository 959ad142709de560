"""The paper that a report of Odoo is printed on."""

from odoo.addons.base.models.report_paperformat import PAPER_SIZES

from .sheets import Paper

SIZES = {size["key"]: (size.get("width"), size.get("height")) for size in PAPER_SIZES}


def read_paper(reports, report_ref=None, landscape=None, specific=None, viewport=None) -> Paper:
    """Return the paper of a report.

    :param reports: ``ir.actions.report``, of the company whose report it is
    :param specific: what the report itself says about its paper
    """
    paperformat = (reports._get_report(report_ref) if report_ref else reports).get_paperformat()
    options = reports._build_wkhtmltopdf_args(
        paperformat,
        landscape,
        specific_paperformat_args=specific,
        set_viewport_size=viewport,
    )
    return Paper.from_options(options, SIZES)
