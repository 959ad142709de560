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
#: of so many documents of a shape the columns that Odoo itself has to compute may be found out
ATTEMPTS = 2
#: addons whose columns the writer fills
KNOWN = frozenset(
    ("account", "analytic", "base", "mail", "portal", "product", "billing_operations")
)


def computed_by_others(registry) -> dict:
    """Return ``{model: names}`` of the stored fields of documents that other addons have Odoo compute.

    They are computed for whatever is written: one that is empty on the document that proves a shape may
    have a value on the next.
    """
    names = {
        model: {
            name
            for name, field in registry[model]._fields.items()
            if field.store and field.compute and KNOWN.isdisjoint(field._modules)
        }
        for model in ("account.move", "account.move.line")
    }
    return {model: found for model, found in names.items() if found}


class Proof:
    """What is known of one shape."""

    def __init__(self):
        #: the short text of the shape, once it is proven
        self.code = None
        #: None before it was tried, then whether the writer's rows equal Odoo's
        self.equal = None
        #: ``{model: names of stored fields}`` that Odoo computes for what is written
        self.computed = {}
        self.attempts = 0
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
            not (self.alone or other.alone)
            and self.equal is other.equal is None
            and (self.attempts, self.computed) == (other.attempts, other.computed)
        )

    def compute(self, names: dict):
        """Have Odoo compute more fields of what is written."""
        self.computed = {
            model: self.computed.get(model, set()) | names.get(model, set())
            for model in self.computed.keys() | names.keys()
        }

    def leave(self, names: dict):
        """Do not have Odoo compute some fields of what is written."""
        left = {model: known - names.get(model, set()) for model, known in self.computed.items()}
        self.computed = {model: known for model, known in left.items() if known}


class Proofs(dict):
    """``{shape: Proof}`` of one run. A change of the code or of the installed addons makes a new
    registry, and with it everything has to be proven anew."""

    _lock = threading.Lock()
    #: why Odoo makes every document of the run, as it was noted
    left_to_odoo = None

    def __init__(self, computed=None, others=None):
        """
        :param dict computed: ``{country: {model: names}}`` of what was found out in earlier runs
        :param dict others: ``{model: names}`` of what is taken to be computed where nothing was
        """
        super().__init__()
        self._computed = {} if computed is None else computed
        self._others = others or {}

    @classmethod
    def of(cls, registry, run) -> "Proofs":
        """:param run: what tells runs apart"""
        with cls._lock:
            runs = vars(registry).setdefault("_billing_proofs", OrderedDict())
            if run not in runs:
                known = vars(registry).setdefault("_billing_computed", {})
                runs[run] = cls(known, computed_by_others(registry))
            runs.move_to_end(run)
            while len(runs) > RUNS:
                runs.popitem(last=False)
            return runs[run]

    def __missing__(self, shape):
        proof = self[shape] = Proof()
        return proof

    def guess(self, country) -> dict:
        """Return the fields that Odoo had to compute for other documents of a country, all of other
        addons at first. What is made with them is proven like everything else."""
        return self._computed.get(country, self._others)

    def note(self, country, computed: dict):
        """Keep in mind which fields Odoo has to compute for documents of a country."""
        self._computed[country] = computed

    def way(self, shape, *, again: bool = False) -> str:
        """Return how the next document of a shape is made, see :meth:`Proof.way`; Odoo makes what has
        none."""
        return "odoo" if shape is None else self[shape].way(again=again)

    @staticmethod
    def draw(count: int) -> list[bool]:
        """Return which of so many documents prove their shapes again, by chance."""
        return [random.random() * AGAIN < 1 for _number in range(count)]
