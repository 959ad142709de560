"""What Odoo calls the items that wait for a customer's payment."""

from datetime import date

from odoo.tools.translate import get_translation

INSTALLMENT = "%(name)s installment #%(number)s"


def term_names(reference, ref, due_dates, parts, lang) -> list:
    """Return a name for each payment term item of a posted document, in the order given.

    :param reference: the document's payment reference, or none
    :param ref: its customer's reference, or none
    :param due_dates: of the items
    :param parts: how many instalments the payment term has
    :param lang: language of who posts, in which Odoo says *installment*
    """
    name = f"{ref} - {reference}" if reference and ref and reference != ref else reference
    if parts <= 1:
        return [name or False] * len(due_dates)
    order = sorted(range(len(due_dates)), key=lambda place: due_dates[place] or date.max)
    names = [False] * len(due_dates)
    for number, place in enumerate(order, start=1):
        values = {"name": name or "", "number": number}
        text = (
            get_translation("account", lang, INSTALLMENT, values) if lang else INSTALLMENT % values
        )
        names[place] = text.lstrip()
    return names
