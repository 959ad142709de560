"""The rows of a run's report: what a line holds, and how rows are inserted in one statement."""

from collections.abc import Sequence

from odoo.tools import SQL

# In this order. ``price`` is that of a full period after discount, on the product's price basis.
REPORT_LINE_COLUMNS = (
    "partner_id",
    "currency_id",
    "service_id",
    "addon_line_id",
    "kind",
    "product_id",
    "name",
    "quantity",
    "price",
    "amount_untaxed",
)
# What is known of customers without a document before the reports are compared.
REASON_COLUMNS = ("partner_id", "currency_id", "reason", "reason_text")


def rows_query(model, columns: Sequence[str], rows: list[tuple]) -> SQL:
    """Return SQL that selects plain rows.

    :param columns: names of the model's fields in each row
    :param rows: tuples of values in that order; None for empty
    """
    arrays = [
        SQL(
            "%s::%s[]",
            list(values),
            SQL(model._fields[name].column_type[1]),  # pylint: disable=sql-injection
        )
        for name, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    return SQL("SELECT * FROM unnest(%s)", SQL(", ").join(arrays))


def insert_rows(model, report, columns: Sequence[str], query: SQL) -> None:
    """Insert into a report what ``query`` selects, whose columns are ``columns``."""
    env = model.env
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            INSERT INTO %(table)s
                   (report_id, run_id, company_id, phase, %(columns)s)
            SELECT %(report)s, %(run)s, %(company)s, %(phase)s, rows.*
              FROM (%(query)s) rows
            """,
            table=SQL.identifier(model._table),
            columns=SQL(", ").join(map(SQL.identifier, columns)),
            report=report.id,
            run=report.run_id.id,
            company=report.company_id.id,
            phase=report.phase,
            query=query,
        )
    )
    model.invalidate_model()
