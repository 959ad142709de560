"""What `invoicing` has done in processes of its own: data of each way to bill, a run, the peer's invoices."""

# One customer with all that belongs to it is made by Odoo, the others are its copies, by SQL.
COPIES = """
from psycopg2.extras import Json
from odoo.tools import SQL


def multiply(record, count, **other):
    # Return the ids of `count` copies; `other` says by column what they have of their own, as SQL
    # over `id` and `n`, their place.
    table = record._table
    env.flush_all()
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' AND column_name <> 'id' AND is_generated = 'NEVER'",
        [table],
    )
    names = [name for (name,) in env.cr.fetchall()]
    values = [SQL(other[name]) if name in other else SQL.identifier("one", name) for name in names]
    env.cr.execute(
        SQL(
            "WITH new AS (SELECT nextval(pg_get_serial_sequence(%s, 'id')) AS id, n"
            "               FROM generate_series(0, %s) AS n)"
            " INSERT INTO %s (id, %s) SELECT new.id, %s FROM new"
            "   JOIN %s AS one ON one.id = %s ORDER BY n RETURNING id",
            table,
            count - 1,
            SQL.identifier(table),
            SQL(", ").join(map(SQL.identifier, names)),
            SQL(", ").join(values),
            SQL.identifier(table),
            record.id,
        )
    )
    ids = sorted(id for (id,) in env.cr.fetchall())
    env.invalidate_all()
    return ids


def of(ids):
    # The copy of the same place, as SQL.
    return f"(ARRAY[{', '.join(map(str, ids))}])[n + 1]" if len(ids) < 2 else f"{ids[0]} + n"
"""
COMMON = (
    COPIES
    + """
import json
from datetime import date, datetime
from odoo.fields import Command

company = env["res.company"].create({"name": name, "currency_id": env.ref("base.USD").id})
env.user.company_ids += company
env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
env.user.company_id = company
env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
tax = env["account.tax"].create({"name": "Bench 15%", "amount": 15.0, "company_id": company.id})
term = env["account.payment.term"].create(
    {
        "name": "30 days",
        "line_ids": [Command.create({"value": "percent", "value_amount": 100.0, "nb_days": 30})],
    }
)
products = env["product.product"].create(
    [
        {"name": title, "type": "service", "taxes_id": [Command.set(tax.ids)]}
        for title in ("Line", "Number", "Voicemail")
    ]
)
customer = env["res.partner"].create(
    {"name": "Customer", "property_payment_term_id": term.id, "country_id": company.country_id.id}
)
env.flush_all()


def copy_customer(count):
    return multiply(
        customer,
        count,
        name="'Customer ' || n",
        complete_name="'Customer ' || n",
        commercial_partner_id="new.id",
    )
"""
)
MAKE_OURS = (
    COMMON
    + """
scheme = env["billing.term.scheme"].create({"name": "Monthly", "company_id": company.id})
tariff = env["billing.tariff"].create(
    {"name": "Line", "product_id": products[0].id, "term_scheme_id": scheme.id, "price": 10.0}
)
addons = env["billing.tariff.addon"].create(
    [
        {"tariff_id": tariff.id, "product_id": product.id, "price": 2.5 + place}
        for place, product in enumerate(products[1:])
    ]
)
service = env["billing.service"].create(
    {"name": "Line", "partner_id": customer.id, "tariff_id": tariff.id, "price": 9.99}
)
lines = env["billing.service.addon"].create(
    [{"service_id": service.id, "addon_id": addon.id, "quantity": 1} for addon in addons]
)
service._activate(date(*start))
partners = copy_customer(count)
services = multiply(
    service,
    count,
    partner_id=of(partners),
    number="'B' || new.id",
    price="9.99 + n / 100.0",
)
for line in lines:
    multiply(line, count, service_id=of(services))
# The one that was copied is nobody's.
env.cr.execute("DELETE FROM billing_service_addon WHERE service_id = %s", [service.id])
env.cr.execute("DELETE FROM billing_service WHERE id = %s", [service.id])
env.invalidate_all()
cycle = env["billing.cycle"].create(
    {
        "name": "Bench",
        "company_id": company.id,
        "start_date": date(*start),
        "term_scheme_ids": [Command.set(scheme.ids)],
    }
)
cycle.action_activate()
env.flush_all()
env.cr.execute("ANALYZE")
env.cr.commit()
print()
print(json.dumps({"company": company.id, "cycle": cycle.id}))
"""
)
NEXT_RUN = """
import json
from datetime import date, datetime
env.user.company_ids += env["res.company"].browse(company)
env = env(context={**env.context, "allowed_company_ids": [company]})
run = env["billing.cycle"].browse(cycle)._create_run(date(*day))
run.action_request(target_stage="posting", scheduled_date=datetime(2100, 1, 1))
env.cr.commit()
print()
print(json.dumps(run.id))
"""
MAKE_PEERS = (
    COMMON
    + """
journal = env["account.journal"].search([("type", "=", "sale"), ("company_id", "=", company.id)])[0]
rule = {
    "recurring_interval": 1,
    "recurring_rule_type": "monthly",
    "recurring_invoicing_type": "pre-paid",
    "date_start": date(*start),
}
contract = env["contract.contract"].create(
    {
        "name": "Line",
        "partner_id": customer.id,
        "company_id": company.id,
        "journal_id": journal.id,
        "payment_term_id": term.id,
        "line_recurrence": True,
        "contract_line_ids": [
            Command.create(
                {**rule, "product_id": product.id, "name": product.name, "price_unit": price}
                | {"quantity": 1.0, "recurring_next_date": date(*start)}
            )
            for product, price in zip(products, (9.99, 2.5, 3.5))
        ],
    }
)
partners = copy_customer(count)
contracts = multiply(
    contract, count, partner_id=of(partners), invoice_partner_id=of(partners),
    commercial_partner_id=of(partners),
)
for place, line in enumerate(contract.contract_line_ids):
    own = {} if place else dict.fromkeys(("price_unit", "specific_price"), "9.99 + n / 100.0")
    multiply(line, count, contract_id=of(contracts), partner_id=of(partners), **own)
env.cr.execute("DELETE FROM contract_line WHERE contract_id = %s", [contract.id])
env.cr.execute("DELETE FROM contract_contract WHERE id = %s", [contract.id])
env.invalidate_all()
env.cr.execute("ANALYZE")
env.cr.commit()
print()
print(json.dumps({"company": company.id, "contracts": [contracts[0], contracts[-1]]}))
"""
)
BILL_PEERS = """
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import date
from odoo.tools import split_every
env.user.company_ids += env["res.company"].browse(company)
env.user.company_id = company
env = env(context={**env.context, "allowed_company_ids": [company]})
# The first invoices of a process fill its caches.
warm = env["contract.contract"].browse(contracts[0])
warm._recurring_create_invoice(date(*day)).action_post()
env.flush_all()
env.cr.rollback()
env.invalidate_all()
begun = time.perf_counter()
for ids in split_every(batch, range(contracts[0], contracts[1] + 1)):
    env["contract.contract"].browse(ids)._recurring_create_invoice(date(*day)).action_post()
    env.cr.commit()
    env.invalidate_all()
print()
print(time.perf_counter() - begun)
"""
BOOKS = """
    SELECT a.code_store ->> '{company}', count(*), round(sum(l.debit), 2), round(sum(l.credit), 2)
      FROM account_move_line AS l JOIN account_account AS a ON a.id = l.account_id
     WHERE l.company_id = {company} AND l.parent_state = 'posted' AND l.date = '{day}'
  GROUP BY 1 ORDER BY 1
"""

