"""What bench/cdrs.py imports: a company, its customers' numbers, its rates, and files of calls."""

import io
import random
from datetime import date, datetime, timedelta

from odoo.tools import SQL

PREFIXES, SERVICES, NUMBERS, OTHERS = 20_000, 20_000, 50_000, 150_000
HEAD = "date,caller,callee,seconds,cost,id\n"
START = datetime(2026, 7, 1)
MONTH = 31 * 24 * 3600


class Provider:
    """A company with its customers' numbers and its rates, and the calls that come in."""

    def __init__(self, env):
        company = env["res.company"].create(
            {"name": "Bench Telephony", "country_id": env.ref("base.uk").id}
        )
        env.user.company_ids += company
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
        self.env = env(
            context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True}
        )
        self.random = random.Random(1)
        self.company = company.with_env(self.env)
        self.files = 0
        self.numbers = [f"4479{number:08}" for number in range(NUMBERS)]
        self.make_rates()
        self.make_services()
        self.carrier = self.env["cdr.carrier"].create(
            {
                "name": "Bench Carrier",
                "company_id": company.id,
                "country_id": env.ref("base.uk").id,
                "format_id": env.ref("billing_operations.cdr_format_generic_csv").id,
                "auto_import": False,
            }
        )
        self.env.flush_all()
        self.env.cr.execute("ANALYZE")
        self.env.cr.commit()

    def make_rates(self):
        product = self.env["product.product"].create({"name": "Calls", "type": "service"})
        self.plan = self.env["cdr.rate.plan"].create(
            {"name": "Bench", "company_id": self.company.id}
        )
        classes = self.env["cdr.rate.class"].create(
            [{"name": f"Class {number}", "product_id": product.id} for number in range(3)]
        )
        prefixes = {str(number) for number in range(1, 10)}
        while len(prefixes) < PREFIXES:
            length = self.random.choice((2, 3, 4, 5, 5, 6, 6, 7))
            prefixes.add(str(self.random.randrange(10 ** (length - 1), 10**length)))
        self.prefixes = sorted(prefixes)
        self.others = [
            f"00{self.random.choice(self.prefixes)}{self.random.randrange(10**6, 10**8)}"[:17]
            for _number in range(OTHERS)
        ]
        rates = self.env["cdr.rate"].create(
            [
                {
                    "plan_id": self.plan.id,
                    "prefix": prefix,
                    "name": f"Zone {prefix}",
                    "class_id": classes[number % 3].id,
                    "date_from": date(2026, 1, 1),
                    "price_minute": self.random.randrange(100, 9_000) / 10_000,
                    "connect_fee": 0.01 if number % 5 == 0 else 0,
                }
                for number, prefix in enumerate(self.prefixes)
            ]
        )
        rates.flush_recordset()

    def make_services(self):
        env, company = self.env, self.company
        scheme = env["billing.term.scheme"].create({"name": "Monthly", "company_id": company.id})
        tariff = env["billing.tariff"].create(
            {
                "name": "Line",
                "product_id": env["product.product"].create({"name": "Line", "type": "service"}).id,
                "term_scheme_id": scheme.id,
                "price": 10,
                "rate_plan_id": self.plan.id,
            }
        )
        partners = env["res.partner"].create(
            [{"name": f"Bench customer {number}"} for number in range(SERVICES)]
        )
        service = env["billing.service"].create(
            {
                "partner_id": partners[0].id,
                "tariff_id": tariff.id,
                "date_start": date(2026, 1, 1),
            }
        )
        service._activate(date(2026, 1, 1))
        env.flush_all()
        self.scheme, self.tariff = scheme, tariff
        copied = [
            name
            for name, field in service._fields.items()
            if field.store and field.column_type and name not in ("id", "number", "partner_id")
        ]
        columns = SQL(", ").join(map(SQL.identifier, copied))
        env.cr.execute(
            SQL(
                """
                INSERT INTO billing_service (number, partner_id, %(columns)s)
                SELECT 'B' || partner.id, partner.id, %(columns)s
                  FROM unnest(%(partners)s) AS partner (id), billing_service AS model
                 WHERE model.id = %(model)s
                """,
                columns=columns,
                partners=partners.ids[1:],
                model=service.id,
            )
        )
        env.cr.execute(
            "UPDATE billing_service SET state = 'active' WHERE company_id = %s", [company.id]
        )
        env.cr.execute(
            "SELECT id FROM billing_service WHERE company_id = %s ORDER BY id", [company.id]
        )
        services = [row[0] for row in env.cr.fetchall()]
        env.cr.execute(
            """
            INSERT INTO billing_service_identifier
                   (service_id, company_id, kind, value, usage_key, date_from)
            SELECT service, %s, 'number', '+' || number, number, '2026-01-01'
              FROM unnest(%s::int[], %s::text[]) AS found (service, number)
            """,
            [company.id, [services[n % SERVICES] for n in range(NUMBERS)], self.numbers],
        )
        env.invalidate_all()

    def lines(self, count):
        """Return a file of calls, none of which came before."""
        pick, others = self.random, self.others
        self.files += 1
        text = io.StringIO()
        text.write(HEAD)
        for number in range(count):
            moment = START + timedelta(seconds=MONTH * number // count)
            text.write(
                f"{moment:%Y-%m-%d %H:%M:%S},{pick.choice(self.numbers)},{pick.choice(others)},"
                f"{pick.randrange(1, 600)},0.{pick.randrange(1000, 9999)},{self.files}-{number}\n"
            )
        return text.getvalue().encode()
