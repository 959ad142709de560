"""A price change of many services: worked out, scheduled and applied by sets, beside the same by ORM

Half of the services are billed in advance and up to the day, half in arrears; a third has an add-on,
a tenth a price of its own. By ORM means the service's own change of its price, one after the
other, for a sample. The outcomes of both are compared. What counts is what the processors
work, the worker's and its database process's. Argument: how many services (100,000 if left out).
"""

import os
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

from odoo.fields import Command

SERVICES = int((sys.argv[1:] or ["100000"])[0])
SAMPLE = min(SERVICES, 300)
TIMES_ORM_AT_LEAST = 15
FIRST, DAY = date(2026, 1, 1), date(2026, 3, 1)


def spent(server):
    """Return the seconds that this process and its database process have worked."""
    text = Path(f"/proc/{server}/stat").read_text(encoding="utf-8")
    ticks = sum(map(int, text.rpartition(")")[2].split()[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def make_company(env):
    company = env["res.company"].create({"name": "Bench", "currency_id": env.ref("base.USD").id})
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    context = {**env.context, "allowed_company_ids": company.ids, "tracking_disable": True}
    return env(context=context)


def make_tariffs(env):
    products = env["product.product"].create(
        [{"name": name, "type": "service"} for name in ("Hosting", "Disk")]
    )
    tariffs = env["billing.tariff"]
    for timing in ("advance", "arrears"):
        scheme = env["billing.term.scheme"].create(
            {
                "name": timing,
                "company_id": env.company.id,
                "timing": timing,
                "alignment": "calendar",
            }
        )
        tariffs += tariffs.create(
            {
                "name": timing,
                "company_id": env.company.id,
                "product_id": products[0].id,
                "price": 19.9,
                "term_scheme_id": scheme.id,
                "addon_ids": [Command.create({"product_id": products[1].id, "price": 2.5})],
            }
        )
    return tariffs


def make_services(env, tariffs, count):
    customers = env["res.partner"].create(
        [{"name": f"Customer {n}"} for n in range(count // 2 + 1)]
    )
    services = env["billing.service"].create(
        [
            {
                "name": f"Service {n}",
                "partner_id": customers[n // 2].id,
                "tariff_id": tariffs[n % 2].id,
                "price": 0.0 if n % 10 else 15.0 + n % 7,
                "addon_line_ids": []
                if n % 3
                else [Command.create({"addon_id": tariffs[n % 2].addon_ids.id, "quantity": 2})],
            }
            for n in range(count)
        ]
    )
    services._activate(FIRST)
    services._rate(date(2026, 2, 28))
    env.cr.commit()
    env.invalidate_all()
    return services


def by_orm(env, services):
    """Change the price of each service by itself, as its dialog does."""
    for service in services:
        price = round(Decimal(str(service.unit_price)) * Decimal("1.05") + Decimal("0.000001"), 2)
        service._change(DAY, {"price": float(price)})
    env.flush_all()


def by_sets(env, tariffs):
    """Preview, schedule and apply one change of all of them; return the seconds of each."""
    server = env.cr.connection.info.backend_pid
    change = env["billing.price.change"].create(
        {
            "name": "Bench",
            "date": DAY,
            "percent": 5.0,
            "tariff_ids": [Command.set(tariffs.ids)],
            "own_prices": "change",
            "with_notice": False,
        }
    )
    seconds = {}
    for name in ("_work_out", "_schedule", "_apply"):
        before = spent(server)
        getattr(change, name)()
        env.flush_all()
        seconds[name.strip("_")] = spent(server) - before
        env.cr.commit()
        env.invalidate_all()
    assert change.state == "applied" and change.line_count == SERVICES, change.line_count
    return seconds


def main(env):
    env = make_company(env)
    server = env.cr.connection.info.backend_pid
    tariffs = make_tariffs(env)
    services = make_services(env, tariffs, SERVICES)
    sample = services[:: max(SERVICES // SAMPLE, 1)][:SAMPLE]
    before = spent(server)
    by_orm(env, sample)
    orm = (spent(server) - before) / len(sample)
    expected = sample.mapped("unit_price")
    env.cr.rollback()
    env.invalidate_all()
    seconds = by_sets(env, tariffs)
    assert sample.mapped("unit_price") == expected, "both ways come to other prices"
    each = sum(seconds.values()) / SERVICES
    times = orm / each
    parts = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    print(f"      {SERVICES:,} services by sets: {sum(seconds.values()):.2f} s ({parts})")
    print(f"      by ORM {orm * 1000:.2f} ms a service, by sets {each * 1000:.3f} ms")
    passed = times >= TIMES_ORM_AT_LEAST
    text = f"a price change at least {TIMES_ORM_AT_LEAST} times as fast as by ORM"
    print(f"{'PASS' if passed else 'FAIL'}  {text}: {times:.0f} times", flush=True)
    return 0 if passed else 1


sys.exit(main(env))  # noqa: F821 - given by the script runner
