"""Invoice and delivery addresses are those of Odoo's own `address_get`, for many at once."""

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.billing_operations.billing_runs.invoicing.addresses import KINDS, Addresses

from .report_common import ReportCase


@tagged("post_install", "-at_install")
class TestAddresses(ReportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.make_company("Elsewhere")

    def tree(self, name, *children, **values):
        """Return a partner with contacts below; each child is (values, children)."""
        partner = self.make_customer(name, **values)
        for number, (below, grandchildren) in enumerate(children):
            below = {"name": f"{name}.{number}"} | below
            self.tree(below.pop("name"), *grandchildren, parent_id=partner.id, **below)
        return partner

    def zoo(self):
        """Families of every kind that may be a customer's."""
        other = {"company_id": self.elsewhere.id}
        invoice, delivery = {"type": "invoice"}, {"type": "delivery"}
        department = {"type": "other"}
        self.tree("Plain")
        self.tree("Firm", ({}, ()), is_company=True)
        self.tree("Two", (invoice, ()), (invoice | {"name": "A first"}, ()), is_company=True)
        self.tree("Person", (invoice, ()), (delivery, ()))
        self.tree("Nested", (department, ((invoice, ()),)), is_company=True)
        self.tree("Deep", ({}, ((department, ((invoice, ()), ({}, ()))),)), is_company=True)
        self.tree("Own", ({}, ((invoice, ()),)), (invoice, ()), is_company=True)
        self.tree("Sister", (invoice, ()), ({}, ()), ({}, ()), is_company=True)
        self.tree("Branch", ({"is_company": True}, ((invoice, ()),)), is_company=True)
        self.tree("Gone", (invoice | {"active": False}, ()), is_company=True)
        self.tree("Gone too", (invoice | {"active": False}, ()), (invoice, ()), is_company=True)
        self.tree("Nameless", (invoice | {"name": False}, ()), (delivery, ()), is_company=True)
        self.tree("Typed", (delivery, ((invoice, ()), ({}, ()))), type="other", is_company=True)
        self.tree("Foreign", (invoice | other, ()), is_company=True)
        self.tree("Mixed", (invoice | other, ()), (invoice, ()), is_company=True)
        self.tree("Under foreign", (department | other, ((invoice, ()),)), is_company=True)
        self.tree("Foreign delivery", (delivery | other, ()), ({}, ()), is_company=True)
        ours = {"company_id": self.company.id}
        self.tree("Ours", (invoice | ours, ()), ({} | ours, ()), is_company=True, **ours)
        partners = self.env["res.partner"].search([("id", ">", self.newest)], order="id")
        # People of this company see neither these nor, below them, whom they belong to.
        return partners.filtered(
            lambda partner: self.elsewhere not in (partner | partner.parent_id).company_id
        )

    def setUp(self):
        super().setUp()
        self.env.flush_all()
        partners = self.env["res.partner"].with_context(active_test=False)
        self.newest = partners.search([], order="id desc", limit=1).id

    def by_odoo(self, partners, kind):
        """{partner: address} by Odoo's own method for people of this company."""
        user = self.make_user(f"{kind} clerk", "billing_operations.group_billing_user")
        seen = partners.with_user(user).with_context(allowed_company_ids=self.company.ids)
        # What superusers have read is in the cache for everybody.
        self.env.invalidate_all()
        found = {partner.id: partner.address_get([kind])[kind] for partner in seen}
        self.env.invalidate_all()
        return {partner: partner.browse(found[partner.id]) for partner in partners}

    def test_every_partner_of_every_family_has_the_address_that_odoo_says(self):
        partners = self.zoo()
        expected = {kind: self.by_odoo(partners, kind) for kind in KINDS}
        every = Addresses(self.env, self.company, partners)
        for partner in partners:
            alone = Addresses(self.env, self.company, partner)
            for kind in KINDS:
                with self.subTest(f"{kind} of {partner.name}"):
                    self.assertEqual(every.get(partner, kind), expected[kind][partner])
                    self.assertEqual(alone.get(partner, kind), expected[kind][partner])

    def test_whoever_stands_below_another_companys_partner_is_billed_alone(self):
        other = {"company_id": self.elsewhere.id}
        self.tree("Firm", ({}, ()), ({"type": "invoice"}, ()), is_company=True, **other)
        below = self.env["res.partner"].search([("name", "=", "Firm.0")])
        below.company_id = False
        addresses = Addresses(self.env, self.company, below)
        self.assertEqual(addresses.get(below, "invoice"), below)

    def test_customers_without_contacts_cost_no_query_each(self):
        partners = self.env["res.partner"].create([{"name": f"P {n}"} for n in range(60)])
        family = self.tree("Family", ({"type": "invoice"}, ()), is_company=True)
        for count in (20, 60):
            self.env.flush_all()
            self.env.invalidate_all()
            with self.assertQueryCount(12):
                some = partners[:count] | family
                addresses = Addresses(self.env, self.company, some)
                found = [addresses.get(partner, "invoice") for partner in some]
        self.assertEqual(found[:60], list(partners))
        self.assertEqual(found[60], family.child_ids)

    def test_bills_of_every_family_go_to_these_addresses_in_report_and_run(self):
        partners = self.zoo().filtered("name")
        for partner in partners:
            self.make_service(partner, self.tariff)
        expected = self.by_odoo(partners, "invoice")
        run = self.make_run(self.cycle)
        report = run._make_report("pre")
        self.assertFalse(self.reasons(report))
        run._execute("posting")
        self.assertEqual(self.reported(report), self.invoiced(run))
        self.assertFalse(run._tie_out_differences())
        for bill in self.env["billing.bill"].search([("run_id", "=", run.id)]):
            self.assertEqual(bill.state, "posted", bill.error_message)
            self.assertEqual(bill.move_ids.partner_id, expected[bill.partner_id])

    def test_the_customers_step_looks_at_the_address_that_is_billed(self):
        whole = {
            "street": "Street 1",
            "city": "Town",
            "country_id": self.env.ref("base.us").id,
            "email": "bills@customer.example",
        }
        reached = self.tree("Reached", ({"type": "invoice"} | whole, ()), is_company=True)
        lost = self.tree("Lost", ({"type": "invoice"}, ()), is_company=True, **whole)
        lost.child_ids.write({"street": False, "email": False})
        plain, bare = self.tree("Whole", **whole), self.tree("Bare")
        for partner in reached | lost | plain | bare:
            self.make_service(partner, self.tariff)
        run = self.make_run(self.cycle)
        checks = run._customer_checks()
        for code in ("email", "address"):
            found = self.env["res.partner"].search(checks[code][1])
            self.assertEqual(found, lost | bare, code)

    def test_a_position_of_the_delivery_address_counts_as_on_odoos_invoices(self):
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Delivered abroad",
                "company_id": self.company.id,
                "tax_ids": [
                    Command.create(
                        {
                            "name": "Abroad",
                            "amount": 3,
                            "type_tax_use": "sale",
                            "company_id": self.company.id,
                            "country_id": self.company.account_fiscal_country_id.id,
                            "original_tax_ids": [Command.set(self.tax.ids)],
                        }
                    )
                ],
            }
        )
        firm = self.tree("Firm", ({"type": "delivery"}, ()), is_company=True)
        firm.child_ids.property_account_position_id = position
        self.make_service(firm, self.tariff)
        run = self.make_run(self.cycle)
        run._execute("posting")
        move = self.bill_of(run, firm).move_ids
        own = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": firm.id, "invoice_date": run.invoice_date}
        )
        for field in ("partner_id", "partner_shipping_id", "fiscal_position_id"):
            self.assertEqual(move[field], own[field])
        self.assertEqual(move.amount_total, 10.3)
