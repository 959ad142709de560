"""What lives are played on: billing terms, tariffs, and a cycle limited to tagged customers."""

from collections import Counter
from unittest.mock import patch

from odoo.fields import Command

from .life import DAY0, TERMS, plans
from .life_steps import Life
from .naive_ledger import BASE, DISK
from .report_common import ReportCase


class LifeCase(ReportCase):
    at_once = False  # without the queue, and without a second last run in vain

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What the chatter says is looked at elsewhere, and costs a fifth of a life.
        silent = {"mail_create_nolog": True, "mail_create_nosubscribe": True, "mail_notrack": True}
        cls.env = cls.env(context={**cls.env.context, **silent})
        no_message = patch.object(
            type(cls.env["mail.thread"]), "message_post", lambda thread, **_values: None
        )
        cls.startClassPatcher(no_message)
        untaxed = cls.env["account.tax"]
        cls.items = {
            BASE: cls.make_product("Hosting, untaxed", untaxed),
            DISK: cls.make_product("Disk", untaxed),
        }
        cls.outcomes = Counter()
        cls.tariffs, cls.addons = {}, {}
        schemes = cls.env["billing.term.scheme"]
        for terms in TERMS:
            timing, number, unit = terms
            scheme = cls.make_scheme(
                f"{timing} {number} {unit}",
                timing=timing,
                interval_number=number,
                interval_unit=unit,
                alignment="anniversary",
            )
            schemes |= scheme
            for plan in plans(*terms):
                tariff = cls.make_tariff(
                    scheme,
                    plan.price / 100,
                    name=f"{scheme.name} {plan.name}",
                    product_id=cls.items[BASE].id,
                    setup_price=plan.setup / 100,
                )
                cls.tariffs[terms, plan.name] = tariff
                cls.addons[tariff] = cls.env["billing.tariff.addon"].create(
                    {
                        "tariff_id": tariff.id,
                        "product_id": cls.items[DISK].id,
                        "price": plan.disk_price / 100,
                        "included": plan.disks_included,
                    }
                )
        cls.tag = cls.env["res.partner.category"].create({"name": "Billed here"})
        cls.life_cycle = cls.make_cycle(
            schemes, name="Lives", partner_category_ids=[Command.set(cls.tag.ids)]
        )
        # Nobody whom the cycle may bill, whatever happens to the tag.
        cls.bystander = cls.make_customer("Bystander")
        cls.make_service(cls.bystander, cls.tariffs[TERMS[0], "A"], DAY0)

    def live(self, terms, steps):
        """Play a life, compare at every step, and take everything back."""
        self._play(Life(self, terms), steps)

    def live_known(self, terms, steps, right):
        """Play a life of which a person knows what the customers owe in the end, in cents.

        What the naive ledger says is compared with that first, then the product with both.
        """
        life = Life(self, terms, patient=True)
        self._play(life, steps)
        for owner, cents in enumerate(right):
            cents = cents if isinstance(cents, tuple) else (cents,)
            self.assertIn(life.ledger.balance(owner), cents, f"the naive ledger for {owner}")
        if life.problems:
            self.fail("\n".join(life.problems))

    def _play(self, life, steps):
        try:
            with self.env.cr.savepoint():
                life.begin()
                for one in steps:
                    life.play(one)
                life.finish()
                raise Back
        except Back:
            pass
        finally:
            self.outcomes.update(life.outcomes)
            self.env.invalidate_all()


class Back(Exception):
    """Takes a life back."""
