from odoo import fields, models


class AccountMove(models.Model):
    """Entries by which what wallets paid becomes income: one a run, and one more each time the run
    debits again."""

    _inherit = "account.move"

    billing_wallet_run_id = fields.Many2one(
        "billing.run",
        string="Prepaid Run",
        readonly=True,
        copy=False,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    billing_wallet_up_to = fields.Integer(
        readonly=True,
        copy=False,
        help="The last wallet transaction of the run that the entry covers.",
    )
    billing_wallet_transaction_ids = fields.Many2many(
        "billing.wallet.transaction",
        "billing_wallet_transaction_move_rel",
        "move_id",
        "transaction_id",
        string="Other Wallet Transactions",
        readonly=True,
        copy=False,
        help="What the entry covers beside the debits of its run: debits of earlier runs that were"
        " taken back, and top-ups whose tax was due.",
    )
