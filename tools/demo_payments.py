"""The demo's collections: one direct-debit run with its file checked and one return, and one card run
with a card that is declined and one of which nobody knows."""

import base64
from decimal import Decimal
from unittest.mock import patch

from lxml import etree

#: who has not enough on the account
RETURNED = "demo_customer_dogwood"
RETURN = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>DEMO</MsgId></GrpHdr><Ntfctn><Id>1</Id>
<Acct><Id><IBAN>{account}</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls>
<Refs><EndToEndId>{reference}</EndToEndId></Refs>
<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>
<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf></TxDtls></NtryDtls></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
"""


def work(env, run):
    """Do the tasks of a payment run here and now, but for the e-mails to customers."""
    env["billing.task"]._run_inline(
        domain=[
            ("res_model", "=", run._name),
            ("res_id", "=", run.id),
            ("type_id.code", "!=", "payment_notices"),
        ]
    )
    env.invalidate_all()


def collect_by_debit(env, billing_run, folder, say):
    """Collect what a billing run has billed, by direct debit, and take one back.

    :param folder: where a bank's message about another one is left, to be imported by hand
    """
    company = billing_run.company_id
    runs = env["billing.payment.run"].with_company(company)
    runs = runs.with_context(allowed_company_ids=company.ids)
    run = runs.create(
        {
            "company_id": company.id,
            "billing_run_id": billing_run.id,
            "reference": f"Demo, {billing_run.number}",
            "due_date_to": False,
        }
    )
    run.action_select()
    if not run.to_collect_count:
        run.unlink()
        say("direct debit: nothing is left to collect")
        return
    run.action_confirm()
    run.action_submit()
    work(runs.env, run)
    say(
        f"direct debit: {run.number}, {run.line_count} invoices, {run.total_amount:.2f}"
        f" {run.currency_id.name}, to be collected on {run.collection_date}"
    )
    if run.problem:
        say(f"  {run.problem}")
        return
    for file in run.file_ids:
        say(f"  {file.name}: {check(file)}")
    for line in run.line_ids.filtered(lambda line: line.state == "excluded"):
        reason = dict(line._fields["error_code"]._description_selection(line.env))
        say(f"  left out: {line.partner_id.name}: {reason[line.error_code]}")
    take_back(env, run, say)
    leave_return(run, folder, say)
    enter_bank_lines(env, run, say)


def check(file):
    """Return what an independent count of a file's debits says."""
    content = base64.b64decode(file.sudo().with_context(bin_size=False).content)
    root = etree.fromstring(content)
    amounts = [Decimal(node.text) for node in root.iterfind(".//{*}InstdAmt")]
    header = root.find(".//{*}GrpHdr")
    said = int(header.findtext("{*}NbOfTxs")), Decimal(header.findtext("{*}CtrlSum"))
    counted = len(amounts), sum(amounts)
    if said != counted or said != (file.line_count, round(Decimal(str(file.amount)), 2)):
        raise SystemExit(f"{file.name}: the header says {said}, counted are {counted}.")
    return f"checked, {counted[0]} debits, control sum {counted[1]}"


def take_back(env, run, say):
    """Import a bank's message that one debit came back."""
    customer = env.ref(f"billing_operations.{RETURNED}")
    line = run.line_ids.filtered(
        lambda line: line.partner_id == customer and line.state == "submitted"
    )[:1]
    if not line:
        return
    message = message_about(line)
    returns = env["billing.payment.return"].with_company(run.company_id)
    found = returns._import(run.company_id, "camt-054-demo.xml", message.encode())
    env.invalidate_all()
    say(f"  returned: {customer.name}: {line.message}; {found.applied_count} of 1 assigned")


def message_about(line):
    """Return the bank's message that a debit came back."""
    company = line.run_id.company_id
    return RETURN.format(
        account=company.billing_debit_journal_id.bank_account_id.sanitized_acc_number,
        amount=f"{line.amount:.2f}",
        day=line.run_id.collection_date,
        reference=line.reference,
    )


def leave_return(run, folder, say):
    """Leave the bank's message about one more debit that came back, for who tries out *Returns*."""
    line = run.line_ids.filtered(lambda line: line.state == "submitted").sorted("id")[:1]
    if line:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "returned-debit.xml"
        file.write_text(message_about(line), encoding="utf-8")
        say(f"  to import under Returns: {file}")


