"""Records with a number of their company's sequence: services, jobs, billing runs."""

from collections.abc import Callable

NEW = "/"


def give_numbers(model, vals_list: list[dict], company_of: Callable | None = None) -> None:
    """Put a number into the values of each new record that has none.

    :param model: the records' model, whose name is the sequence's code
    :param company_of: says the company for values; the one they name, else the user's
    """
    for vals in vals_list:
        if vals.get("number", NEW) == NEW:
            company = company_of(vals) if company_of else vals.get("company_id")
            sequences = model.env["ir.sequence"].with_company(company or model.env.company)
            vals["number"] = sequences.next_by_code(model._name)


def numbered_name(record) -> str:
    """Return what people read for a record with a number and perhaps a name."""
    number = record.number if record.number != NEW else record.env._("New")
    return " ".join(filter(None, (number, record.name)))
