"""The division of the tests into two lanes, and how what they tell comes together."""

import itertools
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from ..tools.devlib import lanes

FILE = "billing_operations/tests/test_x.py"


def id_of(number, cls="TestX"):
    return f"{FILE}::{cls}::test_{number}"


def group(key, tests=1, needs=None):
    return lanes.Group(key, tests, needs)


class TestWanted(unittest.TestCase):
    """Whether a run has lanes."""

    def test_all_tests_and_several_files_have_lanes(self):
        for arguments in (
            [],
            ["tests/"],
            ["tests/test_a.py", "tests/test_b.py"],
            ["--junitxml=report.xml"],
        ):
            self.assertTrue(lanes.wanted(arguments), arguments)

    def test_one_file_single_tests_and_options_of_pytest_are_one_process(self):
        for arguments in (
            ["tests/test_a.py"],
            ["tests/test_a.py", "--junitxml=report.xml"],
            ["tests/test_a.py::TestA", "tests/test_b.py"],
            ["tests/test_a.py", "tests/test_b.py", "-k", "name"],
            ["-x"],
        ):
            self.assertFalse(lanes.wanted(arguments), arguments)


class TestPlan(unittest.TestCase):
    """Which class is run in which lane."""

    def test_the_tests_of_a_class_are_one_group_and_functions_go_with_their_file(self):
        tests = [(id_of(1), None), (id_of(2), None), (f"{FILE}::test_function", None)]
        groups = lanes.groups_of([*tests, (id_of(1, "TestY"), "browser")])
        self.assertEqual(
            groups,
            [group(f"{FILE}::TestX", 2), group(FILE), group(f"{FILE}::TestY", needs="browser")],
        )

    def test_one_test_that_needs_a_browser_takes_its_class_along(self):
        groups = lanes.groups_of([(id_of(1), None), (id_of(2), "browser")])
        self.assertEqual(groups, [group(f"{FILE}::TestX", 2, "browser")])

    def test_two_browsers_or_two_that_kill_servers_are_never_side_by_side(self):
        groups = [group(need + str(number), 9, need) for need in lanes.LANE_OF for number in "ab"]
        plan = lanes.plan([*groups, group("c")], {})
        for need, lane in lanes.LANE_OF.items():
            self.assertEqual({plan[g.key] for g in groups if g.needs == need}, {lane})
        self.assertEqual(set(lanes.LANE_OF.values()), {0, 1})

    def test_other_tests_fill_up_the_lane_that_has_less_to_do(self):
        groups = [group("p", 1, "processes"), group("b", 1, "browser"), group("x"), group("y")]
        plan = lanes.plan(groups, {"p": 50, "b": 20, "x": 20, "y": 15})
        self.assertEqual((plan["x"], plan["y"]), (1, 1))

    def test_measured_classes_are_balanced_by_their_seconds(self):
        seconds = {"a": 60, "b": 31, "c": 20, "d": 10, "e": 1}
        plan = lanes.plan([group(key) for key in seconds], seconds)
        load = [sum(s for key, s in seconds.items() if plan[key] == lane) for lane in (0, 1)]
        self.assertEqual(sorted(load), [61, 61])

    def test_a_new_class_takes_as_long_as_the_measured_tests_on_average(self):
        groups = [group("old", 4), group("new", 3), group("browser", 1, "browser")]
        measured = {"old": 8.0, "browser": 90.0, "gone": 50.0}
        self.assertEqual(
            lanes.expected_seconds(groups, measured), {"old": 8.0, "new": 6.0, "browser": 90.0}
        )

    def test_without_measurements_tests_are_counted(self):
        groups = [group(f"{number:02}", tests=1 + number % 7) for number in range(40)]
        plan = lanes.plan(groups, {})
        load = [sum(g.tests for g in groups if plan[g.key] == lane) for lane in (0, 1)]
        self.assertLessEqual(abs(load[0] - load[1]), 1)

    def test_the_plan_does_not_hang_on_the_order_of_the_tests(self):
        groups = [group("a", 3), group("b", 3), group("c", 2), group("d", 2)]
        plans = [lanes.plan(some, {"a": 1.5}) for some in itertools.permutations(groups)]
        self.assertTrue(all(plan == plans[0] for plan in plans))

    def test_every_class_has_a_lane(self):
        groups = [
            group(str(number), needs=None if number % 3 else "browser") for number in range(10)
        ]
        self.assertEqual(lanes.plan(groups, {}).keys(), {g.key for g in groups})


