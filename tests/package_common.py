"""The ground for tests of packages and updates: databases without this addon, and a month billed."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from .workers import Database

ROOT = Path(__file__).resolve().parents[1]
FIRST_BUILD = ROOT / "tests" / "data" / "first_build.tar.xz"

#: a provider with customers and their services, made by what every build knows
PREPARE = """
import json
from datetime import date
from odoo.fields import Command

company = env["res.company"].create({"name": "Provider", "currency_id": env.ref("base.USD").id})
env.user.company_ids += company
env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
tax = env["account.tax"].create({"name": "15 %", "amount": 15.0, "company_id": company.id})
product = env["product.product"].create(
    {"name": "Hosting", "type": "service", "taxes_id": [Command.set(tax.ids)]}
)
scheme = env["billing.term.scheme"].create({"name": "Monthly", "company_id": company.id})
tariff = env["billing.tariff"].create(
    {
        "name": "Hosting",
        "product_id": product.id,
        "term_scheme_id": scheme.id,
        "price": 10.0,
        "company_id": company.id,
    }
)
customers = env["res.partner"].create([{"name": f"Customer {number}"} for number in range(count)])
services = env["billing.service"].create(
    [
        {
            "name": "Hosting",
            "partner_id": customer.id,
            "tariff_id": tariff.id,
            "company_id": company.id,
            "price": 10.0 + number,
        }
        for number, customer in enumerate(customers)
    ]
)
services._activate(date(2026, 1, 1))
cycle = env["billing.cycle"].create(
    {
        "name": "Monthly",
        "company_id": company.id,
        "start_date": date(2026, 1, 1),
        "term_scheme_ids": [Command.set(scheme.ids)],
    }
)
cycle.action_activate()
env.cr.commit()
print()
print(json.dumps({"company": company.id, "cycle": cycle.id}))
"""
BILL = """
import json
from datetime import date
env.user.company_ids += env["res.company"].browse(company)
env = env(context={**env.context, "allowed_company_ids": [company]})
run = env["billing.cycle"].browse(cycle)._create_run(date(2026, month, 1))
run._execute("posting")
env.cr.commit()
print()
print(json.dumps(run.id))
"""
#: what Odoo's books hold, row by row, whoever made them
BOOKS = """
    SELECT move.name, move.state, move.invoice_date, move.amount_total, line.name, line.balance,
           line.amount_residual, line.date_maturity, account.code_store
      FROM account_move_line AS line
      JOIN account_move AS move ON move.id = line.move_id
      JOIN account_account AS account ON account.id = line.account_id
     WHERE move.company_id = {company}
  ORDER BY move.id, line.id
"""


def last_line(output):
    """Return what a script printed last, read as JSON."""
    return json.loads(output.strip().splitlines()[-1])


class CleanDatabase(Database):
    """A database with Odoo's own modules, in which a package of this addon is installed.

    :param addons: the folder that holds the addon
    """

    def __init__(self, addons):
        super().__init__(template=os.environ["BILLING_TEST_BASE"], addons=[addons])

    def _create(self):
        super()._create()
        self.install()

    def install(self):
        self.odoo("-i", "billing_operations", "--stop-after-init", "--no-http", timeout=600)


def unpack_first_build(folder):
    """Lay the first build into a folder and return that."""
    with tarfile.open(FIRST_BUILD) as archive:
        archive.extractall(folder, filter="data")
    return str(folder)


def build_packages(folder):
    """Build the packages as `make dist` does; return the paths of wheel and archive."""
    subprocess.run(
        [sys.executable, ROOT / "tools/devlib/dist.py", folder], check=True, capture_output=True
    )
    [wheel] = Path(folder).glob("*.whl")
    [archive] = Path(folder).glob("*.tar.gz")
    return wheel, archive


def names_in(wheel):
    with zipfile.ZipFile(wheel) as packed:
        return packed.namelist()
