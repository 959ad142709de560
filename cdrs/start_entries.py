"""The start page's entries about call records: files that wait, and what cannot be billed."""

from odoo.fields import Domain
from odoo.tools.misc import formatLang
from odoo.tools.translate import LazyTranslate

from ..billing_tasks.start_entry import StartEntry, count, figure
from ..billing_tasks.texts import labels

_lt = LazyTranslate(__name__)

USERS = "billing_operations.group_billing_user"


class CdrFiles(StartEntry):
    """Files of carriers that wait for a person, by state."""

    code = "cdr_files"
    title = _lt("CDR Files")
    place = 32
    groups = USERS

    def show(self, env):
        files = env["cdr.file"]
        return {
            "head": [env._("Needs attention"), env._("Files")],
            "labels": 1,
            "rows": [
                [
                    name,
                    count(
                        env,
                        number,
                        name,
                        files._name,
                        files._attention_domain(state),
                        "danger" if state == "error" else "warning",
                    ),
                ]
                for state, name, number in files._attention_counts()
            ],
        }

    def empty(self, env):
        return env._("No CDR file waits for anybody.")


class BillingErrors(StartEntry):
    """Causes that keep usage from being billed, by problem, with what they cost at least.

    Errors hold their own counts: no call is read for these figures.
    """

    code = "billing_errors"
    title = _lt("Billing Errors")
    place = 34
    groups = USERS

    def show(self, env):
        errors = env["billing.error"]
        is_open = Domain("state", "=", "open")
        names = labels(errors, "code")
        groups = errors._read_group(
            is_open, ["code", "company_id"], ["__count", "record_count:sum", "cost:sum"]
        )
        several = len({company for _code, company, *_figures in groups}) > 1
        rows = []
        for code, company, number, records, cost in sorted(groups, key=lambda group: -group[4]):
            label = f"{names[code]}, {company.name}" if several else names[code]
            domain = is_open & Domain("code", "=", code) & Domain("company_id", "=", company.id)
            rows.append(
                [
                    label,
                    count(env, number, label, errors._name, domain, "danger"),
                    figure(formatLang(env, records, digits=0), label, errors._name, domain),
                    figure(company.currency_id.format(cost), label, errors._name, domain),
                ]
            )
        return {
            "head": [
                env._("Problem"),
                env._("Errors"),
                env._("Calls"),
                env._("Cost, at least"),
            ],
            "labels": 1,
            "rows": rows,
        }

    def empty(self, env):
        return env._("Nothing keeps usage from being billed.")


START_ENTRIES = (CdrFiles(), BillingErrors())
