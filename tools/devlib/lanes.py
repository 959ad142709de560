"""Which tests run side by side, and what came of them: plain functions, without processes.

A run has two lanes, each a process with a database of its own. Both collect all tests and make the
same plan of them. What needs worker processes is run by the first lane and what needs a browser by
the other one, each at its end: two browsers, or two tests that kill servers, would be too much for
two cores, one of each is not."""

import xml.etree.ElementTree as ElementTree
from collections import Counter, namedtuple

LANES = 2
#: tests that stay together, because they share what is made once for their class
Group = namedtuple("Group", "key tests needs")
#: which lane has what tests may need for themselves
LANE_OF = {"processes": 0, "browser": 1}
JUNIT = ("--junitxml=", "--junit-xml=")


def wanted(arguments):
    """Does a run with these arguments have lanes? One of a single file, or with options of pytest
    that choose tests or change how they run, is one process."""
    files = [argument for argument in arguments if not argument.startswith(JUNIT)]
    return all(file.startswith("tests/") and "::" not in file for file in files) and not (
        len(files) == 1 and files[0].endswith(".py")
    )


def group_key(test):
    """The class of a test, by its id `file::Class::name`; the file where it has none."""
    file, *names = test.split("::")
    return "::".join([file, *names[:-1][:1]])


def groups_of(tests):
    """Groups of `[(id, what it needs)]`, in the order of their first tests."""
    counts, needs = Counter(), {}
    for test, need in tests:
        key = group_key(test)
        counts[key] += 1
        needs[key] = needs.get(key) or need
    return [Group(key, count, needs[key]) for key, count in counts.items()]


def expected_seconds(groups, measured):
    """{key: seconds}: as measured before, else as long as the measured tests take on average."""
    known = [group for group in groups if group.key in measured and not group.needs]
    tests = sum(group.tests for group in known)
    each = sum(measured[group.key] for group in known) / tests if tests else 1.0
    return {group.key: measured.get(group.key, group.tests * each) for group in groups}


def plan(groups, measured, lanes=LANES):
    """{key: lane}: what has its lane, then the longest group first, each to the lane that has least
    to do so far."""
    seconds = expected_seconds(groups, measured)
    result, load = {}, [0.0] * lanes
    for group in sorted(
        groups, key=lambda group: (not group.needs, -seconds[group.key], group.key)
    ):
        lane = LANE_OF[group.needs] if group.needs else load.index(min(load))
        load[lane] += seconds[group.key]
        result[group.key] = lane
    return result


class Tally:
    """What the lanes have told of their tests, event by event.

    Each event is a dictionary: `{"collected": ids, "mine": ids}`; `{"refused": id, "text": ...}`
    for what could not be collected; `{"start": id}`; and for each phase of a test
    `{"test": id, "phase": setup, call, teardown or subtest, "passed": ..., "seconds": ...,
    "text": why not}`."""

    def __init__(self, lanes=LANES):
        self.collected = [None] * lanes
        self.mine = [()] * lanes
        self.ended = Counter()
        self.passed = set()
        self.failures = {}  # {(id, phase): text}; of an id's subtests, one text after the other
        self.phases = {}  # {(id, phase): seconds}
        self.warnings = 0

    def add(self, lane, event):
        """Take one event of a lane; returns the letter that pytest prints for it, if any."""
        if "collected" in event:
            self.collected[lane], self.mine[lane] = event["collected"], event["mine"]
        elif "refused" in event:
            self.failures[event["refused"], "collection"] = event["text"]
        elif "warnings" in event:
            self.warnings += event["warnings"]
        elif "test" in event:
            return self._add_phase(event)
        return ""

    def _add_phase(self, event):
        test, phase = event["test"], event["phase"]
        if phase != "subtest":
            self.phases[test, phase] = event["seconds"]
        if phase == "teardown":
            self.ended[test] += 1
        if event["passed"]:
            if phase == "call":
                self.passed.add(test)
            return "." if phase == "call" else ""
        before = self.failures.get((test, phase))
        self.failures[test, phase] = "\n".join(filter(None, [before, event["text"]]))
        return {"call": "F", "subtest": "u"}.get(phase, "E")

    @property
    def total(self):
        """How many tests there are; 0 while nobody knows."""
        return max(len(tests or ()) for tests in self.collected)

    @property
    def refused(self):
        """Could something not be collected? Then no lane runs any test."""
        return any(phase == "collection" for _test, phase in self.failures)

    def problems(self):
        """Sentences about tests that no lane can tell of; none where each ran exactly once."""
        told = [tests for tests in self.collected if tests is not None]
        if any(tests != told[0] for tests in told):
            yield "The lanes collected different tests."
        if not any(told) and not self.refused:
            yield "There are no tests."
        every = dict.fromkeys(test for tests in told for test in tests)
        missing = [test for test in every if not self.ended[test]]
        if missing and not self.refused:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            yield f"Not run: {', '.join(missing[:5])}{more}."
        twice = [test for test in every if self.ended[test] > 1]
        if twice:
            yield f"Run more than once: {', '.join(twice)}."

    def counts(self, more_errors=0):
        """{word: number} as pytest counts: a failed call is a failure, anything else an error."""
        phases = Counter(phase for _test, phase in self.failures)
        failed = phases["call"] + phases["subtest"]
        errors = sum(phases.values()) - failed + more_errors
        return {
            "failed": failed,
            "passed": len(self.passed),
            "warnings": self.warnings,
            "errors": errors,
        }

    def seconds(self):
        """{key: seconds} of the groups whose tests have all been run."""
        known = next((tests for tests in self.collected if tests), ())
        missing = {group_key(test) for test in known if not self.ended[test]}
        result = Counter()
        for (test, _phase), seconds in self.phases.items():
            if group_key(test) not in missing:
                result[group_key(test)] += seconds
        return {key: round(seconds, 2) for key, seconds in sorted(result.items())}

    def slowest(self, count):
        """[(seconds, phase, id)], the longest phases first."""
        phases = ((seconds, phase, test) for (test, phase), seconds in self.phases.items())
        return sorted(phases, reverse=True)[:count]


def closing_line(counts, seconds):
    """The last line of a run, in pytest's own words."""
    singular = {"warnings": "warning", "errors": "error"}
    parts = [
        f"{number} {singular.get(word, word) if number == 1 else word}"
        for word, number in counts.items()
        if number
    ]
    minutes, rest = divmod(int(seconds), 60)
    clock = f" ({minutes // 60}:{minutes % 60:02}:{rest:02})" if minutes else ""
    return f" {', '.join(parts) or 'no tests ran'} in {seconds:.2f}s{clock} ".center(80, "=")


def merge_junit(files, target):
    """Write one JUnit report of those that the lanes have left."""
    root = ElementTree.Element("testsuites", name="pytest tests")
    for file in files:
        if file.exists():
            root.extend(ElementTree.parse(file).getroot().iter("testsuite"))
    ElementTree.ElementTree(root).write(target, encoding="utf-8", xml_declaration=True)
