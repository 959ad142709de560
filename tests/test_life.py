"""The life of services, documents and payments, in any order: what customers owe is right.

A life is a handful of steps (activate, change, suspend, resume, end, bill, credit or cancel by hand,
undo, waive, archive, merge …) on a few services. Each is carried out on the product and on the naive
ledger, which counts day by day; after every step both hold the same for every customer, or the
product has refused what it had a reason to refuse.

50 lives are played with all other tests; more on demand, on both databases, for example
``BILLING_EXAMPLES=5000 tools/dev test tests/test_life.py tests/test_periods.py``.
``BILLING_STEPS=bill,change`` keeps to some kinds of steps; ``BILLING_FIRST=200`` plays other lives.
"""

import os
import random
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from .life import CUSTOMERS, LAST_DAY, TERMS, Step
from .life_common import LifeCase
from .life_histories import HISTORIES
from .life_histories_forgiven import FORGIVEN

# A life is drawn from a seed: hypothesis repeats what it has drawn with small changes, which is
# the same life again more often than not. What fails is shortened by the test itself.
# In one transaction each life is slower than the one before: 50 of them share one.
TOGETHER = 50
EXAMPLES = int(os.environ.get("BILLING_EXAMPLES", TOGETHER))
FIRST = int(os.environ.get("BILLING_FIRST", 0))  # the number of the first part
SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=min(EXAMPLES, TOGETHER),
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

FEW = range(3)
MANY = range(12)
# kind: (how often, its values)
KINDS = {
    "activate": (1, {"owner": (0, 0, 1), "plan": (0, 1), "quantity": (1, 2), "disks": (0, 0, 3)}),
    "bill": (6, {}),
    "rate": (2, {"service": FEW}),
    "change": (6, {"service": FEW}),
    "suspend": (4, {"service": FEW}),
    "resume": (5, {"service": FEW}),
    "end": (4, {"service": FEW}),
    "agree_end": (1, {"service": FEW}),
    "undo": (5, {"run": MANY, "outcome": ("reopen", "void", "drop")}),
    "credit": (4, {"document": MANY}),
    "cancel": (4, {"document": MANY}),
    "restore": (5, {"document": MANY}),
    "credit_partly": (4, {"document": MANY, "percent": (20, 50, 90)}),
    "replace": (3, {"document": MANY, "percent": (50, 80, 150)}),
    "waive": (4, {"charge": range(48)}),
    "adjust": (3, {"service": FEW, "cents": (-1500, -300, 200)}),
    "archive": (3, {"what": ("customer", "tag", "tariff", "addon", "scheme"), "number": FEW}),
    "merge": (3, {"gone": FEW, "stays": FEW}),
}
NEW_TERMS = {
    "quantity": (1, 2, 3),
    "price": (0, 6900, 9300, 30900),
    "discount": (0, 50),
    "plan": (0, 1),
    "disks": range(5),
    "owner": range(CUSTOMERS),
}
# Steps that come to nothing before another one was made.
AFTER = {
    "resume": "suspend",
    "undo": "bill",
    "credit": "bill",
    "cancel": "bill",
    "restore": "cancel",
    "credit_partly": "bill",
    "replace": "bill",
}
# By how many days a step is dated before or after the day on which it is done.
ASIDE = {"activate": (0,), "bill": (0, 0, 1, 5, 10), "resume": (0, -1, -4, -8, -14, 3)}
WANTED = os.environ.get("BILLING_STEPS", ",".join(KINDS)).split(",")


def draw_life(seed):
    """Billing terms and steps; the days go forward, what is done on them a little to and fro."""
    draw = random.Random(seed)
    # Few kinds of steps in one life: those meet each other more often than all of them would.
    others = sorted(set(WANTED) - {"activate", "bill"})
    others = draw.sample(others, min(5, len(others)))
    wanted = {"activate", "bill", *others} | {AFTER[kind] for kind in others if kind in AFTER}
    steps = [draw_step(draw, "activate", 0)]
    day = 0
    for _step in range(draw.randint(5, 9)):
        day += draw.choice((0, 1, 3, 5, 7, 10))
        made = {step.kind for step in steps}
        kinds = [kind for kind in sorted(wanted) if AFTER.get(kind, "activate") in made]
        [kind] = draw.choices(kinds, [KINDS[kind][0] for kind in kinds])
        aside = draw.choice(ASIDE.get(kind, (0, 0, -1, -3, -5, -8, 2, 4, 6)))
        steps.append(draw_step(draw, kind, min(max(day + aside, 0), LAST_DAY)))
    return draw.randrange(len(TERMS)), steps


def draw_step(draw, kind, day):
    values = {name: draw.choice(choices) for name, choices in KINDS[kind][1].items()}
    if kind == "change":
        name = draw.choice(list(NEW_TERMS))
        values[name] = draw.choice(NEW_TERMS[name])
    return Step(kind, day, values)


class AnyLife(LifeCase):
    PART = FIRST  # each part plays other lives
    played = Counter()  # in all parts: lives, and what became of which step

    def play_lives(self):
        self.outcomes.clear()
        self.any_life()
        self.played.update(self.outcomes, lives=SETTINGS.max_examples)
        if self.played["lives"] >= 500:
            missing = {kind for kind in WANTED if not self.played[kind, "done"]}
            self.assertFalse(missing, "steps that were never carried out")

    @SETTINGS
    @given(st.integers(0, 2**63))
    def any_life(self, seed):
        terms, steps = draw_life(f"{self.PART}/{seed}" if self.PART else seed)
        problem = self.problem(terms, steps)
        if problem:
            steps, problem = self.shortened(terms, steps, problem)
            lines = "".join(f"    {one},\n" for one in steps)
            self.fail(f"{problem}\nBilling terms {terms}, steps [\n{lines}]")

    def problem(self, terms, steps):
        """What goes wrong in a life, or None."""
        try:
            self.live(terms, steps)
        except Exception as error:  # whatever it is: it is shown once the life is shortened
            return f"{type(error).__name__}: {error}"
        return None

    def shortened(self, terms, steps, problem):
        """The same life without the steps that its problem does not need."""
        for number in reversed(range(1, len(steps))):
            fewer = steps[:number] + steps[number + 1 :]
            found = self.problem(terms, fewer)
            if found:
                steps, problem = fewer, found
        return steps, problem


@tagged("post_install", "-at_install")
class TestLife(AnyLife):
    def test_what_customers_owe_is_right_after_any_steps_in_any_order(self):
        self.play_lives()


def known(name, terms, steps, right):
    """Give TestLife a test that plays one life whose outcome a person has worked out."""

    def test(self):
        self.live_known(terms, steps, right)

    test.__name__ = f"test_{name}"
    setattr(TestLife, test.__name__, test)


for history in HISTORIES + FORGIVEN:
    known(*history)


def part(number):
    """More lives, in a test class of their own, which is a transaction of its own."""

    def test_any_order(self):
        self.play_lives()

    values = {
        "PART": number,
        "at_once": True,
        "__module__": __name__,
        "test_any_order": test_any_order,
    }
    tag = tagged("post_install", "-at_install")
    globals()[f"TestLife{number}"] = tag(type(f"TestLife{number}", (AnyLife,), values))


for number in range(FIRST + 1, FIRST - (-EXAMPLES // TOGETHER)):
    part(number)
