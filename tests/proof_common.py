"""A run whose documents are made shape by shape."""

from unittest.mock import patch

from odoo import fields
from odoo.fields import Command

from odoo.addons.billing_operations.billing_runs.writer import proofs

from .invoice_common import InvoiceBuilderCase


class ProofCase(InvoiceBuilderCase):
    """A run whose documents are made shape by shape."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("billing_operations.group_billing_manager")
        scheme = cls.env["billing.term.scheme"].create({"name": "Monthly"})
        cls.cycle = cls.env["billing.cycle"].create(
            {"name": "All", "term_scheme_ids": [Command.set(scheme.ids)]}
        )
        cls.cycle.action_activate()
        cls.run_ = cls.new_run("2026-01-31")
        cls.customers |= cls.env["res.partner"].create(
            [
                {"name": f"Customer {number}", "property_payment_term_id": cls.net_30.id}
                for number in range(4, 8)
            ]
        )
        cls.enterClassContext(patch.object(proofs, "AGAIN", float("inf")))

    def setUp(self):
        super().setUp()
        vars(self.registry).pop("_billing_proofs", None)

    @classmethod
    def new_run(cls, day):
        return cls.env["billing.run"].create(
            {"cycle_id": cls.cycle.id, "cutoff_date": fields.Date.to_date(day)}
        )

    def make(self, specs, run=None):
        """Return the documents made of specs, in their order, which were told to who asked for them."""
        told, wrong = {}, []

        def link(span, move_ids, items, *, again):
            places = range(span.start, span.stop)
            # What fails while others are waited for is tried again, and would not be seen.
            if again == told.keys().isdisjoint(places):
                wrong.append(span)
            told.update(zip(places, zip(move_ids, items, strict=True), strict=True))

        made = self.builder._create_posted(
            specs, self.builder._shaped(specs), run or self.run_, link
        )
        self.assertFalse(wrong)
        for place, spec in enumerate(specs):
            move_id, items = told[place]
            count = len(spec["lines"])
            self.assertEqual(move_id, made.move_ids[place])
            self.assertEqual(
                [item_id for item_id, _subtotal in items[:count]], made.line_ids[place][:count]
            )
        return self.env["account.move"].browse(made.move_ids)

    def written(self, moves):
        return [bool(move.billing_shape) for move in moves]

    def said(self, run=None):
        return self.env["billing.invoice.proof"].search([("run_id", "=", (run or self.run_).id)])

    def _follow(self, method, follow, country="BE"):
        """Have an addon do something for a country's customers when their documents are posted."""
        self.enterContext(self._following(method, follow, country))

    def _following(self, method, follow, country="BE"):
        model = self.env.registry["account.move"]
        theirs = getattr(model, method)

        def changed(moves, *args, **kwargs):
            result = theirs(moves, *args, **kwargs)
            for move in moves.filtered(lambda m: m.partner_id.country_id.code == country):
                follow(move)
            return result

        return patch.object(model, method, changed)

    def _mixed(self):
        self.customers[1::2].country_id = self.env.ref("base.be")
        return [self.spec(customer) for customer in self.customers]