INLINE = """
import json
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from dateutil.relativedelta import relativedelta
env.user.company_ids += env["res.company"].browse(company)
env = env(context={**env.context, "allowed_company_ids": [company]})
env.cr.execute("SELECT pg_backend_pid()")
connection = Path(f"/proc/{env.cr.fetchone()[0]}/schedstat")
spent = {}


def used():
    # Seconds of the processors for this process and its database connection.
    return time.process_time() + int(connection.read_text().split()[0]) / 1e9


def timed(model, name):
    # Add up what a method of a model takes.
    kind = type(env[model])
    plain = getattr(kind, name)

    def method(*arguments, **others):
        env.flush_all()
        begun = used()
        result = plain(*arguments, **others)
        env.flush_all()
        spent[name] = spent.get(name, 0.0) + used() - begun
        return result

    setattr(kind, name, method)


def pay():
    # Have all open items paid: each by an item beside it, as one of a bank statement leaves it.
    env.flush_all()
    lines = env["account.move.line"]
    same = [n for n, f in lines._fields.items() if f.store and f.column_type and n != "id"]
    other = {
        "debit": "item.credit", "credit": "item.debit", "balance": "-item.balance",
        "amount_currency": "-item.amount_currency", "amount_residual": "0",
        "amount_residual_currency": "0", "reconciled": "TRUE", "price_unit": "0",
        "price_subtotal": "0", "price_total": "0", "move_id": "paid.move_id",
        "move_name": "paid.move_name", "statement_line_id": "paid.statement_line_id",
        "journal_id": "paid.journal_id",
    }
    if not statement:
        journal = env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", company)], limit=1
        )
        statement.append(
            env["account.bank.statement.line"].create(
                {"journal_id": journal.id, "amount": 1, "payment_ref": "All of them"}
            )
        )
        env.flush_all()
    env.cr.execute(
        "INSERT INTO account_move_line (%s) SELECT %s"
        " FROM account_move_line item, account_move_line paid"
        " WHERE item.company_id = %%s AND item.parent_state = 'posted'"
        " AND item.amount_residual <> 0 AND item.statement_line_id IS NULL AND paid.id = %%s"
        % (", ".join(same), ", ".join(other.get(name, "item." + name) for name in same)),
        [company, statement[0].move_id.line_ids[0].id],
    )
    count = env.cr.rowcount
    env.cr.execute(
        "UPDATE account_move_line SET amount_residual = 0, amount_residual_currency = 0,"
        " reconciled = TRUE WHERE company_id = %s AND parent_state = 'posted'"
        " AND amount_residual <> 0 AND statement_line_id IS NULL",
        [company],
    )
    assert count == env.cr.rowcount > 0, count
    env.cr.commit()
    env.invalidate_all()


def let_month_pass():
    # What autovacuum does in a month, and has no time for here.
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr._cnx.cursor().execute("VACUUM (ANALYZE) account_move_line, billing_bill")
    env.cr._cnx.autocommit = False


statement = []
model, *methods = watched
for method in methods:
    timed(model, method)
results = []
for month in range(months):
    run = env["billing.cycle"].browse(cycle)._create_run(date(*start) + relativedelta(months=month))
    env.cr.commit()
    env.invalidate_all()
    spent.clear()
    begun = used()
    run._execute("posting")
    env.cr.commit()
    # What the others do within the first is not the first's own.
    own, *others = (spent.get(method, 0.0) for method in methods)
    results.append([used() - begun, own - sum(others)])
    if paying:
        pay()
    let_month_pass()
print()
print(json.dumps(results))
"""
