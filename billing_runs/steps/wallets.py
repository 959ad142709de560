from odoo.tools.translate import LazyTranslate

from .step import Step

_lt = LazyTranslate(__name__)


class WalletTieOut(Step):
    """What wallets hold is what the account of customers' deposits holds."""

    code = "wallet_tie_out"
    title = _lt("Wallets and deposits")
    phase = "post"
    place = 80
    for_wallets = True

    def is_hidden(self, run):
        return run._stages().by_bills or run.company_id.billing_wallet_revenue == "none"

    def show(self, run, before):
        rows = run._wallet_tie_out()
        bad = [row for row in rows if row["difference"]]
        text = [
            [
                row["currency"].name,
                *(
                    row["currency"].format(row[name])
                    for name in ("wallets", "account", "by_hand", "not_covered", "strange", "rest")
                ),
            ]
            for row in rows
        ]
        head = [
            run.env._("Currency"),
            run.env._("Wallets"),
            run.env._("Deposits"),
            run.env._("Booked by Hand"),
            run.env._("Used, Not Booked"),
            run.env._("Other Items"),
            run.env._("Unexplained"),
        ]
        step = {
            "state": "done",
            "sentence": run.env._("Wallets and the account of customers' deposits agree."),
            "table": {"head": head, "rows": text, "labels": 1} if text else None,
            "links": [],
            "buttons": [],
        }
        if bad:
            step["state"] = "problem" if any(row["rest"] for row in bad) else "attention"
            step["sentence"] = run.env._(
                "Wallets and the account of customers' deposits differ. What is behind it:"
            )
            step["links"] = self._links(run, bad)
        if run.revenue_problem:
            step["state"] = "problem"
            step["sentence"] = run.env._(
                "The revenue entry was not posted: %s", run.revenue_problem
            )
        if run.revenue_problem or any(row["not_covered"] for row in bad):
            step["buttons"] = [
                {
                    "method": "action_ask_post_revenue",
                    "label": run.env._("Post Revenue Entry"),
                    "primary": True,
                }
            ]
        return step

    def _links(self, run, rows):
        labels = {
            "by_hand": run.env._("bookings without a payment"),
            "not_covered": run.env._("bookings without a revenue entry"),
            "strange": run.env._("journal items of no wallet"),
        }
        links = []
        for name, label in labels.items():
            if count := sum(len(row["ids"][name]) for row in rows):
                links.append(
                    {
                        "label": label,
                        "count": count,
                        "method": "action_view_wallet_difference",
                        "args": [name],
                    }
                )
        return links
