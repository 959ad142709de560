"""What this process has found out about the shapes of a run's documents."""

import random
import threading
from collections import OrderedDict

#: of so many documents that are written by sets, one chosen at random is proven again
AGAIN = 20000
#: so many runs are kept in mind
RUNS = 8
#: so many neighbours may be proven together: Odoo makes several in little more time than one
TOGETHER = 4


class Proof:
    """What is known of one shape."""

    def __init__(self):
        #: the short text of the shape, once it is proven
        self.code = None
        #: None before it was tried, then whether the writer's rows equal Odoo's
        self.equal = None
        #: whether it is not proven together with others: something was written besides, and nobody
        #: could tell for which of them
        self.alone = False
        #: of payments: the first one of the shape, and in what others that were proven differed from it
        self.pattern = None
        self.varied = set()

    def way(self, *, again: bool = False) -> str:
        """Return how the next document of the shape is made: ``sets``, ``odoo``, or ``both`` to prove
        that they are the same.

        :param again: whether this one is to prove a proven shape again
        """
        if self.equal:
            return "both" if again else "sets"
        return "both" if self.equal is None else "odoo"

    def goes_with(self, other: "Proof") -> bool:
        """Return whether documents of both shapes are proven together."""
        return self is other or (
            not (self.alone or other.alone) and self.equal is other.equal is None
        )


class Proofs(dict):
    """``{shape: Proof}`` of one run. A change of the code or of the installed addons makes a new
    registry, and with it everything has to be proven anew."""

    _lock = threading.Lock()
    #: why Odoo makes every document of the run, as it was noted
    left_to_odoo = None

    @classmethod
    def of(cls, registry, run) -> "Proofs":
        """:param run: what tells runs apart"""
        with cls._lock:
            runs = vars(registry).setdefault("_billing_proofs", OrderedDict())
            if run not in runs:
                runs[run] = cls()
            runs.move_to_end(run)
            while len(runs) > RUNS:
                runs.popitem(last=False)
            return runs[run]

    def __missing__(self, shape):
        proof = self[shape] = Proof()
        return proof

    def way(self, shape, *, again: bool = False) -> str:
        """Return how the next document of a shape is made, see :meth:`Proof.way`; Odoo makes what has
        none."""
        return "odoo" if shape is None else self[shape].way(again=again)

    @staticmethod
    def draw(count: int) -> list[bool]:
        """Return which of so many documents prove their shapes again, by chance."""
        return [random.random() * AGAIN < 1 for _number in range(count)]
