"""The demo's collections: one direct-debit run with its file checked, and one return."""

import base64
from decimal import Decimal

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


def collect_by_debit(env, billing_run, say):
    """Collect what a billing run has billed, by direct debit, and take one back."""
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
    line = run.line_ids.filtered(lambda line: line.partner_id == customer)[:1]
    if not line:
        return
    message = RETURN.format(
        account=run.company_id.billing_debit_journal_id.bank_account_id.sanitized_acc_number,
        amount=f"{line.amount:.2f}",
        day=run.collection_date,
        reference=line.reference,
    )
    returns = env["billing.payment.return"].with_company(run.company_id)
    found = returns._import(run.company_id, "camt-054-demo.xml", message.encode())
    env.invalidate_all()
    say(f"  returned: {customer.name}: {line.message}; {found.applied_count} of 1 assigned")
