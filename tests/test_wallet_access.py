"""Who may see wallets, and who may move money in them, also over RPC."""

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .wallet_common import WalletCase

MODELS = ("billing.wallet", "billing.wallet.transaction")


@tagged("post_install", "-at_install")
class TestWalletAccess(WalletCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outsider = cls.make_user("wallet_outsider", "account.group_account_invoice")
        cls.wallet._credit(10, "Top-up")
        cls.transaction = cls.wallet.transaction_ids

    def rpc(self, person, record, method, *args):
        return call_kw(self.env[record._name].with_user(person), method, [record.ids, *args], {})

    def test_people_without_billing_rights_see_nothing(self):
        for name in MODELS:
            for operation in ("read", "write", "create", "unlink"):
                self.assertFalse(self.env[name].with_user(self.outsider).has_access(operation))

    def test_users_make_wallets_and_read_transactions(self):
        partner = self.make_customer("New")
        wallet = self.env["billing.wallet"].with_user(self.user).create({"partner_id": partner.id})
        wallet.low_balance = 3
        self.assertEqual(self.transaction.with_user(self.user).amount, 10.0)

    def test_nobody_writes_transactions_over_rpc(self):
        for person in (self.user, self.manager):
            for operation in ("write", "create", "unlink"):
                model = self.env["billing.wallet.transaction"].with_user(person)
                self.assertFalse(model.has_access(operation))

    def test_nobody_gives_a_wallet_a_balance_or_a_state_over_rpc(self):
        for person in (self.user, self.manager):
            for values in ({"balance": 5}, {"granted_balance": 5}, {"state": "locked"}):
                with self.assertRaises(UserError):
                    self.rpc(person, self.wallet, "write", values)
                with self.assertRaises(UserError):
                    call_kw(
                        self.env["billing.wallet"].with_user(person),
                        "create",
                        [{"partner_id": self.make_customer("New").id, **values}],
                        {},
                    )

    def test_only_managers_set_credit_limits(self):
        with self.assertRaisesRegex(UserError, "Only billing managers"):
            self.rpc(self.user, self.wallet, "write", {"credit_limit": 5})
        with self.assertRaisesRegex(UserError, "Only billing managers"):
            self.env["billing.wallet"].with_user(self.user).create(
                {"partner_id": self.make_customer("New").id, "credit_limit": 5}
            )
        self.rpc(self.manager, self.wallet, "write", {"credit_limit": 5})
        self.assertEqual(self.wallet.credit_limit, 5.0)

    def test_only_managers_open_the_dialogs_and_unlock(self):
        for name in ("credit", "grant", "reimburse", "transfer", "lock", "unlock"):
            with self.assertRaisesRegex(UserError, "Only billing managers"):
                self.rpc(self.user, self.wallet, f"action_{name}")
        with self.assertRaisesRegex(UserError, "Only billing managers"):
            self.rpc(self.user, self.transaction, "action_void")
        for name in ("credit", "grant", "reimburse", "transfer", "lock"):
            self.assertTrue(self.rpc(self.manager, self.wallet, f"action_{name}"))

    def test_the_dialog_itself_is_for_managers(self):
        with self.assertRaises(AccessError):
            self.env["billing.wallet.dialog"].with_user(self.user).create(
                {"wallet_id": self.wallet.id, "operation": "credit", "amount": 5, "reason": "x"}
            )

    def test_money_is_not_moved_by_private_methods_over_rpc(self):
        for record, method in (
            (self.wallet, "_credit"),
            (self.wallet, "_grant"),
            (self.transaction, "_book"),
            (self.transaction, "_void"),
        ):
            with self.assertRaises(AccessError):
                self.rpc(self.manager, record, method, 5, "x")

    def test_another_companys_wallets_are_out_of_sight(self):
        other = self.make_company("Other Provider")
        stranger = self.make_user(
            "wallet_stranger", "billing_operations.group_billing_manager", other
        )
        for record in (self.wallet, self.transaction):
            with self.assertRaises(AccessError):
                record.with_user(stranger).with_company(other).read(["company_id"])
