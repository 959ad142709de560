"""Jobs: work delivered once, charged once."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestJob(ServiceCase):
    def job(self, *lines, **values):
        lines = lines or ({"quantity": 1.5, "price_unit": 80.0},)
        return self.env["billing.job"].create(
            {
                "partner_id": self.customer.id,
                "date": date(2026, 2, 3),
                "line_ids": [
                    Command.create({"product_id": self.product.id, **line}) for line in lines
                ],
                **values,
            }
        )

    def test_each_line_of_a_done_job_becomes_a_charge(self):
        job = self.job(
            {"quantity": 1.5, "price_unit": 80.0, "name": "Installation"},
            {"quantity": 3, "price_unit": 0.335, "discount": 10},
        )
        job.action_done()
        charges = job._rate()
        self.assertEqual(job.state, "billed")
        self.assertRecordValues(
            charges,
            [
                {
                    "kind": "job",
                    "name": "Installation",
                    "partner_id": self.customer.id,
                    "amount": 120.0,
                    "source_key": f"job:{job.id}:{job.line_ids[0].id}",
                    "period_start": date(2026, 2, 3),
                    "period_end": date(2026, 2, 4),
                },
                {
                    "kind": "job",
                    "name": "Hosting",
                    "partner_id": self.customer.id,
                    "amount": 0.92,  # 0.335 is kept as 0.34: 3 × 0.34 × 0.9 = 0.918
                    "source_key": f"job:{job.id}:{job.line_ids[1].id}",
                    "period_start": date(2026, 2, 3),
                    "period_end": date(2026, 2, 4),
                },
            ],
        )
        self.assertAlmostEqual(job.amount, 120.92)

    def test_a_line_shows_the_amount_that_it_is_charged(self):
        quantities = (0.05, 0.35, 1.15, 2.5, 7.45)
        job = self.job(
            *(
                {"quantity": quantity, "price_unit": price, "discount": 12.5}
                for quantity in quantities
                for price in (0.1, 0.3, 1.01, 19.99)
            )
        )
        shown = job.line_ids.mapped("amount")
        job.action_done()
        self.assertEqual(job._rate().mapped("amount"), shown)

    def test_drafts_and_billed_jobs_are_not_charged(self):
        job = self.job()
        self.assertFalse(job._rate())
        job.action_done()
        self.assertEqual(len(job._rate()), 1)
        self.assertFalse(job._rate())

    def test_a_job_without_lines_is_not_set_done(self):
        job = self.env["billing.job"].create({"partner_id": self.customer.id})
        with self.assertRaisesRegex(UserError, "nothing to bill"):
            job.action_done()

    def test_only_drafts_are_edited(self):
        job = self.job()
        job.action_done()
        for record, values in ((job, {"date": "2026-03-01"}), (job.line_ids, {"quantity": 2})):
            with self.assertRaisesRegex(UserError, "no longer a draft"):
                record.write(values)
        for record in (job, job.line_ids):
            with self.assertRaisesRegex(UserError, "no longer a draft"):
                record.unlink()
        with self.assertRaisesRegex(UserError, "with its buttons"):
            job.state = "draft"
        job.action_draft()
        job.line_ids.quantity = 2

    def test_a_billed_job_is_not_set_back(self):
        job = self.job()
        job.action_done()
        job._rate()
        with self.assertRaisesRegex(UserError, "cannot become draft"):
            job.action_draft()

    def test_a_voided_charge_makes_its_job_due_again(self):
        job = self.job()
        job.action_done()
        job._rate()._void()
        self.assertEqual(job.state, "done")
        self.assertEqual(len(job._rate()), 1)

    def test_lines_start_with_the_products_text_and_price_in_the_jobs_currency(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "company_id": self.company.id, "name": "2026-01-01", "rate": 2}
        )
        self.product.list_price = 50.0
        job = self.job({}, currency_id=euro.id)
        self.assertEqual((job.line_ids.name, job.line_ids.price_unit), ("Hosting", 100.0))
