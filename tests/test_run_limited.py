"""What runs bill, take back and send whose limits have lost records."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import DeliveryCase
from .report_common import ReportedFirst


@tagged("post_install", "-at_install")
class TestLimitedRuns(ReportedFirst):
    """What runs bill whose limits have lost records."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.manager = cls.make_user("limits_manager", "billing_operations.group_billing_manager")
        cls.tag = cls.env["res.partner.category"].create({"name": "Hotels"})
        cls.department = cls.env["hr.department"].create({"name": "Region North"})
        cls.inside = cls.make_customer(
            "Inside", category_id=cls.tag.ids, billing_department_id=cls.department.id
        )
        cls.outside = cls.make_customer("Outside")
        cls.tariff = cls.make_tariff(cls.scheme, 45.0)
        cls.service = cls.make_service(cls.inside, cls.tariff)
        cls.other_service = cls.make_service(cls.outside, cls.tariff)

    def settle(self):
        self.env.flush_all()
        self.env.invalidate_all()

    def billed(self, run):
        moves = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        return moves.partner_id

    def run_inline(self, run):
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", "billing.run"), ("res_id", "=", run.id)]
        )
        self.settle()

    def test_archived_tags_and_departments_still_choose_the_same_customers(self):
        below = self.env["hr.department"].create(
            {"name": "District", "parent_id": self.department.id}
        )
        self.inside.billing_department_id = below
        for name, record in (
            ("partner_category_ids", self.tag),
            ("department_ids", self.department),
        ):
            run = self.make_run(self.cycle, **{name: [Command.set(record.ids)]})
            (below | self.department).active = False
            self.tag.active = False
            self.settle()
            self.assertEqual(run._identified_partner_ids(), self.inside.ids, name)
            self.assertEqual(run.selected_customer_count, 1)
            self.assertEqual(run.selected_service_count, 1)
            self.assertFalse(run.lost_limits)

    def test_archived_customers_and_those_below_them_stay_in_the_filter(self):
        below = self.make_customer("Branch", parent_id=self.inside.id)
        self.make_service(below, self.tariff)
        run = self.make_run(self.cycle, partner_ids=[Command.set(self.inside.ids)])
        (below | self.inside).active = False
        self.settle()
        self.assertEqual(set(run._identified_partner_ids()), {self.inside.id, below.id})
        self.assertIn("archived since they were chosen", run.lost_limits)
        run._execute("posting")
        self.assertFalse(self.billed(run))
        codes = {self.bill_of(run, c).error_code for c in (self.inside, below)}
        self.assertEqual(codes, {"partner_archived"})

    def test_a_deleted_department_or_tag_bills_nobody(self):
        for name, record in (
            ("partner_category_ids", self.tag),
            ("department_ids", self.department),
        ):
            run = self.make_run(self.cycle, **{name: [Command.set(record.ids)]})
            record.unlink()
            self.settle()
            self.assertEqual(run._identified_partner_ids(), [], name)
            run._execute("posting")
            self.assertFalse(self.billed(run))

    def test_a_deleted_job_of_the_filter_bills_nothing_else(self):
        line = Command.create({"product_id": self.product.id, "name": "Visit", "price_unit": 80.0})
        values = {"date": date(2026, 1, 1), "line_ids": [line]}
        job = self.env["billing.job"].create({"partner_id": self.inside.id, **values})
        other = self.env["billing.job"].create({"partner_id": self.outside.id, **values})
        other.action_done()
        run = self.make_run(self.cycle, job_ids=[Command.set(job.ids)])
        job.unlink()
        self.settle()
        self.assertEqual(run._identified_partner_ids(), [])

    def test_a_deleted_preference_or_frequency_bills_nobody(self):
        for name, kind in (
            ("payment_preference_ids", "payment"),
            ("presentment_ids", "presentment"),
            ("frequency_ids", "frequency"),
        ):
            criterion = self.env["billing.criterion"].create(
                {"kind": kind, "code": "5:week", "name": "Own"}
            )
            run = self.make_run(self.cycle, **{name: [Command.set(criterion.ids)]})
            criterion.unlink()
            self.settle()
            self.assertEqual(run._identified_partner_ids(), [], name)

    def test_a_cycle_hands_lost_criteria_on_to_its_runs(self):
        self.cycle.partner_category_ids = self.tag
        self.tag.unlink()
        self.assertIn("Hotels", self.cycle.lost_limits)
        run = self.make_run(self.cycle, date(2026, 2, 1))
        self.assertIn("Hotels", run.lost_limits)
        self.assertEqual(run._identified_partner_ids(), [])
        other = self.make_cycle(self.scheme, name="Without limits")
        run.cycle_id = other
        self.assertIsNone(run._limit_ids("partner_category_ids"))
        self.assertEqual(len(run._identified_partner_ids()), 2)
        run.cycle_id = self.cycle
        self.assertEqual(run._identified_partner_ids(), [])

    def test_a_cycle_without_any_of_its_months_left_never_runs(self):
        month = self.env["billing.criterion"].create(
            {"kind": "month", "code": "13", "name": "Season"}
        )
        self.cycle.month_ids = month
        month.unlink()
        self.assertFalse(self.cycle.next_run_date)
        self.assertIn("Season", self.cycle.lost_limits)
        self.cycle._cron_create_due_runs()
        self.assertFalse(self.cycle.run_ids)

    def test_the_form_counts_by_lost_limits_until_they_are_taken_away(self):
        gone = self.env["res.partner.category"].create({"name": "Gone"})
        self.cycle.partner_category_ids = gone
        gone.unlink()
        with Form(self.env["billing.run"].with_context(default_cycle_id=self.cycle.id)) as form:
            form.cutoff_date = form.invoice_date = form.transaction_date = date(2026, 1, 1)
            self.assertEqual(form.selected_customer_count, 0)
            self.assertIn("Gone", form.lost_limits)
        run = form.record
        self.assertEqual(run.selected_customer_count, 0)
        with Form(run) as form:
            form.partner_ids.add(self.inside)
            self.assertEqual(form.selected_customer_count, 0)
            form.partner_category_ids.add(self.tag)
            self.assertEqual(form.selected_customer_count, 1)
        self.assertEqual(run.selected_customer_count, 1)

    def test_what_is_lost_is_named_before_the_request_and_after(self):
        passing = self.make_customer("Passing by")
        run = self.make_run(self.cycle, partner_ids=[Command.set((passing | self.inside).ids)])
        passing.unlink()
        self.settle()
        step = next(s for s in run._next_steps()["steps"] if s["code"] == "dates")
        self.assertEqual(step["state"], "done")
        step = run._step("customers")
        self.assertEqual(step["state"], "attention")
        self.assertIn("Passing by", step["sentence"])
        self.confirm_steps(run, self.manager)
        run.with_user(self.manager).action_request("posting")
        self.run_inline(run)
        self.assertEqual(self.billed(run), self.inside)
        self.assertIn("Passing by", run.lost_limits)
        self.assertIn("lost limits", str(run.message_ids.mapped("body")))

    def test_a_record_that_is_lost_after_the_request_still_limits(self):
        order = self.make_service(self.inside, self.tariff, start=None)
        run = self.make_run(self.cycle, service_ids=[Command.set(order.ids)])
        self.confirm_steps(run, self.manager)
        run.with_user(self.manager).action_request("posting")
        order.unlink()
        self.settle()
        self.run_inline(run)
        self.assertFalse(self.billed(run))
        with self.assertRaisesRegex(UserError, "cannot be changed any more"):
            run.action_forget_lost_limits()

    def test_successors_keep_limits_that_were_lost(self):
        run = self.make_run(
            self.cycle, partner_category_ids=[Command.set(self.tag.ids)], is_recurring=True
        )
        self.tag.unlink()
        self.settle()
        run._execute("posting")
        run.action_close()
        self.assertEqual(run.successor_id._limit_ids("partner_category_ids"), [self.tag.id])
        self.assertEqual(run.successor_id._identified_partner_ids(), [])

    def test_a_run_follows_the_customer_it_was_made_for_when_customers_are_merged(self):
        kept = self.make_customer("Takes over")
        wizard = self.env["billing.run.individual"].create(
            {
                "partner_id": self.inside.id,
                "cycle_id": self.cycle.id,
                "cutoff_date": date(2026, 1, 1),
            }
        )
        run = self.env["billing.run"].browse(wizard.action_create()["res_id"])
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        merge._merge((kept | self.inside).ids, kept)
        run._execute("posting")
        self.assertEqual(self.billed(run), kept)

    def test_an_undo_for_an_archived_customer_takes_back_nobody_elses_bills(self):
        run = self.make_run(self.cycle)
        run._execute("posting")
        undo = self.env["billing.run.undo"].create(
            {"run_id": run.id, "reason": "Left us", "partner_ids": [Command.set(self.inside.ids)]}
        )
        self.inside.active = False
        self.settle()
        self.assertEqual(undo.posted_count, 1)
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.settle()
        self.assertEqual(self.bill_of(run, self.inside).state, "undone")
        self.assertEqual(self.bill_of(run, self.outside).state, "posted")

    def test_terms_that_are_archived_go_on_being_billed(self):
        terms = self.make_scheme("Retired terms")
        retired = self.make_customer("On retired terms")
        self.make_service(retired, self.make_tariff(terms, 12.0))
        cycle = self.make_cycle(self.scheme | terms, name="Both")
        terms.active = False
        self.settle()
        run = self.make_run(cycle)
        self.assertIn(terms, run.term_scheme_ids)
        self.assertIn(retired.id, run._identified_partner_ids())
        unused = self.make_scheme("Unused", active=False)
        run.action_add_all_schemes()
        self.assertEqual(run.term_scheme_ids, self.scheme | terms)
        self.assertNotIn(unused, run.term_scheme_ids)
        self.assertIn(retired.id, run._identified_partner_ids())

    def test_terms_that_cycles_name_keep_their_classification(self):
        terms = self.make_scheme("Named by a cycle")
        self.make_cycle(terms, name="Names them")
        with self.assertRaisesRegex(UserError, "Names them"):
            terms.classification = "prepaid"

    # === WHOSE CHARGES === #

    def test_charges_belong_to_who_was_served_not_to_who_has_the_service_now(self):
        self.service._rate(date(2026, 1, 1))
        charge = self.env["billing.charge"].search([("service_id", "=", self.service.id)])
        self.settle()
        self.env.cr.execute(
            "UPDATE billing_service SET partner_id = %s WHERE id = %s",
            (self.outside.id, self.service.id),
        )
        self.env.invalidate_all()
        self.assertEqual(charge.partner_id, self.inside)
        new_owner = self.make_run(self.cycle, partner_ids=[Command.set(self.outside.ids)])
        self.assertNotIn(charge, self.env["billing.charge"].search(new_owner._open_charge_domain()))
        self.assertEqual(new_owner._identified_partner_ids(), self.outside.ids)
        old_owner = self.make_run(self.cycle, partner_ids=[Command.set(self.inside.ids)])
        self.assertEqual(old_owner._identified_partner_ids(), self.inside.ids)
        self.assertEqual(old_owner.selected_customer_count, 1)
        self.assertEqual(old_owner.selected_service_count, 0)
        action = old_owner.action_view_customers("email")
        found = self.env["res.partner"].search(action["domain"])
        self.assertEqual(found, self.inside)
        new_owner._execute("posting")
        self.assertEqual(self.billed(new_owner), self.outside)
        self.assertFalse(charge.bill_id)
        old_owner._execute("posting")
        self.assertEqual(charge.bill_id.partner_id, self.inside)
        self.assertEqual(charge.state, "invoiced")

    def test_a_run_for_one_service_takes_its_charges_whoever_was_served(self):
        self.service._rate(date(2026, 1, 1))
        self.settle()
        self.env.cr.execute(
            "UPDATE billing_service SET partner_id = %s WHERE id = %s",
            (self.outside.id, self.service.id),
        )
        self.env.invalidate_all()
        run = self.make_run(self.cycle, service_ids=[Command.set(self.service.ids)])
        self.assertEqual(set(run._identified_partner_ids()), {self.inside.id, self.outside.id})

    # === SECOND COMPANY === #

    def test_limits_of_another_companys_cycle_are_lost_and_kept_apart(self):
        self.tag.unlink()
        first, env = self.make_run(self.cycle), self.env
        self.company = self.make_company("Second Provider")
        type(self).env = env(context={**env.context, "allowed_company_ids": self.company.ids})
        try:
            scheme = self.make_scheme("Terms of the second")
            tag = self.env["res.partner.category"].create({"name": "Second's own"})
            cycle = self.make_cycle(
                scheme, name="Second", partner_category_ids=[Command.set(tag.ids)]
            )
            tag.unlink()
            run = self.make_run(cycle)
            self.assertIn("Second's own", run.lost_limits)
            self.assertEqual(run._identified_partner_ids(), [])
        finally:
            type(self).env = env
        self.assertFalse(first.lost_limits)
        self.assertEqual(len(first._identified_partner_ids()), 2)


@tagged("post_install", "-at_install")
class TestLimitedDelivery(DeliveryCase):
    def test_an_excluded_customer_stays_excluded(self):
        first, second = self.make_customer("First"), self.make_customer("Second")
        run = self.make_run(self.cycle)
        wizard = self.env["billing.delivery.send"].create(
            {"run_id": run.id, "excluded_partner_ids": [Command.set((first | second).ids)]}
        )
        first.active = False
        self.env.flush_all()
        self.env.invalidate_all()
        domain = wizard._document_domain()
        for customer in first | second:
            self.assertFalse(self.document(customer).filtered_domain(domain))
        self.assertTrue(self.document(self.make_customer("Third")).filtered_domain(domain))

    def document(self, customer):
        return self.env["account.move"].create(
            {"partner_id": customer.id, "move_type": "out_invoice"}
        )