class TestTally(unittest.TestCase):
    """What came of the tests of both lanes."""

    def setUp(self):
        self.tally = lanes.Tally()

    def collect(self, first, second):
        for lane, mine in enumerate((first, second)):
            self.tally.add(lane, {"collected": [*first, *second], "mine": mine})

    def run_test(self, test, failing=None, lane=0):
        letters = ""
        for phase in ("setup", "call", "teardown"):
            event = {"test": test, "phase": phase, "seconds": 0.5}
            letters += self.tally.add(
                lane, {**event, "passed": phase != failing, "text": "E   why"}
            )
        return letters

    def test_all_is_well_when_each_test_ran_in_one_of_the_lanes(self):
        self.collect([id_of(1)], [id_of(1, "TestY")])
        self.assertEqual(self.run_test(id_of(1)), ".")
        self.assertEqual(self.run_test(id_of(1, "TestY"), lane=1), ".")
        self.assertEqual(list(self.tally.problems()), [])
        line = lanes.closing_line(self.tally.counts(), 61.5)
        self.assertRegex(line, r"^=+ 2 passed in 61\.50s \(0:01:01\) =+$")

    def test_a_test_that_no_lane_ran_is_a_problem(self):
        self.collect([id_of(1)], [id_of(2)])
        self.run_test(id_of(1))
        self.assertEqual(list(self.tally.problems()), [f"Not run: {id_of(2)}."])
        line = lanes.closing_line(self.tally.counts(more_errors=1), 2)
        self.assertRegex(line, "^=+ 1 passed, 1 error in 2.00s =+$")

    def test_a_test_that_both_lanes_ran_is_a_problem(self):
        self.collect([id_of(1)], [])
        self.run_test(id_of(1))
        self.run_test(id_of(1), lane=1)
        self.assertEqual(list(self.tally.problems()), [f"Run more than once: {id_of(1)}."])

    def test_lanes_that_see_different_tests_are_a_problem(self):
        self.tally.add(0, {"collected": [id_of(1)], "mine": [id_of(1)]})
        self.tally.add(1, {"collected": [id_of(1), id_of(2)], "mine": []})
        self.run_test(id_of(1))
        self.assertEqual(
            list(self.tally.problems()),
            ["The lanes collected different tests.", f"Not run: {id_of(2)}."],
        )

    def test_no_test_at_all_is_a_problem(self):
        self.assertEqual(list(self.tally.problems()), ["There are no tests."])
        self.collect([], [])
        self.assertEqual(list(self.tally.problems()), ["There are no tests."])

    def test_failures_and_errors_are_counted_as_pytest_does(self):
        tests = [id_of(number) for number in range(4)]
        self.collect(tests, [])
        letters = [
            self.run_test(test, failing)
            for test, failing in zip(tests, (None, "call", "teardown", "call"), strict=True)
        ]
        self.assertEqual(letters, [".", "F", ".E", "F"])
        counts = self.tally.counts()
        self.assertEqual((counts["failed"], counts["passed"], counts["errors"]), (2, 2, 1))
        self.assertIn("2 failed, 2 passed, 1 error in", lanes.closing_line(counts, 1))

    def test_the_parts_of_a_test_that_failed_are_told_together(self):
        self.collect([id_of(1)], [])
        for text in ("first", "second"):
            event = {"test": id_of(1), "phase": "subtest", "passed": False, "seconds": 0}
            self.assertEqual(self.tally.add(0, {**event, "text": text}), "u")
        self.run_test(id_of(1), failing="call")
        self.assertEqual(self.tally.failures[id_of(1), "subtest"], "first\nsecond")
        self.assertEqual(self.tally.counts()["failed"], 2)

    def test_a_file_that_could_not_be_read_is_one_error_not_one_a_test(self):
        self.collect([id_of(1)], [id_of(2)])
        for lane in (0, 1):
            self.tally.add(lane, {"refused": "tests/test_broken.py", "text": "SyntaxError"})
        self.assertEqual(list(self.tally.problems()), [])
        self.assertEqual(self.tally.counts()["errors"], 1)

    def test_only_classes_that_ran_to_their_end_are_measured(self):
        self.collect([id_of(1), id_of(2)], [id_of(1, "TestY")])
        self.run_test(id_of(1))
        self.run_test(id_of(1, "TestY"), lane=1)
        self.assertEqual(self.tally.seconds(), {f"{FILE}::TestY": 1.5})


class TestReport(unittest.TestCase):
    """Reports for other programs."""

    def test_the_reports_of_the_lanes_become_one(self):
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder, f"{number}.xml") for number in range(3)]
            for file in files[:2]:
                file.write_text(
                    f"<testsuites><testsuite tests='1'><testcase name='{file.stem}'/>"
                    "</testsuite></testsuites>",
                    encoding="utf-8",
                )
            target = Path(folder, "all.xml")
            lanes.merge_junit(files, target)
            cases = ElementTree.parse(target).getroot().iter("testcase")
            self.assertEqual([case.get("name") for case in cases], ["0", "1"])
