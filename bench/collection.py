"""Open invoices collected by direct debit, beside Odoo's own register-payment wizard

Two invoices a customer; half of them is collected by a payment run, half by the wizard, in batches of
the same size, alternating in one run. Selecting, confirming, writing the file, posting and matching
are timed apart; memory is that of this process over what it was before. Argument: how many invoices
(2,000 if left out; their making takes longer than all that is measured).
"""

import sys
import time
from datetime import date, timedelta

import psutil

from odoo.fields import Command
from odoo.tools import split_every

from odoo.addons.billing_operations.payment_runs.models.billing_payment_run_submit import BATCH

#: what is aimed at: times the wizard's payments a second, and the file of 20,000 lines in seconds
FASTER_AT_LEAST = 3
FILE_SECONDS = 20
MEMORY_AT_MOST = 200
ROUNDS = 4


def say(text):
    print(text, flush=True)


def make_company(env):
    company = env["res.company"].create(
        {"name": "Bench Provider Ltd", "currency_id": env.ref("base.EUR").id}
    )
    env.ref("base.EUR").active = True
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    company.currency_id = env.ref("base.EUR")
    journal = env["account.journal"].search(
        [("company_id", "=", company.id), ("type", "=", "bank")], limit=1
    )
    journal.bank_account_id = env["res.partner.bank"].create(
        {"acc_number": "DE89370400440532013000", "partner_id": company.partner_id.id}
    )
    company.write(
        {
            "billing_creditor_id": "DE98ZZZ09999999999",
            "billing_debit_journal_id": journal.id,
            "billing_prenotification_days": 1,
        }
    )
    context = {"allowed_company_ids": company.ids, "tracking_disable": True}
    return company.with_context(**context).with_company(company)


def iban(number):
    """Return an account with right check digits."""
    bank = f"37040044{number:010}"
    check = 98 - int(f"{bank}131400") % 97
    return f"DE{check:02}{bank}"


def make_invoices(env, company, count):
    """Return ``[invoices of a round]``, with customers who have mandates."""
    partners = env["res.partner"].create(
        [
            {"name": f"Customer {number}", "billing_payment_preference": "direct_debit"}
            for number in range(count // 2)
        ]
    )
    accounts = env["res.partner.bank"].create(
        [
            {"acc_number": iban(number), "partner_id": partner.id}
            for number, partner in enumerate(partners)
        ]
    )
    mandates = env["billing.mandate"].create(
        [
            {
                "partner_id": account.partner_id.id,
                "partner_bank_id": account.id,
                "company_id": company.id,
                "signed_date": date.today(),
            }
            for account in accounts
        ]
    )
    mandates.action_activate()
    product = env["product.product"].create({"name": "Hosting", "taxes_id": [Command.clear()]})
    rounds = []
    size = count // ROUNDS
    owners = [partner for partner in partners for _twice in range(2)]
    for some in split_every(size, owners, list):
        made = env["account.move"]
        for batch in split_every(500, some, list):
            moves = made.create(
                [
                    {
                        "move_type": "out_invoice",
                        "partner_id": partner.id,
                        "invoice_date": date.today(),
                        "invoice_date_due": date.today(),
                        "invoice_payment_term_id": False,
                        "invoice_line_ids": [
                            Command.create({"product_id": product.id, "price_unit": 10.0})
                        ],
                    }
                    for partner in batch
                ]
            )
            moves.action_post()
            made += moves
        rounds.append(made)
    env.cr.commit()
    return rounds


def clock(times, name, step):
    begun = time.perf_counter()
    result = step()
    env.flush_all()
    times[name] = times.get(name, 0) + time.perf_counter() - begun
    return result


def by_run(times, invoices):
    """Collect invoices by a payment run, as its tasks would."""
    run = env["billing.payment.run"].create(
        {
            "wanted_date": date.today() + timedelta(days=30),
            "partner_ids": [Command.set(invoices.partner_id.ids)],
        }
    )
    clock(times, "select", run._select)
    clock(times, "confirm", run._confirm)
    clock(times, "file", run._submit)
    for ids in split_every(BATCH, run.line_ids.ids):
        env.invalidate_all()
        lines = env["billing.payment.line"].browse(ids)
        clock(times, "post", lambda lines=lines: run._post_lines(lines))
        env.cr.commit()
    return len(run.line_ids)


def by_wizard(times, invoices):
    """Pay invoices by Odoo's wizard, one payment each."""
    for ids in split_every(BATCH, invoices.ids):
        env.invalidate_all()
        moves = env["account.move"].browse(ids)
        wizard = (
            env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"group_payment": False})
        )
        clock(times, "post", wizard.action_create_payments)
        env.cr.commit()
    return len(invoices)


def main():
    global env
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    company = make_company(env)
    env = company.env
    rounds = make_invoices(env, company, count)
    env.invalidate_all()
    process = psutil.Process()
    idle = process.memory_info().rss
    ours, theirs, numbers = {}, {}, [0, 0]
    for number, invoices in enumerate(rounds):
        if number % 2:
            numbers[1] += by_wizard(theirs, invoices)
        else:
            numbers[0] += by_run(ours, invoices)
    grown = (process.memory_info().rss - idle) / (1 << 20)
    speed, peer = numbers[0] / ours["post"], numbers[1] / theirs["post"]
    per_line = {name: seconds / numbers[0] * 1000 for name, seconds in ours.items()}
    say(f"{numbers[0]} invoices by a payment run, {numbers[1]} by the wizard")
    say("ms a line: " + ", ".join(f"{name} {ms:.2f}" for name, ms in per_line.items()))
    whole = numbers[0] / sum(ours.values())
    say(f"payments a second: posted {speed:.0f}, all steps {whole:.0f}, wizard {peer:.0f}")
    failed = []

    def aim(text, reached, passed):
        say(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}")
        if not passed:
            failed.append(text)

    aim(
        f"posted at least {FASTER_AT_LEAST} times as fast as by the wizard",
        f"{speed / peer:.1f} times; all steps together {whole / peer:.1f} times",
        speed / peer >= FASTER_AT_LEAST,
    )
    aim(
        f"a file of 20,000 lines in {FILE_SECONDS} s at most",
        f"{per_line['file'] * 20:.1f} s",
        per_line["file"] * 20 <= FILE_SECONDS,
    )
    aim(f"memory under {MEMORY_AT_MOST} MB", f"{grown:.0f} MB", grown < MEMORY_AT_MOST)
    sys.exit(1 if failed else 0)


main()
