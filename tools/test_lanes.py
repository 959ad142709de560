"""One lane of a test run: runs its part of the collected tests and tells tools/dev of each.

A pytest plugin that tools/dev loads. The variable BILLING_TEST_LANE says which lane this is (`lane`),
the seconds that the plan is made with (`measured`), and the pipe for what is told (`events`)."""

import json
import os

import pytest
from devlib import lanes
from test_rules import needs


def pytest_configure(config):
    config.pluginmanager.register(Lane(json.loads(os.environ.pop("BILLING_TEST_LANE"))))


class Lane:
    def __init__(self, order):
        self.number = order["lane"]
        self.measured = order["measured"]
        self.warnings = 0
        os.set_inheritable(order["events"], False)
        self.events = os.fdopen(order["events"], "w", encoding="utf-8")

    def tell(self, **event):
        print(json.dumps(event), file=self.events, flush=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        groups = lanes.groups_of([(item.nodeid, needs(item)) for item in items])
        plan = lanes.plan(groups, self.measured)
        chosen = {True: [], False: []}
        for item in items:
            chosen[plan[lanes.group_key(item.nodeid)] == self.number].append(item)
        self.tell(collected=[i.nodeid for i in items], mine=[i.nodeid for i in chosen[True]])
        items[:] = chosen[True]
        if chosen[False]:
            config.hook.pytest_deselected(items=chosen[False])

    def pytest_runtest_logstart(self, nodeid):
        self.tell(start=nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.tell(refused=report.nodeid, text=report.longreprtext)

    def pytest_runtest_logreport(self, report):
        # A part of a test (`subTest`) has a report of its own.
        part = hasattr(report, "context")
        if part and report.passed:
            return
        text = "" if report.passed else "\n".join([report.longreprtext, *_sections(report)])
        self.tell(
            test=report.nodeid,
            phase="subtest" if part else report.when,
            passed=report.passed,
            seconds=report.duration,
            text=text,
        )

    def pytest_warning_recorded(self):
        self.warnings += 1

    def pytest_sessionfinish(self):
        self.tell(warnings=self.warnings)


def _sections(report):
    for title, content in report.sections:
        yield f" {title} ".center(80, "-")
        yield content
