"""Paid and granted money, without a database."""

import random
from datetime import date
from decimal import Decimal

from odoo.tests import BaseCase, tagged

from ..wallets.pockets import Movement, Pockets, lots_left, move

D = Decimal
MAY, JUNE = date(2026, 5, 31), date(2026, 6, 30)


def grant(number, amount, expiry=None):
    return Movement(number, "grant", D(amount), expiry, None, None)


def spend(number, amount):
    return Movement(number, "debit", -D(amount), None, None, None)


@tagged("post_install", "-at_install")
class TestPockets(BaseCase):
    def test_granted_money_is_spent_first(self):
        self.assertEqual(move(Pockets(D(15), D(5)), "debit", D(-8)), (D(7), D(0)))
        self.assertEqual(move(Pockets(D(15), D(5)), "debit", D(-3)), (D(12), D(2)))

    def test_what_is_granted_pays_a_debt_first(self):
        self.assertEqual(move(Pockets(D(-3), D(0)), "grant", D(10)), (D(7), D(7)))
        self.assertEqual(move(Pockets(D(-30), D(0)), "grant", D(10)), (D(-20), D(0)))

    def test_paid_money_leaves_granted_money_alone(self):
        self.assertEqual(move(Pockets(D(15), D(5)), "reimburse", D(-10)), (D(5), D(5)))
        self.assertEqual(move(Pockets(D(15), D(5)), "transfer", D(-4)), (D(11), D(5)))
        self.assertEqual(move(Pockets(D(15), D(5)), "credit", D(4)), (D(19), D(5)))

    def test_a_debit_that_is_taken_back_gives_both_pockets_what_was_theirs(self):
        self.assertEqual(move(Pockets(D(7), D(0)), "void", D(8), D(5)), (D(15), D(5)))

    def test_granted_money_that_comes_back_pays_a_debt_first(self):
        self.assertEqual(move(Pockets(D(-3), D(0)), "void", D(5), D(5)), (D(2), D(2)))

    def test_there_is_never_a_debt_beside_granted_money(self):
        chance = random.Random(7)
        pockets = Pockets(D(0), D(0))
        for _step in range(5000):
            kind = chance.choice(("credit", "debit", "grant", "void", "expiry"))
            amount = D(chance.randint(1, 500)) / 100
            if kind in ("debit", "expiry"):
                amount = -amount
            elif kind == "void":
                amount *= chance.choice((1, -1))
            pockets = move(pockets, kind, amount, amount if kind in ("void", "expiry") else D(0))
            self.assertGreaterEqual(pockets.granted, 0)
            self.assertLessEqual(pockets.granted, max(pockets.balance, D(0)))

    def test_what_expires_soonest_is_spent_first(self):
        left = lots_left([grant(1, 10), grant(2, 10, JUNE), grant(3, 10, MAY), spend(4, 12)])
        self.assertEqual(left, {1: (D(10), None), 2: (D(8), JUNE), 3: (D(0), MAY)})

    def test_a_grant_that_comes_later_does_not_change_what_was_spent_before(self):
        left = lots_left([grant(1, 10, JUNE), spend(2, 5), grant(3, 10, MAY), spend(4, 5)])
        self.assertEqual(left, {1: (D(5), JUNE), 3: (D(5), MAY)})

    def test_what_is_taken_back_returns_to_the_grants_it_came_from(self):
        spent = [grant(1, 10, JUNE), grant(2, 10, MAY), spend(3, 15)]
        back = Movement(4, "void", D(15), None, 3, 3)
        self.assertEqual(lots_left([*spent, back]), {1: (D(10), JUNE), 2: (D(10), MAY)})

    def test_an_expiry_takes_from_its_own_grant(self):
        over = Movement(3, "expiry", D(-10), None, 1, None)
        left = lots_left([grant(1, 10, JUNE), grant(2, 10, MAY), over])
        self.assertEqual(left, {1: (D(0), JUNE), 2: (D(10), MAY)})
