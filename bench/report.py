"""How long the pre-billing report on a run of 5,000 customers takes, in one process.

Run with ``tools/dev script bench/report.py``: ``env`` is a throw-away database. Each customer has
one service with one add-on; there are ten tariffs, three past runs do not exist. Figures: seconds
for the dry run of all batches, for the comparison, and queries in all.
"""

import time
from datetime import date

CUSTOMERS = 5000
LIMIT = 10.0


def prepare(env, customers):
    """Create a company, ten tariffs and the customers; return a pending run on them."""
    company = env["res.company"].create(
        {"name": "Report Bench", "currency_id": env.ref("base.USD").id}
    )
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
    tax = env["account.tax"].create(
        {
            "name": "Bench 15%",
            "amount": 15,
            "type_tax_use": "sale",
            "company_id": company.id,
            "country_id": company.account_fiscal_country_id.id,
        }
    )
    scheme = env["billing.term.scheme"].create(
        {
            "name": "Monthly",
            "company_id": company.id,
            "classification": "postpaid",
            "interval_number": 1,
            "interval_unit": "month",
            "timing": "advance",
            "alignment": "calendar",
            "anchor_day": 1,
        }
    )
    tariffs = []
    for index in range(10):
        products = env["product.product"].create(
            [
                {"name": f"{name} {index}", "type": "service", "taxes_id": [(6, 0, tax.ids)]}
                for name in ("Hosting", "Disk")
            ]
        )
        tariffs.append(
            env["billing.tariff"].create(
                {
                    "name": f"Tariff {index}",
                    "company_id": company.id,
                    "product_id": products[0].id,
                    "price": 10.0 + index * 3.33,
                    "term_scheme_id": scheme.id,
                    "addon_ids": [(0, 0, {"product_id": products[1].id, "price": 2.5})],
                }
            )
        )
    partners = env["res.partner"].create(
        [{"name": f"Customer {i}", "country_id": env.ref("base.us").id} for i in range(customers)]
    )
    services = env["billing.service"].create(
        [
            {
                "name": f"Service {index}",
                "partner_id": partner.id,
                "tariff_id": tariffs[index % 10].id,
                "company_id": company.id,
                "addon_line_ids": [
                    (
                        0,
                        0,
                        {"addon_id": tariffs[index % 10].addon_ids.id, "quantity": 1 + index % 4},
                    )
                ],
            }
            for index, partner in enumerate(partners)
        ]
    )
    services._activate(date(2026, 1, 1))
    cycle = env["billing.cycle"].create(
        {
            "name": "Bench",
            "company_id": company.id,
            "start_date": date(2026, 1, 1),
            "term_scheme_ids": [(6, 0, scheme.ids)],
        }
    )
    cycle.action_activate()
    return cycle._create_run(date(2026, 1, 1))


def main(env):
    run = prepare(env, CUSTOMERS)
    env.flush_all()
    env.cr.execute("ANALYZE")
    env.invalidate_all()
    queries, start = env.cr.sql_log_count, time.perf_counter()
    report = run._make_report("pre")
    seconds, queries = time.perf_counter() - start, env.cr.sql_log_count - queries
    lines = env["billing.run.report.line"].search_count([("report_id", "=", report.id)])
    print(f"pre-billing report, {CUSTOMERS} customers, {lines} lines: {seconds:.2f} s")
    print(f"queries: {queries}")
    assert (report.state, report.customer_count) == ("done", CUSTOMERS)
    assert seconds < LIMIT, f"more than {LIMIT} s"


if __name__ == "__main__" or "env" in globals():
    main(env)  # noqa: F821 - given by the script runner
