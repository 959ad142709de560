"""A new run, before it is saved: what the form offers and fills in."""

from odoo.tests import Form, tagged

from .common import BillingCase

#: opened from a record, which gives the company
GIVEN = (
    "billing.run.undo",
    "cdr.rate.replace",
    "cdr.rate.import",
    "billing.error.assign",
    "billing.error.rate",
    "billing.error.dates",
    "billing.wallet.bank",
    "billing.wallet.dialog",
    "billing.wallet.statement",
    "billing.wallet.top.up",
)


@tagged("post_install", "-at_install")
class TestNewRun(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.user = cls.make_user("new_user", "billing_operations.group_billing_user")
        cls.runs = cls.env["billing.run"].with_user(cls.user)

    def offered(self, run):
        """The cycles that the form offers: its domain is evaluated with what the form holds."""
        company = run.company_id
        domain = self.runs._fields["cycle_id"]._description_domain(self.env)
        values = {"company_id": company.id, "allowed_company_ids": self.company.ids}
        return self.env["billing.cycle"].search(eval(domain, values))  # noqa: S307

    def test_a_new_run_is_offered_the_active_cycles_of_the_company(self):
        first, second = (self.make_cycle(self.scheme, name=name) for name in ("One", "Two"))
        self.make_cycle(self.scheme, name="Old").action_archive_cycle()
        form = Form(self.runs)
        self.assertFalse(form.cycle_id)
        self.assertEqual(form.company_id, self.company)
        self.assertEqual(self.offered(form), first + second)
        form.cycle_id = second
        self.assertEqual(form.save().cycle_id, second)

    def test_the_only_active_cycle_is_chosen(self):
        cycle = self.make_cycle(self.scheme)
        self.assertEqual(Form(self.runs).cycle_id, cycle)

    def test_without_an_active_cycle_the_form_and_the_list_say_what_to_do(self):
        form = Form(self.runs)
        self.assertFalse(form.cycle_id)
        self.assertTrue(form.no_active_cycle)
        arch = self.runs.get_view(view_type="form")["arch"]
        self.assertIn("activate one, then create the run", " ".join(arch.split()))
        action = self.env.ref("billing_operations.action_billing_run")
        self.assertIn("Activate a billing cycle first", action.help)

    def test_the_form_of_a_new_run_counts_nothing_and_warns_of_nothing(self):
        self.make_cycle(self.scheme)
        with self.assertNoLogs("odoo.domains", "WARNING"):
            form = Form(self.runs)
            self.assertEqual((form.bill_count, form.charge_count, form.invoice_count), (0, 0, 0))

    def test_every_form_knows_its_company_before_it_is_saved(self):
        """Or what it offers where companies must match is nothing at all."""
        empty = []
        for name, model in self.env.items():
            if model._abstract or not str(model._original_module).startswith("billing_operations"):
                continue
            views = [("model", "=", name), ("type", "=", "form")]
            checked = any(
                getattr(field, "check_company", False) and not field.readonly
                for field in model._fields.values()
            )
            if not checked or not self.env["ir.ui.view"].search_count(views):
                continue
            new = model.new(model.default_get(list(model._fields)))
            if name not in GIVEN and new.company_id != self.company:
                empty.append(name)
        self.assertEqual(empty, [])
