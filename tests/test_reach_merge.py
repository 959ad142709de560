"""Merging customers who were sent to accounting, or whose prices change: nothing is sent or forgotten."""

from odoo.exceptions import UserError
from odoo.tests import tagged

from .accounting_common import AccountingCase
from .price_common import PriceCase


def merge(kept, *gone):
    partners = kept.concat(*gone)
    wizard = kept.env["base.partner.merge.automatic.wizard"].create({})
    wizard._merge(partners.ids, kept, extra_checks=False)
    kept.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestMergedExports(AccountingCase):
    def setUp(self):
        super().setUp()
        self.other = self.make_customer("Other Ltd", email="other@x.example")
        self.connection = self.make_connection("xero")

    def item(self, partner, state="sent", kind="customer", **values):
        item = (
            self.env["accounting.export.item"]
            ._own()
            .create(
                {
                    "connection_id": self.connection.id,
                    "kind": kind,
                    "partner_id": partner.id,
                    "reference": f"r{partner.id}{kind}",
                    **values,
                }
            )
        )
        if state == "sent":
            item._set_state("sent", {"other_id": f"id-{item.id}", "other_name": partner.name})
        elif state in ("sending", "unknown"):
            item._set_state("sending")
        return item.with_env(self.env)

    def both_sent(self):
        invoice = self.make_invoice(partner=self.other)
        sent = self.item(self.other, kind="invoice", move_id=invoice.id)
        return self.item(self.customer), self.item(self.other), sent

    def test_what_was_sent_of_the_customer_who_goes_stays_known(self):
        kept, gone, invoice = self.both_sent()
        merge(self.customer, self.other)
        self.assertEqual(self.items(), invoice | kept)
        self.assertEqual((invoice | kept).partner_id, self.customer)
        self.assertFalse(gone.exists())
        self.connection._collect_documents()
        self.assertEqual(self.items("invoice"), invoice, "it is not put on the list again")

    def test_the_other_side_having_two_is_said_on_the_customer(self):
        self.both_sent()
        merge(self.customer, self.other)
        note = self.customer.message_ids.filtered(lambda m: "twice" in (m.body or ""))
        self.assertIn("Other Ltd", note.body)

    def test_of_two_the_one_who_is_there_stays(self):
        waiting, sent = self.item(self.customer, state="waiting"), self.item(self.other)
        merge(self.customer, self.other)
        self.assertEqual(self.items(), sent)
        self.assertFalse(waiting.exists())
        self.assertEqual(sent.partner_id, self.customer)

    def test_a_customer_who_is_being_sent_is_not_merged(self):
        self.item(self.customer), self.item(self.other, state="sending")
        with self.assertRaisesRegex(UserError, "cannot be merged"):
            merge(self.customer, self.other)
        self.assertEqual(len(self.items()), 2)

    def test_what_was_sent_is_not_deleted_otherwise(self):
        with self.assertRaisesRegex(UserError, "not deleted"):
            self.item(self.customer).sudo().unlink()


@tagged("post_install", "-at_install")
class TestMergedPriceChanges(PriceCase):
    def setUp(self):
        super().setUp()
        self.other = self.make_customer("Other", email="other@x.example")
        for partner in (self.customer, self.other):
            self.make_service(partner, self.tariff)

    def test_sums_are_made_anew_and_the_least_told_is_told_of_all(self):
        change = self.scheduled(with_notice=True)
        rows = change.customer_ids
        total = sum(rows.mapped("difference_monthly"))
        theirs = rows.filtered(lambda row: row.partner_id == self.other)
        theirs.sudo()._set_state("sent")
        merge(self.customer, self.other)
        [row] = change.customer_ids
        self.assertEqual((row.partner_id, row.state), (self.customer, "waiting"))
        self.assertEqual(row.service_count, 2)
        self.assertAlmostEqual(row.difference_monthly, total)

    def test_other_changes_keep_how_their_customer_was_told(self):
        both = self.scheduled(with_notice=True)
        tariff = self.make_tariff(self.scheme, 20.0, name="Mail")
        self.make_service(self.other, tariff)
        alone = self.scheduled(name="Mail", tariff_ids=tariff, with_notice=True)
        alone.customer_ids.sudo()._set_state("sent")
        merge(self.customer, self.other)
        [row] = alone.customer_ids
        self.assertEqual((row.partner_id, row.state), (self.customer, "sent"))
        self.assertEqual(len(both.customer_ids), 1)