def enter_bank_lines(env, run, say):
    """Enter lines of a bank statement: one pays an invoice, one a part of another, one says nothing."""
    journal = run.company_id.billing_debit_journal_id
    domain = [
        *(("company_id", "=", run.company_id.id), ("move_type", "=", "out_invoice")),
        *(("state", "=", "posted"), ("payment_state", "=", "not_paid")),
        *(("currency_id", "=", run.currency_id.id), ("amount_residual", ">", 20)),
        ("partner_id.billing_payment_preference", "not in", ("direct_debit", "card")),
    ]
    invoices = env["account.move"].search(domain, order="invoice_date desc, id", limit=2)
    texts = [(f"Thank you, {move.name}", move.amount_residual) for move in invoices[:1]]
    texts += [(f"{move.name} first part", 10.0) for move in invoices[1:]]
    lines = [*texts, ("Transfer without a word", 12.5)]
    env["account.bank.statement.line"].create(
        [
            {
                "journal_id": journal.id,
                "date": run.company_id._billing_today(),
                "payment_ref": text,
                "amount": amount,
            }
            for text, amount in lines
        ]
    )
    say(f"  bank lines to match: {len(lines)}")


def open_payments(env, companies):
    """Let the companies' customers pay in the portal, by Odoo's provider for trying out."""
    domain = [("code", "=", "demo"), ("company_id", "in", companies.ids)]
    env["payment.provider"].search(domain).write({"state": "test", "is_published": True})


def make_cards(env, company):
    """Save a card for each customer who pays by card, at the provider for trying out."""
    provider = env["payment.provider"].search(
        [("company_id", "=", company.id), ("code", "=", "demo")], limit=1
    )
    tokens = env["payment.token"]
    if not provider or tokens.search_count([("provider_id", "=", provider.id)], limit=1):
        return
    customers = env["res.partner"].search(
        [("billing_payment_preference", "=", "card"), ("parent_id", "=", False)], order="id"
    )
    tokens.create(
        [
            {
                "provider_id": provider.id,
                "payment_method_id": provider.payment_method_ids[:1].id,
                "partner_id": customer.id,
                "payment_details": f"{1000 + customer.id % 9000}",
                "provider_ref": f"demo {customer.id}",
                "demo_simulated_state": "done",
            }
            for customer in customers
        ]
    )


def collect_by_card(env, billing_run, say):
    """Charge cards: the first is declined, of the second nobody knows, the others are charged."""
    company = billing_run.company_id
    make_cards(env(context={**env.context, "allowed_company_ids": company.ids}), company)
    runs = env["billing.payment.run"].with_company(company)
    runs = runs.with_context(allowed_company_ids=company.ids)
    run = runs.create(
        {
            "company_id": company.id,
            "method": "card",
            "currency_id": company.currency_id.id,
            "billing_run_id": billing_run.id,
            "reference": f"Demo, {billing_run.number}",
            "due_date_to": False,
        }
    )
    run.action_select()
    if not run.to_collect_count:
        run.unlink()
        say("cards: nothing is left to charge")
        return
    answers = ["declined", "silent"]

    def answer(transaction):
        kind = answers.pop(0) if answers else "done"
        if kind == "declined":
            transaction._set_error("Insufficient funds")
        elif kind == "done":
            transaction._set_done()

    with patch.object(env.registry["payment.transaction"], "_send_payment_request", answer):
        run.action_confirm()
        run.action_submit()
        codes = ("collect_card", "book_card_payments")
        env["billing.task"]._run_inline(domain=[("type_id.code", "in", codes)], limit=200)
    env.invalidate_all()
    states = dict(run.line_ids.charge_ids._fields["state"]._description_selection(env))
    numbers = {}
    for charge in run.line_ids.charge_ids:
        numbers[charge.state] = numbers.get(charge.state, 0) + 1
    say(
        f"cards: {run.number}, {run.line_count} invoices, {run.total_amount:.2f}"
        f" {run.currency_id.name}: "
        + ", ".join(f"{number} {states[state].lower()}" for state, number in numbers.items())
    )
